package org.apmatrix.host.fuse;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Stands between the service and a QEMU's monitor, and can do something at the moment when a command passes. */
final class MonitorProxy implements AutoCloseable {
    /** What is done when a text has been seen; returns whether it goes on to the other side. */
    interface Moment {
        boolean passes(String text);
    }

    private final ServerSocketChannel server;
    private final Path qemu;
    private volatile Moment toQemu = text -> true;
    private volatile Moment fromQemu = text -> true;

    MonitorProxy(Path socket, Path qemu) throws IOException {
        this.qemu = qemu;
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        daemon(this::serve);
    }

    void onCommand(Moment moment) {
        toQemu = moment;
    }

    void onAnswer(Moment moment) {
        fromQemu = moment;
    }

    /** Nothing is done any more. */
    void passOn() {
        toQemu = text -> true;
        fromQemu = text -> true;
    }

    private void serve() {
        try {
            while (true) {
                SocketChannel service = server.accept();
                SocketChannel monitor = SocketChannel.open(UnixDomainSocketAddress.of(qemu));
                daemon(() -> copy(service, monitor, true));
                daemon(() -> copy(monitor, service, false));
            }
        } catch (IOException closed) {
            // the test has ended
        }
    }

    private void copy(SocketChannel from, SocketChannel to, boolean commands) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        try (from;
                to) {
            while (from.read(buffer) >= 0) {
                buffer.flip();
                String text = StandardCharsets.UTF_8.decode(buffer.duplicate()).toString();
                if ((commands ? toQemu : fromQemu).passes(text)) {
                    while (buffer.hasRemaining()) {
                        to.write(buffer);
                    }
                }
                buffer.clear();
            }
        } catch (IOException ended) {
            // one of both has ended, and with this the other is told
        }
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "monitor proxy");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
