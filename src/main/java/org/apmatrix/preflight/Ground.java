package org.apmatrix.preflight;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.apmatrix.host.Guests;
import org.apmatrix.host.HostFiles;
import org.apmatrix.host.HostProperties;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NextBoot;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;

/**
 * What the checks stand on.
 *
 * @param properties where this process finds the host, its lock and its state
 * @param root the host's root directory; see {@link PreflightProperties}
 * @param definitions what mdevctl would start
 * @param clockIsSynchronised asks the kernel
 * @param simulated whether sysfs and proc are a simulated machine's, so that files of this machine say nothing about it
 */
public record Ground(
        Sysfs sysfs,
        Procfs procfs,
        Guests guests,
        HostProperties properties,
        Path root,
        MdevctlStore definitions,
        BooleanSupplier clockIsSynchronised,
        boolean simulated) {

    private HostFiles files() {
        return new HostFiles(root, properties.procRoot());
    }

    NextBoot nextBoot() {
        return new NextBoot(files());
    }

    /** A path of the host, such as {@code /etc/mdevctl.d}, where this process sees it. */
    Path hostPath(String absolute) {
        return files().path(absolute);
    }

    /** A path below {@code /proc}, for what the seam does not ask: links of namespaces, processes by name. */
    Path proc(String relative) {
        return files().proc(relative);
    }

    /** A file's text; empty when there is no such file. */
    static Optional<String> text(Path file) {
        return HostFiles.text(file);
    }

    /** What is in a directory, sorted; nothing when there is none. */
    static List<Path> files(Path directory) {
        return HostFiles.list(directory);
    }
}
