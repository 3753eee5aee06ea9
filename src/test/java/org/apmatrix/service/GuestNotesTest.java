package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apmatrix.ap.GuestName;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.HostFailure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What is under way is on disk before it is done, and found again. */
class GuestNotesTest {
    private static final GuestName GUEST = new GuestName("guest1");
    private static final GuestNotes.Mark MARK = new GuestNotes.Mark(
            "guest1",
            "/run/qemu/guest1.qmp",
            4001,
            House.A.toString(),
            Attachment.State.DETACHING,
            "/machine/ap-bridge/ap-bus/child[0]",
            false,
            "an attempt",
            House.NOW);

    @TempDir
    Path directory;

    @Test
    void aMarkIsFoundAgainByTheNextProcess() {
        notes().mark(MARK);
        assertThat(notes().marks()).containsExactly(MARK);
        assertThat(notes().markOf(MARK.address())).contains(MARK);
        assertThat(notes().markOf(House.A)).contains(MARK);
        assertThat(notes().markOf(House.B)).isEmpty();
    }

    @Test
    void aGuestHasOneMark() {
        GuestNotes notes = notes();
        notes.mark(MARK);
        GuestNotes.Mark later = new GuestNotes.Mark(
                "guest1",
                MARK.address(),
                4002,
                null,
                Attachment.State.DETACHING,
                null,
                false,
                null,
                House.NOW.plusSeconds(1));
        notes.mark(later);
        assertThat(notes().marks()).containsExactly(later);
    }

    @Test
    void whatHasEndedIsForgotten() {
        GuestNotes notes = notes();
        notes.mark(MARK);
        notes.unmark(MARK, "FREE");
        assertThat(notes.marks()).isEmpty();
        assertThat(notes().marks()).isEmpty();
    }

    @Test
    void aPreparationIsKeptBesideTheMarks() {
        GuestNotes notes = notes();
        notes.prepared(new GuestNotes.Preparation("guest1", House.A.toString(), House.NOW));
        notes.mark(MARK);
        notes.unmark(MARK, "FREE");
        assertThat(notes().preparationOf(GUEST))
                .contains(new GuestNotes.Preparation("guest1", House.A.toString(), House.NOW));
        notes.forgetPreparation(GUEST);
        assertThat(notes().preparationOf(GUEST)).isEmpty();
    }

    @Test
    void nothingIsKeptWithoutADirectory() {
        GuestNotes notes = new GuestNotes(null, JsonMapper.shared());
        notes.mark(MARK);
        assertThat(notes.marks()).containsExactly(MARK);
        assertThat(new GuestNotes(null, JsonMapper.shared()).marks()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{}",
                "[]",
                "{\"marks\": []}",
                "{\"marks\": [{}], \"preparations\": []}",
                "{\"marks\": [{\"guest\": \"g\", \"state\": \"GONE\"}], \"preparations\": []}"
            })
    void notesThatCannotBeReadStopTheStart(String content) throws IOException {
        Files.writeString(directory.resolve("guests.json"), content);
        assertThatThrownBy(this::notes)
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("guests.json")
                .hasMessageContaining("by hand");
    }

    @Test
    void whatCannotBeNotedIsNotBegun() throws IOException {
        Path file = Files.createFile(directory.resolve("no-directory"));
        GuestNotes notes = new GuestNotes(file.resolve("state"), JsonMapper.shared());
        assertThatThrownBy(() -> notes.mark(MARK))
                .isInstanceOfSatisfying(
                        HostFailure.class, failure -> assertThat(failure.code()).isEqualTo(ErrorCode.HOST_REFUSED));
        assertThat(notes.marks()).isEmpty();
    }

    @Test
    void whatHasEndedHasEndedAlsoWhereThatCannotBeNoted() throws IOException {
        GuestNotes notes = notes();
        notes.mark(MARK);
        Files.createDirectory(directory.resolve("guests.json.new"));
        notes.unmark(MARK, "FREE");
        assertThat(notes.marks()).isEmpty();
        Files.delete(directory.resolve("guests.json.new"));
        notes.prepared(new GuestNotes.Preparation("guest1", null, House.NOW));
        assertThat(notes().marks()).isEmpty();
    }

    private GuestNotes notes() {
        return new GuestNotes(directory, JsonMapper.shared());
    }
}
