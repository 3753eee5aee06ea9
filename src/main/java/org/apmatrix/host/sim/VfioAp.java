package org.apmatrix.host.sim;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.jspecify.annotations.Nullable;

/**
 * The driver vfio_ap: mdevs, the checks of what they may be assigned, and the filter that decides what a guest gets (drivers/s390/crypto/vfio_ap_ops.c).
 *
 * <p>Long because each store of that file has its own order of checks, and all of them work on the same masks.
 */
final class VfioAp extends ApDriver {
    /** MAX_ZDEV_ENTRIES_EXT. */
    static final int MAX_INSTANCES = 65536;

    private static final int AP_CONFIG_LENGTH = 201;

    private final KernelVersion version;
    private final ApBus bus;
    private final VfioUsers users;
    private final SimulatedUevents uevents;
    private final Consumer<BooleanSupplier> waitWhile;
    private final Map<MdevId, SimulatedMdev> mdevs = new LinkedHashMap<>();
    /** matrix_dev->info: the host's configuration as this driver was told last. */
    private ApConfiguration host;

    private boolean autoprobe = true;
    private boolean hasMdevDriver;

    /** @param waitWhile puts the calling thread to sleep, without the lock, while a condition holds */
    VfioAp(
            KernelVersion version,
            ApBus bus,
            VfioUsers users,
            SimulatedUevents uevents,
            Consumer<BooleanSupplier> waitWhile) {
        super("vfio_ap", "vfio_ap");
        this.version = version;
        this.bus = bus;
        this.users = users;
        this.uevents = uevents;
        this.waitWhile = waitWhile;
        // vfio_ap_matrix_dev_create asks the machine itself, not the bus
        host = bus.hasQci() ? bus.machine().configuration() : ApConfiguration.UNKNOWN;
    }

    @Override
    boolean isDefault() {
        return false;
    }

    @Override
    boolean handles(ApDevice device) {
        return device instanceof ApQueue;
    }

    Collection<SimulatedMdev> mdevs() {
        return mdevs.values();
    }

    Optional<SimulatedMdev> mdev(MdevId id) {
        return Optional.ofNullable(mdevs.get(id));
    }

    boolean hasAutoprobe() {
        return autoprobe;
    }

    void setAutoprobe(boolean newAutoprobe) {
        autoprobe = newAutoprobe;
    }

    int availableInstances() {
        return MAX_INSTANCES - mdevs.size();
    }

    /** The driver of the mdevs themselves (5.10: vfio_mdev, for all vendors). */
    String mdevDriver() {
        return version.hasVfioDevices() ? "vfio_ap_mdev" : "vfio_mdev";
    }

    String mdevDriverModule() {
        return version.hasVfioDevices() ? "vfio_ap" : "vfio_mdev";
    }

    /** drivers/vfio/mdev/mdev_sysfs.c, create_store: a UUID, and one more byte that nobody looks at. */
    void create(String text, int length) {
        if (length < 36 || length > 37) {
            throw new Refusal(Errno.EINVAL);
        }
        MdevId id = Optional.of(text)
                .filter(uuid -> uuid.length() >= 36)
                .flatMap(uuid -> MdevId.parse(uuid.substring(0, 36)))
                .orElseThrow(() -> new Refusal(Errno.EINVAL));
        if (mdevs.containsKey(id)) {
            throw new Refusal(Errno.EEXIST);
        }
        if (availableInstances() == 0) {
            throw new Refusal(version.hasVfioDevices() ? Errno.EUSERS : Errno.EPERM);
        }
        SimulatedMdev mdev = new SimulatedMdev(id);
        mdevs.put(id, mdev);
        tell("add", mdev, "", "mdev");
        // since 6.1 the vendor's driver is bound explicitly, before it is up to the bus
        if (version.hasVfioDevices() || (autoprobe && hasMdevDriver)) {
            attachDriver(mdev);
        }
    }

