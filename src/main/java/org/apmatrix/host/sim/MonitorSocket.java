package org.apmatrix.host.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One {@code -qmp unix:PATH,server=on,wait=off}: a socket at which one client at a time is served, and others wait in the kernel's queue. */
final class MonitorSocket {
    /** chardev/char-socket.c, qio_net_listener_open_sync: two may wait, the connect(2) of a third one blocks until one of them is served. */
    private static final int BACKLOG = 1;

    private final Path path;
    private final ServerSocketChannel listener;
    private final SelectionKey key;
    private final Selector selector;
    private final MonitorConnection.Owner owner;
    private @Nullable MonitorConnection client;

    private MonitorSocket(Path path, ServerSocketChannel listener, Selector selector, MonitorConnection.Owner owner)
            throws IOException {
        this.path = path;
        this.listener = listener;
        this.selector = selector;
        this.owner = owner;
        key = listener.register(selector, SelectionKey.OP_ACCEPT, (Runnable) this::accept);
    }

    /** Listens, in place of whatever file was there (util/qemu-sockets.c, unix_listen_saddr, unlinks it). */
    static MonitorSocket listen(Path path, Selector selector, MonitorConnection.Owner owner) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(path), BACKLOG);
            listener.configureBlocking(false);
            return new MonitorSocket(path, listener, selector, owner);
        } catch (IOException | RuntimeException failed) {
            listener.close();
            throw failed;
        }
    }

    Path path() {
        return path;
    }

    Optional<MonitorConnection> client() {
        return Optional.ofNullable(client);
    }

    private void accept() {
        try {
            SocketChannel channel = listener.accept();
            if (channel == null) {
                return;
            }
            channel.configureBlocking(false);
            SelectionKey clientKey = channel.register(selector, SelectionKey.OP_READ);
            MonitorConnection connection = new MonitorConnection(channel, clientKey, owner);
            clientKey.attach((Runnable) () -> serve(connection));
            client = connection;
            key.interestOps(0);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private void serve(MonitorConnection connection) {
        connection.flush();
        connection.read();
        if (!connection.isOpen()) {
            client = null;
            key.interestOps(SelectionKey.OP_ACCEPT);
        }
    }

    void close() {
        client().ifPresent(MonitorConnection::close);
        try {
            listener.close();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
