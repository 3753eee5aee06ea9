package org.apmatrix.preflight;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A device as mdevctl would make it: {@code /etc/mdevctl.d/matrix/UUID}, also where libvirt keeps node devices.
 *
 * @param starts whether at boot
 */
record Definition(MdevId id, boolean starts, Matrix matrix) {
    private static final JsonMapper JSON = JsonMapper.shared();

    /**
     * What is defined.
     *
     * @param unreadable the files that are no definitions, with the reason
     */
    record All(List<Definition> definitions, List<String> unreadable) {}

    /** Reads every definition in the directory. */
    static All in(Path directory) {
        List<Definition> definitions = new ArrayList<>();
        List<String> unreadable = new ArrayList<>();
        for (Path file : Ground.files(directory)) {
            String name = String.valueOf(file.getFileName());
            Optional<MdevId> id = MdevId.parse(name);
            if (id.isEmpty()) {
                // as mdevctl does: a file that is called otherwise is none of its own
                continue;
            }
            try {
                definitions.add(read(id.get(), Ground.text(file).orElse("")));
            } catch (IllegalArgumentException | JacksonException e) {
                unreadable.add(name + ": "
                        + (e instanceof JacksonException json ? json.getOriginalMessage() : e.getMessage()));
            }
        }
        return new All(definitions, unreadable);
    }

    private static Definition read(MdevId id, String text) {
        JsonNode json = JSON.readTree(text);
        List<Integer> adapters = new ArrayList<>();
        List<Integer> domains = new ArrayList<>();
        List<Integer> controlDomains = new ArrayList<>();
        Map<String, List<Integer>> attributes =
                Map.of("assign_adapter", adapters, "assign_domain", domains, "assign_control_domain", controlDomains);
        for (JsonNode attribute : json.path("attrs")) {
            for (Map.Entry<String, JsonNode> entry : attribute.properties()) {
                List<Integer> numbers = attributes.get(entry.getKey());
                if (numbers != null) {
                    numbers.add(number(entry.getKey(), entry.getValue().asString("")));
                }
            }
        }
        return new Definition(
                id,
                json.path("start").asString("manual").equals("auto"),
                new Matrix(ApMask.of(adapters), ApMask.of(domains), ApMask.of(controlDomains)));
    }

    /** In the kernel's grammar: decimal, 0x hex, octal after a zero. */
    private static int number(String attribute, String text) {
        try {
            int number = Integer.decode(text);
            if (number >= 0 && number < ApMask.SIZE) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(attribute + " \"" + text + "\"", e);
        }
        throw new IllegalArgumentException(attribute + " \"" + text + "\"");
    }
}
