package org.apmatrix.host.linux;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.nio.charset.Charset;
import java.util.Arrays;
import org.apmatrix.host.kernel.Errno;

/**
 * The C library's doors into the kernel, directly mapped: what each returns is what it returns in C, {@link #errno()} says why it was -1.
 *
 * <p>{@code size_t} and {@code ssize_t} are {@code long} here, so only LP64 systems (every 64-bit Linux, s390x among them) will do. Paths are bytes with a NUL,
 * as the kernel takes them, so no library on the way can re-encode them.
 */
final class LibC {
    static final int O_RDONLY = 0;
    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_DIRECTORY = 0200000;
    static final int O_CLOEXEC = 02000000;
    static final int F_OK = 0;
    static final int W_OK = 2;

    /** How this JVM turns a path into the bytes of a file name; the same as the JDK's own file classes. */
    private static final Charset FILE_NAMES = Charset.forName(
            System.getProperty("sun.jnu.encoding", Charset.defaultCharset().name()));

    static {
        if (Native.LONG_SIZE != Long.BYTES) {
            throw new UnsupportedOperationException("a C long has " + Native.LONG_SIZE + " bytes here, not 8");
        }
        Native.register(LibC.class, NativeLibrary.getInstance("c"));
    }

    private LibC() {}

    /** {@code open(2)} without a mode, so never with O_CREAT: the variadic third argument is not passed. */
    static native int open(byte[] path, int flags);

    static native int close(int fd);

    static native long read(int fd, byte[] buffer, long count);

    static native long write(int fd, byte[] buffer, long count);

    static native long readlink(byte[] path, byte[] buffer, long size);

    static native int access(byte[] path, int mode);

    /**
     * {@code ioctl(2)} with a number. C declares it variadic; on x86-64, s390x and aarch64 Linux integers and pointers are passed to a variadic function as to any
     * other.
     */
    static native int ioctl(int fd, long request, long argument);

    /** {@code ioctl(2)} with a pointer to a structure, which the kernel may write to. */
    static native int ioctl(int fd, long request, byte[] argument);

    static native int socket(int domain, int type, int protocol);

    static native int bind(int fd, byte[] address, int length);

    static native int setsockopt(int fd, int level, int option, byte[] value, int length);

    static native long recv(int fd, byte[] buffer, long size, int flags);

    /** {@code adjtimex(2)} on a struct timex. */
    static native int adjtimex(byte[] timex);

    /** The errno of this thread's last call in this class. */
    static Errno errno() {
        return Errno.of(Native.getLastError());
    }

    static byte[] path(String path) {
        byte[] name = path.getBytes(FILE_NAMES);
        return Arrays.copyOf(name, name.length + 1);
    }

    static String fileName(byte[] buffer, int length) {
        return new String(buffer, 0, length, FILE_NAMES);
    }
}
