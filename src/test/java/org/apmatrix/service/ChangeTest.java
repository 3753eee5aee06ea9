package org.apmatrix.service;

import static org.apmatrix.service.House.A;
import static org.apmatrix.service.House.B;
import static org.apmatrix.service.House.matrix;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.fault.Conflict;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** All steps or none, and what is told when the kernel surprises. */
class ChangeTest {
    private static final Matrix OLD = matrix(List.of(5), List.of(4));
    private static final Matrix NEW = matrix(List.of(6), List.of(0x47));

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void whicheverStepIsRefusedTheMatrixIsAsBefore(int step) {
        House house = new House(KernelVersion.V6_1).with(A, OLD);
        house.sysfs.refuse(step, Errno.EIO);
        assertThatThrownBy(() -> house.mdevs.replaceMatrix(A, NEW, WriteOptions.NONE))
                .isInstanceOfSatisfying(HostFailure.class, failure -> {
                    assertThat(failure.code()).isEqualTo(ErrorCode.HOST_REFUSED);
                    assertThat(failure.errno()).isEqualTo("EIO");
                    assertThat(failure.facts()).isEmpty();
                });
        assertThat(house.matrixOf(A)).isEqualTo(OLD);
    }

    @Test
    void undoesInReverseOrder() {
        House house = new House(KernelVersion.V6_1).with(A, OLD);
        house.sysfs.written().clear();
        house.sysfs.refuse(3, Errno.EIO);
        assertThatThrownBy(() -> house.mdevs.replaceMatrix(A, NEW, WriteOptions.NONE))
                .isInstanceOf(HostFailure.class);
        assertThat(house.sysfs.written())
                .containsExactly(
                        "unassign_adapter 5",
                        "unassign_domain 4",
                        "assign_adapter 6",
                        "assign_domain 4",
                        "assign_adapter 5");
    }

    /** Before 6.18 nothing names the device of a process that has closed its group: every device without queues may be it. */
    @ParameterizedTest
    @EnumSource(names = {"V6_1", "V6_12"})
    void aDeviceWhoseMatrixIsRefusedIsGoneAlsoBesideADeviceThatNothingNames(KernelVersion version) {
        House house = new House(version).with(A, OLD);
        house.kernel.openDevice(A, 4711);
        house.kernel.closeGroup(A, 4711);
        house.sysfs.refuse(2, Errno.ENOMEM);
        assertThatThrownBy(() -> house.mdevs.create(B, NEW, null, WriteOptions.NONE))
                .isInstanceOfSatisfying(
                        HostFailure.class,
                        failure -> assertThat(failure.facts()).isEmpty());
        assertThat(house.ids()).containsExactly(A);
    }

    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void aDeviceWhoseMatrixIsRefusedIsGone(KernelVersion version) {
        House house = new House(version);
        house.sysfs.refuse(2, Errno.ENOMEM);
        assertThatThrownBy(() -> house.mdevs.create(A, OLD, null, WriteOptions.NONE))
                .isInstanceOfSatisfying(
                        HostFailure.class,
                        failure -> assertThat(failure.errno()).isEqualTo("ENOMEM"));
        assertThat(house.ids()).isEmpty();
    }

    @Test
    void bothMasksOrNeither() {
        House house = new House(KernelVersion.V6_12);
        MaskService.Masks before = house.masks.get();
        house.sysfs.refuse(2, Errno.EIO);
        assertThatThrownBy(() -> house.masks.change("-7", "-9", WriteOptions.NONE))
                .isInstanceOf(HostFailure.class);
        assertThat(house.masks.get()).isEqualTo(before);
    }

