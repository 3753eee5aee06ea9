package org.apmatrix.host.qmp;

import java.util.Collection;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads JSON of a known shape; throws {@link QmpException.Unreadable} when it is of another, and does not mind members that nobody asks for. */
final class Members {
    private Members() {}

    static JsonNode object(JsonNode value) {
        if (!value.isObject()) {
            throw wrong("an object", value);
        }
        return value;
    }

    static Collection<JsonNode> list(JsonNode value) {
        if (!value.isArray()) {
            throw wrong("a list", value);
        }
        return value.values();
    }

    static String text(JsonNode value) {
        if (!value.isString()) {
            throw wrong("a string", value);
        }
        return value.stringValue();
    }

    static boolean flag(JsonNode value) {
        if (!value.isBoolean()) {
            throw wrong("true or false", value);
        }
        return value.booleanValue();
    }

    static int number(JsonNode value) {
        if (!value.canConvertToInt()) {
            throw wrong("a number", value);
        }
        return value.intValue();
    }

    static JsonNode member(JsonNode value, String name) {
        return optional(value, name)
                .orElseThrow(() -> new QmpException.Unreadable("there is no " + name + " in " + excerpt(value)));
    }

    static Optional<JsonNode> optional(JsonNode value, String name) {
        return object(value).optional(name);
    }

    private static QmpException.Unreadable wrong(String expected, JsonNode value) {
        return new QmpException.Unreadable("not " + expected + ": " + excerpt(value));
    }

    /** So much of it as a log or an exception bears. */
    static String excerpt(Object value) {
        String text = value.toString();
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }
}
