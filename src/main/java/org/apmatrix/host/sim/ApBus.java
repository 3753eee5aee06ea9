package org.apmatrix.host.sim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.DomainId;
import org.apmatrix.host.kernel.Errno;
import org.jspecify.annotations.Nullable;

/**
 * The AP bus: its masks, its cards and queues, and which driver has which of them (drivers/s390/crypto/ap_bus.c).
 *
 * <p>Long because binding, masks and scans are one state machine in the kernel, too: a mask write and a scan both bind, and binding asks the masks.
 */
final class ApBus {
    private static final String DEVICES = "/devices/ap";
    private static final String SUBSYSTEM = "ap";

    private final KernelVersion version;
    private final KernelParameters parameters;
    private final SimulatedUevents uevents;
    private final int maxAdapterId;
    private final int maxDomainId;
    private final boolean hasQci;
    private final List<ApDriver> drivers = new ArrayList<>();
    private final NavigableMap<Integer, ApCard> cards = new TreeMap<>();
    private final NavigableMap<Integer, ApQueue> queues = new TreeMap<>();

    private SimulatedMachine machine;
    private ApConfiguration configuration;
    private ApMask apmask;
    private ApMask aqmask;
    private boolean masksInUse;
    /** Queues with a driver_override. One that disappears with its override is never subtracted (ap_queue.c, driver_override_store is the only place). */
    private int overrides;

    private int defaultDomain;
    private boolean autoprobe = true;
    private long scans;
    private boolean bindingsComplete;
    private long bindingsCompleteCount;

    /** Boots: the masks are set, the first scan is done, no driver is there yet. */
    ApBus(KernelVersion version, SimulatedMachine machine, KernelParameters parameters, SimulatedUevents uevents) {
        this.version = version;
        this.uevents = uevents;
        this.machine = machine;
        this.parameters = parameters;
        hasQci = machine.hasQci();
        maxAdapterId = hasQci ? machine.maxAdapterId() : 63;
        maxDomainId = hasQci ? machine.maxDomainId() : 15;
        apmask = bootMask(parameters.apmask());
        aqmask = bootMask(parameters.aqmask());
        // ap_module_init: a parameter that is out of range or not in aqmask counts as none
        defaultDomain = parameters
                .domain()
                .filter(domain -> domain >= 0 && domain <= maxDomainId && aqmask.contains(domain))
                .orElse(-1);
        configuration = machine.configuration();
        scan();
    }

    /** ap_perms_init: without a parameter everything is the host's; with one, the text is applied to an empty mask, and junk leaves that. */
    private static ApMask bootMask(Optional<String> parameter) {
        return parameter
                .map(text -> ApMask.NONE.after(text).orElse(ApMask.NONE))
                .orElse(ApMask.ALL);
    }

    KernelParameters parameters() {
        return parameters;
    }

    SimulatedMachine machine() {
        return machine;
    }

    /** Changes the hardware; the bus finds out when it scans. */
    void setMachine(SimulatedMachine newMachine) {
        machine = newMachine;
    }

    ApConfiguration configuration() {
        return configuration;
    }

    boolean hasQci() {
        return hasQci;
    }

    int maxAdapterId() {
        return maxAdapterId;
    }

    int maxDomainId() {
        return maxDomainId;
    }

    int defaultDomain() {
        return defaultDomain;
    }

    long scans() {
        return scans;
    }

    long bindingsCompleteCount() {
        return bindingsCompleteCount;
    }

    boolean hasAutoprobe() {
        return autoprobe;
    }

    void setAutoprobe(boolean newAutoprobe) {
        autoprobe = newAutoprobe;
    }

    ApMask apmask() {
        return apmask;
    }

    ApMask aqmask() {
        return aqmask;
    }

    /** apmask_store. */
    void writeApmask(String text) {
        ApMask after = parseMask(apmask, text);
        boolean changed = !after.equals(apmask);
        ApMask added = after.minus(apmask);
        if (!added.isEmpty()) {
            checkNotInUse(added, version.checksMasksStrictly() ? ApMask.ALL : aqmask);
        }
        apmask = after;
        onMaskWritten(changed);
    }

    /** aqmask_store. */
    void writeAqmask(String text) {
        ApMask after = parseMask(aqmask, text);
        boolean changed = !after.equals(aqmask);
        ApMask added = after.minus(aqmask);
        if (!added.isEmpty()) {
            checkNotInUse(version.checksMasksStrictly() ? ApMask.ALL : apmask, added);
        }
        aqmask = after;
        onMaskWritten(changed);
    }