    /** The module vfio_mdev came (5.10): it takes the mdevs that are there. */
    void addMdevDriver() {
        hasMdevDriver = true;
        if (autoprobe) {
            mdevs.values().stream().filter(mdev -> mdev.group() == null).forEach(this::attachDriver);
        }
    }

    /** The module vfio_mdev goes (5.10). Nobody has an mdev open. */
    void removeMdevDriver() {
        hasMdevDriver = false;
        mdevs.values().forEach(this::detachDriver);
    }

    /** drivers/vfio/mdev/mdev_sysfs.c, remove_store. Returns when the device is gone, however long its users take. */
    void remove(SimulatedMdev mdev, String text) {
        if (!isNonZero(text)) {
            return;
        }
        VfioGroup group = mdev.group();
        if (group == null || !users.isHeld(group)) {
            destroy(mdev);
            return;
        }
        mdev.setStage(SimulatedMdev.Stage.LEAVING);
        users.request(group);
        waitWhile.accept(() -> mdev.stage() == SimulatedMdev.Stage.LEAVING);
    }

    private static boolean isNonZero(String text) {
        try {
            return KernelText.unsignedLong(text) != 0;
        } catch (Refusal refusal) {
            // remove_store answers EINVAL whatever kstrtoul said
            throw new Refusal(Errno.EINVAL);
        }
    }

    private void destroy(SimulatedMdev mdev) {
        detachDriver(mdev);
        mdev.setStage(SimulatedMdev.Stage.GONE);
        mdevs.remove(mdev.id());
        tell("remove", mdev, "", "mdev");
    }

    /** The device's own uevents have these paths, its group's has that of its node. */
    private void tell(String action, SimulatedMdev mdev, String below, String subsystem) {
        uevents.tell(action, "/devices/vfio_ap/matrix/" + mdev.id() + below, subsystem);
    }

    private void tellOfGroup(String action, VfioGroup group) {
        uevents.tell(action, "/devices/virtual/vfio/" + group.number(), "vfio");
    }

    private void tellOfDevice(String action, SimulatedMdev mdev, VfioGroup group) {
        if (version.hasVfioDevices()) {
            tell(action, mdev, "/vfio-dev/vfio" + group.number(), "vfio-dev");
        }
    }

    /** vfio_ap_mdev_probe: the device gets a group. */
    private void attachDriver(SimulatedMdev mdev) {
        VfioGroup group = users.createGroup(mdev);
        mdev.setGroup(group);
        tellOfGroup("add", group);
        tellOfDevice("add", mdev, group);
        tell("bind", mdev, "", "mdev");
    }

    /** vfio_ap_mdev_remove: the queues are reset, the group goes. */
    private void detachDriver(SimulatedMdev mdev) {
        VfioGroup group = mdev.group();
        if (group != null) {
            resetQueues(mdev.matrix());
            users.deleteGroup(group);
            mdev.setGroup(null);
            tellOfDevice("remove", mdev, group);
            tellOfGroup("remove", group);
            tell("unbind", mdev, "", "mdev");
        }
    }

    /** Called when somebody closed a file of the group: a remove that waited can go on. */
    void onReleased(SimulatedMdev mdev) {
        VfioGroup group = mdev.group();
        if (mdev.stage() == SimulatedMdev.Stage.LEAVING && group != null && !users.isHeld(group)) {
            destroy(mdev);
        }
    }

    /** The module goes: its mdevs first. Nobody has one open. */
    void removeAll() {
        mdevs.values().stream().toList().forEach(this::destroy);
    }

    /** A write to unbind of the mdev driver; waits for users as remove does. What was assigned is forgotten, except by the static kernel, where another driver has it. */
    void unbindMdev(String text) {
        SimulatedMdev mdev = mdevNamed(text);
        VfioGroup group = mdev == null ? null : mdev.group();
        if (mdev == null || group == null || mdev.stage() != SimulatedMdev.Stage.PRESENT) {
            throw new Refusal(Errno.ENODEV);
        }
        if (users.isHeld(group)) {
            users.request(group);
        }
        waitWhile.accept(() -> users.isHeld(group) && mdev.group() == group);
        if (mdev.group() == group) {
            detachDriver(mdev);
            if (version.hasVfioDevices()) {
                mdev.setMatrix(Matrix.EMPTY);
                mdev.setGuestMatrix(Matrix.EMPTY);
            }
        }
    }

