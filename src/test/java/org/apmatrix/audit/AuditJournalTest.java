package org.apmatrix.audit;

import static org.apmatrix.audit.Journals.all;
import static org.apmatrix.audit.Journals.begin;
import static org.apmatrix.audit.Journals.cutOff;
import static org.apmatrix.audit.Journals.files;
import static org.apmatrix.audit.Journals.onlyFile;
import static org.apmatrix.audit.Journals.verify;
import static org.apmatrix.audit.Journals.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Ticker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apmatrix.Component;
import org.apmatrix.Shell;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.HostFailure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

class AuditJournalTest {
    @TempDir
    Path temporary;

    @Test
    void theIntentIsInTheFileBeforeAnythingIsTouched() {
        try (AuditJournal journal = Journals.in(temporary);
                Attempt attempt = begin(journal, "ci")) {
            attempt.before(Snapshot.of(Matrix.of(ApMask.of(5), ApMask.of(4))));
            attempt.steps(List.of("/sys/bus/ap/apmask <- -5"));
            attempt.intend();
            attempt.intend();
            AuditRecord intent = onlyRecord(Journals.read(onlyFile(temporary)));
            assertThat(intent.kind()).isEqualTo(AuditRecord.Kind.INTENT);
            assertThat(intent.actor()).isEqualTo(new Actor("ci", "token"));
            assertThat(intent.before()).isEqualTo(Snapshot.of(Matrix.of(ApMask.of(5), ApMask.of(4))));
            assertThat(intent.steps()).containsExactly("/sys/bus/ap/apmask <- -5");
            assertThat(intent.requestId()).isEqualTo("build-42");
            assertThat(intent.code()).isNull();
        }
    }

    @Test
    void theOutcomeHasWhatTheIntentHasAndHowItEnded() {
        try (AuditJournal journal = Journals.in(temporary);
                Attempt attempt = begin(journal, "ci")) {
            attempt.intend();
            attempt.refused("HOST_REFUSED", "EBUSY");
            attempt.after(Snapshot.NOTHING);
            attempt.end(500, "INTERNAL_ERROR");
            attempt.end(200, "OK");
            assertThat(all(journal)).hasSize(2).last().satisfies(outcome -> {
                assertThat(outcome.attempt()).isEqualTo(all(journal).get(0).attempt());
                assertThat(outcome.kind()).isEqualTo(AuditRecord.Kind.OUTCOME);
                assertThat(outcome.code()).isEqualTo("HOST_REFUSED");
                assertThat(outcome.status()).isEqualTo(500);
                assertThat(outcome.errno()).isEqualTo("EBUSY");
                assertThat(outcome.after()).isEqualTo(Snapshot.NOTHING);
            });
        }
    }

    @Test
    void aRefusalWithoutAnIntentIsOneRecord() {
        try (AuditJournal journal = Journals.in(temporary);
                Attempt attempt = begin(journal, "ci")) {
            attempt.refused("MDEV_NOT_FOUND", null);
            attempt.end(404, "NOT_FOUND");
            assertThat(all(journal))
                    .singleElement()
                    .satisfies(record -> assertThat(record.code()).isEqualTo("MDEV_NOT_FOUND"));
        }
    }

    @Test
    void whereNoRequestIsWorkedOnNothingIsRecorded() {
        try (AuditJournal journal = Journals.in(temporary)) {
            Attempt.current().intend();
            Attempt.current().end(200, "OK");
            assertThat(Attempt.current().id()).isNull();
            assertThat(all(journal)).isEmpty();
        }
    }

