package org.apmatrix.service;

import static org.apmatrix.service.House.A;
import static org.apmatrix.service.House.matrix;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Matrix;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.Store;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkInFlightTest {
    private static final Matrix NEW = matrix(List.of(6), List.of(4));

    @TempDir
    Path directory;

    private Path notes;
    private Path crash;

    @BeforeEach
    void directories() {
        notes = directory.resolve("notes");
        crash = directory.resolve("crash");
    }

    @Test
    void whatACrashCutOffIsToldAtTheNextStart() {
        crashInTheMiddle();
        assertThat(House.inFlight(crash).unfinished())
                .containsExactly(new WorkInFlight.Unfinished(
                        "mdev " + A,
                        House.NOW,
                        List.of(
                                "/sys/devices/vfio_ap/matrix/" + A + "/unassign_adapter <- 5",
                                "/sys/devices/vfio_ap/matrix/" + A + "/assign_adapter <- 6")));
    }

    @Test
    void theHostTellsItWhileTheDeviceStands() {
        crashInTheMiddle();
        House house = house(crash);
        assertThat(house.host.summary().unfinished()).isEmpty();
        house.kernel.write(
                Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"), A.toString());
        assertThat(house.host.summary().unfinished()).hasSize(1);
    }

    @Test
    void theNextWriteAboutTheDeviceSettlesIt() {
        crashInTheMiddle();
        House house = house(crash).with(A, NEW);
        assertThat(house.host.summary().unfinished()).isEmpty();
        assertThat(House.inFlight(crash).unfinished()).isEmpty();
    }

    @Test
    void aWriteAboutSomethingElseDoesNot() {
        crashInTheMiddle();
        house(crash).with(House.B, NEW);
        assertThat(House.inFlight(crash).unfinished()).hasSize(1);
    }

    @Test
    void aWriteThatIsRefusedSettlesNothing() {
        crashInTheMiddle();
        House house = house(crash);
        house.kernel.write(
                Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"), A.toString());
        house.sysfs.refuse(1, Errno.EIO);
        assertThatThrownBy(() -> house.mdevs.put(A, NEW, WriteOptions.NONE)).isInstanceOf(HostFailure.class);
        assertThat(house.host.summary().unfinished()).hasSize(1);
        assertThat(House.inFlight(crash).unfinished()).hasSize(1);
    }

    @Test
    void aNoteThatIsKeptIsToldAtOnceAndSettledByTheNextWrite() {
        WorkInFlight inFlight = House.inFlight(notes);
        Step step = new Step(new Store("assign_adapter", Path.of("/sys/a"), "5"));
        try (WorkInFlight.Note note = inFlight.begin("masks", List.of(step, step))) {
            note.keep();
        }
        assertThat(inFlight.unfinished()).hasSize(1);
        try (WorkInFlight.Note note = inFlight.begin("masks", List.of(step, step))) {
            note.succeeded();
        }
        assertThat(inFlight.unfinished()).isEmpty();
        assertThat(notes).isEmptyDirectory();
    }

    @Test
    void aWriteThatEndedLeavesNothing() {
        house(notes).with(A, NEW);
        assertThat(notes).isEmptyDirectory();
    }

    @Test
    void aWriteThatWasUndoneLeavesNothing() {
        House house = house(notes);
        house.sysfs.refuse(2, Errno.EIO);
        assertThatThrownBy(() -> house.mdevs.create(A, NEW, null, WriteOptions.NONE))
                .isInstanceOf(HostFailure.class);
        assertThat(notes).isEmptyDirectory();
    }

    @Test
    void aWriteThatCouldNotBeUndoneIsToldAtTheNextStart() {
        House house = house(notes).with(A, matrix(List.of(5), List.of(4)));
        house.sysfs.refuse(2, Errno.EIO).refuse(3, Errno.EIO);
        assertThatThrownBy(() -> house.mdevs.replaceMatrix(A, NEW, WriteOptions.NONE))
                .isInstanceOf(HostFailure.class);
        assertThat(House.inFlight(notes).unfinished())
                .extracting(WorkInFlight.Unfinished::subject)
                .containsExactly("mdev " + A);
    }

    @Test
    void oneStepNeedsNoNote() {
        House house = house(notes).with(A, Matrix.EMPTY);
        house.mdevs.assignAdapter(A, new AdapterId(5), WriteOptions.NONE);
        assertThat(notes).doesNotExist();
    }

    @Test
    void aNoteThatCannotBeReadIsToldToo() throws IOException {
        Files.createDirectories(notes);
        Files.writeString(notes.resolve("half.in-flight.json"), "{\"subject\": \"md");
        assertThat(House.inFlight(notes).unfinished())
                .extracting(WorkInFlight.Unfinished::subject)
                .containsExactly("unknown");
    }

    @Test
    void nothingIsWrittenWhereNothingCanBeNoted() throws IOException {
        Files.writeString(notes, "a file, no directory");
        House house = house(notes);
        assertThatThrownBy(() -> house.mdevs.create(A, NEW, null, WriteOptions.NONE))
                .isInstanceOf(HostFailure.class);
        assertThat(house.ids()).isEmpty();
    }

    /** The directory as it is on disk when the machine stops between the two writes. */
    private void crashInTheMiddle() {
        House house = house(notes).with(A, matrix(List.of(5), List.of(4)));
        house.sysfs.before(2, () -> copy(notes, crash));
        house.mdevs.replaceMatrix(A, NEW, WriteOptions.NONE);
    }

    private static House house(Path directory) {
        return new House(KernelVersion.V6_1, MdevProperties.LiveChanges.FORBIDDEN, directory);
    }

    private static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.list(from)) {
            Files.createDirectories(to);
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