    /** A write to bind of the mdev driver: since 6.1 no driver matches by itself (drivers/vfio/mdev/mdev_driver.c, mdev_match). */
    void bindMdev(String text) {
        SimulatedMdev mdev = mdevNamed(text);
        if (mdev == null || version.hasVfioDevices() || mdev.group() != null) {
            throw new Refusal(Errno.ENODEV);
        }
        attachDriver(mdev);
    }

    /** A write to drivers_probe of the mdev bus. */
    void probeMdevDrivers(String text) {
        SimulatedMdev mdev = mdevNamed(text);
        if (mdev == null) {
            throw new Refusal(Errno.ENODEV);
        }
        if (!version.hasVfioDevices() && mdev.group() == null) {
            attachDriver(mdev);
        }
    }

    private @Nullable SimulatedMdev mdevNamed(String text) {
        return mdevs.values().stream()
                .filter(mdev -> mdev.stage() == SimulatedMdev.Stage.PRESENT
                        && KernelText.isName(text, mdev.id().toString()))
                .findFirst()
                .orElse(null);
    }

    /** assign_adapter_store. */
    void assignAdapter(SimulatedMdev mdev, String text) {
        assign(
                mdev,
                text,
                bus.maxAdapterId(),
                mdev.matrix().adapters(),
                mdev.matrix().domains(),
                true);
    }

    /** assign_domain_store. */
    void assignDomain(SimulatedMdev mdev, String text) {
        assign(
                mdev,
                text,
                bus.maxDomainId(),
                mdev.matrix().domains(),
                mdev.matrix().adapters(),
                false);
    }

    private void assign(
            SimulatedMdev mdev, String text, int maximum, ApMask before, ApMask others, boolean ofAdapters) {
        refuseChangeInUse(mdev);
        int id = parseId(text, maximum);
        if (version.isDynamic() && before.contains(id)) {
            return;
        }
        if (!version.isDynamic()) {
            checkBound(ApMask.of(id), others, ofAdapters);
        }
        Matrix old = mdev.matrix();
        if (ofAdapters) {
            mdev.setAdapters(before.with(id));
        } else {
            mdev.setDomains(before.with(id));
        }
        try {
            if (version.isDynamic()) {
                checkNotReserved(mdev.matrix());
            }
            checkNotShared(mdev);
        } catch (Refusal refusal) {
            // the bit is cleared, not put back: with the static kernel a refused second assignment takes the first one
            // away
            if (ofAdapters) {
                mdev.setAdapters(old.adapters().without(id));
            } else {
                mdev.setDomains(old.domains().without(id));
            }
            throw refusal;
        }
        if (version.isDynamic()) {
            filter(mdev);
        }
    }

    /** vfio_ap_mdev_verify_queues_reserved_for_apid and _apqi (static): all queues of the product, or any queue at all, must be this driver's now. */
    private void checkBound(ApMask id, ApMask others, boolean ofAdapters) {
        boolean fine;
        if (others.isEmpty()) {
            fine = bus.queues().stream()
                    .filter(queue -> queue.isBoundTo(this))
                    .anyMatch(queue -> id.contains(
                            ofAdapters
                                    ? queue.apqn().adapter().value()
                                    : queue.apqn().domain().value()));
        } else {
            Matrix product = ofAdapters ? Matrix.of(id, others) : Matrix.of(others, id);
            fine = product.apqns().stream().allMatch(this::hasQueue);
        }
        if (!fine) {
            throw new Refusal(Errno.EADDRNOTAVAIL);
        }
    }

