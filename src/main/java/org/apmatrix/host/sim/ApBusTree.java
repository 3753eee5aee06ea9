package org.apmatrix.host.sim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.SysfsNode.Directory;
import org.apmatrix.host.sim.SysfsNode.Link;
import org.jspecify.annotations.Nullable;

/**
 * /sys/bus/ap and /sys/devices/ap (drivers/s390/crypto/ap_bus.c, ap_card.c, ap_queue.c, zcrypt_card.c, zcrypt_queue.c, zcrypt_cex4.c).
 *
 * <p>Long because these directories have so many files; each is a line or two.
 */
final class ApBusTree {
    private final HostState host;
    private final ApBus bus;
    private final KernelVersion version;

    ApBusTree(HostState host) {
        this.host = host;
        bus = host.bus();
        version = host.version();
    }

    void addTo(Directory buses) {
        if (host.hasAp()) {
            buses.directory("ap", this::bus);
        }
    }

    void addDevicesTo(Directory devices) {
        if (host.hasAp()) {
            devices.directory("ap", this::root);
        }
    }

    private Directory bus() {
        Directory directory = busFiles(
                        new Directory(), bus.hasAutoprobe(), bus::setAutoprobe, text -> bus.probeDrivers(text))
                .directory(
                        "devices",
                        () -> new Directory()
                                .members(
                                        this::deviceNames,
                                        name -> link(bus.device(exact(name)), "../../../devices/ap/")))
                .directory("drivers", () -> {
                    Directory drivers = new Directory();
                    bus.drivers().forEach(driver -> drivers.directory(driver.name(), () -> driver(driver)));
                    return drivers;
                })
                .readWrite("apmask", () -> bus.apmask() + "\n", bus::writeApmask)
                .readWrite("aqmask", () -> bus.aqmask() + "\n", bus::writeAqmask)
                .readWrite("ap_domain", () -> bus.defaultDomain() + "\n", bus::writeDefaultDomain)
                .readOnly("ap_interrupts", "1\n")
                .readOnly("ap_max_adapter_id", () -> bus.maxAdapterId() + "\n")
                .readOnly("ap_max_domain_id", () -> bus.maxDomainId() + "\n")
                .readOnly("ap_adapter_mask", () -> mask(bus.configuration().adapters()))
                .readOnly("ap_usage_domain_mask", () -> mask(bus.configuration().usageDomains()))
                .readOnly(
                        "ap_control_domain_mask", () -> mask(bus.configuration().controlDomains()));
        BusTimers timers = host.timers();
        directory
                .readWrite("config_time", () -> timers.configTime() + "\n", timers::writeConfigTime)
                .readWrite("poll_thread", () -> "0\n", timers::writePollThread)
                .readWrite(
                        "poll_timeout",
                        () -> Long.toUnsignedString(timers.pollTimeout()) + "\n",
                        timers::writePollTimeout);
        if (version.hasScans()) {
            directory
                    .readWrite("scans", () -> bus.scans() + "\n", text -> bus.scan())
                    .readOnly("bindings", this::bindings);
        }
        if (version.hasBusFeatures()) {
            directory.readOnly("features", () -> bus.hasQci() ? "APSC APXA QACT\n" : "-\n");
        }
        if (version.hasDriverOverride()) {
            directory.readOnly("bindings_complete_count", () -> bus.bindingsCompleteCount() + "\n");
        }
        return directory;
    }

    /** What every bus has (drivers/base/bus.c, bus_register). */
    static Directory busFiles(
            Directory directory, boolean autoprobe, Consumer<Boolean> setAutoprobe, Consumer<String> probe) {
        return SysfsTree.uevent(directory)
                .readWrite(
                        "drivers_autoprobe",
                        () -> autoprobe ? "1\n" : "0\n",
                        // drivers_autoprobe_store: only the first byte counts
                        text -> setAutoprobe.accept(!text.startsWith("0")))
                .writeOnly("drivers_probe", probe);
    }

    private String mask(ApMask mask) {
        return bus.hasQci() ? mask + "\n" : "not supported\n";
    }

    private String bindings() {
        long bound = bus.boundQueues();
        int all = bus.queues().size();
        return bound + "/" + all + (bound == all ? " (complete)\n" : "\n");
    }

    private Collection<String> deviceNames() {
        List<String> names = new ArrayList<>();
        bus.cards().forEach(card -> names.add(card.name()));
        bus.queues().forEach(queue -> names.add(queue.name()));
        return names;
    }

    /** A name in a path has no newline behind it that a lookup could ignore. */
    private static String exact(String name) {
        return name.endsWith("\n") ? "" : name;
    }