    @Test
    void theChainGoesOnOverFilesAndRestarts() {
        for (int start = 0; start < 3; start++) {
            try (AuditJournal journal = Journals.in(temporary, DataSize.ofKilobytes(2), null, Ticker.systemTicker())) {
                IntStream.range(0, 5).forEach(i -> write(journal, "ci"));
            }
        }
        assertThat(files(temporary)).hasSizeGreaterThan(3);
        assertThat(verify(temporary).sentence()).startsWith("30 records, whole, the last one is 30 ");
        assertThat(verify(temporary).isWhole()).isTrue();
        try (AuditJournal journal = Journals.in(temporary)) {
            assertThat(all(journal))
                    .extracting(AuditRecord::sequence)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, 30).boxed().toList());
        }
    }

    @Test
    void filesAreNamedForTheirFirstRecordAndAreReadableByNobodyElse() throws Exception {
        try (AuditJournal journal = Journals.in(temporary.resolve("audit"))) {
            write(journal, "ci");
        }
        Path file = onlyFile(temporary.resolve("audit"));
        assertThat(file).hasFileName("audit-000000000001.jsonl");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                .isEqualTo("rwx------");
    }

    @Test
    void theHashIsWhatSha256sumSays() {
        try (AuditJournal journal = Journals.in(temporary)) {
            write(journal, "J\u00fcrgen \"x\" }");
            Shell.Result said = Shell.bash(
                    temporary,
                    "head -1 \"$1\" | sed -E 's/,\"hash\":\"[0-9a-f]{64}\"\\}$//' | tr -d '\\n' | sha256sum | cut -c1-64",
                    onlyFile(temporary).toString());
            assertThat(said.output().strip()).isEqualTo(all(journal).get(0).hash());
        }
    }

    @Test
    void onlyTheNewestFilesAreKeptWhereTheConfigurationSaysSo() {
        try (AuditJournal journal = Journals.in(temporary, DataSize.ofKilobytes(2), 2, Ticker.systemTicker())) {
            IntStream.range(0, 20).forEach(i -> write(journal, "ci"));
            assertThat(files(temporary)).hasSize(2);
            assertThat(verify(temporary).isWhole()).isTrue();
            assertThat(verify(temporary).sentence()).contains("earlier ones are not here");
            assertThat(all(journal).get(0).sequence()).isGreaterThan(1);
        }
    }

    @Test
    void aFileWithAnIntentThatStillWaitsIsKept() {
        try (AuditJournal journal = Journals.in(temporary, DataSize.ofKilobytes(2), 2, Ticker.systemTicker())) {
            cutOff(journal, "slow");
            IntStream.range(0, 20).forEach(i -> write(journal, "ci"));
            assertThat(files(temporary)).hasSizeGreaterThan(2);
        }
        try (AuditJournal journal = Journals.in(temporary)) {
            assertThat(journal.unfinished())
                    .extracting(intent -> intent.actor().name())
                    .containsExactly("slow");
        }
    }

    @Test
    void anIntentWithoutAnOutcomeIsFoundByTheNextStartAndClosedOnce() {
        try (AuditJournal journal = Journals.in(temporary)) {
            write(journal, "ci");
            cutOff(journal, "cut off");
            write(journal, "ci");
        }
        try (AuditJournal journal = Journals.in(temporary)) {
            AuditRecord intent = journal.unfinished().get(0);
            assertThat(journal.unfinished()).hasSize(1);
            journal.close(intent, Snapshot.NOTHING, "it was cut off");
            assertThat(journal.unfinished()).isEmpty();
            assertThat(all(journal)).last().satisfies(closed -> {
                assertThat(closed.attempt()).isEqualTo(intent.attempt());
                assertThat(closed.code()).isEqualTo("UNKNOWN");
                assertThat(closed.actor().name()).isEqualTo("cut off");
                assertThat(closed.after()).isEqualTo(Snapshot.NOTHING);
                assertThat(closed.reason()).isEqualTo("it was cut off");
            });
        }
        try (AuditJournal journal = Journals.in(temporary)) {
            assertThat(journal.unfinished()).isEmpty();
        }
        assertThat(verify(temporary).isWhole()).isTrue();
    }

    @Test
    void aRecordThatACrashTearsApartIsSetAsideAndTold() throws Exception {
        try (AuditJournal journal = Journals.in(temporary)) {
            write(journal, "ci");
        }
        Files.writeString(onlyFile(temporary), "{\"sequence\":3,\"ti", StandardOpenOption.APPEND);
        assertThat(verify(temporary).isWhole()).isTrue();
        assertThat(verify(temporary).sentence()).contains("17 bytes of a record that is not whole");
        try (AuditJournal journal = Journals.in(temporary)) {
            assertThat(all(journal)).last().satisfies(told -> {
                assertThat(told.code()).isEqualTo("TORN");
                assertThat(told.actor()).isEqualTo(Actor.APMATRIX);
                assertThat(told.reason()).contains("17 bytes");
            });
        }
        assertThat(temporary.resolve("audit-000000000001.torn")).content().isEqualTo("{\"sequence\":3,\"ti");
        assertThat(verify(temporary).sentence()).startsWith("3 records, whole");
    }

    @Test
    void recordsThatAreTakenFromTheEndAreMissedForEver() throws Exception {
        try (AuditJournal journal = Journals.in(temporary)) {
            write(journal, "ci");
            write(journal, "ci");
        }
        Path file = onlyFile(temporary);
        List<String> lines = Files.readAllLines(file);
        Files.writeString(file, String.join("\n", lines.subList(0, 3)) + "\n");
        assertThat(verify(temporary).sentence()).startsWith("record 4 is missing");
        try (AuditJournal journal = Journals.in(temporary)) {
            write(journal, "ci");
        }
        assertThat(verify(temporary)).satisfies(found -> {
            assertThat(found.isWhole()).isFalse();
            assertThat(found.sentence()).contains("line 4", "record 4 is missing: here stands record 5");
        });
    }

    @Test
    void fiftyAtOnceMakeOneChainWithoutAGap() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(50);
        try (AuditJournal journal = Journals.in(temporary, DataSize.ofKilobytes(20), null, Ticker.systemTicker())) {
            List<Future<?>> writers = IntStream.range(0, 50)
                    .<Future<?>>mapToObj(i -> threads.submit(() -> write(journal, "writer-" + i)))
                    .toList();
            for (Future<?> writer : writers) {
                writer.get();
            }
            assertThat(all(journal)).hasSize(100);
        } finally {
            threads.shutdownNow();
        }
        assertThat(verify(temporary).sentence()).startsWith("100 records, whole");
        try (AuditJournal journal = Journals.in(temporary)) {
            assertThat(journal.unfinished()).isEmpty();
        }
    }

    @Test
    void anInterruptedRequestIsRecordedAndHarmsNoOther() {
        try (AuditJournal journal = Journals.in(temporary)) {
            Thread.currentThread().interrupt();
            write(journal, "interrupted");
            assertThat(Thread.interrupted()).isTrue();
            write(journal, "ci");
            assertThat(all(journal)).hasSize(4);
        }
    }

    @Test
    void aSecondWriterIsRefusedAndReads() {
        try (AuditJournal first = Journals.in(temporary)) {
            write(first, "first");
            try (AuditJournal second = Journals.in(temporary)) {
                assertThat(second.trouble())
                        .hasValueSatisfying(why -> assertThat(why).contains("another process"));
                assertThatThrownBy(() -> write(second, "second")).isInstanceOf(HostFailure.class);
            }
            write(first, "first");
        }
        assertThat(verify(temporary).sentence()).startsWith("4 records, whole");
    }

    @Test
    void aFileThatIsTakenAwayIsMissed() throws Exception {
        try (AuditJournal journal = Journals.in(temporary)) {
            write(journal, "ci");
            Files.delete(onlyFile(temporary));
            assertThatThrownBy(() -> write(journal, "refused")).isInstanceOf(HostFailure.class);
            assertThat(journal.trouble()).isEmpty();
            write(journal, "ci");
        }
        assertThat(verify(temporary).sentence()).startsWith("record 1 is missing");
    }

    @Test
    void aFullDiskRefusesWritesGoesOnReadingAndRecoversByItself() throws Exception {
        Path disk = Files.createDirectory(temporary.resolve("disk"));
        Shell.Result mounted = Shell.bash(temporary, "mount -t tmpfs -o size=128k tmpfs \"$1\"", disk.toString());
        Component.require("a small tmpfs", mounted.exit() == 0, "run the tests as root, where mount(2) is allowed");
        Path ballast = disk.resolve("ballast");
        try (AuditJournal journal = Journals.in(disk.resolve("audit"))) {
            write(journal, "ci");
            Attempt cutShort = begin(journal, "done, and not recorded");
            cutShort.intend();
            Shell.bash(disk, "cat /dev/zero > \"$1\"", ballast.toString());
            fill(journal);

            int records = all(journal).size();
            cutShort.end(200, "OK");
            assertThatThrownBy(() -> write(journal, "refused"))
                    .isInstanceOfSatisfying(
                            HostFailure.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.AUDIT_UNAVAILABLE));
            assertThatThrownBy(journal::requireAvailable).isInstanceOf(HostFailure.class);
            assertThat(journal.trouble()).isPresent();
            assertThat(all(journal)).hasSize(records);
            assertThat(verify(disk.resolve("audit")).isWhole()).isTrue();

            Files.delete(ballast);
            write(journal, "ci again");
            assertThat(journal.trouble()).isEmpty();
            List<AuditRecord> more = all(journal).subList(records, all(journal).size());
            int recovered = more.size() - 3;
            assertThat(more.subList(0, recovered))
                    .allSatisfy(owed -> assertThat(owed.code()).isEqualTo("OK"))
                    .extracting(owed -> owed.actor().name())
                    .contains("done, and not recorded");
            assertThat(more.get(recovered).code()).isEqualTo("RECOVERED");
            assertThat(more.subList(recovered + 1, more.size()))
                    .extracting(record -> record.actor().name())
                    .containsExactly("ci again", "ci again");
            assertThat(verify(disk.resolve("audit")).isWhole()).isTrue();
        } finally {
            Attempt.current().close();
            Shell.bash(temporary, "umount -l \"$1\"", disk.toString());
        }
    }

    /** Fills the last page of the file, too. */
    private static void fill(AuditJournal journal) {
        for (int i = 0; i < 100; i++) {
            try {
                write(journal, "filling");
            } catch (HostFailure full) {
                return;
            }
        }
        throw new AssertionError("not full");
    }

    @Test
    void withoutADirectoryTheLastRecordsAreKeptInMemory() {
        try (AuditJournal journal = Journals.in(null)) {
            write(journal, "ci");
            assertThat(all(journal)).hasSize(2);
            assertThat(all(journal).get(1).previousHash())
                    .isEqualTo(all(journal).get(0).hash());
        }
    }

    @Test
    void pagesGoOnWhereTheOneBeforeEnded() {
        try (AuditJournal journal = Journals.in(temporary, DataSize.ofKilobytes(2), null, Ticker.systemTicker())) {
            IntStream.range(0, 5).forEach(i -> write(journal, i % 2 == 0 ? "even" : "odd"));
            AuditJournal.Page first = journal.read(0, 4, record -> true);
            assertThat(first.items()).hasSize(4);
            assertThat(first.next()).isEqualTo(4);
            AuditJournal.Page last = journal.read(4, 6, record -> true);
            assertThat(last.items()).extracting(AuditRecord::sequence).containsExactly(5L, 6L, 7L, 8L, 9L, 10L);
            assertThat(last.next()).isNull();
            assertThat(journal.read(10, 6, record -> true).items()).isEmpty();
            assertThat(journal.read(0, 100, AuditJournal.wanted("odd", null, null, "OK"))
                            .items())
                    .hasSize(2);
            assertThat(journal.read(0, 100, AuditJournal.wanted(null, "putMdev", "/api/v1/mdevs/a", null))
                            .items())
                    .hasSize(10);
            assertThat(journal.read(0, 100, AuditJournal.wanted(null, "deleteMdev", null, null))
                            .items())
                    .isEmpty();
        }
    }

    @Test
    void aFloodThatReachesNoOperationIsCountedAfterTheFirstOnes() {
        AtomicLong time = new AtomicLong();
        try (AuditJournal journal = Journals.in(temporary, DataSize.ofMegabytes(64), null, time::get)) {
            IntStream.range(0, 1000).forEach(i -> knock(journal, "192.0.2.7"));
            knock(journal, "192.0.2.8");
            assertThat(all(journal)).hasSize(4);
            time.addAndGet(Duration.ofMinutes(2).toNanos());
            knock(journal, "192.0.2.7");
            assertThat(all(journal)).hasSize(6).anySatisfy(summary -> {
                assertThat(summary.attempts()).isEqualTo(997);
                assertThat(summary.sourceAddress()).isEqualTo("192.0.2.7");
                assertThat(summary.code()).isEqualTo("UNAUTHENTICATED");
            });
        }
    }

    @Test
    void aFloodFromManySourcesIsCountedToo() {
        try (AuditJournal journal = Journals.in(temporary)) {
            IntStream.range(0, 500).forEach(i -> knock(journal, "192.0.2." + i));
            assertThat(all(journal)).hasSize(30);
        }
        try (AuditJournal journal = Journals.in(temporary)) {
            assertThat(all(journal))
                    .last()
                    .satisfies(summary -> assertThat(summary.attempts()).isEqualTo(470));
        }
    }

    @Test
    void whatReachesAnOperationIsNeverOnlyCounted() {
        try (AuditJournal journal = Journals.in(temporary)) {
            for (int i = 0; i < 20; i++) {
                try (Attempt attempt = begin(journal, "ci")) {
                    attempt.of("putMdev", false, Map.of());
                    attempt.end(404, "NOT_FOUND");
                }
            }
            assertThat(all(journal)).hasSize(20);
        }
    }

    private static void knock(AuditJournal journal, String source) {
        try (Attempt attempt = journal.begin(new Attempt.Origin(source, "DELETE", "/api/v1/mdevs/a", "1", null))) {
            attempt.end(401, "UNAUTHENTICATED");
        }
    }

    private static AuditRecord onlyRecord(String text) {
        assertThat(text.lines()).hasSize(1);
        return Chain.JSON.readValue(text, AuditRecord.class);
    }
}
