package org.apmatrix.service;

import static org.apmatrix.service.House.A;
import static org.apmatrix.service.House.matrix;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.apmatrix.audit.Journals;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every write has its intent in the journal when it touches the kernel, and whatever is cut off then is closed with what is there. */
class AftermathTest {
    private static final Matrix MATRIX = matrix(List.of(5), List.of(4));

    @TempDir
    Path directory;

    private final House house = new House(KernelVersion.V7_2);

    @AfterEach
    void noAttempt() {
        Attempt.current().close();
    }

    @Test
    void theIntentOfAMatrixIsThereWhenTheKernelIsTouched() {
        cutOff(() -> house.mdevs.put(A, MATRIX, WriteOptions.NONE));
        AuditRecord closed = closed();
        assertThat(closed.before()).isEqualTo(Snapshot.NOTHING);
        assertThat(closed.after()).isEqualTo(Snapshot.NOTHING);
        assertThat(closed.steps()).isNotEmpty();
    }

    @Test
    void aDeviceThatStandsIsToldWithItsMatrix() {
        house.with(A, MATRIX);
        cutOff(() -> house.mdevs.remove(A, WriteOptions.NONE));
        assertThat(closed().before()).isEqualTo(Snapshot.of(MATRIX));
        assertThat(closed().after()).isEqualTo(Snapshot.of(MATRIX));
    }

    @Test
    void masksAreToldAsTheyAre() {
        cutOff(() -> house.masks.change("+5", null, WriteOptions.NONE));
        ApMask apmask = ApMask.upTo(255).minus(ApMask.of(5, 6));
        assertThat(closed().after()).isEqualTo(Snapshot.masks(apmask, ApMask.upTo(255)));
    }

    @Test
    void aLookThatFailsIsTold() {
        cutOff(() -> house.mdevs.put(A, MATRIX, WriteOptions.NONE));
        AuditRecord closed = closed(new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.withoutAp()));
        assertThat(closed.after()).isNull();
        assertThat(closed.reason()).contains("the look afterwards failed: This host has no AP bus.");
    }

    @Test
    void aGuestThatIsGoneIsTold() {
        try (AuditJournal journal = Journals.in(directory);
                Attempt attempt = journal.begin(new Attempt.Origin(null, "PUT", "/", null, null))) {
            attempt.on(new GuestName("guest1"));
            attempt.intend();
        }
        assertThat(closed().after()).isNull();
        assertThat(closed().reason()).contains("guest1");
    }

    @Test
    void whatHasNoTargetIsClosedWithoutALook() {
        try (AuditJournal journal = Journals.in(directory);
                Attempt attempt = journal.begin(new Attempt.Origin(null, "PUT", "/", null, null))) {
            attempt.intend();
        }
        assertThat(closed().reason()).contains("nothing to look at");
    }

    @Test
    void withoutAJournalNothingIsTouched() {
        try (AuditJournal holder = Journals.in(directory);
                AuditJournal other = Journals.in(directory);
                Attempt attempt = other.begin(new Attempt.Origin(null, "PUT", "/", null, null))) {
            assertThat(holder.trouble()).isEmpty();
            assertThat(attempt.id()).isNotNull();
            house.sysfs.written().clear();
            assertThatThrownBy(() -> house.mdevs.put(A, MATRIX, WriteOptions.NONE))
                    .isInstanceOf(HostFailure.class);
            assertThatThrownBy(() -> house.masks.change("+5", null, WriteOptions.NONE))
                    .isInstanceOf(HostFailure.class);
            assertThat(house.sysfs.written()).isEmpty();
            assertThat(house.ids()).isEmpty();
        }
    }

    /** The machine stops at the first write. */
    private void cutOff(Runnable write) {
        class Stop extends RuntimeException {
            private static final long serialVersionUID = 1L;
        }
        try (AuditJournal journal = Journals.in(directory);
                Attempt attempt = journal.begin(new Attempt.Origin(null, "PUT", "/", null, null))) {
            house.sysfs.before(1, () -> {
                assertThat(records(journal)).singleElement().satisfies(intent -> {
                    assertThat(intent.kind()).isEqualTo(AuditRecord.Kind.INTENT);
                    assertThat(intent.attempt()).isEqualTo(attempt.id());
                });
                throw new Stop();
            });
            assertThatThrownBy(write::run).isInstanceOf(Stop.class);
        }
    }

    private AuditRecord closed() {
        return closed(house.kernel);
    }

    /** What the next start records; a further one records nothing. */
    private AuditRecord closed(SimulatedKernel kernel) {
        try (AuditJournal journal = Journals.in(directory)) {
            Host host = House.machine(kernel, kernel.procfs());
            new Aftermath(host, House.guests(host, kernel.procfs(), journal), journal).closeAll();
            assertThat(journal.unfinished()).isEmpty();
            assertThat(records(journal)).hasSize(2);
            AuditRecord closed = records(journal).get(1);
            assertThat(closed.code()).isEqualTo("UNKNOWN");
            return closed;
        }
    }

    private static List<AuditRecord> records(AuditJournal journal) {
        return journal.read(0, 100, record -> true).items();
    }
}