    private ApMask parseMask(ApMask before, String text) {
        // 6.19 and later: masks and overrides exclude each other, found before the text is looked at
        if (overrides != 0) {
            throw new Refusal(Errno.EINVAL);
        }
        return before.after(text).orElseThrow(() -> new Refusal(Errno.EINVAL));
    }

    /** __verify_card_reservations and __verify_queue_reservations. */
    private void checkNotInUse(ApMask adapters, ApMask domains) {
        for (ApDriver driver : drivers) {
            if (driver.isInUse(adapters, domains)) {
                throw new Refusal(Errno.EBUSY);
            }
        }
    }

    private void onMaskWritten(boolean changed) {
        if (changed) {
            masksInUse = !apmask.equals(ApMask.ALL) || !aqmask.equals(ApMask.ALL);
        }
        // 5.10 looks at the bindings even when the mask stayed as it was
        if (changed || !version.isDynamic()) {
            reviseBindings();
        }
        if (changed && version.tellsOfMasks()) {
            uevents.tell("change", DEVICES, SUBSYSTEM);
        }
    }

    /**
     * __ap_revise_reserved for every queue. A queue that somebody unbound has no driver whose flags the kernel could read, but reads them all the same: through a
     * NULL pointer, out of the first page of memory. Up to 6.12 it finds zero there, so that the host's queues are bound again by any change of a mask and the
     * others left alone. 7.2 looks at offset 200, where the CPU that booted keeps an odd facility list (stfl_fac_list): there it is the other way round, as it is
     * here; on its other CPUs, where the list is zero, nothing changed.
     */
    private void reviseBindings() {
        for (ApQueue queue : List.copyOf(queues.values())) {
            ApDriver driver = queue.driver();
            boolean seemsDefault = driver == null ? version.takesNoDriverForDefault() : driver.isDefault();
            if (isReserved(queue.apqn()) != seemsDefault) {
                detach(queue);
                attach(queue);
            }
        }
    }

    /** Whether the masks alone reserve this queue for the host. */
    private boolean isReserved(Apqn apqn) {
        return apmask.contains(apqn.adapter().value())
                && aqmask.contains(apqn.domain().value());
    }

    /** ap_apqn_in_matrix_owned_by_def_drv: whether any queue of this product, existing or not, is the host's. */
    boolean ownsAny(ApMask adapters, ApMask domains) {
        if (overrides == 0) {
            return adapters.intersects(apmask) && domains.intersects(aqmask);
        }
        // 6.19 and later: a bound queue with an override is owned by whoever has it, all others follow the masks
        for (int adapter : adapters.ids()) {
            for (int domain : domains.ids()) {
                ApQueue queue = queues.get(key(adapter, domain));
                ApDriver driver = queue == null ? null : queue.driver();
                boolean owned = (queue != null && driver != null && queue.driverOverride() != null)
                        ? driver.isDefault()
                        : isReserved(Apqn.of(adapter, domain));
                if (owned) {
                    return true;
                }
            }
        }
        return false;
    }

    /** driver_override_store (6.19 and later); it does not bind anything. */
    void writeDriverOverride(ApQueue queue, String text, int length) {
        if (masksInUse || length >= SysfsTree.PAGE_SIZE - 1) {
            throw new Refusal(Errno.EINVAL);
        }
        int newline = text.indexOf('\n');
        String name = newline < 0 ? text : text.substring(0, newline);
        boolean before = queue.driverOverride() != null;
        queue.setDriverOverride(name.isEmpty() ? null : name);
        overrides += (name.isEmpty() ? 0 : 1) - (before ? 1 : 0);
    }

    /** ap_domain_store. */
    void writeDefaultDomain(String text) {
        int domain = KernelText.scannedInt(text, true).orElseThrow(() -> new Refusal(Errno.EINVAL));
        if (domain < 0 || domain > maxDomainId || !aqmask.contains(domain)) {
            throw new Refusal(Errno.EINVAL);
        }
        defaultDomain = domain;
    }

    List<ApDriver> drivers() {
        return drivers;
    }

    Optional<ApDriver> driver(String name) {
        return drivers.stream().filter(driver -> driver.name().equals(name)).findFirst();
    }

