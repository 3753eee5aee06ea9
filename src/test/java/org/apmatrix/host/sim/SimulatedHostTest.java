package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.apmatrix.host.sim.SimulatedMachine.Adapter;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the outside does to a simulated kernel: guests, modules, boots, the operator at the HMC. */
final class SimulatedHostTest {
    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");
    private static final MdevId FIRST = MdevId.random();
    private static final MdevId SECOND = MdevId.random();

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());

    private void create(MdevId mdev, int adapter) {
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-" + adapter);
        kernel.write(MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create"), mdev.toString());
        kernel.write(attribute(mdev, "assign_adapter"), Integer.toString(adapter));
        kernel.write(attribute(mdev, "assign_domain"), "4");
    }

    private static Path attribute(MdevId mdev, String name) {
        return MATRIX.resolve(mdev.toString()).resolve(name);
    }

    private static void refuses(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        KernelException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(errno));
    }

    @Test
    void refusesASecondProcessTheGroupOfTheFirst() {
        create(FIRST, 5);
        kernel.openDevice(FIRST, 100);
        refuses(Errno.EBUSY, () -> kernel.openDevice(FIRST, 200));
        refuses(Errno.EBUSY, () -> kernel.openGroup(FIRST, 200));
    }

    @Test
    void refusesAVirtualMachineItsSecondDevice() {
        create(FIRST, 5);
        create(SECOND, 6);
        kernel.openDevice(FIRST, 100);
        refuses(Errno.EPERM, () -> kernel.openDevice(SECOND, 100));
        kernel.openDevice(SECOND, 200);
    }

    @Test
    void refusesToOpenADeviceThatIsNotThere() {
        refuses(Errno.ENOENT, () -> kernel.openDevice(FIRST, 100));
    }

    @Test
    void showsTheFilesOfAGuestAndNoneWhenItEnded() {
        create(FIRST, 5);
        kernel.openDevice(FIRST, 100);
        assertThat(kernel.procfs().openFiles(target -> true).found())
                .extracting(OpenFile::target)
                .containsExactly(
                        "/dev/kvm",
                        "anon_inode:kvm-vm",
                        "anon_inode:kvm-vfio",
                        "/dev/vfio/0",
                        "/dev/vfio/vfio",
                        "anon_inode:[vfio-device]");
        kernel.endProcess(100);
        assertThat(kernel.procfs().openFiles(target -> true).found()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void namesTheDeviceOfAFileWhereTheKernelDoes(KernelVersion version) {
        kernel.boot(version, SimulatedMachine.example());
        create(FIRST, 5);
        kernel.openDevice(FIRST, 100);
        OpenFile device = kernel.procfs()
                .openFiles("anon_inode:[vfio-device]"::equals)
                .found()
                .get(0);
        assertThat(kernel.procfs()
                        .fdInfo(device)
                        .orElseThrow()
                        .contains("vfio-device-syspath: " + MATRIX.resolve(FIRST.toString())))
                .isEqualTo(version == KernelVersion.V7_2);
    }

    @Test
    void saysThatItIsSimulated() {
        assertThat(kernel.procfs().read(Path.of("/proc/sysinfo")).orElseThrow())
                .startsWith("Manufacturer:         IBM             \nType:                 8561\n")
                .contains("Sequence Code:        0000SIMULATED000\n");
        assertThat(kernel.procfs().read(Path.of("/proc/sys/kernel/osrelease"))).contains("6.12.95-simulated\n");
        assertThat(kernel.procfs().read(Path.of("/proc/cpuinfo"))).isEmpty();
    }

    @Test
    void releasesAWriterThatWaitsWhenTheMachineIsBooted() {
        create(FIRST, 5);
        kernel.openDevice(FIRST, 100);
        CompletableFuture<Void> writer =
                CompletableFuture.runAsync(() -> kernel.write(attribute(FIRST, "remove"), "1"));
        while (kernel.exists(attribute(FIRST, "remove"))) {
            Thread.onSpinWait();
        }
        assertThat(writer).isNotDone();
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.example());
        assertThat(writer)
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableOfType(ExecutionException.class)
                .withRootCauseInstanceOf(KernelException.class)
                .withMessageContaining("ENODEV");
        assertThat(kernel.list(MATRIX)).doesNotContain(FIRST.toString());
    }

    @Test
    void keepsAModuleThatIsUsed() {
        create(FIRST, 5);
        kernel.openDevice(FIRST, 100);
        refuses(Errno.EAGAIN, () -> kernel.unloadModule(KernelModule.VFIO_AP));
        refuses(Errno.EAGAIN, () -> kernel.unloadModule(KernelModule.KVM));
        refuses(Errno.EEXIST, () -> kernel.loadModule(KernelModule.VFIO_AP));
        kernel.closeDevice(FIRST, 100);
        kernel.unloadModule(KernelModule.VFIO_AP);
        assertThat(kernel.exists(MATRIX)).isFalse();
    }

    @Test
    void seesAChangedMachineOnlyWhenItScans() {
        create(FIRST, 5);
        kernel.configure(kernel.machine().withAdapters(List.of()));
        assertThat(kernel.exists(Path.of("/sys/bus/ap/devices/card05"))).isTrue();
        kernel.write(Path.of("/sys/bus/ap/scans"), "1");
        assertThat(kernel.exists(Path.of("/sys/bus/ap/devices/card05"))).isFalse();
        assertThat(kernel.read(attribute(FIRST, "guest_matrix"))).isEqualTo(".0004\n");
    }

    @Test
    void takesOnePageOfALongerText() {
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5" + ",".repeat(4094) + "-6");
        assertThat(kernel.read(Path.of("/sys/bus/ap/apmask"))).startsWith("0xfbff");
    }

    @Test
    void endsAMatrixThatIsLargerThanAPage() {
        kernel.write(Path.of("/sys/bus/ap/apmask"), "0x0");
        kernel.write(MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create"), FIRST.toString());
        kernel.write(attribute(FIRST, "ap_config"), ApMask.ALL + "," + ApMask.ALL + "," + ApMask.ALL);
        assertThat(kernel.read(attribute(FIRST, "matrix"))).hasSize(4095).endsWith("\n01.00ff");
    }

    @Test
    void refusesAMachineThatCannotBe() {
        assertThat(Adapter.of(new AdapterId(5), "CEX9C")).isEmpty();
        assertThatThrownBy(() -> new Adapter(new AdapterId(5), "CEX3C", true, false))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SimulatedMachine.example().withMaxima(4, 255))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SimulatedMachine.example().withMaxima(255, 256))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void isQuickOnALargeMachine() {
        List<Adapter> adapters = IntStream.range(0, 60)
                .mapToObj(id -> new Adapter(new AdapterId(id), "CEX8P", true, false))
                .toList();
        ApMask domains = ApMask.upTo(84);
        kernel.boot(KernelVersion.V7_2, SimulatedMachine.of(adapters, domains, domains));
        Assertions.assertTimeout(Duration.ofSeconds(10), () -> {
            kernel.write(Path.of("/sys/bus/ap/apmask"), "0x0");
            kernel.write(MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create"), FIRST.toString());
            kernel.write(attribute(FIRST, "ap_config"), ApMask.upTo(59) + "," + domains + "," + domains);
            for (String queue : kernel.list(Path.of("/sys/bus/ap/devices"))) {
                kernel.exists(Path.of("/sys/bus/ap/devices", queue, "driver"));
            }
        });
        assertThat(kernel.read(Path.of("/sys/bus/ap/bindings"))).isEqualTo("5100/5100 (complete)\n");
    }
}
