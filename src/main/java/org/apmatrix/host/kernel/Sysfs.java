package org.apmatrix.host.kernel;

import java.nio.file.Path;
import java.util.List;

/**
 * The sysfs tree: read, write, list, readlink, on absolute paths below {@code /sys} in the kernel's spelling.
 *
 * <p>Every method throws {@link KernelException} with the errno that the kernel answered: ENOENT where nothing is, EACCES on a write-only file that is read
 * or a read-only one that is written (fs/kernfs/file.c, kernfs_fop_open).
 */
public interface Sysfs {
    /** The whole content of an attribute, newline and all. An empty list is an empty text. */
    String read(Path attribute);

    /**
     * One {@code write(2)} of exactly this text after an {@code open(2)} without O_CREAT: one store call of the driver, which takes all of it or nothing.
     *
     * @param text at most 4,096 bytes; an empty one is accepted by the kernel and does nothing
     */
    void write(Path attribute, String text);

    /** The names in a directory, sorted; symbolic links on the way are followed. */
    List<String> list(Path directory);

    /** The target of a symbolic link as it stands there, mostly relative. EINVAL when it is no link. */
    String readLink(Path link);

    /** Whether something is at this path, links followed. */
    boolean exists(Path path);

    /** Whether this process may write to it, by its rights and those of the mount; false where there is nothing. */
    boolean isWritable(Path attribute);
}
