package org.apmatrix.host.qmp;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/** The monitor of one guest's QEMU, whoever owns it: a socket of our own, or libvirt. Asks one command at a time, and tells what happens. */
public interface GuestMonitor extends AutoCloseable {
    /** Where the monitor stands with its QEMU. */
    enum Link {
        /** Not tried yet, or connected and not yet greeted and negotiated. */
        CONNECTING,
        /** A command would be sent at once. */
        READY,
        /** Connected, but QEMU has not greeted in time (it serves one client of a socket and lets the others wait), or owes an answer. */
        SILENT,
        /** Not connected; tried again after a pause. */
        DOWN
    }

    /**
     * Who hears what happens. Called in the monitor's thread: it must not block, and is refused an {@link #ask}. What it throws is logged and harms nothing.
     */
    interface Listener {
        /** The connection is negotiated, or a QEMU that owed an answer has given it. Events may have been missed before: the state must be read again. */
        void connected();

        /** An event; told before the replies that came after it are handed over, and never before {@link #connected()}. */
        void event(QmpEvent event);

        /** A connection that was told as {@link #connected()} is gone. Not called when it was {@link #close() closed}. */
        void disconnected(String reason);
    }

    /** Starts to connect, and waits for nothing. */
    void start();

    /** Whether it is known that there is no QEMU any more to ask. A connection that broke for another reason says nothing of QEMU's end. */
    boolean nobodyListens();

    Link link();

    /** Grows with each connection to a QEMU: within one, a QEMU is the same and forgets nothing. */
    long session();

    /**
     * Asks and waits for the reply. Waiting for others who ask, for a connection in the making and for the answer all count against the patience.
     *
     * <p>Throws a {@link QmpException}. After {@link QmpException.NoAnswer} for want of patience nothing more is sent until QEMU has answered: then every call is
     * {@link QmpException.Unreachable} at once.
     */
    <R> R ask(QmpCommand<R> command, Duration patience);

    /**
     * Has a device plugged in, the way that who owns the monitor does it. Whether it is there, a look at the bus tells.
     *
     * @throws QmpException as {@link #ask}
     */
    void plug(QmpCommand.DeviceAdd device, Duration patience);

    /**
     * Has a device taken out. Whether it is out, a look at the bus tells.
     *
     * @param link on the AP bus
     * @param sysfsdev as QEMU was given it; null where it was passed as a descriptor
     * @throws QmpException as {@link #ask}; Refused with the class DeviceNotFound when it is out already
     */
    void unplug(String link, @Nullable String sysfsdev, Duration patience);

    /** What whoever owns a guest knows of it without asking QEMU. */
    record Owned(String name, UUID uuid) {}

    /** Empty where nobody owns it: then there is nothing stored for it either, and when it is off there is no such guest. */
    default Optional<Owned> owned() {
        return Optional.empty();
    }

    /** Whether there is no QEMU, but a guest that can be started. */
    default boolean isShutOff() {
        return owned().isPresent() && nobodyListens();
    }

    /**
     * The mediated devices that the guest's next start gives it; empty where it has no stored definition.
     *
     * @throws QmpException as {@link #ask}
     */
    default Optional<List<MdevId>> stored(Duration patience) {
        return Optional.empty();
    }

    /**
     * Stores a device for the next start, or takes it out; already so: nothing is done.
     *
     * @throws QmpException as {@link #ask}
     */
    default void store(MdevId mdev, boolean there, Duration patience) {
        throw new IllegalStateException("the guest has no stored definition");
    }

    /** Plugs as {@link #plug}, and stores the device for the next start unless it is stored already; both or neither. */
    default void plugAndStore(QmpCommand.DeviceAdd device, Duration patience) {
        throw new IllegalStateException("the guest has no stored definition");
    }

    /**
     * What whoever owns the guest would refuse to migrate it for, beside QEMU.
     *
     * @throws QmpException as {@link #ask}
     */
    default List<String> migrationRefusals(Duration patience) {
        return List.of();
    }

    @Override
    void close();
}
