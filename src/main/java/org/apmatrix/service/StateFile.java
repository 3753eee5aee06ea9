package org.apmatrix.service;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.apmatrix.fault.HostFailure;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** One JSON document in the state directory, replaced as a whole: whatever happens to the machine, it is the old one or the new one. */
final class StateFile<T> {
    private static final Logger LOG = LoggerFactory.getLogger(StateFile.class);

    private final @Nullable Path directory;
    private final String name;
    private final Class<T> type;
    private final JsonMapper json;

    /** @param directory null where nothing is to be kept beyond this process */
    StateFile(@Nullable Path directory, String name, Class<T> type, JsonMapper json) {
        this.directory = directory;
        this.name = name;
        this.type = type;
        this.json = json;
    }

    /**
     * What an earlier process left.
     *
     * @param advice what a person can do when it cannot be read
     * @throws UncheckedIOException when there is a file that cannot be read: to go on without it would be to guess
     */
    Optional<T> read(String advice) {
        if (directory == null || !Files.exists(directory.resolve(name))) {
            return Optional.empty();
        }
        Path file = directory.resolve(name);
        try {
            return Optional.of(json.readValue(Files.readAllBytes(file), type));
        } catch (IOException | JacksonException | NullPointerException e) {
            throw new UncheckedIOException(file + " cannot be read. " + advice, new IOException(e));
        }
    }

    /**
     * Before something begins: what cannot be noted is not begun.
     *
     * @throws HostFailure HOST_REFUSED
     */
    void begin(T content) {
        try {
            write(content);
        } catch (IOException e) {
            LOG.error("{} cannot be written in {}", name, directory, e);
            throw HostFailure.refused(
                    null, "What is to be done cannot be noted (apmatrix.host.state-directory); nothing was done.");
        }
    }

    /** After something has ended, which it has also where that cannot be written: a restart then finds the note before, and looks once more. */
    void end(T content) {
        try {
            write(content);
        } catch (IOException e) {
            LOG.error("what has ended cannot be noted in {} of {}; the next note will", name, directory, e);
        }
    }

    /** A new file, forced to the disk, takes the old one's place. */
    private void write(T content) throws IOException {
        if (directory == null) {
            return;
        }
        Path fresh = directory.resolve(name + ".new");
        Files.createDirectories(directory);
        try (FileChannel channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(json.writeValueAsBytes(content));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(fresh, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        }
    }
}
