package org.apmatrix.host.qmp;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The other end of a monitor's socket: a real socket, at which a test hears and says byte for byte what it likes. */
final class ScriptedQemu implements AutoCloseable {
    static final String GREETING =
            "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n";

    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Path socket;
    private final ServerSocketChannel server;

    /** Listens at a path where nothing may be yet. */
    ScriptedQemu(Path socket) {
        this(socket, 50);
    }

    ScriptedQemu(Path socket, int backlog) {
        this.socket = socket;
        try {
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(socket), backlog);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for a client. */
    Client accept() {
        try {
            return new Client(server.accept());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for a client, greets it and grants what it negotiates. */
    Client acceptAndNegotiate() {
        Client client = accept();
        client.say(GREETING);
        client.answer(client.hear(), "{}");
        return client;
    }

    /** Listens no more, and leaves the socket where it is, as a killed QEMU does. */
    void die() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        die();
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One connection. */
    static final class Client implements AutoCloseable {
        private final SocketChannel channel;
        private final InputStream input;
        private JsonParser parser;

        Client(SocketChannel channel) {
            this.channel = channel;
            this.input = Channels.newInputStream(channel);
        }

        /** One write for each of these. */
        void say(String... parts) {
            for (String part : parts) {
                say(part.getBytes(StandardCharsets.UTF_8));
            }
        }

        void say(byte[] bytes) {
            try {
                ByteBuffer left = ByteBuffer.wrap(bytes);
                while (left.hasRemaining()) {
                    channel.write(left);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Waits for the next command. */
        JsonNode hear() {
            if (parser == null) {
                parser = JSON.createParser(input);
            }
            parser.nextToken();
            return parser.readValueAsTree();
        }

        /** Waits for the next command, which must be this one, and answers it. */
        void hearAndAnswer(String execute, String value) {
            JsonNode command = hear();
            if (!command.get("execute").stringValue().equals(execute)) {
                throw new AssertionError("not " + execute + ": " + command);
            }
            answer(command, value);
        }

        void answer(JsonNode command, String value) {
            say("{\"return\": " + value + ", \"id\": " + command.get("id") + "}\r\n");
        }

        void refuse(JsonNode command, String errorClass, String description) {
            say("{\"id\": " + command.get("id") + ", \"error\": {\"class\": \"" + errorClass + "\", \"desc\": \""
                    + description + "\"}}\r\n");
        }

        /** Whether the monitor has hung up, when nothing that it said is unread. */
        boolean hasHungUp() {
            try {
                return input.read() < 0;
            } catch (IOException e) {
                return true;
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
