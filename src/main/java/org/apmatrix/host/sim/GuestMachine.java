package org.apmatrix.host.sim;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.sim.SimulatedQemu.CpuFeatures;
import org.apmatrix.host.sim.SimulatedQemu.Release;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The virtual machine of a simulated QEMU: its tree of objects, the devices that come and go (system/qdev-monitor.c), what it is doing, and whether it moves.
 *
 * <p>Long because device_add and device_del are told here check by check. Not thread safe: its QEMU has one lock.
 */
final class GuestMachine {
    /** Where a machine's events go. */
    interface Events {
        void raise(String event, ObjectNode data);

        /** After the RCU grace period, some tens of milliseconds later: DEVICE_DELETED. */
        void raiseLater(String event, ObjectNode data);

        /** drain_call_rcu: what was to come later comes now. */
        void raiseLateOnes();
    }

    /** What can be plugged in, with the type of bus it wants. */
    private enum Driver {
        VFIO_AP("vfio-ap", "ap-bus"),
        VIRTIO_RNG_CCW("virtio-rng-ccw", "virtual-css-bus");

        private final String text;
        private final String busType;

        Driver(String text, String busType) {
            this.text = text;
            this.busType = busType;
        }
    }

    /** @param mdev what a vfio-ap holds */
    private record Device(
            Driver driver,
            @Nullable String id,
            QomObject container,
            String name,
            QomBus bus,
            @Nullable MdevId mdev) {}

