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
    private static final String DEVICE_NOT_FOUND = "DeviceNotFound";

    private final Host host;
    private final Guests guests;
    private final GuestNotes notes;
    private final Clock clock;
    private final Duration patience;
    private final Map<GuestName, Attached> attached = new ConcurrentHashMap<>();
    private final Map<GuestName, Told> told = new ConcurrentHashMap<>();

    /** @param patience how long a guest may take to answer a device_del that no request waits for */
    public Settlement(Host host, Guests guests, GuestNotes notes, Clock clock, Duration patience) {
        this.host = host;
        this.guests = guests;
        this.notes = notes;
        this.clock = clock;
        this.patience = patience;
    }

    /** When this service plugged a device in: this one on the bus of this QEMU, not one that others plugged in since. */
    private record Attached(ApDevice device, @Nullable Integer pid, Instant since) {}

    /** A device_del that QEMU has said yes to: it is not told a second time. */
    private record Told(long session, String link) {}

    /** Empty when it was not this process that plugged it in. */
    Optional<Instant> attachedSince(GuestName name, GuestState state) {
        return Optional.ofNullable(attached.get(name))
                .filter(known -> known.device().equals(state.device()) && Objects.equals(known.pid(), state.pid()))
                .map(Attached::since);
    }

    /** A fresh look at the guest, which settles what it can. */
    GuestState look(GuestName name, Guest guest) {
        GuestState state = guest.look();
        notes.markOf(guest.socket()).ifPresent(mark -> settle(name, guest, state, mark));
        return state;
    }

    /** Settles by a look that was made already, unless somebody is about to do so. */
    void settleUnlessBusy(GuestName name, Guest guest, GuestState state) {
        if (notes.markOf(guest.socket()).isPresent()
                && state.isReachable()
                && guest.conversation().tryLock()) {
            try {
                look(name, guest);
            } finally {
                guest.conversation().unlock();
            }
        }
    }

    private void settle(GuestName name, Guest guest, GuestState state, GuestNotes.Mark mark) {
        if (mark.pid() != null && state.pid() != null && !mark.pid().equals(state.pid())) {
            // started anew: what was under way ended with the process before, unless that one lives on behind an
            // unlinked socket
            if (state.mdev().equals(mark.mdevId()) || kernelSaysFree(mark)) {
                forget(name, mark, "over, its guest was started anew");
            }
            return;
        }
        if (!state.isReachable()) {
            // what was written to a silent QEMU may still be done; a dead one does nothing any more
            boolean over = guest.isGone() || mark.state() == Attachment.State.DETACHING;
            if (over && kernelSaysFree(mark)) {
                forget(name, mark, "FREE, as the kernel says");
            }
            return;
        }
        ApDevice device = state.device();
        switch (mark.state()) {
            case ATTACHING -> {
                if (device != null && device.mdev().equals(mark.mdevId())) {
                    attached(name, state, mark);
                } else {
                    forget(name, mark, "FREE");
                }
            }
            case DETACHING -> {
                if (device == null || !isTheOne(device, mark)) {
                    forget(name, mark, "FREE");
                }
            }
            case ATTACHED -> throw new IllegalStateException("a mark is about what is under way");
        }
    }

    /** Not every device on the bus is the one to be unplugged: somebody may have plugged another since. */
    private static boolean isTheOne(ApDevice device, GuestNotes.Mark mark) {
        return mark.link() != null
                ? device.link().equals(mark.link())
                : device.mdev().equals(mark.mdevId());
    }

    /** The bus holds the device. */
    void attached(GuestName name, GuestState state, GuestNotes.Mark mark) {
        if (state.device() != null) {
            attached.put(name, new Attached(state.device(), state.pid(), clock.instant()));
        }
        notes.unmark(mark, "ATTACHED");
        notes.forgetPreparation(name);
    }

    /** It is certain that the guest does not have the device, or keeps it. */
    void forget(GuestName name, GuestNotes.Mark mark, String outcome) {
        attached.remove(name);
        told.remove(name);
        notes.unmark(mark, outcome);
    }

    /** The kernel's own word on the device, whatever is noted of it; not to know is not to be free. */
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
        GuestState state = look(name, guest);
        ApDevice device = state.device();
        if (!isMarked(mark)) {
            return true;
        }
        if (!state.isReachable() || device == null) {
            return false;
        }
        Told now = new Told(guest.session(), device.link());
        if (now.equals(told.get(name))) {
            return false;
        }
        try {
            guest.unplug(device, atMost);
            told.put(name, now);
        } catch (QmpException.Refused refusal) {
            if (!refusal.errorClass().equals(DEVICE_NOT_FOUND)) {
                notes.unmark(mark, "ATTACHED");
                notes.forgetPreparation(name);
                throw RequestDenied.qemuRefused(name, "device_del", refusal.errorClass(), refusal.description());
            }
        } catch (QmpException unknown) {
            LOG.info("{} device_del: {}", mark.subject(), unknown.getMessage());
            return false;
        }
        look(name, guest);
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
        Map<String, Guest> present = guests.discover().stream()
                .collect(Collectors.toMap(guest -> guest.socket().toString(), guest -> guest));
        for (GuestNotes.Mark mark : notes.marks()) {
            guests.inBackground(() -> reconcile(mark, Optional.ofNullable(present.get(mark.socket()))));
        }
    }

    private void reconcile(GuestNotes.Mark mark, Optional<Guest> present) {
        GuestName name = new GuestName(mark.guest());
        try {
            if (present.isEmpty()) {
                if (kernelSaysFree(mark)) {
                    forget(name, mark, "FREE, its guest is gone");
                }
            } else if (present.get().conversation().tryLock()) {
                try {
                    goOn(name, present.get(), mark);
                } finally {
                    present.get().conversation().unlock();
                }
            }
        } catch (RuntimeException unfinished) {
            LOG.warn("{} {}: {}", mark.subject(), mark.state(), unfinished.getMessage());
        }
    }

    private void goOn(GuestName name, Guest guest, GuestNotes.Mark mark) {
        if (mark.state() == Attachment.State.DETACHING) {
            goOnUnplugging(name, guest, mark, patience);
        } else {
            look(name, guest);
        }
    }
}