    private boolean hasQueue(Apqn apqn) {
        return hasQueue(apqn.adapter().value(), apqn.domain().value());
    }

    private boolean hasQueue(int adapter, int domain) {
        ApQueue queue = bus.queue(adapter, domain);
        return queue != null && queue.isBoundTo(this);
    }

    private boolean isPassable(int adapter, int domain) {
        ApQueue queue = bus.queue(adapter, domain);
        return queue != null && queue.isBoundTo(this) && !queue.hasResetFailed();
    }

    /** vfio_ap_mdev_validate_masks, first half. */
    private void checkNotReserved(Matrix matrix) {
        if (bus.ownsAny(matrix.adapters(), matrix.domains())) {
            throw new Refusal(Errno.EADDRNOTAVAIL);
        }
    }

    /** vfio_ap_mdev_verify_no_sharing; an mdev that waits to be removed still counts. */
    private void checkNotShared(SimulatedMdev assignee) {
        for (SimulatedMdev other : mdevs.values()) {
            if (other != assignee && isShared(assignee.matrix(), other.matrix())) {
                throw new Refusal(Errno.EADDRINUSE);
            }
        }
    }

    private static boolean isShared(Matrix one, Matrix other) {
        return one.adapters().intersects(other.adapters()) && one.domains().intersects(other.domains());
    }

    /** unassign_adapter_store. The filter does not run: an adapter that was left out because of another one's fault stays out. */
    void unassignAdapter(SimulatedMdev mdev, String text) {
        refuseChangeInUse(mdev);
        int id = parseId(text, bus.maxAdapterId());
        mdev.setAdapters(mdev.matrix().adapters().without(id));
        unplug(mdev, ApMask.of(id), ApMask.NONE);
    }

    /** unassign_domain_store. */
    void unassignDomain(SimulatedMdev mdev, String text) {
        refuseChangeInUse(mdev);
        int id = parseId(text, bus.maxDomainId());
        mdev.setDomains(mdev.matrix().domains().without(id));
        unplug(mdev, ApMask.NONE, ApMask.of(id));
    }

    /** vfio_ap_mdev_hot_unplug_adapters and _domains: what a guest loses is reset. */
    private void unplug(SimulatedMdev mdev, ApMask adapters, ApMask domains) {
        Matrix guest = mdev.guestMatrix();
        resetQueues(Matrix.of(guest.adapters().and(adapters), guest.domains()));
        resetQueues(Matrix.of(guest.adapters(), guest.domains().and(domains)));
        mdev.setGuestAdapters(guest.adapters().minus(adapters));
        mdev.setGuestDomains(guest.domains().minus(domains));
    }

    /** assign_control_domain_store: no queue is touched, so nothing but the number is checked. */
    void assignControlDomain(SimulatedMdev mdev, String text) {
        refuseChangeInUse(mdev);
        int id = parseId(text, bus.maxDomainId());
        mdev.setControlDomains(mdev.matrix().controlDomains().with(id));
        filterControlDomains(mdev);
    }

    /** unassign_control_domain_store. */
    void unassignControlDomain(SimulatedMdev mdev, String text) {
        refuseChangeInUse(mdev);
        int id = parseId(text, bus.maxDomainId());
        mdev.setControlDomains(mdev.matrix().controlDomains().without(id));
        mdev.setGuestControlDomains(mdev.guestMatrix().controlDomains().without(id));
    }

    /** The static kernel says EBUSY before it reads what was written. */
    private void refuseChangeInUse(SimulatedMdev mdev) {
        if (!version.isDynamic() && mdev.kvm() != null) {
            throw new Refusal(Errno.EBUSY);
        }
    }

    private static int parseId(String text, int maximum) {
        long value = KernelText.unsignedLong(text);
        if (Long.compareUnsigned(value, maximum) > 0) {
            throw new Refusal(Errno.ENODEV);
        }
        return (int) value;
    }

