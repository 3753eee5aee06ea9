package org.apmatrix.host;

import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.libvirt.Libvirt;
import org.apmatrix.host.qmp.Deadline;
import org.apmatrix.host.qmp.GuestMonitor;
import org.apmatrix.host.qmp.QmpCommand;
import org.apmatrix.host.qmp.QmpEvent;
import org.apmatrix.host.qmp.QmpException;
import org.apmatrix.host.qmp.QmpMonitor;
import org.apmatrix.host.qmp.QmpProperties;
import org.jspecify.annotations.Nullable;

/**
 * A guest behind the monitor of its QEMU: a socket of our own, or libvirt's. What it is comes from QEMU at every look; only what cannot change while a QEMU runs is kept for as long as the
 * connection lives.
 */
public final class Guest implements AutoCloseable {
    private static final String AP_BUS = "/machine/ap-bridge/ap-bus";
    /** A look takes about ten answers; a QEMU that needs this long for them is busy. */
    private static final int REPLIES_OF_A_LOOK = 4;

    private static final String ON_THE_BUS = "link<vfio-ap>";

    private final String address;
    private final GuestSource source;
    private final GuestMonitor monitor;
    private final SocketOwners owners;
    private final Duration replyTimeout;
    private final Consumer<Guest> changed;
    private final ReentrantLock changeLock = new ReentrantLock();
    private final Condition change = changeLock.newCondition();
    private final ReentrantLock conversation = new ReentrantLock(true);
    private final AtomicLong turns = new AtomicLong();
    private long lastTurn;
    private long changes;
    private volatile @Nullable Identity identity;
    private volatile GuestState last = new GuestState(
            null, null, false, List.of(), null, CpuFeatures.UNKNOWN, null, null, "it has not answered yet");

    /**
     * A bare QEMU.
     *
     * @param changed called on every sign that the guest is not what it was; must not block
     */
    Guest(
            Path socket,
            boolean simulated,
            QmpProperties properties,
            SocketOwners owners,
            MeterRegistry meters,
            Consumer<Guest> changed) {
        this.address = socket.toString();
        this.source = simulated ? GuestSource.SIMULATED : GuestSource.QMP;
        this.owners = owners;
        this.replyTimeout = properties.replyTimeout();
        this.changed = changed;
        this.monitor = new QmpMonitor(socket, properties, meters, new Signs());
    }

    /** A domain of libvirt. */
    Guest(Libvirt libvirt, UUID uuid, QmpProperties properties, SocketOwners owners, Consumer<Guest> changed) {
        this.address = "libvirt:" + uuid;
        this.source = GuestSource.LIBVIRT;
        this.owners = owners;
        this.replyTimeout = properties.replyTimeout();
        this.changed = changed;
        this.monitor = libvirt.monitor(uuid, new Signs());
    }

    /** Begins to connect; not before all of this is there to hear of it. */
    void connect() {
        monitor.start();
    }

    public GuestSource source() {
        return source;
    }

    /** What one QEMU is for as long as it runs. */
    private record Identity(
            long session,
            @Nullable String name,
            @Nullable UUID uuid,
            @Nullable Integer pid,
            @Nullable String cpu) {}

