package org.apmatrix.host.qmp;

import static org.apmatrix.host.qmp.Members.member;
import static org.apmatrix.host.qmp.Members.number;
import static org.apmatrix.host.qmp.Members.optional;
import static org.apmatrix.host.qmp.Members.text;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** One message from QEMU, told from the others by the members that it has, whose order varies. */
sealed interface QmpMessage {
    /**
     * The first message of a connection.
     *
     * @param version such as {@code 7.2.22}
     */
    record Greeting(String version) implements QmpMessage {}

    /**
     * A command was carried out.
     *
     * @param id what the request had as its id, any JSON value; null when it had none
     */
    record Reply(@Nullable JsonNode id, JsonNode value) implements QmpMessage {}

    /**
     * A command was refused.
     *
     * @param id as in {@link Reply}; it is also missing when QEMU could not parse the request (qapi/qmp-dispatch.c: qmp_dispatch)
     */
    record Failure(@Nullable JsonNode id, String errorClass, String description) implements QmpMessage {}

    /** Something happened. */
    record Event(QmpEvent event) implements QmpMessage {}

    /** Throws {@link QmpException.Unreadable} when it is none of these. */
    static QmpMessage of(JsonNode message) {
        Optional<JsonNode> event = optional(message, "event");
        if (event.isPresent()) {
            return new Event(event(text(event.get()), message));
        }
        JsonNode id = optional(message, "id").orElse(null);
        Optional<JsonNode> value = optional(message, "return");
        if (value.isPresent()) {
            return new Reply(id, value.get());
        }
        Optional<JsonNode> error = optional(message, "error");
        if (error.isPresent()) {
            return new Failure(id, text(member(error.get(), "class")), text(member(error.get(), "desc")));
        }
        return new Greeting(version(member(member(member(message, "QMP"), "version"), "qemu")));
    }

    private static QmpEvent event(String name, JsonNode message) {
        if (!name.equals("DEVICE_DELETED")) {
            return new QmpEvent.Other(name);
        }
        JsonNode data = member(message, "data");
        return new QmpEvent.DeviceDeleted(
                optional(data, "device").map(Members::text).orElse(null), text(member(data, "path")));
    }

    private static String version(JsonNode qemu) {
        return number(member(qemu, "major")) + "." + number(member(qemu, "minor")) + "."
                + number(member(qemu, "micro"));
    }
}
