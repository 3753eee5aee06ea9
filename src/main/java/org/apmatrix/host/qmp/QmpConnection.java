package org.apmatrix.host.qmp;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One connection to a monitor: messages in, commands out. One thread opens, reads and closes it; any thread may write or drop it.
 *
 * <p>The channel does not block: the reader waits on a selector, and a write either goes out whole or fails. So neither keeps the other up, a writer never hangs
 * on a QEMU that does not read, and a caller that is interrupted does not close the channel, as it would with a blocking one.
 */
final class QmpConnection implements AutoCloseable {
    /** QEMU's own bound is 1024 (qobject/json-streamer.c: MAX_NESTING); no reply comes near this one. */
    private static final int MAX_NESTING = 500;
    /**
     * What a command may be in bytes. A unix socket whose peer has read all takes at least (wmem_default / 2 - 64) at once, 106,432 as Linux comes
     * (net/unix/af_unix.c: unix_stream_sendmsg); and at most one command is unanswered, so that QEMU has read all those before.
     */
    private static final int MAX_COMMAND = 64 * 1024;

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_NESTING)
                            // bounded by the length of the message
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            // would wait for the next message before it gives this one
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final SocketChannel channel;
    private final Selector selector;
    private final MessageInput input;
    private @Nullable JsonParser parser;

    private QmpConnection(SocketChannel channel, Selector selector, MessageInput input) {
        this.channel = channel;
        this.selector = selector;
        this.input = input;
    }

    /**
     * Connects, and waits for nothing. Fails when nobody listens, and when as many wait for QEMU as its socket lets wait.
     *
     * @param greetingIsLate run once, in the reading thread, when the greeting has not come within its time
     */
    static QmpConnection open(Path socket, QmpProperties properties, Runnable greetingIsLate) throws IOException {
        Deadline greeting = Deadline.in(properties.greetingTimeout());
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.configureBlocking(false);
            if (!channel.connect(UnixDomainSocketAddress.of(socket))) {
                // a unix socket is never on its way: unix_stream_connect says EAGAIN when the backlog is full
                throw new IOException("too many others wait for this socket");
            }
            Selector selector = Selector.open();
            try {
                channel.register(selector, SelectionKey.OP_READ);
                MessageInput input =
                        new MessageInput(channel, selector, properties.maxMessage(), greeting, greetingIsLate);
                return new QmpConnection(channel, selector, input);
            } catch (IOException | RuntimeException e) {
                selector.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Waits for the next message. Returns it as soon as its last byte is there.
     *
     * <p>Throws {@link IOException} when the connection broke or was dropped, {@link QmpException.Unreadable} when what came is no message or too large a one.
     * After either there is nothing more to read.
     */
    QmpMessage read() throws IOException {
        try {
            if (parser == null) {
                parser = JSON.createParser(input);
            }
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new QmpException.Unreadable("not an object, but " + parser.currentToken());
            }
            JsonNode message = parser.readValueAsTree();
            input.messageEnded(parser.currentLocation().getByteOffset());
            return QmpMessage.of(message);
        } catch (JacksonIOException e) {
            throw e.getCause();
        } catch (JacksonException e) {
            throw new QmpException.Unreadable("not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Sends one command.
     *
     * <p>Throws {@link IOException} when it did not go out whole: then QEMU may have read a part of it, and the connection is of no more use. Throws
     * {@link IllegalArgumentException} when it is longer than {@value #MAX_COMMAND} bytes.
     */
    void write(String id, String execute, Map<String, Object> arguments) throws IOException {
        Map<String, Object> command = new LinkedHashMap<>();
        command.put("execute", execute);
        if (!arguments.isEmpty()) {
            command.put("arguments", arguments);
        }
        command.put("id", id);
        byte[] json = JSON.writeValueAsBytes(command);
        if (json.length >= MAX_COMMAND) {
            throw new IllegalArgumentException(execute + " is too long: " + json.length + " bytes");
        }
        byte[] line = Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        int written = channel.write(ByteBuffer.wrap(line));
        if (written < line.length) {
            throw new IOException("QEMU does not read: only " + written + " of " + line.length + " bytes went out");
        }
    }

    /** From any thread: lets the read in progress and all later ones fail with this reason. Who reads, closes. */
    void drop(String reason) {
        input.drop(reason);
    }

    @Override
    public void close() throws IOException {
        try (selector) {
            channel.close();
        }
    }
}
