package org.apmatrix.host.sim;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.apmatrix.host.sim.QomObject.Child;
import org.apmatrix.host.sim.QomObject.Link;
import org.apmatrix.host.sim.QomObject.Property;
import org.apmatrix.host.sim.QomObject.Value;
import org.apmatrix.host.sim.SimulatedQemu.Release;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The commands that a simulated QEMU knows, each with its parameters and what it answers (qapi/*.json); the rest of QEMU's two hundred are not found. */
final class MonitorCommands {
    /** The type of a parameter, in the word that QEMU's error uses. */
    private enum Kind {
        STRING("string"),
        OBJECT("object"),
        ANY("any");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        boolean fits(JsonNode value) {
            return switch (this) {
                case STRING -> value.isString();
                case OBJECT -> value.isObject();
                case ANY -> true;
            };
        }
    }

    private record Parameter(String name, Kind kind, boolean required) {}

    /** @param parameters null: the command looks at its arguments itself ({@code 'gen': false}) */
    private record Command(@Nullable List<Parameter> parameters, Function<JsonNode, JsonNode> action) {}

    /** A processor with a name of its own has features beyond these; a few stand for all of them. */
    private static final List<String> SOME_FEATURES = List.of("esop", "gs", "msa8", "sthyi", "te", "vx");

    private static final Set<String> CPU_MODELS =
            Set.of("z13", "z14", "z14ZR1", "gen15a", "gen15b", "gen16a", "gen16b", "qemu", "max");
    private static final String BASE = "-base";
    private static final String CPU = "host-s390x-cpu";

    /** {@code 'allow-preconfig': true}. */
    private static final Set<String> BEFORE_THE_MACHINE = Set.of(
            "qmp_capabilities",
            "query-version",
            "query-status",
            "query-name",
            "query-uuid",
            "query-commands",
            "query-qmp-schema",
            "qom-list",
            "qom-get",
            "qom-set",
            "quit");

    private static final List<String> EVENTS =
            List.of("DEVICE_DELETED", "GUEST_PANICKED", "RESET", "RESUME", "SHUTDOWN", "STOP", "WATCHDOG");

    private final SimulatedQemu qemu;
    private final GuestMachine machine;
    private final Map<String, Command> commands = new LinkedHashMap<>();

    MonitorCommands(SimulatedQemu qemu, GuestMachine machine, GuestMachine.Events events) {
        this.qemu = qemu;
        this.machine = machine;
        add(
                "qmp_capabilities",
                arguments -> {
                    throw QmpRefusal.commandNotFound("Capabilities negotiation is already complete, command ignored");
                },
                new Parameter("enable", Kind.ANY, false));
        add("query-version", arguments -> version());
        add("query-status", arguments -> status());
        add("query-name", arguments -> object().put("name", qemu.name()));
        add("query-uuid", arguments -> object().put("UUID", qemu.uuid().toString()));
        add("query-kvm", arguments -> object().put("enabled", machine.isKvm()).put("present", machine.isKvm()));
        add("query-target", arguments -> object().put("arch", "s390x"));
        add("query-cpus-fast", arguments -> cpus());
        add("query-commands", arguments -> names());
        add("query-qmp-schema", arguments -> schema());
        add("query-migrate", arguments -> migrationStatus());
        // a simulated guest has no disks
        add("query-block-jobs", arguments -> array());
        add("query-cpu-model-expansion", this::expand, required("type"), new Parameter("model", Kind.OBJECT, true));
        add("device-list-properties", arguments -> deviceProperties(text(arguments, "typename")), required("typename"));
        add("qom-list", arguments -> list(text(arguments, "path")), required("path"));
        add(
                "qom-get",
                arguments -> get(text(arguments, "path"), text(arguments, "property")),
                required("path"),
                required("property"));
        add(
                "qom-set",
                arguments -> set(text(arguments, "path"), text(arguments, "property")),
                required("path"),
                required("property"),
                new Parameter("value", Kind.ANY, true));
        commands.put("device_add", new Command(null, arguments -> {
            machine.plug(arguments);
            return object();
        }));
        add(
                "device_del",
                arguments -> {
                    machine.unplug(text(arguments, "id"));
                    return object();
                },
                required("id"));
        add("migrate", arguments -> migrate(), required("uri"), new Parameter("detach", Kind.ANY, false));
        add("migrate_cancel", arguments -> {
            if (machine.isMigrating()) {
                machine.setMigration("cancelled");
            }
            return object();
        });
        add("stop", arguments -> {
            machine.stop();
            return object();
        });
        add("cont", arguments -> {
            machine.resume();
            return object();
        });
        add("system_reset", arguments -> {
            events.raise("RESET", object().put("guest", false).put("reason", "host-qmp-system-reset"));
            return object();
        });
        add("quit", arguments -> {
            qemu.quitByCommand();
            return object();
        });
    }

    private void add(String name, Function<JsonNode, JsonNode> action, Parameter... parameters) {
        commands.put(name, new Command(List.of(parameters), action));
    }

    private static Parameter required(String name) {
        return new Parameter(name, Kind.STRING, true);
    }

    /**
     * Runs a command of a client that has negotiated.
     *
     * @param outOfBand it came as exec-oob, which none of these commands supports
     * @throws QmpRefusal what it answers instead
     */
    JsonNode run(String name, JsonNode arguments, boolean outOfBand) {
        Command command = commands.get(name);
        if (command == null) {
            throw QmpRefusal.commandNotFound("The command " + name + " has not been found");
        }
        if (outOfBand) {
            throw QmpRefusal.generic("The command " + name + " does not support OOB");
        }
        if (machine.runState() == RunState.PRECONFIG && !BEFORE_THE_MACHINE.contains(name)) {
            throw QmpRefusal.generic(
                    "The command '" + name + "' is permitted only after machine initialization has completed");
        }
        if (command.parameters() != null) {
            check(command.parameters(), arguments);
        }
        return command.action().apply(arguments);
    }

    /** qapi/qobject-input-visitor.c: what is missing or of the wrong type comes before what is too much. */
    private static void check(List<Parameter> parameters, JsonNode arguments) {
        Set<String> unexpected = new TreeSet<>(arguments.propertyNames());
        for (Parameter parameter : parameters) {
            JsonNode value = arguments.get(parameter.name());
            if (value == null && parameter.required()) {
                throw QmpRefusal.generic("Parameter '" + parameter.name() + "' is missing");
            }
            if (value != null && !parameter.kind().fits(value)) {
                throw QmpRefusal.generic(
                        "Invalid parameter type for '" + parameter.name() + "', expected: " + parameter.kind().word);
            }
            unexpected.remove(parameter.name());
        }
        for (String name : unexpected) {
            throw QmpRefusal.generic("Parameter '" + name + "' is unexpected");
        }
    }

    private static String text(JsonNode arguments, String name) {
        return arguments.path(name).stringValue("");
    }

    /** What query-version and the greeting tell. */
    ObjectNode version() {
        Release release = machine.release();
        ObjectNode version = object();
        version.putObject("qemu")
                .put("micro", release.micro())
                .put("minor", release.minor())
                .put("major", release.major());
        return version.put("package", "apmatrix simulation");
    }

    private ObjectNode status() {
        RunState state = machine.runState();
        ObjectNode status = object().put("status", state.status());
        if (machine.release() == Release.V7_2) {
            status.put("singlestep", false);
        }
        return status.put("running", state == RunState.RUNNING);
    }

    private ArrayNode cpus() {
        ArrayNode cpus = array();
        ObjectNode cpu = cpus.addObject().put("thread-id", qemu.pid() + 1);
        ObjectNode place = cpu.putObject("props").put("core-id", 0);
        if (machine.release() != Release.V7_2) {
            place.put("socket-id", 0).put("drawer-id", 0).put("book-id", 0);
        }
        cpu.put("cpu-state", "operating")
                .put("qom-path", machine.cpuPath())
                .put("cpu-index", 0)
                .put("target", "s390x");
        return cpus;
    }

    private ArrayNode names() {
        ArrayNode names = array();
        commands.keySet().forEach(name -> names.addObject().put("name", name));
        return names;
    }

    /** SchemaInfo of what there is (qapi/introspect.json); types have numbers for names, as in QEMU. */
    private ArrayNode schema() {
        ArrayNode schema = array();
        schema.addObject().put("name", "str").put("meta-type", "builtin").put("json-type", "string");
        schema.addObject().put("name", "any").put("meta-type", "builtin").put("json-type", "value");
        schema.addObject().put("name", "0").put("meta-type", "object").putArray("members");
        EVENTS.forEach(event ->
                schema.addObject().put("name", event).put("meta-type", "event").put("arg-type", "0"));
        int number = 0;
        for (Map.Entry<String, Command> command : commands.entrySet()) {
            List<Parameter> parameters = command.getValue().parameters();
            number++;
            schema.addObject()
                    .put("name", command.getKey())
                    .put("meta-type", "command")
                    .put("arg-type", Integer.toString(number))
                    .put("ret-type", "any");
            ArrayNode members = schema.addObject()
                    .put("name", Integer.toString(number))
                    .put("meta-type", "object")
                    .putArray("members");
            for (Parameter parameter : parameters == null ? List.of(required("driver")) : parameters) {
                ObjectNode member = members.addObject()
                        .put("name", parameter.name())
                        .put("type", parameter.kind() == Kind.STRING ? "str" : "any");
                if (!parameter.required()) {
                    member.putNull("default");
                }
            }
        }
        return schema;
    }

    private ObjectNode migrationStatus() {
        ObjectNode answer = object();
        if (machine.migration() != null) {
            answer.put("status", machine.migration());
        }
        if (machine.isMigrating()) {
            answer.put("total-time", 1).put("expected-downtime", 300).put("setup-time", 0);
            answer.putObject("ram")
                    .put("total", 268435456L)
                    .put("remaining", 223731712L)
                    .put("transferred", 106612);
        }
        if (machine.plugged().isPresent()) {
            // 1 is the address of the AP bridge on its bus, whatever the device is called
            answer.putArray("blocked-reasons").add("non-migratable device: /1/vfio-ap");
        }
        return answer;
    }

    private ObjectNode migrate() {
        if (machine.plugged().isPresent()) {
            throw QmpRefusal.generic("State blocked by non-migratable device '/1/vfio-ap'");
        }
        machine.setMigration("active");
        return object();
    }

    /** Describes a model and never the running machine (target/s390x/cpu_models_sysemu.c): every model can have AP here, whatever the host can. */
    private ObjectNode expand(JsonNode arguments) {
        String type = text(arguments, "type");
        if (!type.equals("static") && !type.equals("full")) {
            throw QmpRefusal.generic("Parameter 'type' does not accept value '" + type + "'");
        }
        JsonNode model = arguments.path("model");
        if (!model.path("name").isString()) {
            throw QmpRefusal.generic("Parameter 'model.name' is missing");
        }
        String name = text(model, "name");
        boolean isHost = name.equals("host") && machine.isKvm();
        boolean isBase = name.endsWith(BASE);
        if (!isHost && !CPU_MODELS.contains(isBase ? name.substring(0, name.length() - BASE.length()) : name)) {
            throw QmpRefusal.generic("The CPU definition '" + name + "' is unknown.");
        }
        ObjectNode answer = object();
        ObjectNode expanded =
                answer.putObject("model").put("name", isHost ? "gen16a" + BASE : isBase ? name : name + BASE);
        ObjectNode features = expanded.putObject("props");
        if (!isBase) {
            SOME_FEATURES.forEach(feature -> features.put(feature, true));
        }
        if (type.equals("full") || isHost) {
            List.of("ap", "apqci", "apft", "apqi").forEach(feature -> features.put(feature, false));
        }
        if (isHost) {
            features.put("ap", machine.cpuFeatures().ap())
                    .put("apqci", machine.cpuFeatures().apqci())
                    .put("apft", machine.cpuFeatures().apft())
                    .put("apqi", machine.cpuFeatures().ap());
        }
        for (Map.Entry<String, JsonNode> property : model.path("props").properties()) {
            if (!property.getValue().isBoolean()) {
                throw QmpRefusal.generic("Invalid parameter type for '" + property.getKey() + "', expected: boolean");
            }
            features.set(property.getKey(), property.getValue());
        }
        return answer;
    }

    private ArrayNode deviceProperties(String type) {
        ArrayNode properties = array();
        switch (type) {
            case "vfio-ap" -> {
                if (machine.release() == Release.V7_2) {
                    properties.addObject().put("name", "sysfsdev").put("type", "str");
                } else {
                    properties
                            .addObject()
                            .put("name", "iommufd")
                            .put("description", "Set host IOMMUFD backend device")
                            .put("type", "link<iommufd>");
                    properties
                            .addObject()
                            .put("name", "sysfsdev")
                            .put("description", "Host sysfs path of assigned device")
                            .put("type", "str");
                    properties.addObject().put("name", "fd").put("type", "string");
                }
            }
            case "virtio-rng-ccw" -> {
                properties.addObject().put("name", "devno").put("type", "str");
                properties.addObject().put("name", "max-bytes").put("type", "uint64");
                properties.addObject().put("name", "period").put("type", "uint32");
                properties.addObject().put("name", "rng").put("type", "link<rng-backend>");
            }
            case "ap-bridge", CPU -> {}
            case "ap-device", "ap-bus" ->
                throw QmpRefusal.generic("Parameter 'typename' expects a non-abstract device type");
            default -> throw QmpRefusal.deviceNotFound(type);
        }
        return properties;
    }

    private ArrayNode list(String path) {
        ArrayNode properties = array();
        machine.root()
                .resolve(path)
                .properties()
                .forEach((name, property) ->
                        properties.addObject().put("name", name).put("type", property.type()));
        return properties;
    }

    private JsonNode get(String path, String name) {
        QomObject object = machine.root().resolve(path);
        Property property = object.property(name);
        if (property instanceof Child child) {
            return string(child.object().path());
        }
        if (property instanceof Link link) {
            return string(link.target() == null ? "" : link.target().path());
        }
        if (property instanceof Value value && value.value() != null) {
            Object content = value.value().get();
            return content instanceof Boolean flag
                    ? JsonNodeFactory.instance.booleanNode(flag)
                    : string(content.toString());
        }
        throw QmpRefusal.generic("Property '" + object.type() + "." + name + "' is not readable");
    }

    /** Nothing can be set: devices are realized when they appear, and the rest of the tree cannot be written. */
    private JsonNode set(String path, String name) {
        QomObject object = machine.root().resolve(path);
        object.property(name);
        if (name.equals("type") || !machine.isDevice(object)) {
            throw QmpRefusal.generic("Property '" + object.type() + "." + name + "' is not writable");
        }
        String owner = machine.idOf(object)
                .map(id -> "device '" + id + "' (type '" + object.type() + "')")
                .orElse("'" + object.type() + "'");
        throw QmpRefusal.generic("Attempt to set property '" + name + "' on " + owner + " after it was realized");
    }

    private static JsonNode string(String text) {
        return JsonNodeFactory.instance.stringNode(text);
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }
}