    Collection<ApCard> cards() {
        return cards.values();
    }

    Collection<ApQueue> queues() {
        return queues.values();
    }

    Collection<ApQueue> queuesOf(ApCard card) {
        return queues.subMap(key(card.id(), 0), key(card.id() + 1, 0)).values();
    }

    @Nullable
    ApQueue queue(int adapter, int domain) {
        return queues.get(key(adapter, domain));
    }

    /** The device of this name, which may have one newline behind it (drivers/base/core.c, device_match_name). */
    @Nullable
    ApDevice device(String text) {
        String name = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
        if (name.startsWith("card") && name.length() == 6) {
            return Apqn.parse(name.substring(4) + ".0000")
                    .map(apqn -> cards.get(apqn.adapter().value()))
                    .orElse(null);
        }
        return Apqn.parse(name)
                .map(apqn -> queue(apqn.adapter().value(), apqn.domain().value()))
                .orElse(null);
    }

    long boundQueues() {
        return queues.values().stream().filter(queue -> queue.driver() != null).count();
    }

    /** ap_driver_register: devices without a driver are offered to the new one. */
    void register(ApDriver driver) {
        drivers.add(driver);
        if (autoprobe) {
            for (ApDevice device : devices()) {
                if (device.driver() == null) {
                    probe(driver, device);
                }
            }
        }
        checkBindingsComplete();
    }

    void unregister(ApDriver driver) {
        for (ApDevice device : devices()) {
            if (device.isBoundTo(driver)) {
                detach(device);
            }
        }
        drivers.remove(driver);
    }

    /** A write to a driver's bind (drivers/base/bus.c, bind_store). */
    void bind(ApDriver driver, String text) {
        ApDevice device = device(text);
        if (device == null || !driver.handles(device)) {
            throw new Refusal(Errno.ENODEV);
        }
        if (device.driver() != null) {
            throw new Refusal(version.refusesBindOfBoundDeviceAsBusy() ? Errno.EBUSY : Errno.ENODEV);
        }
        if (!probe(driver, device)) {
            throw new Refusal(Errno.ENODEV);
        }
    }

    /** A write to a driver's unbind (drivers/base/bus.c, unbind_store). */
    void unbind(ApDriver driver, String text) {
        ApDevice device = device(text);
        if (device == null || !device.isBoundTo(driver)) {
            throw new Refusal(Errno.ENODEV);
        }
        detach(device);
    }

    /** A write to drivers_probe (drivers/base/bus.c, drivers_probe_store): fine even when no driver wants the device. */
    void probeDrivers(String text) {
        ApDevice device = device(text);
        if (device == null) {
            throw new Refusal(Errno.ENODEV);
        }
        attach(device);
    }

    /** ap_scan_bus: what the machine says now becomes what the host knows. */
    void scan() {
        ApConfiguration before = configuration;
        configuration = hasQci ? machine.configuration() : ApConfiguration.UNKNOWN;
        boolean changed = !configuration.equals(before);
        if (changed) {
            if (!before.adapters().containsAll(configuration.adapters())
                    || !before.usageDomains().containsAll(configuration.usageDomains())) {
                bindingsComplete = false;
            }
            drivers.forEach(driver -> driver.onConfigurationChanged(configuration, before));
        }
        selectDefaultDomain();
        for (int id = 0; id <= maxAdapterId; id++) {
            scanAdapter(id);
        }
        if (changed) {
            drivers.forEach(ApDriver::onScanComplete);
        }
        scans++;
        checkBindingsComplete();
    }

    /** ap_select_domain: once, the first usage domain of the host's with a queue that answers. */
    private void selectDefaultDomain() {
        if (defaultDomain >= 0) {
            return;
        }
        boolean anyCard = machine.adapters().stream()
                .anyMatch(adapter -> adapter.id().value() <= maxAdapterId
                        && apmask.contains(adapter.id().value())
                        && adapter.configured()
                        && !adapter.checkstopped());
        if (anyCard) {
            defaultDomain = machine.usageDomains().and(aqmask).and(ApMask.upTo(maxDomainId)).ids().stream()
                    .findFirst()
                    .orElse(-1);
        }
    }

