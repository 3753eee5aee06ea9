package org.apmatrix.host;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.qmp.QmpCommand;
import org.apmatrix.host.qmp.QmpEvent;
import org.apmatrix.host.qmp.QmpException;
import org.apmatrix.host.qmp.QmpMonitor;
import org.apmatrix.host.qmp.QmpProperties;
import org.jspecify.annotations.Nullable;

/**
 * A guest behind the monitor socket of its QEMU. What it is comes from QEMU at every look; only what cannot change while a QEMU runs is kept for as long as the
 * connection lives.
 */
public final class Guest implements AutoCloseable {
    private static final String AP_BUS = "/machine/ap-bridge/ap-bus";
    private static final String ON_THE_BUS = "link<vfio-ap>";

    private final Path socket;
    private final QmpMonitor monitor;
    private final SocketOwners owners;
    private final Duration replyTimeout;
    private final Consumer<Guest> changed;
    private final ReentrantLock changeLock = new ReentrantLock();
    private final Condition change = changeLock.newCondition();
    private final ReentrantLock conversation = new ReentrantLock(true);
    private long changes;
    private volatile @Nullable Identity identity;
    private volatile GuestState last =
            new GuestState(null, null, false, null, CpuFeatures.UNKNOWN, null, "it has not answered yet");

