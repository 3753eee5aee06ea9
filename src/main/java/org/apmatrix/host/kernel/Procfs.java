package org.apmatrix.host.kernel;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The {@code /proc} tree: what the machine says of itself, and which process holds what open. */
public interface Procfs {
    /**
     * An open file descriptor.
     *
     * @param target what {@code /proc/PID/fd/FD} points to, such as {@code /dev/vfio/0}, {@code /dev/vfio/0 (deleted)} or {@code anon_inode:[vfio-device]}
     */
    record OpenFile(int pid, int fd, String target) {}

    /**
     * One look at the descriptors of every process.
     *
     * @param complete false when the descriptors of some process could not be read (EACCES): then what is not found may still be there
     */
    record Look(List<OpenFile> found, boolean complete) {}

    /** The content of a file such as {@code /proc/sysinfo}; empty when there is none. */
    Optional<String> read(Path file);

    /** The descriptors whose target is asked for. A process that ends meanwhile holds nothing. */
    Look openFiles(Predicate<String> target);

    /** {@code /proc/PID/fdinfo/FD}; empty when it is gone. Since Linux 6.18 a VFIO device's has a line {@code vfio-device-syspath: /sys/…}. */
    Optional<String> fdInfo(OpenFile file);
}
