package org.apmatrix.preflight;

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
import java.util.function.BooleanSupplier;
import org.apmatrix.host.Guests;
import org.apmatrix.host.HostProperties;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;

/**
 * What the checks stand on.
 *
 * @param properties where this process finds the host, its lock and its state
 * @param root the host's root directory; see {@link PreflightProperties}
 * @param clockIsSynchronised asks the kernel
 * @param simulated whether sysfs and proc are a simulated machine's, so that files of this machine say nothing about it
 */
public record Ground(
        Sysfs sysfs,
        Procfs procfs,
        Guests guests,
        HostProperties properties,
        Path root,
        BooleanSupplier clockIsSynchronised,
        boolean simulated) {

    /** A path of the host, such as {@code /etc/mdevctl.d}, where this process sees it. */
    Path hostPath(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    /** A path below {@code /proc}, for what the seam does not ask: links of namespaces, processes by name. */
    Path proc(String relative) {
        return properties.procRoot().resolve(relative);
    }

    /** A file's text; empty when there is no such file. */
    static Optional<String> text(Path file) {
        try {
            // any byte is a character: a file that is no text is no fault of ours
            return Optional.of(Files.readString(file, StandardCharsets.ISO_8859_1));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + e.getMessage(), e);
        }
    }

    /** What is in a directory, sorted; nothing when there is none. */
    static List<Path> files(Path directory) {
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
