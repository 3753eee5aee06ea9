package org.apmatrix.host.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Uevents;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running kernel's uevents, read from a netlink socket (netlink(7)) by a thread of its own. */
public final class LinuxUevents implements Uevents {
    private static final Logger LOG = LoggerFactory.getLogger(LinuxUevents.class);

    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int SOCK_CLOEXEC = 02000000;
    private static final int NETLINK_KOBJECT_UEVENT = 15;
    /** The group of the kernel's own messages; 2 is udev's. */
    private static final int GROUP_KERNEL = 1;

    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    /** A blocked read cannot be interrupted: this often it looks whether it is still wanted. */
    private static final long LOOK_UP_SECONDS = 1;

    /** include/linux/kobject.h, UEVENT_BUFFER_SIZE is 2,048, and the first line comes on top. */
    private static final int BUFFER = 8192;

    private static final Path SOCKET = Path.of("netlink:uevent");

    @Override
    public Listening listen(Listener listener) {
        int fd = LibC.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
        if (fd < 0) {
            throw new KernelException(LibC.errno(), "socket", SOCKET);
        }
        SystemCalls.Descriptor socket = new SystemCalls.Descriptor(fd, SOCKET);
        try {
            // struct timeval of LP64
            byte[] timeout = buffer(16).putLong(LOOK_UP_SECONDS).putLong(0).array();
            SystemCalls.retried(
                    "setsockopt SO_RCVTIMEO",
                    SOCKET,
                    () -> LibC.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length));
            // struct sockaddr_nl: family, padding, port (the kernel chooses one), groups
            byte[] address = buffer(12)
                    .putShort((short) AF_NETLINK)
                    .putShort((short) 0)
                    .putInt(0)
                    .putInt(GROUP_KERNEL)
                    .array();
            SystemCalls.retried("bind", SOCKET, () -> LibC.bind(fd, address, address.length));
        } catch (KernelException refused) {
            socket.close();
            throw refused;
        }
        Reader reader = new Reader(socket, listener);
        Thread thread = new Thread(reader, "uevents");
        thread.setDaemon(true);
        thread.start();
        return reader;
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }

    /** {@code add@/devices/…} and then {@code NAME=value}, each ended by a NUL; empty for anything else, such as a message of udev. */
    static Optional<Uevent> parse(byte[] message, int length) {
        String[] parts = new String(message, 0, length, StandardCharsets.UTF_8).split("\0", -1);
        int at = parts[0].indexOf('@');
        if (at <= 0 || !parts[0].startsWith("/", at + 1)) {
            return Optional.empty();
        }
        String subsystem = Arrays.stream(parts)
                .filter(part -> part.startsWith("SUBSYSTEM="))
                .map(part -> part.substring("SUBSYSTEM=".length()))
                .findFirst()
                .orElse("");
        return Optional.of(new Uevent(parts[0].substring(0, at), parts[0].substring(at + 1), subsystem));
    }

    private static final class Reader implements Runnable, Listening {
        private final SystemCalls.Descriptor socket;
        private final Listener listener;
        private volatile boolean closed;

        Reader(SystemCalls.Descriptor socket, Listener listener) {
            this.socket = socket;
            this.listener = listener;
        }

        @Override
        public void run() {
            byte[] buffer = new byte[BUFFER];
            try (socket) {
                while (!closed) {
                    read(buffer);
                }
            } catch (KernelException broken) {
                LOG.warn("the kernel's uevents cannot be read any more", broken);
            }
        }

        private void read(byte[] buffer) {
            long length = LibC.recv(socket.fd(), buffer, buffer.length, 0);
            if (length >= 0) {
                // somebody else than the kernel could have sent it, who could do no more than wake us
                parse(buffer, (int) length).ifPresent(listener::heard);
                return;
            }
            Errno errno = LibC.errno();
            switch (errno) {
                case EAGAIN, EINTR -> {}
                case ENOBUFS -> listener.lost();
                default -> throw new KernelException(errno, "recv", SOCKET);
            }
        }

        /** The thread closes the socket: a number that was closed under it could be another file's by then. */
        @Override
        public void close() {
            closed = true;
        }
    }
}
