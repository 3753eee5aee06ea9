package org.apmatrix.host.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.apmatrix.host.sim.SimulatedQemu.Release;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A client at a monitor of a simulated QEMU, from its greeting to its end (monitor/qmp.c). Nothing here blocks; the QEMU's lock is held. */
final class MonitorConnection implements JsonStream.Receiver {
    /** What a connection needs of its QEMU. */
    interface Owner {
        Release release();

        boolean isStopped();

        /** The answer to a command; null: the QEMU hangs up instead. */
        @Nullable
        JsonNode answer(String command, JsonNode arguments, boolean outOfBand);

        ObjectNode version();
    }

    private static final int CHUNK = 65536;
    /** As QEMU writes: nothing but ASCII. */
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
                    .build())
            .build();

    private final SocketChannel channel;
    private final SelectionKey key;
    private final Owner owner;
    private final JsonStream stream = new JsonStream(this, JsonStream.Limits.OF_QEMU);
    private final Deque<ByteBuffer> output = new ArrayDeque<>();
    private boolean negotiated;
    private boolean outOfBand;
    private boolean open = true;

    MonitorConnection(SocketChannel channel, SelectionKey key, Owner owner) {
        this.channel = channel;
        this.key = key;
        this.owner = owner;
        ObjectNode greeting = object();
        ObjectNode content = greeting.putObject("QMP");
        content.set("version", owner.version());
        content.putArray("capabilities").add("oob");
        send(greeting);
    }

    boolean isOpen() {
        return open;
    }

    /** Reads what is there, answers it, and closes when the client has gone. */
    void read() {
        boolean more = true;
        while (more && open) {
            ByteBuffer chunk = readChunk();
            if (owner.release() == Release.V7_2 && chunk != null && chunk.hasRemaining()) {
                // a client that wrote and went at once is not heard any more (P28)
                ByteBuffer next = readChunk();
                if (next == null) {
                    close();
                    return;
                }
                stream.feed(chunk);
                chunk = next;
            }
            if (chunk == null) {
                close();
            } else {
                more = chunk.hasRemaining();
                stream.feed(chunk);
            }
        }
    }

    /** Nothing when there is nothing now; null at the end. */
    private @Nullable ByteBuffer readChunk() {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
        try {
            return channel.read(chunk) < 0 ? null : chunk.flip();
        } catch (IOException gone) {
            // ECONNRESET: what was sent to the client was not read by it
            return null;
        }
    }

    @Override
    public void value(JsonNode value) {
        if (!open) {
            return;
        }
        ObjectNode reply = object();
        try {
            JsonNode answer = dispatch(value);
            if (answer == null) {
                close();
                return;
            }
            reply.set("return", answer);
        } catch (QmpRefusal refusal) {
            reply.putObject("error").put("class", refusal.errorClass()).put("desc", refusal.description());
        }
        if (value.has("id")) {
            reply.set("id", value.get("id"));
        }
        send(reply);
    }

    @Override
    public void error(String text) {
        ObjectNode reply = object();
        reply.putObject("error").put("class", "GenericError").put("desc", text);
        send(reply);
    }

    /** qapi/qmp-dispatch.c, qmp_dispatch_check_obj and qmp_dispatch. */
    private @Nullable JsonNode dispatch(JsonNode request) {
        if (!request.isObject()) {
            throw QmpRefusal.generic("QMP input must be a JSON object");
        }
        String command = null;
        boolean isOutOfBand = false;
        for (Map.Entry<String, JsonNode> member : request.properties()) {
            String name = member.getKey();
            if (name.equals("execute") || (name.equals("exec-oob") && outOfBand)) {
                if (!member.getValue().isString()) {
                    throw QmpRefusal.generic("QMP input member '" + name + "' must be a string");
                }
                if (command != null) {
                    throw QmpRefusal.generic("QMP input member 'exec-oob' clashes with 'execute'");
                }
                command = member.getValue().stringValue();
                isOutOfBand = name.equals("exec-oob");
            } else if (name.equals("arguments")) {
                if (!member.getValue().isObject()) {
                    throw QmpRefusal.generic("QMP input member 'arguments' must be an object");
                }
            } else if (!name.equals("id")) {
                throw QmpRefusal.generic("QMP input member '" + name + "' is unexpected");
            }
        }
        if (command == null) {
            throw QmpRefusal.generic("QMP input lacks member 'execute'");
        }
        JsonNode arguments = request.has("arguments") ? request.get("arguments") : object();
        return negotiated ? owner.answer(command, arguments, isOutOfBand) : negotiate(command, arguments);
    }

    private JsonNode negotiate(String command, JsonNode arguments) {
        if (!command.equals("qmp_capabilities")) {
            throw QmpRefusal.commandNotFound("Expecting capabilities negotiation with 'qmp_capabilities'");
        }
        for (JsonNode capability : arguments.path("enable")) {
            if (!capability.stringValue("").equals("oob")) {
                throw QmpRefusal.generic("Parameter 'null' does not accept value '" + capability.stringValue("") + "'");
            }
            outOfBand = true;
        }
        negotiated = true;
        return object();
    }

    /** An event; who has not negotiated gets none. */
    void event(ObjectNode event) {
        if (negotiated) {
            send(event);
        }
    }

    private void send(ObjectNode message) {
        output.add(ByteBuffer.wrap((MAPPER.writeValueAsString(message) + "\r\n").getBytes(StandardCharsets.US_ASCII)));
        flush();
    }

    /** Writes what the client takes; the rest waits until it takes more, however much that becomes. */
    void flush() {
        if (!open || owner.isStopped()) {
            return;
        }
        try {
            ByteBuffer first = output.peek();
            while (first != null) {
                channel.write(first);
                if (first.hasRemaining()) {
                    break;
                }
                output.remove();
                first = output.peek();
            }
        } catch (IOException gone) {
            // EPIPE: read() will see the end, and what it left is for nobody
            output.clear();
        }
        if (key.isValid()) {
            key.interestOps(SelectionKey.OP_READ | (output.isEmpty() ? 0 : SelectionKey.OP_WRITE));
        }
    }

    void close() {
        open = false;
        output.clear();
        try {
            channel.close();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
