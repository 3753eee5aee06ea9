package org.apmatrix.host.fuse;

import java.nio.file.Path;
import java.util.List;

/**
 * What a {@link FuseServer} serves: files in the manner of sysfs, on absolute paths of which {@code /} is the mount point.
 *
 * <p>Links on the way are followed by the kernel before it asks, so a path names an entry itself. A refusal is a
 * {@link org.apmatrix.host.kernel.KernelException}; its errno is what the caller's system call answers. Called from many threads at once; a {@link #write} may block.
 */
interface FuseTree {
    /** An entry. The modes are permission bits, such as 0444. */
    sealed interface Node {
        record Directory(int mode) implements Node {}

        record File(int mode) implements Node {}

        record Link(String target) implements Node {}
    }

    /** What stands at this path; ENOENT when nothing does. */
    Node stat(Path path);

    /** The names in a directory, without {@code .} and {@code ..}. */
    List<String> list(Path directory);

    /** The content of a file as it is now. */
    byte[] read(Path file);

    /** One store: takes all of it or throws. At least one byte, at most 4,096. */
    void write(Path file, byte[] text);
}