    private static @Nullable Link link(@Nullable ApDevice device, String toRoot) {
        if (device == null) {
            return null;
        }
        return new Link(
                toRoot + (device instanceof ApQueue queue ? queue.card().name() + "/" + queue.name() : device.name()));
    }

    private Directory driver(ApDriver driver) {
        return SysfsTree.uevent(new Directory())
                .link("module", "../../../../module/" + driver.module())
                .writeOnly("bind", text -> bus.bind(driver, text))
                .writeOnly("unbind", text -> bus.unbind(driver, text))
                .members(() -> boundNames(driver), name -> {
                    ApDevice device = bus.device(exact(name));
                    return device != null && device.isBoundTo(driver) ? link(device, "../../../../devices/ap/") : null;
                });
    }

    private Collection<String> boundNames(ApDriver driver) {
        List<String> names = new ArrayList<>();
        bus.cards().stream().filter(card -> card.isBoundTo(driver)).forEach(card -> names.add(card.name()));
        bus.queues().stream().filter(queue -> queue.isBoundTo(driver)).forEach(queue -> names.add(queue.name()));
        return names;
    }

    private Directory root() {
        return SysfsTree.uevent(new Directory(), "")
                .members(
                        () -> bus.cards().stream().map(ApCard::name).toList(),
                        name -> bus.device(exact(name)) instanceof ApCard card ? card(card) : null);
    }

    private Directory card(ApCard card) {
        Directory directory = SysfsTree.uevent(new Directory(), uevent(card, "ap_card"))
                .link("subsystem", "../../../bus/ap")
                .readOnly("hwtype", card.type() + "\n")
                .readOnly("raw_hwtype", card.rawType() + "\n")
                .readOnly("depth", version.readsQueueStateFromHardware() ? "8\n" : "7\n")
                .readOnly("ap_functions", card.functions() + "\n")
                .readWrite("request_count", () -> "0\n", text -> {})
                .readOnly("requestq_count", "0\n")
                .readOnly("pendingq_count", "0\n")
                .readOnly("modalias", modalias(card) + "\n")
                .readWrite("config", () -> flag(card.isConfigured()), text -> writeConfig(card, text))
                .members(
                        () -> bus.queuesOf(card).stream().map(ApQueue::name).toList(),
                        name -> bus.device(exact(name)) instanceof ApQueue queue && queue.card() == card
                                ? queue(queue)
                                : null);
        if (version.hasCheckstop()) {
            directory.readOnly("chkstop", () -> flag(card.isCheckstopped())).readOnly("max_msg_size", "12288\n");
        }
        ApDriver driver = card.driver();
        if (driver != null) {
            directory
                    .link("driver", "../../../bus/ap/drivers/" + driver.name())
                    .readOnly("type", card.typeText() + "\n")
                    .readOnly("load", "0\n")
                    .readWrite("online", () -> flag(card.isOnline() && isReady(card)), text -> writeOnline(card, text));
            addFirmwareFiles(directory, card.mode());
        }
        return directory;
    }

    /** What zcrypt asks the firmware of a coprocessor for; no simulated card answers requests, so they are empty as on a card that does not. */
    private static void addFirmwareFiles(Directory directory, char mode) {
        if (mode == 'C') {
            directory.readOnly("serialnr", "\n");
        } else if (mode == 'P') {
            directory
                    .readOnly("serialnr", "\n")
                    .readOnly("API_ordinalnr", "\n")
                    .readOnly("FW_version", "\n")
                    .readOnly("op_modes", "\n");
        }
    }

    private Directory queue(ApQueue queue) {
        Directory directory = SysfsTree.uevent(new Directory(), uevent(queue, "ap_queue"))
                .link("subsystem", "../../../../bus/ap")
                .readOnly("config", () -> flag(queue.isConfigured()))
                .readOnly("interrupt", () -> interrupts(queue))
                .readOnly("pendingq_count", "0\n")
                .readWrite("request_count", () -> queue.isInitialised() ? "0\n" : "-\n", text -> {})
                .readOnly("requestq_count", "0\n")
                .readWrite(
                        "reset",
                        () -> queue.isResetPending() ? "Reset in progress.\n" : "No Reset Timer set.\n",
                        text -> queue.reset());
        if (version.hasCheckstop()) {
            directory.readOnly("chkstop", () -> flag(queue.isCheckstopped()));
        }
        if (version.hasBusFeatures()) {
            directory.readOnly("ap_functions", queue.card().functions() + "\n");
        }
        if (version.hasDriverOverride()) {
            String override = queue.driverOverride();
            directory.attribute(
                    "driver_override",
                    0644,
                    () -> (override == null ? "" : override) + "\n",
                    written -> bus.writeDriverOverride(queue, written.text(), written.length()));
        }
        ApDriver driver = queue.driver();
        if (driver != null) {
            directory.link("driver", "../../../../bus/ap/drivers/" + driver.name());
            addDriverFiles(directory, queue, driver);
        }
        return directory;
    }

