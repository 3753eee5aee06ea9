package org.apmatrix.host.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The least that a client of QMP is: bytes out, lines of JSON in. It knows nothing of negotiation unless asked. */
final class QmpClient implements AutoCloseable {
    static final JsonMapper MAPPER = JsonMapper.shared();

    private static final long PATIENCE_MILLIS = 120_000;

    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final Deque<JsonNode> received = new ArrayDeque<>();
    private final List<byte[]> rest = new ArrayList<>();
    private boolean ended;

    private QmpClient(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        channel.configureBlocking(false);
        selector = Selector.open();
        key = channel.register(selector, SelectionKey.OP_READ);
    }

    /** Connects, and reads nothing. */
    static QmpClient connect(Path socket) {
        try {
            return new QmpClient(socket);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** Connects, reads the greeting and negotiates. */
    static QmpClient negotiate(Path socket) {
        QmpClient client = connect(socket);
        client.receive();
        client.call("{'execute':'qmp_capabilities'}");
        return client;
    }

    void send(String text) {
        send(text.getBytes(StandardCharsets.UTF_8));
    }

    void send(byte[] bytes) {
        try {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                // the other side may have something to say before it takes more
                key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
                selector.select(PATIENCE_MILLIS);
                selector.selectedKeys().clear();
                channel.write(buffer);
                take();
            }
            key.interestOps(SelectionKey.OP_READ);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** The next message, whatever it is. */
    JsonNode receive() {
        return next().orElseThrow(() -> new AssertionError("the connection ended"));
    }

    /** The next message; empty at the end of the connection. */
    Optional<JsonNode> next() {
        long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
        try {
            take();
            while (received.isEmpty() && !ended) {
                if (System.nanoTime() > end) {
                    throw new AssertionError("no message");
                }
                selector.select(1000);
                selector.selectedKeys().clear();
                take();
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        return Optional.ofNullable(received.poll());
    }

    /** What came and was not asked for yet, without waiting. */
    List<JsonNode> pending() {
        try {
            take();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        List<JsonNode> all = List.copyOf(received);
        received.clear();
        return all;
    }

    private void take() throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(65536);
        int count = 1;
        while (count > 0) {
            buffer.clear();
            try {
                count = channel.read(buffer);
            } catch (IOException reset) {
                // ECONNRESET is an end, too
                count = -1;
            }
            ended |= count < 0;
            split(buffer.flip());
        }
    }

    private void split(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        int start = 0;
        for (int at = 0; at < bytes.length; at++) {
            if (bytes[at] == '\n') {
                rest.add(java.util.Arrays.copyOfRange(bytes, start, at + 1));
                received.add(MAPPER.readTree(line()));
                start = at + 1;
            }
        }
        rest.add(java.util.Arrays.copyOfRange(bytes, start, bytes.length));
    }

    private String line() {
        StringBuilder line = new StringBuilder();
        rest.forEach(part -> line.append(new String(part, StandardCharsets.UTF_8)));
        rest.clear();
        if (!line.toString().endsWith("\r\n")) {
            throw new AssertionError("no CRLF after " + line);
        }
        return line.toString();
    }

    /** Sends a command and returns its answer; events that come before it are dropped. Single quotes are QEMU's to understand. */
    JsonNode call(String command) {
        send(command);
        return answer();
    }

    /** The next message that is no event. */
    JsonNode answer() {
        JsonNode message = receive();
        while (message.has("event")) {
            message = receive();
        }
        return message;
    }

    /** The next event, answers left out. */
    JsonNode event() {
        JsonNode message = receive();
        while (!message.has("event")) {
            message = receive();
        }
        return message;
    }

    /** All messages up to the end of the connection. */
    List<JsonNode> untilTheEnd() {
        List<JsonNode> messages = new ArrayList<>();
        Optional<JsonNode> message = next();
        while (message.isPresent()) {
            messages.add(message.get());
            message = next();
        }
        return messages;
    }

    @Override
    public void close() {
        try {
            channel.close();
            selector.close();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