    /** @param changed called on every sign that the guest is not what it was; must not block */
    Guest(Path socket, QmpProperties properties, SocketOwners owners, Consumer<Guest> changed) {
        this.socket = socket;
        this.owners = owners;
        this.replyTimeout = properties.replyTimeout();
        this.changed = changed;
        this.monitor = new QmpMonitor(socket, properties, new Signs());
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

    /** The monitor socket, which names a guest as long as it does not answer. */
    public Path socket() {
        return socket;
    }

    /** What QEMU's {@code -name} said when it last told; empty when it never did or has none. */
    Optional<String> qemuName() {
        return Optional.ofNullable(identity).map(Identity::name);
    }

    /** Whether it has never told what it is, but is about to. */
    boolean isNew() {
        return identity == null
                && (monitor.link() == QmpMonitor.Link.CONNECTING || monitor.link() == QmpMonitor.Link.READY);
    }

    /** Whether the QEMU that answers now has not told yet what it is. */
    boolean isUnknown() {
        Identity known = identity;
        return monitor.link() == QmpMonitor.Link.READY && (known == null || known.session() != monitor.session());
    }

    /** Whether nobody listens on the socket: QEMU has ended, in whatever way. */
    public boolean isGone() {
        return monitor.link() == QmpMonitor.Link.DOWN;
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

    /**
     * Asks QEMU. A QEMU that does not answer makes a state that says so, within {@code apmatrix.guests.qmp.reply-timeout}; where a connection turns out to be
     * broken, QEMU may have been started anew, and is asked once more.
     */
    public GuestState look() {
        try {
            last = ask();
        } catch (QmpException.NoAnswer broken) {
            last = monitor.link() == QmpMonitor.Link.SILENT ? silent(broken) : askAgain();
        } catch (QmpException unanswered) {
            last = silent(unanswered);
        }
        return last;
    }

    private GuestState askAgain() {
        try {
            return ask();
        } catch (QmpException unanswered) {
            return silent(unanswered);
        }
    }

    private GuestState silent(QmpException why) {
        return last.silent(
                why instanceof QmpException.Refused refusal
                        ? "it refuses to tell its state: " + refusal.description()
                        : String.valueOf(why.getMessage()));
    }

    private GuestState ask() {
        Identity me = identify();
        String runState =
                monitor.ask(new QmpCommand.QueryStatus(), replyTimeout).status();
        boolean migrating = isMigrating(migration());
        ApDevice device = deviceOnTheBus().orElse(null);
        return new GuestState(me.uuid(), runState, migrating, me.pid(), cpuFeatures(me.cpu()), device, null);
    }

    /**
     * Plugs a mediated device in, and asks the bus whether it is there.
     *
     * @param id the device's name in QEMU, which begins with a letter
     * @throws QmpException as it comes; after a NoAnswer the device may be there or come later
     * @throws NotOnTheBus when QEMU said yes and the bus says no
     */
    public ApDevice plug(MdevId mdev, String id, Path sysfsdev, Duration patience) {
        Map<String, String> properties = new LinkedHashMap<>();
        // named, the bus makes "there is none" and "it is full" two different refusals (system/qdev-monitor.c,
        // qbus_find)
        properties.put("bus", "ap-bus");
        properties.put("sysfsdev", sysfsdev.toString());
        monitor.ask(new QmpCommand.DeviceAdd("vfio-ap", id, properties), patience);
        return Optional.ofNullable(look().device())
                .filter(device -> device.mdev().equals(Optional.of(mdev)))
                .orElseThrow(() -> last.isReachable()
                        ? new NotOnTheBus()
                        : new QmpException.NoAnswer("it took the device and fell silent", null));
    }

    /**
     * Tells QEMU to take exactly this device out; whether it is out, a look at the bus tells.
     *
     * @throws QmpException as it comes; Refused with the class DeviceNotFound when it is out already
     */
    public void unplug(ApDevice device, Duration patience) {
        monitor.ask(new QmpCommand.DeviceDel(device.link()), patience);
    }

    /** What QEMU says of migration. */
    public QmpCommand.Migration migration() {
        return monitor.ask(new QmpCommand.QueryMigrate(), replyTimeout);
    }

    /** qapi/migration.json, MigrationStatus: every status but those before a migration and after it. */
    private static boolean isMigrating(QmpCommand.Migration migration) {
        String status = migration.status();
        return status != null
                && !List.of("none", "cancelled", "completed", "failed").contains(status);
    }

    private Identity identify() {
        long session = monitor.session();
        Identity known = identity;
        if (known != null && known.session() == session && monitor.link() == QmpMonitor.Link.READY) {
            return known;
        }
        String name = monitor.ask(new QmpCommand.QueryName(), replyTimeout).name();
        UUID uuid = monitor.ask(new QmpCommand.QueryUuid(), replyTimeout).uuid();
        String cpu = monitor.ask(new QmpCommand.QueryCpusFast(), replyTimeout).cpus().stream()
                .map(QmpCommand.Cpu::qomPath)
                .findFirst()
                .orElse(null);
        Identity fresh = new Identity(session, name, uuid, owners.pidOf(socket).orElse(null), cpu);
        identity = fresh;
        return fresh;
    }

    private CpuFeatures cpuFeatures(@Nullable String cpu) {
        return cpu == null
                ? CpuFeatures.UNKNOWN
                : new CpuFeatures(feature(cpu, "ap"), feature(cpu, "apqci"), feature(cpu, "apft"));
    }

    /** null for a feature that this QEMU does not know. */
    private @Nullable Boolean feature(String cpu, String name) {
        try {
            return monitor.ask(new QmpCommand.QomGetFlag(cpu, name), replyTimeout);
        } catch (QmpException.Refused unknown) {
            return null;
        }
    }

    private Optional<ApDevice> deviceOnTheBus() {
        return childrenOfTheBus().stream()
                .flatMap(child -> device(child).stream())
                .findFirst();
    }

    /** Empty for one that went between two questions. */
    private Optional<ApDevice> device(String child) {
        String link = AP_BUS + "/" + child;
        try {
            String path = monitor.ask(new QmpCommand.QomGetText(AP_BUS, child), replyTimeout);
            return Optional.of(new ApDevice(link, path, sysfsdev(link)));
        } catch (QmpException.Refused gone) {
            return Optional.empty();
        }
    }

    /** None where there is no bus: the CPU model has no AP. */
    private List<String> childrenOfTheBus() {
        try {
            return monitor.ask(new QmpCommand.QomList(AP_BUS), replyTimeout).properties().stream()
                    .filter(property -> property.type().equals(ON_THE_BUS))
                    .map(QmpCommand.QomProperty::name)
                    .toList();
        } catch (QmpException.Refused noSuchObject) {
            return List.of();
        }
    }

    private @Nullable String sysfsdev(String link) {
        String text = monitor.ask(new QmpCommand.QomGetText(link, "sysfsdev"), replyTimeout);
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
    private final class Signs implements QmpMonitor.Listener {
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