    /** include/qemu/id.h, id_wellformed. */
    private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z][A-Za-z0-9._-]*");

    private static final String ANY_INDEX = "[*]";
    private static final Set<String> ABSTRACT_TYPES = Set.of("device", "ap-device", "ccw-device", "virtio-ccw-device");
    private static final Set<String> FIXED_TYPES = Set.of("ap-bridge", "virtual-css-bridge", "virtio-rng-device");
    private static final Set<String> RNG_PROPERTIES =
            Set.of("driver", "bus", "id", "devno", "max_revision", "max-bytes", "period", "rng");

    private final SimulatedKernel kernel;
    private final int pid;
    private final Events events;
    private final QomObject root = new QomObject("container");
    private final QomObject machine;
    private final QomObject peripheral;
    private final QomObject anonymous;
    private final QomObject cpu;
    private final QomBus systemBus = new QomBus("main-system-bus", "System", Integer.MAX_VALUE);
    private final QomBus css = new QomBus("virtual-css", "virtual-css-bus", Integer.MAX_VALUE);
    private final Map<QomObject, Device> devices = new LinkedHashMap<>();
    private Release release;
    private CpuFeatures cpuFeatures;
    private RunState runState;
    private @Nullable QomBus apBus;
    private @Nullable String migration;
    private int anonymousDevices;

    GuestMachine(SimulatedKernel kernel, int pid, SimulatedQemu.Settings settings, Events events) {
        this.kernel = kernel;
        this.pid = pid;
        this.events = events;
        release = settings.release();
        cpuFeatures = new CpuFeatures(false, false, false);
        runState = RunState.parse(settings.runState()).orElseThrow();
        machine = root.child("machine", new QomObject("s390-ccw-virtio-" + release.version() + "-machine"));
        root.child("objects", new QomObject("container"));
        root.child("chardevs", new QomObject("container"));
        QomObject unattached = machine.child("unattached", new QomObject("container"));
        cpu = unattached.child("device[0]", device("host-s390x-cpu", null, false));
        cpu.value("ap", "bool", () -> cpuFeatures.ap())
                .value("apqci", "bool", () -> cpuFeatures.apqci())
                .value("apft", "bool", () -> cpuFeatures.apft())
                .value("apqi", "bool", () -> cpuFeatures.ap());
        unattached.child("sysbus", systemBus.object());
        peripheral = machine.child("peripheral", new QomObject("container"));
        anonymous = machine.child("peripheral-anon", new QomObject("container"));
        machine.child("virtual-css-bridge", device("virtual-css-bridge", systemBus, false))
                .child("virtual-css", css.object());
        setCpuFeatures(settings.cpuFeatures());
    }

    private static QomObject device(String type, @Nullable QomBus bus, boolean hotplugged) {
        return new QomObject(type)
                .link("parent_bus", "bus", bus == null ? null : bus.object())
                .value("realized", "bool", () -> true)
                .value("hotplugged", "bool", () -> hotplugged)
                .value("hotpluggable", "bool", () -> true);
    }

    QomObject root() {
        return root;
    }

    String cpuPath() {
        return cpu.path();
    }

    CpuFeatures cpuFeatures() {
        return cpuFeatures;
    }

    /** Only KVM can have the instructions of AP (target/s390x/kvm/kvm.c, ap_available); a machine without them is an emulated one here. */
    boolean isKvm() {
        return cpuFeatures.ap() || cpuFeatures.apqci() || cpuFeatures.apft();
    }

    Release release() {
        return release;
    }

    void setRelease(Release newRelease) {
        release = newRelease;
    }

    RunState runState() {
        return runState;
    }

    /** hw/s390x/ap-bridge.c, s390_init_ap: the bridge is there if the processor has AP instructions. */
    void setCpuFeatures(CpuFeatures features) {
        if (features.ap() == (apBus != null)) {
            cpuFeatures = features;
            return;
        }
        if (plugged().isPresent()) {
            throw new IllegalArgumentException("a guest with a vfio-ap device keeps the feature ap");
        }
        cpuFeatures = features;
        if (features.ap()) {
            QomBus bus = new QomBus("ap-bus", "ap-bus", 1);
            machine.child("ap-bridge", device("ap-bridge", systemBus, false)).child("ap-bus", bus.object());
            apBus = bus;
        } else {
            machine.remove("ap-bridge");
            apBus = null;
        }
    }

    /** The mediated device on the AP bus. */
    Optional<MdevId> plugged() {
        return devices.values().stream()
                .flatMap(device -> Stream.ofNullable(device.mdev()))
                .findFirst();
    }

    boolean isMigrating() {
        return "active".equals(migration);
    }

    /** What query-migrate says of the last migration; null when there was none. */
    @Nullable
    String migration() {
        return migration;
    }

    void setMigration(String newMigration) {
        migration = newMigration;
    }

    /** As from the outside: the machine goes there on its own, whatever it did before, and says so. */
    void become(RunState next) {
        if (next == runState) {
            return;
        }
        boolean ran = runState == RunState.RUNNING;
        if (next == RunState.SHUTDOWN) {
            events.raise("SHUTDOWN", object().put("guest", true).put("reason", "guest-shutdown"));
        } else if (next == RunState.GUEST_PANICKED) {
            events.raise("GUEST_PANICKED", panic("pause"));
        } else if (next == RunState.WATCHDOG) {
            events.raise("WATCHDOG", object().put("action", "pause"));
        }
        runState = next;
        if (ran) {
            events.raise("STOP", object());
        } else if (next == RunState.RUNNING) {
            events.raise("RESUME", object());
        }
    }

    /** What a disabled wait looks like (target/s390x/helper.c); the numbers are those of a guest without a kernel. */
    static ObjectNode panic(String action) {
        ObjectNode data = object().put("action", action);
        data.putObject("info")
                .put("type", "s390")
                .put("core", 0)
                .put("psw-mask", 562956395872256L)
                .put("psw-addr", 0)
                .put("reason", "disabled-wait");
        return data;
    }

    /** system/cpus.c, vm_stop: what does not run stays what it is. */
    void stop() {
        if (runState == RunState.RUNNING) {
            become(RunState.PAUSED);
        }
    }

    /** monitor/qmp-cmds.c, qmp_cont. */
    void resume() {
        if (runState.needsReset()) {
            throw QmpRefusal.generic("Resetting the Virtual Machine is required");
        }
        if (runState == RunState.FINISH_MIGRATE) {
            throw QmpRefusal.generic("Migration is not finalized yet");
        }
        // an incoming migration starts the machine itself when it is complete
        if (runState != RunState.INMIGRATE && runState != RunState.SUSPENDED) {
            become(RunState.RUNNING);
        }
    }

    /** device_add; a failure first lets late events out (qmp_device_add). */
    void plug(JsonNode arguments) {
        try {
            add(arguments, true);
        } catch (QmpRefusal refusal) {
            events.raiseLateOnes();
            throw refusal;
        }
    }

    /** A {@code -device} of the command line. */
    void coldPlug(JsonNode arguments) {
        add(arguments, false);
    }

    private void add(JsonNode arguments, boolean hotplugged) {
        String id = textOf(arguments, "id");
        if (id != null && release == Release.V7_2 && !IDENTIFIER.matcher(id).matches()) {
            throw QmpRefusal.generic("Parameter 'id' expects an identifier");
        }
        Driver driver = driver(textOf(arguments, "driver"));
        QomBus bus = bus(driver, textOf(arguments, "bus"));
        if (isMigrating()) {
            throw QmpRefusal.generic("device_add not allowed while migrating");
        }
        String name = id == null ? anonymousName() : indexed(id);
        if (id != null && peripheral.properties().containsKey(name)) {
            throw QmpRefusal.generic("Duplicate device ID '" + id + "'");
        }
        QomObject object = device(driver.text, bus, hotplugged);
        MdevId mdev = switch (driver) {
            case VFIO_AP -> {
                VfioApDevice properties = VfioApDevice.of(arguments, release);
                bus.add(object);
                MdevId opened = realize(properties, bus, object);
                describe(object, properties);
                yield opened;
            }
            case VIRTIO_RNG_CCW -> {
                checkRngProperties(arguments);
                bus.add(object);
                object.value("devno", "str", () -> "<unset>");
                object.child("virtio-backend", device("virtio-rng-device", null, false));
                yield null;
            }
        };
        QomObject container = id == null ? anonymous : peripheral;
        container.child(name, object);
        devices.put(object, new Device(driver, id, container, name, bus, mdev));
    }

    private static @Nullable String textOf(JsonNode arguments, String name) {
        JsonNode value = arguments.get(name);
        return value != null && value.isString() ? value.stringValue() : null;
    }

    private static Driver driver(@Nullable String name) {
        if (name == null) {
            throw QmpRefusal.generic("Parameter 'driver' is missing");
        }
        if (ABSTRACT_TYPES.contains(name)) {
            throw QmpRefusal.generic("Parameter 'driver' expects a non-abstract device type");
        }
        if (FIXED_TYPES.contains(name)) {
            throw QmpRefusal.generic("Parameter 'driver' expects a pluggable device type");
        }
        return Stream.of(Driver.values())
                .filter(driver -> driver.text.equals(name))
                .findFirst()
                .orElseThrow(() -> QmpRefusal.generic("'" + name + "' is not a valid device model name"));
    }

    /** qdev_device_add_from_qdict; a bus that is full is no bus when none was named. */
    private QomBus bus(Driver driver, @Nullable String wanted) {
        List<QomBus> buses = apBus == null ? List.of(systemBus, css) : List.of(systemBus, css, apBus);
        if (wanted == null) {
            return buses.stream()
                    .filter(bus -> bus.object().type().equals(driver.busType) && !bus.isFull())
                    .findFirst()
                    .orElseThrow(() -> QmpRefusal.generic(
                            "No '" + driver.busType + "' bus found for device '" + driver.text + "'"));
        }
        QomBus named = buses.stream()
                .filter(bus -> bus.name().equals(wanted))
                .findFirst()
                .orElseThrow(() -> QmpRefusal.generic("Bus '" + wanted + "' not found"));
        if (named.isFull()) {
            throw QmpRefusal.generic("Bus '" + wanted + "' is full");
        }
        String type = named.object().type();
        if (!type.equals(driver.busType)) {
            throw QmpRefusal.generic("Device '" + driver.text + "' can't go on " + type + " bus");
        }
        return named;
    }

    /** Counts attempts too (qdev_set_id). */
    private String anonymousName() {
        String name = "device[" + anonymousDevices + "]";
        anonymousDevices++;
        return name;
    }

    /** object_property_try_add: {@code x[*]} is the first {@code x[N]} that is free. */
    private String indexed(String id) {
        if (!id.endsWith(ANY_INDEX)) {
            return id;
        }
        String stem = id.substring(0, id.length() - ANY_INDEX.length());
        int index = 0;
        while (peripheral.properties().containsKey(stem + "[" + index + "]")) {
            index++;
        }
        return stem + "[" + index + "]";
    }

    private MdevId realize(VfioApDevice properties, QomBus bus, QomObject object) {
        try {
            return properties.open(kernel, pid, release);
        } catch (QmpRefusal refusal) {
            bus.remove(object);
            throw refusal;
        }
    }

    private void describe(QomObject object, VfioApDevice properties) {
        String sysfsdev = String.valueOf(properties.sysfsdev());
        object.value("sysfsdev", "str", () -> sysfsdev);
        if (release != Release.V7_2) {
            object.link("iommufd", "iommufd", null);
            object.properties().put("fd", new QomObject.Value("string", null));
        }
    }

    private static void checkRngProperties(JsonNode arguments) {
        for (String name : arguments.propertyNames()) {
            if (!RNG_PROPERTIES.contains(name)) {
                throw QmpRefusal.generic("Property 'virtio-rng-ccw." + name + "' not found");
            }
        }
    }

    /**
     * device_del.
     *
     * @param id an id, or an absolute path (find_device_state)
     */
    void unplug(String id) {
        QomObject object = root.find(id.startsWith("/") ? id : peripheral.path() + "/" + id)
                .orElseThrow(() -> QmpRefusal.deviceNotFound(id));
        Device device = devices.get(object);
        if (device == null) {
            throw refusalToUnplug(object, id);
        }
        if (isMigrating()) {
            throw QmpRefusal.generic("device_del not allowed while migrating");
        }
        unplug(object, device);
    }

    private QmpRefusal refusalToUnplug(QomObject object, String id) {
        if (object == cpu) {
            return QmpRefusal.generic("CPU hot unplug not supported on this machine");
        }
        if (FIXED_TYPES.contains(object.type())) {
            String bus = object.type().equals("virtio-rng-device") ? "virtio-bus" : systemBus.name();
            return QmpRefusal.generic("Bus '" + bus + "' does not support hotplugging");
        }
        return QmpRefusal.generic(
                release == Release.V7_2 ? id + " is not a hotpluggable device" : id + " is not a device");
    }

    /** The slot, the name and the kernel's files are free at once; only the event comes late (hw/core/qdev.c, device_finalize). */
    private void unplug(QomObject object, Device device) {
        String path = object.path();
        device.bus().remove(object);
        device.container().remove(device.name());
        devices.remove(object);
        if (device.mdev() != null) {
            kernel.closeDevice(device.mdev(), pid);
        }
        if (device.driver() == Driver.VIRTIO_RNG_CCW) {
            events.raiseLater("DEVICE_DELETED", object().put("path", path + "/virtio-backend"));
        }
        ObjectNode data = object();
        if (device.id() != null) {
            data.put("device", device.id());
        }
        events.raiseLater("DEVICE_DELETED", data.put("path", path));
    }

    /** The host wants the device back (vfio_ap_req_notifier_handler, QEMU 8.1): it is unplugged without being asked. */
    void release(MdevId mdev) {
        if (release == Release.V7_2) {
            return;
        }
        List.copyOf(devices.entrySet()).stream()
                .filter(entry -> mdev.equals(entry.getValue().mdev()))
                .forEach(entry -> unplug(entry.getKey(), entry.getValue()));
    }

    /** Whether this object is a device, whose properties are fixed since it was realized. */
    boolean isDevice(QomObject object) {
        return object == cpu || devices.containsKey(object) || FIXED_TYPES.contains(object.type());
    }

    /** The id of a device that has one. */
    Optional<String> idOf(QomObject object) {
        return Optional.ofNullable(devices.get(object)).map(Device::id);
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