    @Test
    void tellsWhatCouldNotBeUndone() {
        House house = new House(KernelVersion.V6_1).with(A, OLD);
        house.sysfs.refuse(3, Errno.EIO).refuse(4, Errno.ENODEV);
        assertThatThrownBy(() -> house.mdevs.replaceMatrix(A, NEW, WriteOptions.NONE))
                .isInstanceOfSatisfying(HostFailure.class, failure -> {
                    assertThat(failure.code()).isEqualTo(ErrorCode.HOST_REFUSED);
                    assertThat(failure.errno()).isEqualTo("EIO");
                    assertThat(failure.facts().get("notUndone"))
                            .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.list(String.class))
                            .singleElement()
                            .asString()
                            .startsWith("assign_domain 4")
                            .contains("ENODEV");
                });
        // the other undo was done all the same
        assertThat(house.matrixOf(A)).isEqualTo(matrix(List.of(5), List.of()));
    }

    @ParameterizedTest
    @EnumSource
    void aRefusalThatAFreshLookExplainsIsThatRefusal(KernelVersion version) {
        House house = new House(version).with(A, OLD).with(B, matrix(List.of(6), List.of()));
        house.sysfs.written().clear();
        int write = version.isDynamic() ? 1 : 3; // on the static kernel the looks at A and B are writes, too
        house.sysfs.before(
                write,
                () -> house.kernel.write(Path.of("/sys/devices/vfio_ap/matrix", B.toString(), "assign_domain"), "4\n"));
        assertThatThrownBy(() -> house.mdevs.assignAdapter(A, new AdapterId(6), WriteOptions.NONE))
                .isInstanceOfSatisfying(RequestDenied.class, denied -> {
                    assertThat(denied.code()).isEqualTo(ErrorCode.APQN_IN_USE);
                    assertThat(denied.errno()).isEqualTo("EADDRINUSE");
                    assertThat(denied.conflicts())
                            .containsExactly(new Conflict(Apqn.of(6, 4), Conflict.HolderKind.MDEV, B.toString()));
                });
    }

    @Test
    void anErrnoThatNobodyExpectedIsNotLost() {
        House house = new House(KernelVersion.V6_12).with(A, OLD);
        house.sysfs.refuse(1, Errno.EUSERS);
        assertThatThrownBy(() -> house.mdevs.create(B, Matrix.EMPTY, null, WriteOptions.NONE))
                .isInstanceOfSatisfying(HostFailure.class, failure -> {
                    assertThat(failure.errno()).isEqualTo("EUSERS");
                    assertThat(failure.facts()).isEqualTo(Map.of());
                });
    }

    /** Somebody opened the device after it had been decided to remove it: the last look before the write finds it. */
    @Test
    void aDeviceThatWasOpenedMeanwhileIsNotRemoved() {
        House house = new House(KernelVersion.V5_10).with(A, OLD);
        house.sysfs.written().clear();
        house.sysfs.before(2, () -> house.kernel.openDevice(A, 4711)); // the look before the write itself
        assertThatThrownBy(() -> house.mdevs.remove(A, WriteOptions.NONE))
                .isInstanceOfSatisfying(
                        RequestDenied.class, denied -> assertThat(denied.code()).isEqualTo(ErrorCode.MDEV_IN_USE));
        assertThat(house.sysfs.written()).doesNotContain("remove 1");
    }

    @ParameterizedTest
    @EnumSource
    void aDeviceThatSomebodyElseRemovedMeanwhileIsRemoved(KernelVersion version) {
        House house = new House(version).with(A, OLD);
        house.sysfs.before(
                version.isDynamic() ? 1 : 3, // the static generation is asked by a write, twice
                () -> house.kernel.write(Path.of("/sys/devices/vfio_ap/matrix", A.toString(), "remove"), "1\n"));
        assertThat(house.mdevs.remove(A, WriteOptions.NONE)).isEqualTo(new Outcome.Done<>(Optional.empty(), false));
    }

    @Test
    void aQueueThatCannotBeHandedOverIsBackWithItsDriver() {
        House house = withDefaultMasks();
        house.sysfs.refuse(3, Errno.EIO);
        assertThatThrownBy(() -> house.queues.handOver(Apqn.of(5, 4), true, WriteOptions.NONE))
                .isInstanceOfSatisfying(
                        HostFailure.class,
                        failure -> assertThat(failure.facts()).isEmpty());
        assertThat(house.queues.get(Apqn.of(5, 4)).driver()).isEqualTo("cex4queue");
        assertThat(house.host.summary().queueAssignment()).isEqualTo(HostService.QueueAssignment.MASKS);
    }

    @Test
    void aQueueThatNoDriverTookIsNoSuccess() {
        House house = withDefaultMasks();
        house.sysfs.before(3, () -> house.kernel.unloadModule(KernelModule.VFIO_AP));
        assertThatThrownBy(() -> house.queues.handOver(Apqn.of(5, 4), true, WriteOptions.NONE))
                .isInstanceOf(HostFailure.class);
    }

    @Test
    void aQueueIsNotTakenFromTheHostWhereNobodyCouldHaveIt() {
        House house = withDefaultMasks();
        house.kernel.unloadModule(KernelModule.VFIO_AP);
        assertThatThrownBy(() -> house.queues.handOver(Apqn.of(5, 4), true, WriteOptions.NONE))
                .isInstanceOfSatisfying(
                        HostFailure.class, failure -> assertThat(failure.code()).isEqualTo(ErrorCode.AP_UNAVAILABLE));
    }

    private static House withDefaultMasks() {
        House house = new House(KernelVersion.V7_2);
        house.masks.change("+5,+6", null, WriteOptions.NONE);
        return house;
    }

    @Test
    void aDryRunWritesNothing() {
        House house = new House(KernelVersion.V6_12).with(A, OLD);
        house.sysfs.written().clear();
        house.mdevs.replaceMatrix(A, NEW, new WriteOptions(true, false, null, true));
        house.masks.change("-7", null, new WriteOptions(true, false, null, true));
        assertThat(house.sysfs.written()).isEmpty();
    }

    @Test
    void whatIsSoAlreadyIsNotWritten() {
        House house = new House(KernelVersion.V6_12).with(A, OLD);
        house.sysfs.written().clear();
        house.mdevs.replaceMatrix(A, OLD, WriteOptions.NONE);
        house.mdevs.assignAdapter(A, new AdapterId(5), WriteOptions.NONE);
        house.mdevs.unassignAdapter(A, new AdapterId(6), WriteOptions.NONE);
        house.mdevs.remove(B, WriteOptions.NONE);
        assertThat(house.sysfs.written()).isEmpty();
    }
}
