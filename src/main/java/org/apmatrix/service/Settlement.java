package org.apmatrix.service;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.ApDevice;
import org.apmatrix.host.DeviceUse;
import org.apmatrix.host.Guest;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.Guests;
import org.apmatrix.host.qmp.QmpException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How plugs and unplugs under way end: by what QEMU's AP bus holds, or, where there is no QEMU to ask any more, by what the kernel says. {@link #reconcile} finds
 * out what did not end within a request's patience, and after a restart what an earlier process left under way.
 *
 * <p>All but {@link #settleUnlessBusy} and {@link #reconcile} is called within the guest's conversation.
 */
public final class Settlement {
    private static final Logger LOG = LoggerFactory.getLogger(Settlement.class);
    private final Host host;
    private final Guests guests;
    private final GuestNotes notes;
    private final Clock clock;
    private final Duration patience;
    private final AuditJournal journal;
    private final Map<String, Attached> attached = new ConcurrentHashMap<>();
    private final Map<String, Told> told = new ConcurrentHashMap<>();

    /**
     * @param patience how long a guest may take to answer a device_del that no request waits for
     * @param journal is told of what no request waits for
     */
    public Settlement(
            Host host, Guests guests, GuestNotes notes, Clock clock, Duration patience, AuditJournal journal) {
        this.host = host;
        this.guests = guests;
        this.notes = notes;
        this.clock = clock;
        this.patience = patience;
        this.journal = journal;
    }

    /** When this service plugged a device in: this one on the bus of this QEMU, not one that others plugged in since. */
    private record Attached(ApDevice device, @Nullable Integer pid, Instant since) {}

    /** A device_del that QEMU has said yes to: it is not told a second time. */
    private record Told(Guest guest, long session, String link) {}

    /** Empty when it was not this process that plugged it in. */
    Optional<Instant> attachedSince(Guest guest, GuestState state) {
        return Optional.ofNullable(attached.get(guest.address()))
                .filter(known -> known.device().equals(state.device()) && Objects.equals(known.pid(), state.pid()))
                .map(Attached::since);
    }

    /** A fresh look at the guest, which settles what it can. */
    GuestState look(Guest guest, Duration atMost) {
        GuestState state = guest.look(atMost);
        notes.markOf(guest.address()).ifPresent(mark -> settle(guest, state, mark));
        return state;
    }

    /** Settles by a look that was made already, unless somebody is about to do so. */
    void settleUnlessBusy(Guest guest, GuestState state) {
        if (notes.markOf(guest.address()).isPresent()
                && state.isReachable()
                && guest.conversation().tryLock()) {
            try {
                look(guest, patience);
            } finally {
                guest.conversation().unlock();
            }
        }
    }

    private void settle(Guest guest, GuestState state, GuestNotes.Mark mark) {
        if (!state.isReachable()) {
            settleSilent(guest.nobodyListens(), mark);
        } else if (isAnother(state, mark)) {
            // the process before may live on behind a socket file that was replaced
            if (mark.pid() == null || !guests.isAlive(mark.pid())) {
                forget(mark, "over, its guest was started anew");
            }
        } else {
            settleByTheBus(guest, state, mark);
        }
    }

    private void settleByTheBus(Guest guest, GuestState state, GuestNotes.Mark mark) {
        ApDevice device = state.device();
        switch (mark.state()) {
            case ATTACHING -> {
                if (device != null && device.mdev().equals(mark.mdevId())) {
                    attached(guest, state, mark);
                } else {
                    forget(mark, "FREE");
                }
            }
            case DETACHING -> {
                if (device == null || !isTheOne(device, mark)) {
                    forget(mark, "FREE");
                }
            }
            case ATTACHED -> throw new IllegalStateException("a mark is about what is under way");
        }
    }

    /** There is no QEMU to ask. A dead one does nothing any more; of one that lives the kernel tells what it has let go, but not what it may still take. */
    private void settleSilent(boolean nobodyListens, GuestNotes.Mark mark) {
        Integer pid = mark.pid();
        boolean dead = pid == null ? nobodyListens : !guests.isAlive(pid);
        boolean letGo = mark.state() == Attachment.State.DETACHING
                && !mark.mayStillCome()
                && mark.mdevId().isPresent();
        if ((dead || letGo) && kernelSaysFree(mark)) {
            forget(mark, "FREE, as the kernel says");
        }
    }

    private static boolean isAnother(GuestState state, GuestNotes.Mark mark) {
        return mark.pid() != null && state.pid() != null && !mark.pid().equals(state.pid());
    }

    /** Not every device on the bus is the one to be unplugged: somebody may have plugged another, or started the guest anew. */
    private static boolean isTheOne(ApDevice device, GuestNotes.Mark mark) {
        boolean sameLink = mark.link() == null || device.link().equals(mark.link());
        return sameLink && device.mdev().equals(mark.mdevId());
    }

    /** The bus holds the device. */
    void attached(Guest guest, GuestState state, GuestNotes.Mark mark) {
        if (state.device() != null) {
            attached.put(guest.address(), new Attached(state.device(), state.pid(), clock.instant()));
        }
        end(mark, Snapshot.plugged(mark.mdev(), Attachment.State.ATTACHED.name()), "ATTACHED");
        notes.forgetPreparation(new GuestName(mark.guest()));
    }

    /** It is certain that the guest does not have the device, or keeps it. */
    void forget(GuestNotes.Mark mark, String outcome) {
        attached.remove(mark.address());
        told.remove(mark.address());
        end(mark, Snapshot.NOTHING, outcome);
    }

    /** The request that made the mark records by itself how it ends, as long as it waits; what ends later, or is found by others, is recorded here. */
    private void end(GuestNotes.Mark mark, Snapshot after, String outcome) {
        boolean wasThere = isMarked(mark);
        notes.unmark(mark, outcome);
        if (wasThere
                && (mark.attempt() == null
                        || !mark.attempt().equals(Attempt.current().id()))) {
            journal.settled(mark.attempt(), mark.mdev(), mark.guest(), after, mark.state() + " -> " + outcome);
        }
    }

    /** The kernel's own word on the device, whatever is noted of it; of a device that is none of this host's it says nothing. */
    private boolean kernelSaysFree(GuestNotes.Mark mark) {
        Optional<MdevId> mdev = mark.mdevId();
        return mdev.isEmpty()
                || !host.vfioApLoaded()
                || host.look()
                        .mdev(mdev.get())
                        .map(entry -> entry.use().verdict() == DeviceUse.Verdict.FREE)
                        .orElse(true);
    }

    /**
     * One step of an unplug; true when the device is out. A silent guest is not told a second time, and one that has died is judged by the kernel.
     *
     * @throws RequestDenied QEMU_REFUSED; the mark is gone then
     */
    boolean goOnUnplugging(GuestName name, Guest guest, GuestNotes.Mark mark, Duration atMost) {
        GuestState state = look(guest, atMost);
        ApDevice device = state.device();
        if (!isMarked(mark)) {
            return true;
        }
        if (!state.isReachable() || device == null || isAnother(state, mark) || !isTheOne(device, mark)) {
            return false;
        }
        Told now = new Told(guest, guest.session(), device.link());
        if (now.equals(told.get(guest.address()))) {
            return false;
        }
        Attempt.current().intend();
        try {
            guest.unplug(device, atMost);
            told.put(guest.address(), now);
        } catch (QmpException.Refused refusal) {
            if (!refusal.isDeviceNotFound()) {
                end(mark, Snapshot.plugged(mark.mdev(), Attachment.State.ATTACHED.name()), "ATTACHED");
                notes.forgetPreparation(name);
                throw RequestDenied.qemuRefused(name, "device_del", refusal.errorClass(), refusal.description());
            }
        } catch (QmpException unknown) {
            LOG.info("{} device_del: {}", mark.subject(), unknown.getMessage());
            return false;
        }
        look(guest, patience);
        return !isMarked(mark);
    }

    private boolean isMarked(GuestNotes.Mark mark) {
        return notes.marks().contains(mark);
    }

    /** Whether nothing is under way. */
    public boolean isIdle() {
        return notes.marks().isEmpty();
    }

    /**
     * Looks at everything that is under way and that nobody waits for: settles what has ended, goes on with what has not. Side by side, so that a guest that makes
     * it wait delays no other; does not wait for the outcome.
     */
    public void reconcile() {
        Map<String, Guest> present =
                guests.discover().stream().collect(Collectors.toMap(guest -> guest.address(), guest -> guest));
        for (GuestNotes.Mark mark : notes.marks()) {
            guests.inBackground(() -> reconcile(mark, Optional.ofNullable(present.get(mark.address()))));
        }
    }

    private void reconcile(GuestNotes.Mark mark, Optional<Guest> present) {
        try {
            if (present.isEmpty()) {
                settleSilent(true, mark);
            } else if (present.get().conversation().tryLock()) {
                try {
                    goOn(present.get(), mark);
                } finally {
                    present.get().conversation().unlock();
                }
            }
        } catch (RuntimeException unfinished) {
            LOG.warn("{} {}: {}", mark.subject(), mark.state(), unfinished.getMessage());
        }
    }

    private void goOn(Guest guest, GuestNotes.Mark mark) {
        if (mark.state() == Attachment.State.DETACHING) {
            goOnUnplugging(new GuestName(mark.guest()), guest, mark, patience);
        } else {
            look(guest, patience);
        }
    }
}
