package org.apmatrix.service;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.DeviceUse;
import org.apmatrix.host.DeviceUsers;
import org.apmatrix.host.HostLock;
import org.apmatrix.host.Machine;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.Store;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** This machine, as the procedures use it: look at it, write to it, and have every unexpected errno told as a failure of the host. */
public final class Host {
    private static final Logger LOG = LoggerFactory.getLogger(Host.class);

    private final Sysfs sysfs;
    private final ApBus bus;
    private final MdevTree mdevs;
    private final DeviceUsers users;
    private final HostLock lock;
    private final Machine machine;
    private final Attachments attachments;
    private final HostWatcher watcher;
    private final MdevctlStore store;
    private final AtomicBoolean definitionsUnreadable = new AtomicBoolean();
    private final MasterKeys masterKeys;
    private volatile BiConsumer<ApMask, ApMask> masksSeen = (apmask, aqmask) -> {};
    private final AtomicReference<Seen> seen = new AtomicReference<>();

    public Host(
            Sysfs sysfs,
            ApBus bus,
            MdevTree mdevs,
            DeviceUsers users,
            HostLock lock,
            Machine machine,
            Attachments attachments,
            HostWatcher watcher,
            MdevctlStore store,
            MasterKeys masterKeys) {
        this.sysfs = sysfs;
        this.bus = bus;
        this.mdevs = mdevs;
        this.users = users;
        this.lock = lock;
        this.machine = machine;
        this.attachments = attachments;
        this.watcher = watcher;
        this.store = store;
        this.masterKeys = masterKeys;
    }

    /** Throws AP_UNAVAILABLE where there is no AP bus. */
    public ApBus bus() {
        if (!bus.isPresent()) {
            throw HostFailure.apUnavailable("This host has no AP bus.");
        }
        return bus;
    }

    /** Throws AP_UNAVAILABLE where the vfio_ap module is not loaded. */
    public MdevTree mdevs() {
        bus();
        if (!mdevs.isPresent()) {
            throw HostFailure.apUnavailable("The vfio_ap module is not loaded on this host (modprobe vfio_ap).");
        }
        return mdevs;
    }

    /** Whether the masks and the mediated devices may be written by this process. */
    public boolean isWritable() {
        return bus.isWritable() && mdevs.isWritable();
    }

    public boolean vfioApLoaded() {
        return mdevs.isPresent();
    }

    public Machine machine() {
        return machine;
    }

    /** What is known of the queues' master keys. */
    public MasterKeys masterKeys() {
        return masterKeys;
    }

    <T> T locked(Supplier<T> work) {
        return lock.hold(() -> {
            try {
                return work.get();
            } finally {
                lookAfterwards();
            }
        });
    }

    /** What was done and not looked at since, in a write that was refused, is told all the same. */
    private void lookAfterwards() {
        try {
            if (watcher.isOutdated()) {
                glance();
            }
        } catch (RuntimeException unreadable) {
            LOG.warn("after a write the host cannot be looked at: {}", unreadable.getMessage());
        }
    }

    /**
     * Tells what others changed since the last look, unless a write is under way, which tells it itself; then, without the lock, asks queues that have come to the
     * host's driver for their master keys. Throws what {@link #look} throws.
     */
    public void watch() {
        lock.ifFree(this::glance);
        watcher.last().ifPresent(picture -> masterKeys.notice(picture.queues()));
    }

    /** Asks to be told the masks at every look that is in order: those under the lock, and those while nobody has it. */
    void onMasksSeen(BiConsumer<ApMask, ApMask> listener) {
        masksSeen = listener;
    }

    /** A number that is another one when a guest or any process has opened or closed a device; empty where it cannot be told. */
    public Optional<Integer> openings() {
        return ask(mdevs::references);
    }

    /** As much of {@link #look} as can be done every second: the processes are left alone. */
    private void glance() {
        ask(() -> {
            ApBus present = bus();
            SortedMap<MdevId, Mdev> devices = new TreeMap<>();
            mdevs.ids().forEach(id -> mdevs.read(id).ifPresent(mdev -> devices.put(id, mdev)));
            masksSeen.accept(present.apmask(), present.aqmask());
            watcher.seen(present.apmask(), present.aqmask(), present.queues(), devices, present::mode);
            return devices;
        });
    }

    /** Asks the host and turns an errno that nobody expected into HOST_REFUSED. */
    <T> T ask(Supplier<T> question) {
        try {
            return question.get();
        } catch (KernelException e) {
            throw refused(e);
        }
    }

    static HostFailure refused(KernelException e) {
        return HostFailure.refused(
                e.errno().name(), "The kernel refused to " + e.operation() + " " + e.path() + ": " + e.errno() + ".");
    }

    /** A fresh picture. Under the lock it also tells what has changed since the look before. */
    public HostView look() {
        HostView view = lookUnnoticed();
        if (lock.isMine()) {
            SortedMap<MdevId, Mdev> devices = new TreeMap<>();
            view.mdevs().forEach((id, entry) -> devices.put(id, entry.mdev()));
            masksSeen.accept(view.apmask(), view.aqmask());
            // cards that are new can wait for the next glance
            watcher.seen(view.apmask(), view.aqmask(), view.queues(), devices, adapter -> Optional.empty());
        }
        return view;
    }

