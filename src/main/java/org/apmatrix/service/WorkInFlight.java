package org.apmatrix.service;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.apmatrix.fault.HostFailure;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * A note on disk about each write of several steps while it runs, so that a crash in the middle is told by the next start.
 *
 * <p>It tells and does nothing: what was meant may not be what is wanted now.
 */
public final class WorkInFlight {
    private static final Logger LOG = LoggerFactory.getLogger(WorkInFlight.class);
    private static final String ENDING = ".in-flight.json";

    private final @Nullable Path directory;
    private final Clock clock;
    private final JsonMapper json;
    private final List<Unfinished> unfinished = new CopyOnWriteArrayList<>();

    /**
     * Reads what an earlier process left behind.
     *
     * @param directory null where nothing is to be noted
     */
    public WorkInFlight(@Nullable Path directory, Clock clock, JsonMapper json) {
        this.directory = directory;
        this.clock = clock;
        this.json = json;
        if (directory != null && Files.isDirectory(directory)) {
            readLeftOver(directory);
        }
    }

    /**
     * A write that was cut off in the middle.
     *
     * @param subject what it was about, such as {@code mdev 62177883-f1bb-47f0-914d-32a22e3a8804}
     * @param steps the writes that it was going to do, in order; how many were done is not known
     */
    public record Unfinished(String subject, Instant since, List<String> steps) {}

    /** What was cut off and nobody has settled since, oldest first. */
    public List<Unfinished> unfinished() {
        return List.copyOf(unfinished);
    }

    Note begin(String subject, List<Step> steps) {
        Path file = null;
        Unfinished work = new Unfinished(
                subject, clock.instant(), steps.stream().map(Step::toString).toList());
        if (directory != null && steps.size() > 1) {
            file = directory.resolve(UUID.randomUUID() + ENDING);
            write(file, work);
        }
        return new Note(work, file);
    }

    /** The note about one write; closing it says that the write has ended. */
    final class Note implements AutoCloseable {
        private final Unfinished work;
        private final @Nullable Path file;
        private boolean kept;
        private boolean succeeded;

        private Note(Unfinished work, @Nullable Path file) {
            this.work = work;
            this.file = file;
        }

        /** The write is done: what was cut off before about the same subject is history. */
        void succeeded() {
            succeeded = true;
        }

        /** The write has ended in a state that somebody must look at: the note stays. */
        void keep() {
            kept = true;
            unfinished.add(work);
        }

        @Override
        public void close() {
            if (kept) {
                return;
            }
            try {
                if (file != null) {
                    Files.deleteIfExists(file);
                }
                if (succeeded) {
                    settle(work.subject());
                }
            } catch (IOException e) {
                LOG.error("a note of work that has ended cannot be taken away: {}", file, e);
            }
        }
    }

    /** Somebody has found out how what was cut off about this subject has ended: it is history. */
    void settled(String subject) {
        try {
            settle(subject);
        } catch (IOException e) {
            LOG.error("a note of work that has ended cannot be taken away", e);
        }
    }

    /** A later write about the same subject has ended: what was cut off before is history. */
    private void settle(String subject) throws IOException {
        if (directory == null || unfinished.removeIf(work -> work.subject().equals(subject)) == false) {
            return;
        }
        for (Path file : notes(directory)) {
            if (read(file).subject().equals(subject)) {
                Files.deleteIfExists(file);
            }
        }
    }

    private void readLeftOver(Path from) {
        try {
            List<Unfinished> found = new ArrayList<>();
            for (Path file : notes(from)) {
                found.add(read(file));
            }
            found.sort((left, right) -> left.since().compareTo(right.since()));
            found.forEach(work -> LOG.warn(
                    "{}: cut off at {} while doing {}; look at it, then change or remove it",
                    work.subject(),
                    work.since(),
                    work.steps()));
            unfinished.addAll(found);
        } catch (IOException e) {
            throw new UncheckedIOException("the notes of work in flight cannot be read", e);
        }
    }

    private Unfinished read(Path file) throws IOException {
        try {
            return json.readValue(Files.readAllBytes(file), Unfinished.class);
        } catch (JacksonException e) {
            LOG.warn("{} cannot be read: the process or the machine stopped while it was written", file, e);
            return new Unfinished("unknown", Files.getLastModifiedTime(file).toInstant(), List.of());
        }
    }

    private void write(Path file, Unfinished work) {
        try {
            Files.createDirectories(file.getParent());
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                channel.write(
                        java.nio.ByteBuffer.wrap(json.writeValueAsString(work).getBytes(StandardCharsets.UTF_8)));
                channel.force(true);
            }
        } catch (IOException e) {
            LOG.error("work in flight cannot be noted in {}", directory, e);
            deleteTorn(file);
            throw HostFailure.refused(
                    null, "Work in flight cannot be noted (apmatrix.host.state-directory); nothing was written.");
        }
    }

    private static void deleteTorn(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.error("{} cannot be deleted", file, e);
        }
    }

    private static List<Path> notes(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(ENDING))
                    .sorted()
                    .toList();
        }
    }
}