    /** ap_config_store: three absolute masks, the whole new state or none of it. The number check comes last. */
    void writeApConfig(SimulatedMdev mdev, String text) {
        String[] parts =
                text.substring(0, Math.min(text.length(), AP_CONFIG_LENGTH)).split("[,\n]", -1);
        if (parts.length < 3) {
            throw new Refusal(Errno.EINVAL);
        }
        Matrix after = new Matrix(parseMask(parts[0]), parseMask(parts[1]), parseMask(parts[2]));
        Matrix before = mdev.matrix();
        mdev.setMatrix(after);
        try {
            checkNotReserved(after);
            checkNotShared(mdev);
            checkMaxima(after);
        } catch (Refusal refusal) {
            mdev.setMatrix(before);
            throw refusal;
        }
        unplug(mdev, before.adapters().minus(after.adapters()), before.domains().minus(after.domains()));
        filter(mdev);
        filterControlDomains(mdev);
    }

    private static ApMask parseMask(String text) {
        return ApMask.parseAbsolute(text).orElseThrow(() -> new Refusal(Errno.EINVAL));
    }

    /** ap_matrix_overflow_check. */
    private void checkMaxima(Matrix matrix) {
        if (!ApMask.upTo(bus.maxAdapterId()).containsAll(matrix.adapters())
                || !ApMask.upTo(bus.maxDomainId()).containsAll(matrix.domains().or(matrix.controlDomains()))) {
            throw new Refusal(Errno.ENODEV);
        }
    }

    /**
     * vfio_ap_mdev_filter_matrix, as fixed in 6.8: of what is assigned, a guest gets what the host has, and of that no adapter of which one queue is missing here.
     */
    private void filter(SimulatedMdev mdev) {
        ApMask before = mdev.guestMatrix().adapters();
        ApMask domains = mdev.matrix().domains().and(host.usageDomains());
        ApMask adapters = mdev.matrix().adapters().and(host.adapters());
        for (int adapter : adapters.ids()) {
            if (!domains.ids().stream().allMatch(domain -> isPassable(adapter, domain))) {
                adapters = adapters.without(adapter);
            }
        }
        mdev.setGuestAdapters(adapters);
        mdev.setGuestDomains(domains);
        // reset_queues_for_apids: what the guest just lost
        resetQueues(Matrix.of(before.minus(adapters), domains));
    }

    /** vfio_ap_mdev_filter_cdoms. */
    private void filterControlDomains(SimulatedMdev mdev) {
        mdev.setGuestControlDomains(mdev.matrix().controlDomains().and(host.controlDomains()));
    }

    private void resetQueues(Matrix matrix) {
        for (int adapter : matrix.adapters().ids()) {
            for (int domain : matrix.domains().ids()) {
                ApQueue queue = bus.queue(adapter, domain);
                if (queue != null && queue.isBoundTo(this)) {
                    reset(queue);
                }
            }
        }
    }

    /**
     * vfio_ap_mdev_reset_queue and _queue_passable: a queue that is gone stays away from guests until a reset succeeds. So does one in standby or broken until
     * 6.1; since 6.6 those two count as reset.
     */
    private void reset(ApQueue queue) {
        queue.zeroize();
        Optional<SimulatedMachine.Adapter> adapter =
                bus.machine().adapter(queue.apqn().adapter().value());
        boolean answers = adapter.isPresent()
                && bus.machine().usageDomains().contains(queue.apqn().domain().value());
        boolean usable = adapter.filter(found -> found.configured() && !found.checkstopped())
                .isPresent();
        queue.setResetFailed(!answers || (!usable && !version.hasApConfig()));
    }

    /** status_show: since 6.8 (and 6.1.76) "in use" only for a queue that the guest really has. */
    String status(ApQueue queue) {
        SimulatedMdev mdev = mdevOf(queue.apqn());
        if (mdev == null) {
            return "unassigned\n";
        }
        return mdev.kvm() != null && mdev.guestMatrix().contains(queue.apqn()) ? "in use\n" : "assigned\n";
    }

