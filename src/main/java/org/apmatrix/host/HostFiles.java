package org.apmatrix.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * The host's own files, where this process sees them.
 *
 * @param root the host's root directory; {@code /proc/1/root} in a container with the host's processes
 * @param procRoot where the kernel's proc file system is mounted
 */
public record HostFiles(Path root, Path procRoot) {
    /** A path of the host, such as {@code /etc/mdevctl.d}, where this process sees it. */
    public Path path(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    /** A path below {@code /proc}. */
    public Path proc(String relative) {
        return procRoot.resolve(relative);
    }

    /** A file's text; empty when there is no such file. Throws {@link UncheckedIOException} where it cannot be read. */
    public static Optional<String> text(Path file) {
        try {
            // any byte is a character: a file that is no text is no fault of ours
            return Optional.of(Files.readString(file, StandardCharsets.ISO_8859_1));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + e.getMessage(), e);
        }
    }

    /** What is in a directory, sorted; nothing when there is none. Throws {@link UncheckedIOException} where it cannot be listed. */
    public static List<Path> list(Path directory) {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            entries.forEach(files::add);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw new UncheckedIOException(e.getCause());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Collections.sort(files);
        return files;
    }
}
