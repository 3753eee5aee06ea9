package org.apmatrix.host.linux;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.jspecify.annotations.Nullable;

/**
 * System calls on a kernel tree that is mounted somewhere: takes the kernel's own paths, and throws with them.
 *
 * <p>A call that a signal interrupted (EINTR) is made again: the kernel gives up waiting for a lock before it did anything. Only close is not, because Linux has
 * released the descriptor by then.
 */
final class SystemCalls {
    /** A sysfs file ends within a page of 4,096 bytes: this takes it whole, and a second read finds the end. */
    private static final int BUFFER = 8192;

    private static final int PATH_MAX = 4096;

    private final Path kernelRoot;
    private final Path mountedAt;

    /**
     * @param kernelRoot where the kernel's documents see the tree: {@code /sys} or {@code /proc}
     * @param mountedAt where it is on this machine
     */
    SystemCalls(Path kernelRoot, Path mountedAt) {
        this.kernelRoot = kernelRoot;
        this.mountedAt = mountedAt.toAbsolutePath();
    }

    /** An open file. A failed close is told, but never in place of a failure that came before it. */
    record Descriptor(int fd, Path file) implements AutoCloseable {
        @Override
        public void close() {
            if (LibC.close(fd) < 0) {
                throw new KernelException(LibC.errno(), "close", file);
            }
        }
    }

    String read(Path file) {
        try (Descriptor descriptor = open(file, LibC.O_RDONLY)) {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            byte[] buffer = new byte[BUFFER];
            while (true) {
                int count = (int) retried("read", file, () -> LibC.read(descriptor.fd(), buffer, BUFFER));
                if (count == 0) {
                    return content.toString(StandardCharsets.UTF_8);
                }
                content.write(buffer, 0, count);
            }
        }
    }

    void write(Path file, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        // an array of no bytes would have no address
        byte[] buffer = bytes.length == 0 ? new byte[1] : bytes;
        try (Descriptor descriptor = open(file, LibC.O_WRONLY)) {
            long written = retried("write", file, () -> LibC.write(descriptor.fd(), buffer, bytes.length));
            if (written != bytes.length) {
                // the driver has taken a text that nobody meant; writing the rest would be a second store
                throw new KernelException(Errno.EIO, "write (" + written + " of " + bytes.length + " bytes)", file);
            }
        }
    }

    /** The names in a directory, in no order. */
    List<String> list(Path directory) {
        // the JDK lists, but says in words what went wrong: so the errno is asked for first
        open(directory, LibC.O_RDONLY | LibC.O_DIRECTORY).close();
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(mounted("open", directory))) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
            return names;
        } catch (DirectoryIteratorException unlisted) {
            throw notListed(directory, unlisted.getCause());
        } catch (IOException unlisted) {
            throw notListed(directory, unlisted);
        }
    }

    private static KernelException notListed(Path directory, @Nullable IOException cause) {
        // a directory that goes while it is read answers ENOENT
        Errno errno = cause instanceof NoSuchFileException ? Errno.ENOENT : Errno.EIO;
        KernelException failure = new KernelException(errno, "readdir", directory);
        failure.initCause(cause);
        return failure;
    }

    String readLink(Path link) {
        byte[] path = path("readlink", link);
        byte[] target = new byte[PATH_MAX];
        long length = retried("readlink", link, () -> LibC.readlink(path, target, target.length));
        return LibC.fileName(target, (int) length);
    }

    boolean isWritable(Path file) {
        try {
            byte[] path = path("access", file);
            retried("access", file, () -> LibC.access(path, LibC.W_OK));
            return true;
        } catch (KernelException refused) {
            return false;
        }
    }

    boolean exists(Path file) {
        try {
            byte[] path = path("access", file);
            retried("access", file, () -> LibC.access(path, LibC.F_OK));
            return true;
        } catch (KernelException refused) {
            if (refused.errno() == Errno.ENOENT || refused.errno() == Errno.ENOTDIR) {
                return false;
            }
            throw refused;
        }
    }

    /** Opens a file without O_CREAT; no process that this one starts inherits it. */
    Descriptor open(Path file, int flags) {
        byte[] path = path("open", file);
        return new Descriptor((int) retried("open", file, () -> LibC.open(path, flags | LibC.O_CLOEXEC)), file);
    }

    /** Makes a call until no signal interrupts it, and throws when it answers a negative number. */
    static long retried(String operation, Path path, LongSupplier call) {
        while (true) {
            long result = call.getAsLong();
            if (result >= 0) {
                return result;
            }
            Errno errno = LibC.errno();
            if (errno != Errno.EINTR) {
                throw new KernelException(errno, operation, path);
            }
        }
    }

    private byte[] path(String operation, Path path) {
        return LibC.path(mounted(operation, path).toString());
    }

    private Path mounted(String operation, Path path) {
        if (!path.startsWith(kernelRoot)) {
            // wherever the tree is mounted, this is not in it
            throw new KernelException(Errno.ENOENT, operation, path);
        }
        return mountedAt.resolve(kernelRoot.relativize(path));
    }
}