    private @Nullable SimulatedMdev mdevOf(Apqn apqn) {
        return mdevs.values().stream()
                .filter(mdev -> mdev.matrix().contains(apqn))
                .findFirst()
                .orElse(null);
    }

    /** vfio_ap_mdev_probe_queue: during a scan that found something new for the mdev the filter waits for the scan's end. */
    @Override
    void probe(ApDevice device) {
        if (version.isDynamic() && device instanceof ApQueue queue) {
            queue.setResetFailed(false);
            SimulatedMdev mdev = mdevOf(queue.apqn());
            if (mdev != null
                    && mdev.added().adapters().isEmpty()
                    && mdev.added().domains().isEmpty()) {
                filter(mdev);
            }
        }
    }

    /** vfio_ap_mdev_remove_queue: the guest loses the whole adapter, since a matrix cannot leave out one queue. */
    @Override
    void remove(ApDevice device) {
        if (version.isDynamic() && device instanceof ApQueue queue) {
            SimulatedMdev mdev = mdevOf(queue.apqn());
            if (mdev != null && mdev.guestMatrix().contains(queue.apqn())) {
                ApMask adapter = ApMask.of(queue.apqn().adapter().value());
                resetQueues(Matrix.of(adapter, mdev.guestMatrix().domains()));
                mdev.setGuestAdapters(mdev.guestMatrix().adapters().minus(adapter));
            }
        }
    }

    /** vfio_ap_mdev_resource_in_use; the static kernel never asks. */
    @Override
    boolean isInUse(ApMask adapters, ApMask domains) {
        Matrix wanted = Matrix.of(adapters, domains);
        return version.isDynamic() && mdevs.values().stream().anyMatch(mdev -> isShared(wanted, mdev.matrix()));
    }

    /** vfio_ap_on_cfg_changed: what the host lost leaves every guest now, what it gained is remembered for the scan's end. */
    @Override
    void onConfigurationChanged(ApConfiguration now, ApConfiguration before) {
        if (!version.isDynamic()) {
            return;
        }
        for (SimulatedMdev mdev : mdevs.values()) {
            mdev.setGuestAdapters(
                    mdev.guestMatrix().adapters().minus(before.adapters().minus(now.adapters())));
            mdev.setGuestDomains(
                    mdev.guestMatrix().domains().minus(before.usageDomains().minus(now.usageDomains())));
            onControlDomainsChanged(mdev, before.controlDomains().minus(now.controlDomains()));
            mdev.setAdded(new Matrix(
                    mdev.matrix().adapters().and(now.adapters().minus(before.adapters())),
                    mdev.matrix().domains().and(now.usageDomains().minus(before.usageDomains())),
                    mdev.matrix().controlDomains().and(now.controlDomains().minus(before.controlDomains()))));
        }
        host = now;
    }

    /** vfio_ap_mdev_cfg_remove: kernels before 7.x compute the complement, so a guest keeps a control domain that the host lost. */
    private void onControlDomainsChanged(SimulatedMdev mdev, ApMask lost) {
        if (version.isAtLeast(KernelVersion.V7_2)) {
            mdev.setGuestControlDomains(mdev.guestMatrix().controlDomains().minus(lost));
        }
    }

    /** vfio_ap_on_scan_complete. */
    @Override
    void onScanComplete() {
        for (SimulatedMdev mdev : mdevs.values()) {
            Matrix added = mdev.added();
            if (!added.adapters().isEmpty() || !added.domains().isEmpty()) {
                filter(mdev);
            }
            if (!added.controlDomains().isEmpty()) {
                filterControlDomains(mdev);
            }
            mdev.setAdded(Matrix.EMPTY);
        }
    }

    /** vfio_ap_mdev_close_device: the guest ended, all its queues are reset, what is assigned stays. */
    void onDeviceClosed(SimulatedMdev mdev) {
        if (mdev.kvm() != null) {
            mdev.setKvm(null);
            resetQueues(mdev.matrix());
        }
    }
}
