package org.apmatrix.host.fuse;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;

/** {@code /dev/fuse}, and the mount that the kernel talks about through it. */
final class FuseDevice {
    static final String FILE_SYSTEM = "fuse.apmatrix";

    private static final Path DEVICE = Path.of("/dev/fuse");

    private static final int O_RDONLY = 0;
    private static final int O_RDWR = 2;
    private static final int O_DIRECTORY = 0200000;
    private static final int O_CLOEXEC = 02000000;
    private static final long MS_NOSUID = 2;
    private static final long MS_NODEV = 4;
    private static final long MS_NOEXEC = 8;
    private static final int MNT_FORCE = 1;
    private static final int MNT_DETACH = 2;

    /** The C library, directly mapped; {@code long} for size_t, so LP64 only. */
    private static final class C {
        static {
            Native.register(C.class, NativeLibrary.getInstance("c"));
        }

        static native int open(String path, int flags);

        static native int close(int fd);

        static native long read(int fd, ByteBuffer buffer, long count);

        static native long write(int fd, ByteBuffer buffer, long count);

        static native int mount(String source, String target, String type, long flags, String data);

        static native int umount2(String target, int flags);

        static native int geteuid();

        static native int getegid();
    }

    private final int fd;
    private final Path mountPoint;

    private FuseDevice(int fd, Path mountPoint) {
        this.fd = fd;
        this.mountPoint = mountPoint;
    }

    /** Why nothing can be mounted on this machine, in words; empty when it can, as far as can be told without doing it. */
    static Optional<String> missing() {
        if (!Files.exists(DEVICE)) {
            return Optional.of("there is no /dev/fuse (modprobe fuse; in a container also --device /dev/fuse)");
        }
        if (!Files.isReadable(DEVICE) || !Files.isWritable(DEVICE)) {
            return Optional.of("/dev/fuse may not be opened by this user (run as root, or make it mode 0666)");
        }
        long capSysAdmin = 1L << 21;
        if ((effectiveCapabilities() & capSysAdmin) == 0) {
            return Optional.of(
                    "mounting needs CAP_SYS_ADMIN (run as root, or in unshare --user --map-root-user --mount)");
        }
        return Optional.empty();
    }

    private static long effectiveCapabilities() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("CapEff:"))
                    .map(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                    .findFirst()
                    .orElse(0L);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /**
     * Mounts on an existing directory. What a killed server left there (ENOTCONN, "Transport endpoint is not connected") is taken away first.
     *
     * @throws KernelException EBUSY when another one is mounted there and alive
     */
    static FuseDevice mount(Path mountPoint) {
        removeStaleMounts(mountPoint);
        int fd = check(C.open(DEVICE.toString(), O_RDWR | O_CLOEXEC), "open", DEVICE);
        String options = "fd=" + fd + ",rootmode=40000,user_id=" + C.geteuid() + ",group_id=" + C.getegid()
                + ",allow_other,default_permissions";
        try {
            long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
            check(C.mount("apmatrix", mountPoint.toString(), FILE_SYSTEM, flags, options), "mount", mountPoint);
        } catch (KernelException refused) {
            C.close(fd);
            throw refused;
        }
        return new FuseDevice(fd, mountPoint);
    }

    private static void removeStaleMounts(Path mountPoint) {
        while (isMounted(mountPoint)) {
            int directory = C.open(mountPoint.toString(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (directory >= 0) {
                C.close(directory);
                throw new KernelException(Errno.EBUSY, "mount", mountPoint);
            }
            if (errno() != Errno.ENOTCONN) {
                throw new KernelException(errno(), "open", mountPoint);
            }
            check(C.umount2(mountPoint.toString(), MNT_DETACH), "umount", mountPoint);
        }
    }

    /** Whether one of ours is mounted here (proc_pid_mountinfo(5): root, mount point, …, a dash, the type). */
    private static boolean isMounted(Path mountPoint) {
        // a blank in a path is written \040
        String escaped = mountPoint.toString().replace("\\", "\\134").replace(" ", "\\040");
        try {
            byte[] mounts = Files.readAllBytes(Path.of("/proc/self/mountinfo"));
            return new String(mounts, StandardCharsets.UTF_8)
                    .lines()
                    .anyMatch(line -> line.contains(" / " + escaped + " ") && line.contains(" - " + FILE_SYSTEM + " "));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** Fills the buffer with the next request, from its start; false when the mount is gone. Waits until there is one. */
    boolean receive(ByteBuffer buffer) {
        while (true) {
            buffer.clear();
            long count = C.read(fd, buffer, buffer.capacity());
            if (count >= 0) {
                buffer.limit((int) count);
                return true;
            }
            // ENOENT: the request was taken back before it was read
            Errno errno = errno();
            if (errno != Errno.EINTR && errno != Errno.EAGAIN && errno != Errno.ENOENT) {
                return false;
            }
        }
    }

    /** Sends what is before the buffer's position. An answer that nobody waits for any more is dropped. */
    void send(ByteBuffer buffer) {
        buffer.flip();
        if (C.write(fd, buffer, buffer.limit()) < 0 && errno() == Errno.EINVAL) {
            // the caller would wait for ever
            throw new IllegalStateException("the kernel does not understand an answer of " + buffer.limit() + " bytes");
        }
    }

    /** Takes the mount away whoever uses it; calls in progress end with ECONNABORTED. */
    void unmount() {
        // only force ends the calls in progress, and only the first user namespace may use it
        if (C.umount2(mountPoint.toString(), MNT_FORCE | MNT_DETACH) != 0) {
            C.umount2(mountPoint.toString(), MNT_DETACH);
        }
    }

    void close() {
        C.close(fd);
    }

    private static int check(int result, String operation, Path path) {
        if (result < 0) {
            throw new KernelException(errno(), operation, path);
        }
        return result;
    }

    private static Errno errno() {
        return Errno.of(Native.getLastError());
    }
}
