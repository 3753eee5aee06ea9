package org.apmatrix.host.sim;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** One case of what real QEMUs answered (qmp-cases.json), with the comparison that its placeholders need. */
record QmpCase(JsonNode json) {
    private static final String RESOURCE = "/facts/qmp-cases.json";

    /** All of them, but for those about libvirt. */
    static List<QmpCase> all() {
        try (InputStream in = QmpCase.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("no resource " + RESOURCE);
            }
            List<QmpCase> cases = new ArrayList<>();
            QmpClient.MAPPER.readTree(in).path("cases").forEach(json -> cases.add(new QmpCase(json)));
            return cases.stream().filter(each -> !each.id().startsWith("V")).toList();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    String id() {
        return json.path("id").stringValue();
    }

    String start() {
        return json.path("start").stringValue();
    }

    /** Unmodified software, without a bit or a kernel interface of the recorders' making. */
    boolean isStock() {
        return json.path("basis").stringValue().equals("stock");
    }

    /** @param version as the cases spell it: {@code 7.2.22} or {@code 10.0.2} */
    boolean isOf(String version) {
        return json.path("versions").stringValue().contains(version);
    }

    JsonNode operation() {
        return json.path("op");
    }

    /** What is sent: JSON as it stands, or the text before its {@code \n} and remarks. */
    String request(Map<String, String> words) {
        JsonNode operation = operation();
        if (operation.isString()) {
            return replace(operation.stringValue(), words).replaceAll("\\\\n.*", "\n");
        }
        if (operation.isArray()) {
            StringBuilder text = new StringBuilder();
            operation.forEach(each -> text.append(replace(each.toString(), words)));
            return text.toString();
        }
        return replace(operation.toString(), words);
    }

    JsonNode reply(Map<String, String> words) {
        return replaced(json.path("reply"), words);
    }

    List<JsonNode> events(Map<String, String> words) {
        return Stream.of(json.path("events"))
                .flatMap(array -> {
                    List<JsonNode> events = new ArrayList<>();
                    array.forEach(event -> events.add(replaced(event, words)));
                    return events.stream();
                })
                .toList();
    }

    private static JsonNode replaced(JsonNode node, Map<String, String> words) {
        return QmpClient.MAPPER.readTree(replace(node.toString(), words));
    }

    private static String replace(String text, Map<String, String> words) {
        String replaced = text;
        for (Map.Entry<String, String> word : words.entrySet()) {
            replaced = replaced.replace(word.getKey(), word.getValue());
        }
        return replaced;
    }

    /**
     * Whether an answer is the one that is expected. {@code bool}, {@code int} and {@code ...} stand for any value of the kind, {@code [N]} for any index; an
     * object or array with {@code ...} may have more. Members that come and go between releases are left aside.
     */
    static boolean matches(JsonNode expected, JsonNode actual) {
        if (expected.isObject()) {
            boolean has = expected.properties().stream()
                    .filter(member -> !member.getKey().equals("..."))
                    .allMatch(member ->
                            actual.has(member.getKey()) && matches(member.getValue(), actual.get(member.getKey())));
            return has
                    && actual.isObject()
                    && (expected.has("...")
                            || actual.propertyNames().stream()
                                    .allMatch(name -> expected.has(name)
                                            || List.of("timestamp", "singlestep")
                                                    .contains(name)));
        }
        if (expected.isArray()) {
            List<JsonNode> rest = new ArrayList<>();
            actual.forEach(rest::add);
            boolean open = false;
            for (JsonNode element : expected) {
                if (element.isString() && element.stringValue().equals("...")) {
                    open = true;
                } else if (!rest.removeIf(each -> matches(element, each))) {
                    return false;
                }
            }
            return open || rest.isEmpty();
        }
        if (!expected.isString()) {
            return expected.equals(actual);
        }
        return switch (expected.stringValue()) {
            case "..." -> true;
            case "bool" -> actual.isBoolean();
            case "int" -> actual.isIntegralNumber();
            default ->
                actual.isString()
                        && Pattern.matches(
                                Pattern.quote(expected.stringValue()).replace("[N]", "[\\E[0-9]+\\Q]"),
                                actual.stringValue());
        };
    }

    @Override
    public String toString() {
        return id();
    }
}
