package org.apmatrix.host.libvirt;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.qmp.Deadline;
import org.apmatrix.host.qmp.GuestMonitor;
import org.apmatrix.host.qmp.QmpCommand;
import org.apmatrix.host.qmp.QmpException;
import org.apmatrix.host.qmp.QmpText;
import org.jspecify.annotations.Nullable;

/**
 * The monitor of a domain: QEMU is asked through libvirt, and devices are plugged by libvirt. One call at a time; one that does not end in time is waited for before
 * another is made.
 */
public final class DomainMonitor implements GuestMonitor {
    /** libvirt passes QEMU's words on in an error of its own (qemu_monitor_json.c, qemuMonitorJSONCheckErrorFull). */
    private static final Pattern QEMU_SAID =
            Pattern.compile("unable to execute QEMU command '[^']*': (.*)", Pattern.DOTALL);

    private final Libvirt libvirt;
    private final UUID uuid;
    private final Listener listener;
    private final DeviceXml xml;
    private final ReentrantLock turn = new ReentrantLock(true);
    private volatile @Nullable Future<?> owed;
    private volatile String name;

    /** What libvirt is given of a device. */
    interface DeviceXml {
        String of(QmpCommand.DeviceAdd device);
    }

    DomainMonitor(Libvirt libvirt, UUID uuid, Listener listener, DeviceXml xml) {
        this.libvirt = libvirt;
        this.uuid = uuid;
        this.listener = listener;
        this.xml = xml;
        this.name = libvirt.domain(uuid).map(LibvirtCalls.Domain::name).orElse(uuid.toString());
    }

    UUID uuid() {
        return uuid;
    }

    /** With libvirt's name of the domain, as it was last told. */
    @Override
    public Optional<Owned> owned() {
        libvirt.domain(uuid).ifPresent(domain -> name = domain.name());
        return Optional.of(new Owned(name, uuid));
    }

    /** Whether it has a QEMU, as far as is known. */
    boolean isActive() {
        return libvirt.domain(uuid).map(LibvirtCalls.Domain::isActive).orElse(false);
    }

    @Override
    public void start() {
        if (isConnected()) {
            listener.connected();
        }
    }

    private boolean isConnected() {
        return libvirt.status().link() == Libvirt.Link.CONNECTED;
    }

    @Override
    public boolean nobodyListens() {
        return isConnected() && !isActive();
    }

    @Override
    public Link link() {
        if (!isConnected()) {
            return libvirt.status().link() == Libvirt.Link.CONNECTING ? Link.CONNECTING : Link.DOWN;
        }
        return owes() ? Link.SILENT : Link.READY;
    }

    private boolean owes() {
        Future<?> call = owed;
        return call != null && !call.isDone();
    }

    /** By the connection and by the domain's id, which each start makes anew. */
    @Override
    public long session() {
        int id = libvirt.domain(uuid).map(LibvirtCalls.Domain::id).orElse(-1);
        return (libvirt.connections() << Integer.SIZE) | Integer.toUnsignedLong(id);
    }

    @Override
    public <R> R ask(QmpCommand<R> command, Duration patience) {
        if (isConnected() && !isActive()) {
            throw new QmpException.Unreachable(command.execute() + " not sent: the domain is shut off");
        }
        String answer = call(
                command.execute(),
                patience,
                calls -> calls.monitorCommand(uuid, QmpText.of(command)),
                said -> new QmpException.Unreachable(command.execute() + ": " + said.getMessage()));
        return QmpText.reply(command, answer);
    }

    @Override
    public void plug(QmpCommand.DeviceAdd device, Duration patience) {
        attach(device, LibvirtCalls.LIVE, patience);
    }

    static Optional<MdevId> mdevOf(QmpCommand.DeviceAdd device) {
        return Optional.ofNullable(device.properties().get("sysfsdev")).flatMap(MdevId::atEndOf);
    }

    /** The same, and stores it for the next start unless it is stored already; both or neither. */
    @Override
    public void plugAndStore(QmpCommand.DeviceAdd device, Duration patience) {
        Deadline deadline = Deadline.in(patience);
        boolean isStored = mdevOf(device)
                .filter(mdev -> stored(patience).orElse(List.of()).contains(mdev))
                .isPresent();
        attach(device, isStored ? LibvirtCalls.LIVE : LibvirtCalls.LIVE | LibvirtCalls.CONFIG, deadline.left());
    }

    private void attach(QmpCommand.DeviceAdd device, int flags, Duration patience) {
        call(
                "device_add",
                patience,
                calls -> {
                    calls.attach(uuid, xml.of(device), flags);
                    return true;
                },
                said -> refused("device_add", said));
    }

    /** A device that was plugged in behind libvirt's back is none of libvirt's: QEMU is told itself. */
    @Override
    public void unplug(String link, @Nullable String sysfsdev, Duration patience) {
        Deadline deadline = Deadline.in(patience);
        Optional<MdevId> mdev = Optional.ofNullable(sysfsdev).flatMap(MdevId::atEndOf);
        if (mdev.isEmpty() || !detach(DomainXml.hostdev(mdev.get()), patience)) {
            ask(new QmpCommand.DeviceDel(link), deadline.left());
        }
    }

