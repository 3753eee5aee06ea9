package org.apmatrix.service;

import static org.apmatrix.service.House.A;
import static org.apmatrix.service.House.B;
import static org.apmatrix.service.House.matrix;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.events.Event;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.VfioSelfTest;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What changed between two looks, each once, and whose doing it was. */
class HostWatcherTest {
    private static final Matrix ONE = matrix(List.of(5), List.of(4));
    private static final Matrix TWO = matrix(List.of(5, 6), List.of(4));

    private final House house = new House(KernelVersion.V6_12);
    private final EventJournal.Listener listener = house.journal.listen(null, EnumSet.allOf(EventType.class));

    /** Such as {@code mdev.created 1111… apmatrix}. */
    private List<String> heard() throws InterruptedException {
        return listener.next(Duration.ZERO).stream()
                .map(event ->
                        event.change().type() + " " + subject(event.change().subject()) + " "
                                + event.change().origin())
                .toList();
    }

    private static String subject(Event.Subject subject) {
        return subject.mdev() != null
                ? subject.mdev().equals(A) ? "A" : "B"
                : subject.apqn() != null ? subject.apqn().toString() : "masks";
    }

    private void others(String attribute, String text) {
        house.kernel.write(Path.of(attribute), text + "\n");
    }

    private void othersMake(MdevId mdev) {
        others("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create", mdev.toString());
    }

    private void othersRemove(MdevId mdev) {
        others("/sys/devices/vfio_ap/matrix/" + mdev + "/remove", "1");
    }