    /** ap_scan_adapter. */
    private void scanAdapter(int id) {
        ApCard card = cards.get(id);
        ApMask domains = machine.usageDomains().and(ApMask.upTo(maxDomainId));
        SimulatedMachine.Adapter adapter =
                domains.isEmpty() ? null : machine.adapter(id).orElse(null);
        if (card != null && (adapter == null || !card.isSameHardware(adapter))) {
            removeCard(card);
            card = null;
        }
        if (adapter == null) {
            return;
        }
        if (card == null) {
            card = new ApCard(adapter, version.newestType());
            cards.put(id, card);
            onDeviceAdded(card);
        } else {
            card.update(adapter);
        }
        for (ApQueue queue : List.copyOf(queuesOf(card))) {
            if (!domains.contains(queue.apqn().domain().value())) {
                removeQueue(queue);
            }
        }
        for (int domain : domains.ids()) {
            scanDomain(card, adapter, domain);
        }
    }

    /** ap_scan_domains, for one domain that is there. */
    private void scanDomain(ApCard card, SimulatedMachine.Adapter adapter, int domain) {
        ApQueue queue = queues.get(key(card.id(), domain));
        if (queue != null) {
            boolean usable = queue.isUsable();
            queue.update(adapter);
            if (!usable && queue.isUsable() && queue.isInitialised()) {
                queue.initialise();
            }
            return;
        }
        queue = new ApQueue(new Apqn(new AdapterId(card.id()), new DomainId(domain)), card, adapter);
        queues.put(key(card.id(), domain), queue);
        onDeviceAdded(queue);
        // before 6.10 only a zcrypt driver starts the queue
        if (queue.isUsable() && version.readsQueueStateFromHardware()) {
            queue.initialise();
        }
    }

    private void onDeviceAdded(ApDevice device) {
        tell("add", device);
        if (autoprobe) {
            attach(device);
        }
    }

    /** ap_scan_rm_card_dev_and_queue_devs. */
    private void removeCard(ApCard card) {
        List.copyOf(queuesOf(card)).forEach(this::removeQueue);
        detach(card);
        cards.remove(card.id());
        tell("remove", card);
    }

    private void removeQueue(ApQueue queue) {
        detach(queue);
        queues.remove(key(queue.apqn().adapter().value(), queue.apqn().domain().value()));
        tell("remove", queue);
    }

    private void tell(String action, ApDevice device) {
        String card = DEVICES + "/" + (device instanceof ApQueue queue ? queue.card() : device).name();
        uevents.tell(action, device instanceof ApQueue ? card + "/" + device.name() : card, SUBSYSTEM);
    }

    private List<ApDevice> devices() {
        List<ApDevice> devices = new ArrayList<>(cards.size() + queues.size());
        for (ApCard card : cards.values()) {
            devices.add(card);
            devices.addAll(queuesOf(card));
        }
        return devices;
    }

    /** device_attach: the first driver that takes the device, in the order in which they came. */
    private void attach(ApDevice device) {
        if (device.driver() != null) {
            return;
        }
        for (ApDriver driver : drivers) {
            if (probe(driver, device)) {
                return;
            }
        }
    }

    /** ap_device_probe: a queue goes to the driver that its override names, else to the kind of driver that the masks want. */
    private boolean probe(ApDriver driver, ApDevice device) {
        if (!driver.handles(device)) {
            return false;
        }
        if (device instanceof ApQueue queue) {
            String override = queue.driverOverride();
            boolean wanted =
                    override == null ? isReserved(queue.apqn()) == driver.isDefault() : override.equals(driver.name());
            if (!wanted) {
                return false;
            }
        }
        bindingsComplete = false;
        device.setDriver(driver);
        driver.probe(device);
        tell("bind", device);
        return true;
    }

    /** ap_device_remove. */
    private void detach(ApDevice device) {
        ApDriver driver = device.driver();
        if (driver == null) {
            return;
        }
        driver.remove(device);
        if (device instanceof ApQueue queue) {
            queue.abandon();
        }
        device.setDriver(null);
        tell("unbind", device);
    }

    /** ap_check_bindings_complete. */
    private void checkBindingsComplete() {
        if (!bindingsComplete && boundQueues() == queues.size()) {
            bindingsComplete = true;
            bindingsCompleteCount++;
            if (version.hasScans()) {
                uevents.tell("change", DEVICES, SUBSYSTEM);
            }
        }
    }

    private static int key(int adapter, int domain) {
        return adapter << 8 | domain;
    }
}
