package org.apmatrix.service;

import static org.apmatrix.service.House.A;
import static org.apmatrix.service.House.matrix;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.Matrix;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The exception from the first law that a site may allow. */
class LiveChangeTest {
    private static final WriteOptions LIVE = new WriteOptions(false, true, null, true);
    private static final Matrix SMALL = matrix(List.of(5), List.of(4));
    private static final Matrix LARGE = matrix(List.of(5, 6), List.of(4));

    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void theGuestGetsTheNewMatrixWhereTheKernelIsDynamic(KernelVersion version) {
        House house = running(version);
        house.mdevs.replaceMatrix(A, LARGE, LIVE);
        assertThat(house.mdevs.get(A).entry().mdev().guestMatrix()).isEqualTo(LARGE);
    }

    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void singleChangesReachTheGuestToo(KernelVersion version) {
        House house = running(version);
        house.mdevs.assignAdapter(A, new AdapterId(6), LIVE);
        house.mdevs.assignDomain(A, new DomainId(0x47), LIVE);
        house.mdevs.unassignAdapter(A, new AdapterId(5), LIVE);
        assertThat(house.matrixOf(A)).isEqualTo(matrix(List.of(6), List.of(4, 0x47)));
    }

    @ParameterizedTest
    @EnumSource
    void aWriteThatDoesNotAskForItIsRefused(KernelVersion version) {
        House house = running(version);
        refused(ErrorCode.MDEV_IN_USE, () -> house.mdevs.replaceMatrix(A, LARGE, WriteOptions.NONE));
        assertThat(house.matrixOf(A)).isEqualTo(SMALL);
    }

    @ParameterizedTest
    @EnumSource(names = "V5_10")
    void theStaticKernelCannot(KernelVersion version) {
        House house = running(version);
        refused(ErrorCode.LIVE_CHANGE_FORBIDDEN, () -> house.mdevs.replaceMatrix(A, LARGE, LIVE));
        assertThat(house.matrixOf(A)).isEqualTo(SMALL);
    }

    @ParameterizedTest
    @EnumSource
    void aDeviceInUseIsNotRemovedWhateverTheSiteAllows(KernelVersion version) {
        House house = running(version);
        refused(ErrorCode.MDEV_IN_USE, () -> house.mdevs.remove(A, LIVE));
        assertThat(house.sysfs.written()).doesNotContain("remove 1");
    }

    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void theOtherLawsHoldForALiveChangeToo(KernelVersion version) {
        House house = running(version).with(House.B, matrix(List.of(6), List.of(4)));
        refused(ErrorCode.APQN_IN_USE, () -> house.mdevs.replaceMatrix(A, LARGE, LIVE));
        refused(ErrorCode.APQN_RESERVED, () -> house.mdevs.assignAdapter(A, new AdapterId(7), LIVE));
    }

    private static House running(KernelVersion version) {
        House house = new House(version, MdevProperties.LiveChanges.ALLOWED, null).with(A, SMALL);
        house.kernel.openDevice(A, 4711);
        return house;
    }

    private static void refused(ErrorCode code, org.assertj.core.api.ThrowableAssert.ThrowingCallable write) {
        assertThatThrownBy(write)
                .isInstanceOfSatisfying(
                        RequestDenied.class, denied -> assertThat(denied.code()).isEqualTo(code));
    }
}
