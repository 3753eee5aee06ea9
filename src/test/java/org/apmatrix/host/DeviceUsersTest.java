package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceUsersTest {
    private static final MdevId A =
            MdevId.parse("11111111-2222-4333-8444-555555555555").orElseThrow();
    private static final DeviceUse FREE = new DeviceUse(DeviceUse.Verdict.FREE, null);
    private static final DeviceUse UNKNOWN = new DeviceUse(DeviceUse.Verdict.UNKNOWN, null);
    private static final DeviceUse SOMEBODY = new DeviceUse(DeviceUse.Verdict.IN_USE, null);
    private static final DeviceUse QEMU = new DeviceUse(DeviceUse.Verdict.IN_USE, 4711);

    @ParameterizedTest
    @EnumSource
    void nobodyHasADeviceThatNoProcessAndNoKernelNames(KernelVersion version) {
        assertThat(use(host(version), true)).isEqualTo(FREE);
    }

    /** A process of another container, whose descriptors are not in this {@code /proc}. */
    @ParameterizedTest
    @EnumSource
    void theKernelsWordIsEnough(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        kernel.openDevice(A, 4711);
        assertThat(use(kernel, true)).isEqualTo(SOMEBODY);
    }

    @ParameterizedTest
    @EnumSource
    void theGroupAloneIsUse(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        assertThat(use(kernel, true, "/dev/vfio/" + mdev(kernel).iommuGroup())).isEqualTo(QEMU);
    }

    @Test
    void theDeviceNodeIsUse() {
        SimulatedKernel kernel = host(KernelVersion.V6_12);
        assertThat(use(kernel, true, "/dev/vfio/devices/" + mdev(kernel).vfioDevice()))
                .isEqualTo(QEMU);
    }

    /** Since Linux 6.18 fdinfo names the device; the descriptor's own name says nothing. */
    @Test
    void theDescriptorsInfoNamesTheDevice() {
        SimulatedKernel kernel = host(KernelVersion.V7_2);
        assertThat(use(kernel, true, "anon_inode:[vfio-device]")).isEqualTo(QEMU);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/dev/vfio/vfio",
                "/dev/vfio/99",
                "/dev/vfio/0 (deleted)",
                "/dev/vfio/devices/vfio99",
                "/dev/null"
            })
    void whatIsNotThisDeviceIsNoUse(String target) {
        assertThat(use(host(KernelVersion.V6_12), true, target)).isEqualTo(FREE);
    }

    @ParameterizedTest
    @EnumSource
    void theDriverWithoutAnyUserIsEnoughWhereProcessesAreNotReadable(KernelVersion version) {
        assertThat(use(hostWithAnEmptyDevice(version), false)).isEqualTo(FREE);
    }

    @ParameterizedTest
    @EnumSource
    void theKernelsWordOnThisDeviceIsEnoughWhereProcessesAreNotReadable(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        useAnotherDevice(kernel);
        assertThat(use(kernel, false)).isEqualTo(FREE);
    }

    /** Recorded: the group may be closed while the device stays open, and then no node names the device. */
    @ParameterizedTest
    @EnumSource
    void aDeviceWithoutItsGroupIsNeverTakenForFree(KernelVersion version) {
        SimulatedKernel kernel = hostWithAnEmptyDevice(version);
        kernel.openDevice(A, 4711);
        kernel.closeGroup(A, 4711);
        assertThat(use(kernel, kernel.procfs()))
                .isEqualTo(
                        switch (version) {
                            case V5_10 -> SOMEBODY;
                            case V6_1, V6_12 -> UNKNOWN;
                            case V7_2 -> QEMU;
                        });
    }

    /** A virtual machine's device whose group is open as well tells nothing of other devices. */
    @ParameterizedTest
    @EnumSource
    void theDeviceOfAnOpenGroupIsThatGroups(KernelVersion version) {
        SimulatedKernel kernel = hostWithAnEmptyDevice(version);
        useAnotherDevice(kernel);
        assertThat(use(kernel, kernel.procfs())).isEqualTo(FREE);
    }

    /** Recorded with CONFIG_VFIO_DEVICE_CDEV: no group and no device of the group, only the device's own node. */
    @Test
    void theNodeThatADeviceHadIsUseAsLongAsItIsBeingRemoved() {
        SimulatedKernel kernel = host(KernelVersion.V6_12);
        Mdev mdev = mdev(kernel);
        Mdev leaving = new Mdev(mdev.id(), null, null, false, false, mdev.iommuGroup(), null);
        ApBus bus = new ApBus(kernel);
        DeviceUsers users = new DeviceUsers(
                kernel, new OneProcess(true, List.of("/dev/vfio/devices/vfio0 (deleted)")), bus, new MdevTree(kernel));
        assertThat(users.use(leaving, bus.queues(), users.holders())).isEqualTo(SOMEBODY);
    }

    /** No queue whose status could tell, and the driver has a user that may be of this device. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "V5_10")
    void withoutAnySignNobodyKnowsWhereProcessesAreNotReadable(KernelVersion version) {
        SimulatedKernel kernel = hostWithAnEmptyDevice(version);
        useAnotherDevice(kernel);
        assertThat(use(kernel, false)).isEqualTo(UNKNOWN);
    }

    private static SimulatedKernel hostWithAnEmptyDevice(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        kernel.write(MdevTree.path(A).resolve("unassign_domain"), "4\n");
        return kernel;
    }

    private static void useAnotherDevice(SimulatedKernel kernel) {
        MdevId other = MdevId.random();
        kernel.write(
                Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"),
                other.toString());
        kernel.openDevice(other, 4712);
    }

    @Test
    void whatIsSeenIsKnownThoughNotAllCanBeRead() {
        SimulatedKernel kernel = host(KernelVersion.V6_12);
        assertThat(use(kernel, false, "/dev/vfio/" + mdev(kernel).iommuGroup())).isEqualTo(QEMU);
    }

    /** The look must not change anything: on the static kernel it is a write. */
    @Test
    void lookingChangesNothing() {
        SimulatedKernel kernel = host(KernelVersion.V5_10);
        Mdev before = mdev(kernel);
        use(kernel, true);
        assertThat(mdev(kernel)).isEqualTo(before);
    }

    /** A matrix of more than 511 queues fills more than a page, and some kernels crash when they print it. */
    @Test
    void aMatrixThatIsTooLargeIsNotPrinted() {
        SimulatedKernel kernel = host(KernelVersion.V6_12);
        InterferingSysfs sysfs = new InterferingSysfs(kernel);
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-0-255\n");
        kernel.write(
                MdevTree.path(A).resolve("ap_config"),
                "0x" + "ffff0000".repeat(1) + "0".repeat(56) + ",0x" + "ffffffff" + "0".repeat(56) + ",0x"
                        + "0".repeat(64) + "\n");
        Mdev mdev = new MdevTree(sysfs).read(A).orElseThrow();
        assertThat(mdev.matrixOrEmpty().apqnCount()).isEqualTo(512);
        assertThat(mdev.guestMatrix()).isNull();
        assertThat(sysfs.read())
                .contains(MdevTree.path(A).resolve("ap_config"))
                .doesNotContain(
                        MdevTree.path(A).resolve("matrix"), MdevTree.path(A).resolve("guest_matrix"));
    }

    private static SimulatedKernel host(KernelVersion version) {
        SimulatedKernel kernel = new SimulatedKernel(version, SimulatedMachine.example());
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        kernel.write(
                Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"), A.toString());
        kernel.write(MdevTree.path(A).resolve("assign_adapter"), "5\n");
        kernel.write(MdevTree.path(A).resolve("assign_domain"), "4\n");
        return kernel;
    }

    private static Mdev mdev(SimulatedKernel kernel) {
        return new MdevTree(kernel).read(A).orElseThrow();
    }

    /** @param targets what process 4711 has open */
    private static DeviceUse use(SimulatedKernel kernel, boolean complete, String... targets) {
        return use(kernel, new OneProcess(complete, List.of(targets)));
    }

    private static DeviceUse use(SimulatedKernel kernel, Procfs procfs) {
        ApBus bus = new ApBus(kernel);
        DeviceUsers users = new DeviceUsers(kernel, procfs, bus, new MdevTree(kernel));
        return users.use(mdev(kernel), bus.queues(), users.holders());
    }

    private record OneProcess(boolean complete, List<String> targets) implements Procfs {
        @Override
        public Optional<String> read(Path file) {
            return Optional.empty();
        }

        @Override
        public Look openFiles(Predicate<String> target) {
            return new Look(
                    targets.stream()
                            .filter(target)
                            .map(open -> new OpenFile(4711, 7, open))
                            .toList(),
                    complete);
        }

        @Override
        public Optional<String> fdInfo(OpenFile file) {
            return Optional.of("pos:\t0\nvfio-device-syspath: /sys/devices/vfio_ap/matrix/" + A + "\n");
        }
    }
}
