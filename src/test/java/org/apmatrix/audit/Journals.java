package org.apmatrix.audit;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;

/** Journals for tests, and attempts as a request makes them. */
public final class Journals {
    static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    static final Attempt.Origin ORIGIN = new Attempt.Origin("192.0.2.7", "PUT", "/api/v1/mdevs/a", "build-42", null);

    private Journals() {}

    /** A journal that keeps all and rotates late. */
    public static AuditJournal in(@Nullable Path directory) {
        return in(directory, DataSize.ofMegabytes(64), null, Ticker.systemTicker());
    }

    static AuditJournal in(@Nullable Path directory, DataSize maxFileSize, @Nullable Integer keepFiles, Ticker ticker) {
        return new AuditJournal(
                directory,
                new AuditProperties(directory, maxFileSize, keepFiles, 3),
                Clock.fixed(NOW, ZoneOffset.UTC),
                ticker);
    }

    /** A write that is done: an intent and an outcome. */
    static void write(AuditJournal journal, String actor) {
        try (Attempt attempt = begin(journal, actor)) {
            attempt.intend();
            attempt.end(200, "OK");
        }
    }

    /** A write that is cut off. */
    static void cutOff(AuditJournal journal, String actor) {
        try (Attempt attempt = begin(journal, actor)) {
            attempt.intend();
        }
    }

    static Attempt begin(AuditJournal journal, String actor) {
        Attempt attempt = journal.begin(ORIGIN);
        attempt.by(new Actor(actor, "token"));
        attempt.of("putMdev", false, Map.of());
        return attempt;
    }

    static List<AuditRecord> all(AuditJournal journal) {
        return journal.read(0, Integer.MAX_VALUE, record -> true).items();
    }

    /** The files with the records, the oldest first. */
    static List<Path> files(Path directory) {
        try {
            return new ArrayList<>(FileLedger.journalFiles(directory).values());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path onlyFile(Path directory) {
        List<Path> files = files(directory);
        if (files.size() != 1) {
            throw new AssertionError(files);
        }
        return files.get(0);
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static AuditVerification.Result verify(Path journal) {
        try {
            return AuditVerification.verify(journal);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
