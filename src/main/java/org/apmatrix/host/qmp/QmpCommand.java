package org.apmatrix.host.qmp;

import static org.apmatrix.host.qmp.Members.flag;
import static org.apmatrix.host.qmp.Members.list;
import static org.apmatrix.host.qmp.Members.member;
import static org.apmatrix.host.qmp.Members.object;
import static org.apmatrix.host.qmp.Members.optional;
import static org.apmatrix.host.qmp.Members.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The commands that this service gives a QEMU, each with the type of its reply. Their JSON is made and read here and nowhere else. None of them can stop a
 * guest.
 */
public sealed interface QmpCommand<R> {
    /** The command's name, such as {@code query-status}. */
    String execute();

    /** What is asked in particular, in the order in which it is sent; empty when there is nothing. */
    default Map<String, Object> arguments() {
        return Map.of();
    }

    /**
     * Reads the value of {@code return}. Throws {@link QmpException.Unreadable} when it is not of the expected shape; ignores members that it does not know.
     */
    R reply(JsonNode value);

    /** Whether the guest runs (qapi/run-state.json: query-status). */
    record QueryStatus() implements QmpCommand<RunState> {
        @Override
        public String execute() {
            return "query-status";
        }

        @Override
        public RunState reply(JsonNode value) {
            return new RunState(text(member(value, "status")), flag(member(value, "running")));
        }
    }

    /**
     * The state of a guest.
     *
     * @param status {@code prelaunch}, {@code running}, {@code paused}, {@code inmigrate}, {@code guest-panicked}, {@code shutdown}, … (qapi/run-state.json: RunState)
     */
    record RunState(String status, boolean running) {}

    /** The name of the guest, as {@code -name} gave it (qapi/misc.json: query-name). */
    record QueryName() implements QmpCommand<NamedGuest> {
        @Override
        public String execute() {
            return "query-name";
        }

        @Override
        public NamedGuest reply(JsonNode value) {
            return new NamedGuest(optional(value, "name").map(Members::text).orElse(null));
        }
    }

    /**
     * The name of a guest.
     *
     * @param name null when it has none
     */
    record NamedGuest(@Nullable String name) {}

    /** The UUID of the guest, as {@code -uuid} gave it (qapi/machine.json: query-uuid). */
    record QueryUuid() implements QmpCommand<GuestUuid> {
        /** What QEMU answers when it was given none. */
        private static final UUID UNSET = new UUID(0, 0);

        @Override
        public String execute() {
            return "query-uuid";
        }

        @Override
        public GuestUuid reply(JsonNode value) {
            String text = text(member(value, "UUID"));
            try {
                UUID uuid = UUID.fromString(text);
                return new GuestUuid(uuid.equals(UNSET) ? null : uuid);
            } catch (IllegalArgumentException e) {
                throw new QmpException.Unreadable("not a UUID: " + text, e);
            }
        }
    }

    /**
     * The UUID of a guest.
     *
     * @param uuid null when it was given none
     */
    record GuestUuid(@Nullable UUID uuid) {}

    /** The guest's CPUs (qapi/machine.json: query-cpus-fast). */
    record QueryCpusFast() implements QmpCommand<Cpus> {
        @Override
        public String execute() {
            return "query-cpus-fast";
        }

        @Override
        public Cpus reply(JsonNode value) {
            return new Cpus(list(value).stream()
                    .map(cpu -> new Cpu(text(member(cpu, "qom-path"))))
                    .toList());
        }
    }

    /** The CPUs of a guest. */
    record Cpus(List<Cpu> cpus) {}

    /**
     * One CPU of a guest.
     *
     * @param qomPath where it is in QEMU's object model, such as {@code /machine/unattached/device[0]}
     */
    record Cpu(String qomPath) {}

    /**
     * What an object of QEMU's object model has (qapi/qom.json: qom-list). Refused with DeviceNotFound when there is no such object.
     *
     * @param path absolute, such as {@code /machine/ap-bridge/ap-bus}
     */
    record QomList(String path) implements QmpCommand<QomProperties> {
        @Override
        public String execute() {
            return "qom-list";
        }

        @Override
        public Map<String, Object> arguments() {
            return Map.of("path", path);
        }

        @Override
        public QomProperties reply(JsonNode value) {
            return new QomProperties(list(value).stream()
                    .map(each -> new QomProperty(text(member(each, "name")), text(member(each, "type"))))
                    .toList());
        }
    }

    /** The properties of an object, in no certain order. */
    record QomProperties(List<QomProperty> properties) {}

