package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apmatrix.Patience;
import org.apmatrix.host.VfioContract;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.kernel.Vfio.Container;
import org.apmatrix.host.kernel.Vfio.Device;
import org.apmatrix.host.kernel.Vfio.Extension;
import org.apmatrix.host.kernel.Vfio.Group;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The contract on each simulated release, and what the processes of a host see of each other. */
class SimulatedVfioTest {
    @Nested
    class Kernel510 extends OnRelease {
        Kernel510() {
            super(KernelVersion.V5_10, 0);
        }
    }

    @Nested
    class Kernel61 extends OnRelease {
        Kernel61() {
            super(KernelVersion.V6_1, 0);
        }
    }

    @Nested
    class Kernel612 extends OnRelease {
        Kernel612() {
            super(KernelVersion.V6_12, 1);
        }
    }

    @Nested
    class Kernel72 extends OnRelease {
        Kernel72() {
            super(KernelVersion.V7_2, 2);
        }
    }

    abstract static class OnRelease extends VfioContract {
        private static final int QEMU = 4711;

        private final SimulatedKernel kernel;
        private final int interrupts;

        OnRelease(KernelVersion version, int interrupts) {
            this.kernel = new SimulatedKernel(version, SimulatedMachine.example());
            this.interrupts = interrupts;
        }

        @Override
        protected Vfio vfio() {
            return kernel.vfio();
        }

        @Override
        protected Sysfs sysfs() {
            return kernel;
        }

        @Override
        protected int interrupts() {
            return interrupts;
        }

        @Test
        void aMachineWithoutVfioHasNoNode() {
            SimulatedKernel bare = new SimulatedKernel(kernel.version(), SimulatedMachine.example());
            bare.bootWithoutModules(kernel.version(), SimulatedMachine.example(), KernelParameters.NONE);
            assertRefused(Errno.ENOENT, () -> bare.vfio().openContainer());
        }

        @Test
        void withoutTheModuleOfAnIommuThereIsNoType() {
            kernel.unloadModule(KernelModule.VFIO_IOMMU_TYPE1);
            try (Group group = openGroup();
                    Container container = vfio().openContainer()) {
                assertThat(container.hasExtension(Extension.TYPE1)).isFalse();
                group.setContainer(container);
                assertRefused(Errno.ENODEV, () -> container.setIommu(Extension.TYPE1));
            }
        }

        @Test
        void thisServiceIsAProcessOfTheHost() {
            try (Group group = openGroup();
                    Container container = vfio().openContainer()) {
                assertThat(container.apiVersion()).isZero();
                assertThat(group.status()).isEqualTo(1);
                assertThat(kernel.procfs().openFiles(target -> true).found())
                        .extracting(OpenFile::pid, OpenFile::target)
                        .containsExactly(
                                tuple(SimulatedKernel.SERVICE_PID, "/dev/vfio/0"),
                                tuple(SimulatedKernel.SERVICE_PID, "/dev/vfio/vfio"));
            }
            assertThat(kernel.procfs().openFiles(target -> true).found()).isEmpty();
        }

        @Test
        void theGroupOfAGuestIsBusyAndTheServicesGroupKeepsAGuestOut() {
            kernel.openDevice(id(), QEMU);
            assertRefused(Errno.EBUSY, this::openGroup);
            kernel.endProcess(QEMU);
            try (Group group = openGroup()) {
                assertThat(group.status()).isEqualTo(1);
                assertRefused(Errno.EBUSY, () -> kernel.openDevice(id(), QEMU));
            }
        }

        @Test
        void aDeviceOfAVirtualMachineTellsWhatItIs() {
            Vfio qemu = kernel.vfio(QEMU);
            try (Group group = openGroupOf(qemu);
                    Container container = qemu.openContainer()) {
                group.setContainer(container);
                container.setIommu(Extension.TYPE1);
                kernel.addKvm(id(), QEMU);
                try (Device device = group.device(id().toString())) {
                    assertTellsItself(device);
                }
            }
        }

        /** The device is free again the moment its last file is closed, which a writer to remove waits for. */
        @Test
        void aRemovalWaitsForTheDeviceAndEndsWithIt() {
            SimulatedKernel other = new SimulatedKernel(kernel.version(), SimulatedMachine.example());
            Path matrix = Path.of("/sys/devices/vfio_ap/matrix");
            other.write(matrix.resolve("mdev_supported_types/vfio_ap-passthrough/create"), id().toString());
            Vfio qemu = other.vfio(QEMU);
            Container container = qemu.openContainer();
            Group group = qemu.openGroup(0);
            group.setContainer(container);
            container.setIommu(Extension.TYPE1);
            other.addKvm(id(), QEMU);
            Device device = group.device(id().toString());
            Path remove = matrix.resolve(id().toString()).resolve("remove");
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> other.write(remove, "1"));
            Patience.until(() -> !other.exists(remove));
            assertRefused(Errno.ENODEV, () -> group.device(id().toString()));
            assertThat(writer).isNotDone();

            device.close();
            group.close();

            assertThat(writer).succeedsWithin(Duration.ofSeconds(30));
        }

        @Test
        void aMachineThatWasBootedKnowsNoOldFile() {
            SimulatedKernel other = new SimulatedKernel(kernel.version(), SimulatedMachine.example());
            Container container = other.vfio().openContainer();
            other.boot(kernel.version(), SimulatedMachine.example());
            assertRefused(Errno.EBADF, container::apiVersion);
            container.close();
            assertThat(other.procfs().openFiles(target -> true).found()).isEmpty();
        }

        @Test
        void whatAProcessHadOpenIsClosedWhenItEnds() {
            Vfio qemu = kernel.vfio(QEMU);
            List<Vfio.Handle> files = List.of(openGroupOf(qemu), qemu.openContainer());
            kernel.endProcess(QEMU);
            openGroup().close();
            files.forEach(Vfio.Handle::close);
            assertThat(kernel.procfs().openFiles(target -> true).found()).isEmpty();
        }

        private static Group openGroupOf(Vfio vfio) {
            return vfio.openGroup(0);
        }
    }
}