    private void addDriverFiles(Directory directory, ApQueue queue, ApDriver driver) {
        if (driver instanceof VfioAp vfioAp) {
            if (version.hasStatus()) {
                directory.readOnly("status", () -> vfioAp.status(queue));
            }
            return;
        }
        directory
                .readOnly("load", "0\n")
                .readWrite("online", () -> flag(queue.isOnline() && isReady(queue)), text -> writeOnline(queue, text));
        switch (queue.card().mode()) {
            case 'C' -> directory.readOnly("mkvps", () -> masterKeys(queue, MasterKeyText.ofCca(version)));
            case 'P' ->
                directory
                        .readOnly("mkvps", () -> masterKeys(queue, MasterKeyText.ofEp11()))
                        .readOnly("op_modes", "\n");
            default -> {}
        }
    }

    /** Asked of the HSM; one that is off or broken does not answer. */
    private String masterKeys(ApQueue queue, MasterKeyText text) {
        boolean answers = queue.isOnline() && isReady(queue) && isReady(queue.card());
        return text.of(answers ? bus.machine().masterKeys().getOrDefault(queue.apqn(), Mkvps.UNTOLD) : Mkvps.UNTOLD);
    }

    private String uevent(ApDevice device, String type) {
        StringBuilder text = new StringBuilder("DEVTYPE=").append(type).append('\n');
        ApDriver driver = device.driver();
        if (driver != null) {
            text.append("DRIVER=").append(driver.name()).append('\n');
        }
        // ap_uevent: until 5.10 queues say their type, too, and nobody says a mode
        if (device instanceof ApCard || !version.isDynamic()) {
            text.append(String.format(Locale.ROOT, "DEV_TYPE=%04X\n", device.type()));
            text.append("MODALIAS=").append(modalias(device)).append('\n');
        }
        if (version.isDynamic()) {
            ApCard card = device instanceof ApQueue queue ? queue.card() : (ApCard) device;
            text.append("MODE=").append(card.modeText()).append('\n');
        }
        return text.toString();
    }

    private static String modalias(ApDevice device) {
        return String.format(Locale.ROOT, "ap:t%02X", device.type());
    }

    private String interrupts(ApQueue queue) {
        // until 6.1 the kernel shows what it once set; later it asks the queue, which forgets at a reset
        boolean enabled =
                version.readsQueueStateFromHardware() ? queue.hasInterruptsEnabled() : queue.hadInterruptsEnabled();
        return enabled ? "Interrupts enabled.\n" : "Interrupts disabled.\n";
    }

    private static String flag(boolean value) {
        return value ? "1\n" : "0\n";
    }

    private static boolean parseFlag(String text) {
        int value = KernelText.scannedInt(text, false).orElseThrow(() -> new Refusal(Errno.EINVAL));
        if (value < 0 || value > 1) {
            throw new Refusal(Errno.EINVAL);
        }
        return value == 1;
    }

    /** ap_card.c, config_store: a change is asked of the firmware, and this machine's has no command for it. */
    private static void writeConfig(ApCard card, String text) {
        if (parseFlag(text) != card.isConfigured()) {
            throw new Refusal(Errno.EOPNOTSUPP);
        }
    }

    /** zcrypt_card.c and zcrypt_queue.c, online_store. */
    private void writeOnline(ApDevice device, String text) {
        boolean online = parseFlag(text);
        ApCard card = device instanceof ApQueue queue ? queue.card() : (ApCard) device;
        if (online && !(isReady(device) && isReady(card))) {
            throw new Refusal(Errno.ENODEV);
        }
        if (online && device != card && !card.isOnline()) {
            throw new Refusal(Errno.EINVAL);
        }
        device.setOnline(online);
        if (device == card) {
            bus.queuesOf(card).stream()
                    .filter(queue -> queue.driver() instanceof ApDriver.Zcrypt)
                    .forEach(queue -> queue.setOnline(online));
        }
    }

    /** A checkstop counts since 6.2. */
    private boolean isReady(ApDevice device) {
        return device.isConfigured() && !(device.isCheckstopped() && version.readsQueueStateFromHardware());
    }
}