    private HostView lookUnnoticed() {
        return ask(() -> {
            ApBus present = bus();
            SortedMap<Apqn, Optional<String>> queues = present.queues();
            ApMask apmask = present.apmask();
            ApMask aqmask = present.aqmask();
            SortedMap<MdevId, HostView.Entry> entries = entries(mdevs.ids(), queues);
            return new HostView(
                    generation(entries.values().stream().map(HostView.Entry::mdev)),
                    mdevs.features().orElse(List.of()),
                    present.maxAdapterId(),
                    present.maxDomainId(),
                    apmask,
                    aqmask,
                    present.configuredAdapters()
                            .orElseGet(() -> ApMask.of(present.adapters().stream()
                                    .map(AdapterId::value)
                                    .toList())),
                    present.configuredDomains()
                            .orElseGet(() -> ApMask.of(queues.keySet().stream()
                                    .map(apqn -> apqn.domain().value())
                                    .toList())),
                    queues,
                    present.hasDriverOverride(queues.keySet()),
                    present.driverOverrides(queues.keySet()),
                    entries,
                    definitions(),
                    attachments.stored());
        });
    }

    /** What cannot be read of the definitions must not hide the devices: whoever asks for definitions is told. */
    private SortedMap<MdevId, MdevDefinition> definitions() {
        SortedMap<MdevId, MdevDefinition> definitions = new TreeMap<>();
        try {
            store.all().forEach(definition -> definitions.put(definition.id(), definition));
            definitionsUnreadable.set(false);
        } catch (HostFailure unreadable) {
            if (!definitionsUnreadable.getAndSet(true)) {
                LOG.warn("no definition of a device can be shown: {}", unreadable.getMessage());
            }
        }
        return definitions;
    }

    /**
     * One store. A removal looks first, whatever was decided before: on a device that is in use it would block for ever or pull the device out of its guest.
     */
    void store(Store store) {
        MdevTree.removedBy(store).flatMap(this::entry).ifPresent(Invariants::mdevNotInUse);
        storeWithoutLook(store);
    }

    /** Takes a step back. The only removal among these is of a device that the same change has made just now: to be held, somebody must be seen to hold it. */
    void undo(Store store) {
        MdevTree.removedBy(store)
                .flatMap(this::entry)
                .filter(entry -> Boolean.TRUE.equals(entry.inUse()))
                .ifPresent(Invariants::mdevNotInUse);
        storeWithoutLook(store);
    }

    /** The same without the look: for the removal of a device that this process itself has made, and just had to itself. */
    void storeWithoutLook(Store store) {
        Attempt.current().intend(); // whoever has not said so before says so now
        masterKeys.before(store);
        watcher.doing(store);
        try {
            sysfs.write(store.target(), store.text());
        } catch (KernelException refusal) {
            watcher.refused(store);
            throw refusal;
        }
    }

    /** What an earlier device of this kernel told. */
    private record Seen(Optional<String> release, Generation generation) {}

    /**
     * A device tells its generation. Before the first one stands: the matrix device says it from 6.12 on; a release from 6.0 on has it; an older one is taken
     * for static, although distributions have carried the dynamic driver back to 5.14.
     */
    public Generation generation() {
        return ask(() -> generation(mdevs.ids().stream().flatMap(id -> mdevs.read(id).stream())));
    }

    private Generation generation(Stream<Mdev> devices) {
        Optional<String> release = machine.kernelRelease();
        Optional<Mdev> device = devices.filter(mdev -> mdev.matrix() != null).findFirst();
        if (device.isPresent()) {
            Generation generation = device.get().dynamic() ? Generation.DYNAMIC : Generation.STATIC;
            seen.set(new Seen(release, generation));
            return generation;
        }
        if (mdevs.features().orElse(List.of()).contains("guest_matrix")) {
            return Generation.DYNAMIC;
        }
        Seen before = seen.get();
        if (before != null && before.release().equals(release)) {
            return before.generation();
        }
        return machine.majorRelease() >= 6 ? Generation.DYNAMIC : Generation.STATIC;
    }

    private Optional<HostView.Entry> entry(MdevId id) {
        return entries(List.of(id), bus.queues()).values().stream().findFirst();
    }

    private SortedMap<MdevId, HostView.Entry> entries(List<MdevId> ids, SortedMap<Apqn, Optional<String>> queues) {
        SortedMap<MdevId, HostView.Entry> entries = new TreeMap<>();
        if (ids.isEmpty()) {
            return entries;
        }
        DeviceUsers.Holders holders = users.holders();
        for (MdevId id : ids) {
            mdevs.read(id).ifPresent(mdev -> {
                DeviceUse use = users.use(mdev, queues, holders);
                entries.put(id, new HostView.Entry(mdev, use, attachments.of(mdev, use)));
            });
        }
        return entries;
    }
}