    /** A device_add that was answered with yes, and yet the bus does not hold the device. */
    public static final class NotOnTheBus extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotOnTheBus() {
            super("device_add succeeded, and the AP bus does not hold the device");
        }
    }

    /** What it is found by: the path of its monitor socket, or {@code libvirt:UUID}. */
    public String address() {
        return address;
    }

    /** What it goes by as long as nobody has told its name. */
    String lastOfAddress() {
        return Path.of(address).getFileName().toString();
    }

    /** libvirt's name of it, or what QEMU's {@code -name} said when it last told; empty when it never did or has none. */
    Optional<String> ownName() {
        return monitor.owned()
                .map(GuestMonitor.Owned::name)
                .or(() -> Optional.ofNullable(identity).map(Identity::name));
    }

    /** Null while that is not known, or where it has none. */
    @Nullable
    UUID uuid() {
        // told together with the name: it must not be one of two of that name for a moment
        Identity known = identity;
        return monitor.owned().map(GuestMonitor.Owned::uuid).orElse(known == null ? last.uuid() : known.uuid());
    }

    /** Whether it has never told what it is, but is about to. */
    boolean isNew() {
        return monitor.owned().isPresent()
                ? !hasBeenAsked()
                : identity == null
                        && (monitor.link() == GuestMonitor.Link.CONNECTING
                                || monitor.link() == GuestMonitor.Link.READY);
    }

    /** Whether the QEMU that answers now has not told yet what it is. */
    boolean isUnknown() {
        Identity known = identity;
        return monitor.owned().isEmpty()
                && monitor.link() == GuestMonitor.Link.READY
                && (known == null || known.session() != monitor.session());
    }

    /** Whether nobody listens on the socket any more. A connection that broke for another reason says nothing of QEMU's end. */
    public boolean nobodyListens() {
        return monitor.nobodyListens();
    }

    /** Held by whoever plugs or unplugs, so that one at a time talks to this guest about its device. */
    public ReentrantLock conversation() {
        return conversation;
    }

    /** Counts the connections to its monitor; within one, QEMU does not forget what it was told. */
    public long session() {
        return monitor.session();
    }

    /** What the last look found. */
    public GuestState lastSeen() {
        return last;
    }

    /** Whether a look has come to its end, whatever it found. */
    public synchronized boolean hasBeenAsked() {
        return lastTurn > 0;
    }

    /** Asks QEMU, and waits for at most a few times {@code apmatrix.guests.qmp.reply-timeout}. */
    public GuestState look() {
        return look(replyTimeout.multipliedBy(REPLIES_OF_A_LOOK));
    }

    /**
     * Asks QEMU. A QEMU that does not answer makes a state that says so; where a connection turns out to be broken, QEMU may have been started anew, and is asked once
     * more.
     */
    public GuestState look(Duration patience) {
        long turn = turns.incrementAndGet();
        Deadline deadline = Deadline.in(patience);
        GuestState seen;
        try {
            seen = ask(deadline);
        } catch (QmpException.NoAnswer broken) {
            seen = monitor.link() == GuestMonitor.Link.SILENT ? silent(broken) : askAgain(deadline);
        } catch (QmpException unanswered) {
            seen = silent(unanswered);
        }
        keep(turn, seen);
        return seen;
    }

    private GuestState askAgain(Deadline deadline) {
        try {
            return ask(deadline);
        } catch (QmpException unanswered) {
            return silent(unanswered);
        }
    }

    /** A look that began earlier does not undo one that began later. */
    private synchronized void keep(long turn, GuestState seen) {
        if (turn > lastTurn) {
            lastTurn = turn;
            last = seen;
        }
    }

    private GuestState silent(QmpException why) {
        return last.silent(
                why instanceof QmpException.Refused refusal
                        ? "it refuses to tell its state: " + refusal.description()
                        : String.valueOf(why.getMessage()));
    }

    private GuestState ask(Deadline deadline) {
        List<MdevId> stored = monitor.stored(deadline.leftUpTo(replyTimeout)).orElse(null);
        if (monitor.isShutOff()) {
            return new GuestState(
                    uuid(), GuestState.SHUTDOWN, false, List.of(), null, CpuFeatures.UNKNOWN, null, stored, null);
        }
        Identity me = identify(deadline);
        String runState = tell(new QmpCommand.QueryStatus(), deadline).status();
        QmpCommand.Migration migration = tell(new QmpCommand.QueryMigrate(), deadline);
        ApDevice device = deviceOnTheBus(deadline).orElse(null);
        return new GuestState(
                me.uuid(),
                runState,
                isMigrating(migration),
                migration.blockedReasons(),
                me.pid(),
                cpuFeatures(me.cpu(), deadline),
                device,
                stored,
                null);
    }

    private <R> R tell(QmpCommand<R> question, Deadline deadline) {
        return monitor.ask(question, deadline.leftUpTo(replyTimeout));
    }

    /** Whether there is no QEMU, but a guest that can be started: a domain of libvirt. */
    public boolean isShutOff() {
        return monitor.isShutOff();
    }

    /**
     * What whoever owns the guest, which runs, would refuse to migrate it for, beside QEMU.
     *
     * @throws QmpException as it comes
     */
    public List<String> migrationRefusals() {
        return monitor.migrationRefusals(replyTimeout);
    }

    /**
     * Plugs a mediated device in, and asks the bus whether it is there.
     *
     * @param id the device's name in QEMU, which begins with a letter
     * @param stored whether it is stored for the next start, too; only where it has a stored definition
     * @throws QmpException as it comes; after a NoAnswer the device may be there or come later
     * @throws NotOnTheBus when QEMU said yes and the bus says no
     */
    public GuestState plug(MdevId mdev, String id, Path sysfsdev, boolean stored, Duration patience) {
        Map<String, String> properties = new LinkedHashMap<>();
        // named, the bus makes "there is none" and "it is full" two different refusals (system/qdev-monitor.c,
        // qbus_find)
        properties.put("bus", "ap-bus");
        properties.put("sysfsdev", sysfsdev.toString());
        QmpCommand.DeviceAdd device = new QmpCommand.DeviceAdd("vfio-ap", id, properties);
        if (stored) {
            monitor.plugAndStore(device, patience);
        } else {
            monitor.plug(device, patience);
        }
        GuestState seen = look();
        if (!seen.isReachable()) {
            throw new QmpException.NoAnswer("it took the device and fell silent", null);
        }
        if (!seen.mdev().equals(Optional.of(mdev))) {
            throw new NotOnTheBus();
        }
        return seen;
    }

    /**
     * Tells QEMU to take exactly this device out; whether it is out, a look at the bus tells.
     *
     * @throws QmpException as it comes; Refused with the class DeviceNotFound when it is out already
     */
    public void unplug(ApDevice device, Duration patience) {
        monitor.unplug(device.link(), device.sysfsdev(), patience);
    }

    /**
     * Stores a device for the next start, or takes it out of what is stored; what is plugged in stays.
     *
     * @throws QmpException as it comes
     */
    public void store(MdevId mdev, boolean there, Duration patience) {
        monitor.store(mdev, there, patience);
    }

    /** qapi/migration.json, MigrationStatus: every status but those before a migration and after it. */
    private static boolean isMigrating(QmpCommand.Migration migration) {
        String status = migration.status();
        return status != null
                && !List.of("none", "cancelled", "completed", "failed").contains(status);
    }

    private Identity identify(Deadline deadline) {
        long session = monitor.session();
        Identity known = identity;
        if (known != null && known.session() == session && monitor.link() == GuestMonitor.Link.READY) {
            return known;
        }
        String name = tell(new QmpCommand.QueryName(), deadline).name();
        UUID uuid = tell(new QmpCommand.QueryUuid(), deadline).uuid();
        String cpu = tell(new QmpCommand.QueryCpusFast(), deadline).cpus().stream()
                .map(QmpCommand.Cpu::qomPath)
                .findFirst()
                .orElse(null);
        Optional<Integer> pid = monitor.owned()
                .map(owned -> owners.pidOf(owned.uuid()))
                .orElseGet(() -> owners.pidOf(Path.of(address)));
        Identity fresh = new Identity(session, name, uuid, pid.orElse(null), cpu);
        identity = fresh;
        return fresh;
    }

    private CpuFeatures cpuFeatures(@Nullable String cpu, Deadline deadline) {
        return cpu == null
                ? CpuFeatures.UNKNOWN
                : new CpuFeatures(
                        feature(cpu, "ap", deadline), feature(cpu, "apqci", deadline), feature(cpu, "apft", deadline));
    }

    /** null for a feature that this QEMU does not know. */
    private @Nullable Boolean feature(String cpu, String name, Deadline deadline) {
        try {
            return tell(new QmpCommand.QomGetFlag(cpu, name), deadline);
        } catch (QmpException.Refused unknown) {
            return null;
        }
    }

    private Optional<ApDevice> deviceOnTheBus(Deadline deadline) {
        for (String child : childrenOfTheBus(deadline)) {
            String link = AP_BUS + "/" + child;
            try {
                String path = tell(new QmpCommand.QomGetText(AP_BUS, child), deadline);
                return Optional.of(new ApDevice(link, path, sysfsdev(link, deadline)));
            } catch (QmpException.Refused refusal) {
                // a refused look is no empty bus, but for one that went between two questions
                if (childrenOfTheBus(deadline).contains(child)) {
                    throw refusal;
                }
            }
        }
        return Optional.empty();
    }

    /** None where there is no bus: the CPU model has no AP. */
    private List<String> childrenOfTheBus(Deadline deadline) {
        try {
            return tell(new QmpCommand.QomList(AP_BUS), deadline).properties().stream()
                    .filter(property -> property.type().equals(ON_THE_BUS))
                    .map(QmpCommand.QomProperty::name)
                    .toList();
        } catch (QmpException.Refused refusal) {
            if (refusal.isDeviceNotFound()) {
                return List.of();
            }
            throw refusal;
        }
    }

    private @Nullable String sysfsdev(String link, Deadline deadline) {
        String text = tell(new QmpCommand.QomGetText(link, "sysfsdev"), deadline);
        return text.isEmpty() ? null : text;
    }

    /** A number that grows with every sign of change; for {@link #awaitChange}. */
    public long changes() {
        changeLock.lock();
        try {
            return changes;
        } finally {
            changeLock.unlock();
        }
    }

    /** Waits for a sign of change since {@link #changes} told {@code seen}, and not longer than this. */
    public void awaitChange(long seen, Duration patience) {
        long left = patience.toNanos();
        changeLock.lock();
        try {
            while (changes == seen && left > 0) {
                left = change.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            changeLock.unlock();
        }
    }

    @Override
    public void close() {
        monitor.close();
    }

    /** What the monitor tells by itself only wakes those who wait: the look is the proof. */
    private final class Signs implements GuestMonitor.Listener {
        @Override
        public void connected() {
            tell();
        }

        @Override
        public void event(QmpEvent event) {
            tell();
        }

        @Override
        public void disconnected(String reason) {
            tell();
        }

        private void tell() {
            changeLock.lock();
            try {
                changes++;
                change.signalAll();
            } finally {
                changeLock.unlock();
            }
            changed.accept(Guest.this);
        }
    }
}