    /** False where libvirt knows of no such device. */
    boolean detach(String device, Duration patience) {
        return call(
                "device_del",
                patience,
                calls -> {
                    try {
                        calls.detach(uuid, device, LibvirtCalls.LIVE);
                        return true;
                    } catch (LibvirtException missing) {
                        if (missing.code() == LibvirtException.DEVICE_MISSING) {
                            return false;
                        }
                        throw missing;
                    }
                },
                said -> refused("device_del", said));
    }

    /** Stores a device for the next start, or takes it out; already so: nothing is done. */
    @Override
    public void store(MdevId mdev, boolean there, Duration patience) {
        Deadline deadline = Deadline.in(patience);
        if (stored(patience).orElse(List.of()).contains(mdev) == there) {
            return;
        }
        call(
                "store",
                deadline.left(),
                calls -> {
                    if (there) {
                        calls.attach(uuid, DomainXml.hostdev(mdev), LibvirtCalls.CONFIG);
                    } else {
                        calls.detach(uuid, DomainXml.hostdev(mdev), LibvirtCalls.CONFIG);
                    }
                    return true;
                },
                said -> refused(there ? "attach to the stored definition" : "detach from the stored definition", said));
    }

    /** The mediated devices that its next start gives it; empty for a domain without a stored definition. */
    @Override
    public Optional<List<MdevId>> stored(Duration patience) {
        if (!libvirt.domain(uuid).map(LibvirtCalls.Domain::isPersistent).orElse(true)) {
            return Optional.empty();
        }
        String definition = call(
                "look at the stored definition",
                patience,
                calls -> calls.storedXml(uuid),
                said -> new QmpException.Unreachable("the stored definition: " + said.getMessage()));
        return Optional.of(DomainXml.vfioApDevices(definition));
    }

    /**
     * What libvirt itself would refuse to migrate the domain for, beside what QEMU names (qemu_migration.c, qemuMigrationSrcIsAllowed). There is no call that asks
     * libvirt without migrating.
     */
    @Override
    public List<String> migrationRefusals(Duration patience) {
        return call(
                "look at what keeps it from migrating",
                patience,
                calls -> {
                    List<String> refusals = new ArrayList<>(DomainXml.migrationRefusals(calls.liveXml(uuid)));
                    int snapshots = calls.snapshots(uuid);
                    if (snapshots > 0) {
                        refusals.add("libvirt does not migrate a domain with snapshots, and this one has " + snapshots);
                    }
                    QmpCommand.QueryBlockJobs query = new QmpCommand.QueryBlockJobs();
                    List<String> jobs = QmpText.reply(query, calls.monitorCommand(uuid, QmpText.of(query)))
                            .ids();
                    if (!jobs.isEmpty()) {
                        refusals.add("libvirt does not migrate a domain with block jobs, and this one has "
                                + String.join(", ", jobs));
                    }
                    return List.copyOf(refusals);
                },
                said -> new QmpException.Unreachable("the domain: " + said.getMessage()));
    }

    private static QmpException refused(String what, LibvirtException said) {
        String text = String.valueOf(said.getMessage());
        Matcher qemu = QEMU_SAID.matcher(text);
        if (qemu.find()) {
            return new QmpException.Refused(what, "GenericError", qemu.group(1));
        }
        return switch (said.code()) {
            case LibvirtException.NO_DOMAIN -> new QmpException.Unreachable(what + " not sent: " + text);
            // another call has the domain (qemuDomainObjBeginJob): nothing was done
            case LibvirtException.OPERATION_TIMEOUT -> new QmpException.Unreachable(what + " not sent: " + text);
            default -> new QmpException.Refused(what, "libvirt " + said.code(), text);
        };
    }

    /** What an error of libvirt means. */
    private interface Meaning {
        QmpException of(LibvirtException said);
    }

    private <R> R call(String what, Duration patience, Libvirt.Work<R> work, Meaning meaning) {
        Deadline deadline = Deadline.in(patience);
        takeTurn(what, deadline);
        try {
            if (!isConnected()) {
                throw new QmpException.Unreachable(
                        what + " not sent: no libvirtd, " + libvirt.status().detail());
            }
            if (owes()) {
                throw new QmpException.Unreachable(what + " not sent: libvirt owes an answer");
            }
            Future<R> call = libvirt.submit(work);
            return await(what, call, deadline, meaning);
        } finally {
            turn.unlock();
        }
    }

    private void takeTurn(String what, Deadline deadline) {
        try {
            if (!turn.tryLock(deadline.left().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new QmpException.Unreachable(what + " not sent: others are asking");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new QmpException.Unreachable(what + " not sent: interrupted");
        }
    }

    private <R> R await(String what, Future<R> call, Deadline deadline, Meaning meaning) {
        try {
            return call.get(deadline.left().toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            owed = call;
            throw new QmpException.NoAnswer(what + ": libvirt has not answered", null);
        } catch (InterruptedException e) {
            owed = call;
            Thread.currentThread().interrupt();
            throw new QmpException.NoAnswer(what + ": interrupted", null);
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof LibvirtException said)) {
                throw new IllegalStateException("a call of libvirt failed for a fault of our own", e.getCause());
            }
            throw said.isConnectionLost()
                    ? new QmpException.NoAnswer(what + ": " + said.getMessage(), said)
                    : meaning.of(said);
        }
    }

    /** The connection is there again, or libvirt told of the domain. */
    void changed() {
        listener.connected();
    }

    void disconnected(String reason) {
        listener.disconnected(reason);
    }

    @Override
    public void close() {
        libvirt.forget(this);
    }
}