    @Test
    void whatTheFirstLookFindsIsNoChange() throws Exception {
        othersMake(A);
        house.machine.watch();
        assertThat(heard()).isEmpty();
        house.machine.watch();
        assertThat(heard()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void whatThisServiceDoesIsItsOwn(KernelVersion version) throws Exception {
        House own = new House(version);
        EventJournal.Listener hearing = own.journal.listen(null, EnumSet.allOf(EventType.class));
        own.machine.watch();
        own.with(A, ONE);
        own.machine.watch();
        own.mdevs.replaceMatrix(A, TWO, WriteOptions.NONE);
        own.machine.watch();
        own.mdevs.remove(A, WriteOptions.NONE);
        own.machine.watch();

        List<Event.Change> changes =
                hearing.next(Duration.ZERO).stream().map(Event::change).toList();
        assertThat(changes).allMatch(change -> change.origin() == Event.Origin.APMATRIX);
        assertThat(changes)
                .extracting(Event.Change::type)
                .filteredOn(type -> type != EventType.GUEST_MATRIX_CHANGED)
                .containsExactly(EventType.MDEV_CREATED, EventType.MATRIX_CHANGED, EventType.MDEV_REMOVED);
        assertThat(changes)
                .contains(
                        new Event.Change(
                                EventType.MATRIX_CHANGED,
                                Event.Origin.APMATRIX,
                                Event.Subject.of(A),
                                new Event.State.Assigned(ONE),
                                new Event.State.Assigned(TWO)),
                        new Event.Change(
                                EventType.MDEV_REMOVED,
                                Event.Origin.APMATRIX,
                                Event.Subject.of(A),
                                new Event.State.Assigned(TWO),
                                null));
    }

    @Test
    void whatOthersDoIsExternal() throws Exception {
        house.machine.watch();
        othersMake(B);
        house.machine.watch();
        assertThat(heard()).containsExactly("mdev.created B EXTERNAL");
        others("/sys/devices/vfio_ap/matrix/" + B + "/ap_config", ONE.toApConfig());
        house.machine.watch();
        assertThat(heard()).containsExactly("matrix.changed B EXTERNAL", "guestMatrix.changed B EXTERNAL");
        others("/sys/bus/ap/drivers/vfio_ap/unbind", "05.0004");
        house.machine.watch();
        assertThat(heard()).containsExactly("queue.changed 05.0004 EXTERNAL", "guestMatrix.changed B EXTERNAL");
        othersRemove(B);
        house.machine.watch();
        assertThat(heard()).containsExactly("mdev.removed B EXTERNAL");
        others("/sys/bus/ap/apmask", "+5");
        house.machine.watch();
        assertThat(heard())
                .containsExactly(
                        "masks.changed masks EXTERNAL",
                        "queue.changed 05.0004 EXTERNAL",
                        "queue.changed 05.0047 EXTERNAL",
                        "queue.changed 05.00ab EXTERNAL",
                        "queue.changed 05.00ff EXTERNAL");
    }

    @Test
    void masksAndTheQueuesThatTheyMoveAreOneDoing() throws Exception {
        house.machine.watch();
        house.masks.change("+6", null, WriteOptions.NONE);
        assertThat(heard())
                .containsExactly(
                        "masks.changed masks APMATRIX",
                        "queue.changed 06.0004 APMATRIX",
                        "queue.changed 06.0047 APMATRIX",
                        "queue.changed 06.00ab APMATRIX",
                        "queue.changed 06.00ff APMATRIX");
    }

    @Test
    void whatOthersDidBeforeAWriteIsTheirsAlsoWithoutALookInBetween() throws Exception {
        house.machine.watch();
        othersMake(B);
        house.with(A, ONE);
        assertThat(heard()).containsExactly("mdev.created B EXTERNAL", "mdev.created A APMATRIX");
    }

    @Test
    void whatOthersDoInTheMiddleOfAWriteIsTheirs() throws Exception {
        house.machine.watch();
        house.sysfs.before(2, () -> othersMake(B));
        house.with(A, ONE);
        assertThat(heard()).containsExactlyInAnyOrder("mdev.created B EXTERNAL", "mdev.created A APMATRIX");
    }

    @Test
    void aDeviceOfOursThatOthersRemoveIsAnAlarm() throws Exception {
        house.with(A, ONE);
        othersMake(B);
        house.machine.watch();
        heard();
        othersRemove(A);
        othersRemove(B);
        house.machine.watch();
        assertThat(heard()).containsExactly("mdev.vanished A EXTERNAL", "mdev.removed B EXTERNAL");
        othersMake(A);
        house.machine.watch();
        othersRemove(A);
        house.machine.watch();
        assertThat(heard()).containsExactly("mdev.created A EXTERNAL", "mdev.removed A EXTERNAL");
    }

    @Test
    void aRemovalThatTheKernelRefusedDoesNotExplainALaterOne() throws Exception {
        house.with(A, ONE);
        heard();
        house.sysfs.refuse(1, Errno.EIO);
        assertThatThrownBy(() -> house.mdevs.remove(A, WriteOptions.NONE)).isInstanceOf(HostFailure.class);
        othersRemove(A);
        house.machine.watch();
        assertThat(heard()).containsExactly("mdev.vanished A EXTERNAL");
    }

    @Test
    void aWriteThatWasUndoneChangedNothing() throws Exception {
        house.machine.watch();
        house.sysfs.refuse(2, Errno.EIO);
        assertThatThrownBy(() -> house.with(A, ONE)).isInstanceOf(HostFailure.class);
        house.machine.watch();
        assertThat(heard()).isEmpty();
    }

    @Test
    void theDeviceOfASelfTestIsNotTold() throws Exception {
        house.machine.watch();
        new SelfTestService(house.machine, House.inFlight(null), new VfioSelfTest(house.kernel.vfio()))
                .run(WriteOptions.NONE);
        house.machine.watch();
        assertThat(heard()).isEmpty();
    }

    @Test
    void aLookThatFailedIsNoEmptyOne() throws Exception {
        house.with(A, ONE);
        heard();
        house.kernel.bootWithoutModules(
                KernelVersion.V6_12,
                org.apmatrix.host.sim.SimulatedMachine.withoutAp(),
                org.apmatrix.host.sim.KernelParameters.NONE);
        assertThatThrownBy(house.machine::watch).isInstanceOf(HostFailure.class);
        assertThat(heard()).isEmpty();
    }

    @Test
    void devicesThatGoWithTheModuleAreTold() throws Exception {
        house.with(A, ONE);
        heard();
        house.kernel.unloadModule(KernelModule.VFIO_AP);
        house.machine.watch();
        assertThat(heard()).contains("mdev.vanished A EXTERNAL", "queue.changed 05.0004 EXTERNAL");
    }

    @Test
    void doesNotLookWhileAWriteIsUnderWay() throws Exception {
        house.machine.watch();
        house.sysfs.before(2, () -> {
            Thread other = new Thread(house.machine::watch);
            other.start();
            try {
                other.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        house.with(A, ONE);
        assertThat(heard()).containsExactly("mdev.created A APMATRIX");
    }
}