    /**
     * One property of an object.
     *
     * @param name such as {@code child[0]}
     * @param type such as {@code link<vfio-ap>}, {@code child<vfio-ap>}, {@code bool}, {@code string}
     */
    record QomProperty(String name, String type) {}

    /** A property that is text: a string, or a link, whose value is the path of the object that it leads to (qapi/qom.json: qom-get). */
    record QomGetText(String path, String property) implements QmpCommand<String> {
        @Override
        public String execute() {
            return "qom-get";
        }

        @Override
        public Map<String, Object> arguments() {
            return inOrder("path", path, "property", property);
        }

        @Override
        public String reply(JsonNode value) {
            return text(value);
        }
    }

    /** A property that is true or false (qapi/qom.json: qom-get). */
    record QomGetFlag(String path, String property) implements QmpCommand<Boolean> {
        @Override
        public String execute() {
            return "qom-get";
        }

        @Override
        public Map<String, Object> arguments() {
            return inOrder("path", path, "property", property);
        }

        @Override
        public Boolean reply(JsonNode value) {
            return flag(value);
        }
    }

    /** Whether the guest is being migrated, and what forbids it (qapi/migration.json: query-migrate). */
    record QueryMigrate() implements QmpCommand<Migration> {
        @Override
        public String execute() {
            return "query-migrate";
        }

        @Override
        public Migration reply(JsonNode value) {
            Optional<JsonNode> reasons = optional(value, "blocked-reasons");
            return new Migration(
                    optional(value, "status").map(Members::text).orElse(null),
                    reasons.map(each -> list(each).stream().map(Members::text).toList())
                            .orElse(List.of()));
        }
    }

    /**
     * The migration of a guest.
     *
     * @param status {@code active}, {@code completed}, {@code failed}, … (qapi/migration.json: MigrationStatus); null when there has been none
     * @param blockedReasons empty when nothing forbids a migration; QEMU tells them since 6.0
     */
    record Migration(@Nullable String status, List<String> blockedReasons) {}

    /** What is under way on the guest's disks: copies, commits, backups (qapi/block-core.json: query-block-jobs). */
    record QueryBlockJobs() implements QmpCommand<BlockJobs> {
        @Override
        public String execute() {
            return "query-block-jobs";
        }

        @Override
        public BlockJobs reply(JsonNode value) {
            return new BlockJobs(
                    list(value).stream().map(job -> text(member(job, "device"))).toList());
        }
    }

    /**
     * The block jobs of a guest.
     *
     * @param ids such as {@code copy-vda-libvirt-1-format}; QEMU's member is called {@code device}
     */
    record BlockJobs(List<String> ids) {}

    /**
     * Adds a device (system/qdev-monitor.c: qmp_device_add). Refused with GenericError, mostly, and then nothing is left behind.
     *
     * @param driver such as {@code vfio-ap}
     * @param id a letter, then letters, digits, {@code -}, {@code .}, {@code _}; QEMU 10 lets other ids pass that no device_del can name
     * @param properties what is sent beside driver and id, in their order
     */
    record DeviceAdd(String driver, String id, Map<String, String> properties) implements QmpCommand<Done> {
        /** Takes the properties as they are now; throws {@link IllegalArgumentException} when driver or id is among them. */
        public DeviceAdd {
            if (properties.containsKey("driver") || properties.containsKey("id")) {
                throw new IllegalArgumentException("driver and id are no properties: " + properties);
            }
            properties = Collections.unmodifiableMap(new LinkedHashMap<>(properties));
        }

        @Override
        public String execute() {
            return "device_add";
        }

        @Override
        public Map<String, Object> arguments() {
            Map<String, Object> arguments = inOrder("driver", driver, "id", id);
            arguments.putAll(properties);
            return arguments;
        }

        @Override
        public Done reply(JsonNode value) {
            object(value);
            return new Done();
        }
    }

    /**
     * Removes a device (system/qdev-monitor.c: qmp_device_del). Refused with DeviceNotFound when there is none.
     *
     * @param idOrPath the id that it was added with, or an absolute path in QEMU's object model; a link's path will do
     */
    record DeviceDel(String idOrPath) implements QmpCommand<Done> {
        @Override
        public String execute() {
            return "device_del";
        }

        @Override
        public Map<String, Object> arguments() {
            return Map.of("id", idOrPath);
        }

        @Override
        public Done reply(JsonNode value) {
            object(value);
            return new Done();
        }
    }

    /** The reply of a command that has nothing to tell. */
    record Done() {}

    private static Map<String, Object> inOrder(String first, String itsValue, String second, String value) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put(first, itsValue);
        arguments.put(second, value);
        return arguments;
    }
}
