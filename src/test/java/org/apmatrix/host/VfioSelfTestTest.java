package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.VfioSelfTest.Check;
import org.apmatrix.host.VfioSelfTest.Shallow;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.linux.LinuxVfio;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelParameters;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VfioSelfTestTest {
    private static final MdevId A =
            MdevId.parse("11111111-2222-4333-8444-555555555555").orElseThrow();

    @TempDir
    Path directory;

    @ParameterizedTest
    @EnumSource
    void tellsVersionAndExtensionsAndLeavesNothingOpen(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        assertThat(new VfioSelfTest(kernel.vfio()).shallow())
                .isEqualTo(new Shallow(0, List.of("TYPE1", "TYPE1V2"), null));
        assertNothingOpen(kernel);
    }

    @Test
    void tellsWhyThereIsNoVfio() {
        Shallow shallow = new VfioSelfTest(new LinuxVfio(directory)).shallow();
        assertThat(shallow.apiVersion()).isNull();
        assertThat(shallow.extensions()).isEmpty();
        assertThat(shallow.refusal()).isEqualTo("open /dev/vfio/vfio: ENOENT (VFIO is not there)");
    }

    @Test
    void tellsAFileThatIsNotVfios() throws Exception {
        Files.createFile(Files.createDirectories(directory.resolve("vfio")).resolve("vfio"));
        assertThat(new VfioSelfTest(new LinuxVfio(directory)).shallow().refusal())
                .isEqualTo("ioctl VFIO_GET_API_VERSION /dev/vfio/vfio: ENOTTY");
    }

    @ParameterizedTest
    @EnumSource
    void everyReleaseAnswersAsItsGenerationIsKnownTo(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        assertThat(new VfioSelfTest(kernel.vfio()).deep(mdev(kernel)).checks())
                .hasSizeGreaterThan(20)
                .allMatch(Check::passed)
                .contains(
                        new Check("a second open of the group", "EBUSY", "EBUSY"),
                        new Check("status of the group", "flags 1", "flags 1"),
                        new Check("status of the group in the container", "flags 3", "flags 3"))
                .contains(
                        version.isDynamic()
                                ? new Check("the device without a virtual machine", "EINVAL", "EINVAL")
                                : new Check(
                                        "what the device is",
                                        "flags 33, regions 0, interrupts 0",
                                        "flags 33, regions 0, interrupts 0"));
        assertNothingOpen(kernel);
    }

    @Test
    void aDeviceThatCouldBeOpenedAgainIsFree() {
        SimulatedKernel kernel = host(KernelVersion.V6_12);
        VfioSelfTest selfTest = new VfioSelfTest(kernel.vfio());
        assertThat(selfTest.deep(mdev(kernel)).deviceIsFree()).isTrue();
        kernel.openGroup(A, 4711);
        assertThat(selfTest.deep(mdev(kernel)).deviceIsFree()).isFalse();
    }

    /** A generation is told by its device, so a kernel that answers like the other one fails. */
    @ParameterizedTest
    @EnumSource
    void whatTheOtherGenerationWouldAnswerDoesNotPass(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        Mdev mdev = mdev(kernel);
        Mdev other =
                new Mdev(mdev.id(), mdev.matrix(), mdev.guestMatrix(), !mdev.dynamic(), false, mdev.iommuGroup(), null);
        assertThat(new VfioSelfTest(kernel.vfio()).deep(other).checks())
                .filteredOn(check -> !check.passed())
                .extracting(Check::name)
                .contains("a device of another name, without a container");
        assertNothingOpen(kernel);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsHeldBySomebodyElseIsLeftAlone(KernelVersion version) {
        SimulatedKernel kernel = host(version);
        Mdev mdev = mdev(kernel);
        kernel.openDevice(A, 4711);
        assertThat(new VfioSelfTest(kernel.vfio()).deep(mdev).checks())
                .containsExactly(
                        new Check("the group opens", "ok", "EBUSY"),
                        new Check("the group, once more, opens", "ok", "EBUSY"));
    }

    @Test
    void aDeviceWithoutAGroupFails() {
        SimulatedKernel kernel = host(KernelVersion.V5_10);
        kernel.unloadModule(KernelModule.VFIO_MDEV);
        assertThat(new VfioSelfTest(kernel.vfio()).deep(mdev(kernel)).checks())
                .containsExactly(new Check("the device has a group", "ok", "none: its driver is not bound"));
    }

    @Test
    void withoutVfioInThisContainerNothingIsAsked() {
        Vfio hidden = new LinuxVfio(directory);
        assertThat(new VfioSelfTest(hidden)
                        .deep(mdev(host(KernelVersion.V6_12)))
                        .checks())
                .extracting(Check::answered)
                .containsOnly("ENOENT");
    }

    @Test
    void aMachineWithoutModulesHasNoVfio() {
        SimulatedKernel kernel = host(KernelVersion.V6_12);
        kernel.bootWithoutModules(KernelVersion.V6_12, SimulatedMachine.example(), KernelParameters.NONE);
        assertThat(new VfioSelfTest(kernel.vfio()).shallow().refusal()).contains("ENOENT");
    }

    private static SimulatedKernel host(KernelVersion version) {
        SimulatedKernel kernel = new SimulatedKernel(version, SimulatedMachine.example());
        Store create = new MdevTree(kernel).create(A);
        kernel.write(create.target(), create.text());
        return kernel;
    }

    private static Mdev mdev(SimulatedKernel kernel) {
        return new MdevTree(kernel).read(A).orElseThrow();
    }

    private static void assertNothingOpen(SimulatedKernel kernel) {
        assertThat(kernel.procfs().openFiles(target -> true).found()).isEmpty();
    }
}
