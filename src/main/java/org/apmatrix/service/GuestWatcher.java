package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.events.Event;
import org.apmatrix.events.Event.Origin;
import org.apmatrix.events.Event.Subject;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.apmatrix.host.Guest;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.Guests;
import org.jspecify.annotations.Nullable;

/**
 * Tells what changed of the guests and of what is plugged into them, by comparing what is known of them with what was known before: each guest's last word and the
 * plugs under way. Processes that are no guests of ours are left out.
 *
 * <p>What begins or ends with a plug or unplug under way is this service's doing, everything else is somebody else's.
 */
public final class GuestWatcher {
    private final Guests guests;
    private final GuestNotes notes;
    private final EventJournal journal;
    private final Set<Guest> asked = ConcurrentHashMap.newKeySet();
    private volatile Picture last = new Picture(Map.of(), Map.of());

    /** Looks at nothing yet; from now on it notices by itself when a plug or unplug begins and ends. */
    public GuestWatcher(Guests guests, GuestNotes notes, EventJournal journal) {
        this.guests = guests;
        this.notes = notes;
        this.journal = journal;
        notes.onChange(this::notice);
    }

    /** A guest that has told its state, or has failed to. */
    public record Known(GuestName name, Event.State.Guest state) {}

    /**
     * What is known.
     *
     * @param guests by address
     * @param attachments who has which device
     */
    public record Picture(Map<String, Known> guests, Map<MdevId, Event.State.Attached> attachments) {}

    /** What was noticed last. */
    public Picture last() {
        return last;
    }

    /** Whether a guest has this device, or is about to get it or to give it back, as far as was noticed. */
    public boolean isWithAGuest(MdevId mdev) {
        return last.attachments().containsKey(mdev);
    }

    /** Asks a guest beside everything else, and notices what it says; one that is being asked already is not asked twice. */
    public void ask(Guest guest) {
        if (asked.add(guest)) {
            guests.inBackground(() -> {
                asked.remove(guest);
                guest.look();
                notice();
            });
        }
    }

    /** Compares what is known now with what was, and asks nobody. */
    public synchronized void notice() {
        Picture before = last;
        Picture now = new Picture(new TreeMap<>(), new TreeMap<>());
        guests.known().forEach((name, guest) -> {
            if (guest.hasBeenAsked()) {
                add(name, guest, before, now);
            }
        });
        notes.marks()
                .forEach(mark -> mark.mdevId()
                        .ifPresent(mdev -> now.attachments()
                                .put(
                                        mdev,
                                        new Event.State.Attached(
                                                guests.at(mark.address()).orElseGet(() -> new GuestName(mark.guest())),
                                                mark.state().name()))));
        last = now;
        List<Event.Change> changes = new ArrayList<>();
        compareGuests(before.guests(), now.guests(), changes);
        compareAttachments(before.attachments(), now.attachments(), changes);
        journal.tell(changes);
    }

    private void add(GuestName name, Guest guest, Picture before, Picture now) {
        GuestState state = guest.lastSeen();
        now.guests().put(guest.address(), new Known(name, new Event.State.Guest(state.runState(), state.pid())));
        Event.State.Attached attached = new Event.State.Attached(name, Attachment.State.ATTACHED.name());
        state.mdev()
                .filter(mdev -> state.isReachable()
                        // what a silent guest had counts while it may live; an unplug that ended is not undone
                        || (attached.equals(before.attachments().get(mdev)) && mayLive(state)))
                .ifPresent(mdev -> now.attachments().put(mdev, attached));
    }

    private boolean mayLive(GuestState state) {
        Integer pid = state.pid();
        return pid == null || guests.isAlive(pid);
    }

    private static void compareGuests(Map<String, Known> before, Map<String, Known> now, List<Event.Change> changes) {
        for (String address : keys(before, now)) {
            Known old = before.get(address);
            Known guest = now.get(address);
            boolean renamed = old != null && guest != null && !old.name().equals(guest.name());
            if (old != null && (guest == null || renamed)) {
                changes.add(change(EventType.GUEST_GONE, old.name(), old.state(), null));
            }
            if (guest != null && (old == null || renamed)) {
                changes.add(change(EventType.GUEST_APPEARED, guest.name(), null, guest.state()));
            }
            if (old != null && guest != null && !renamed && !old.state().equals(guest.state())) {
                changes.add(change(EventType.GUEST_CHANGED, guest.name(), old.state(), guest.state()));
            }
        }
    }

    private static Event.Change change(
            EventType type, GuestName name, Event.State.@Nullable Guest before, Event.State.@Nullable Guest after) {
        return new Event.Change(type, Origin.EXTERNAL, Subject.of(name), before, after);
    }

    private static void compareAttachments(
            Map<MdevId, Event.State.Attached> before,
            Map<MdevId, Event.State.Attached> now,
            List<Event.Change> changes) {
        for (MdevId mdev : keys(before, now)) {
            Event.State.Attached old = before.get(mdev);
            Event.State.Attached attached = now.get(mdev);
            if (!Objects.equals(old, attached)) {
                changes.add(new Event.Change(
                        EventType.ATTACHMENT_CHANGED,
                        isUnderWay(old) || isUnderWay(attached) ? Origin.APMATRIX : Origin.EXTERNAL,
                        new Subject(
                                mdev,
                                Optional.ofNullable(attached)
                                        .or(() -> Optional.ofNullable(old))
                                        .map(Event.State.Attached::guest)
                                        .orElse(null),
                                null),
                        old,
                        attached));
            }
        }
    }

    private static boolean isUnderWay(Event.State.@Nullable Attached attached) {
        return attached != null && !attached.state().equals(Attachment.State.ATTACHED.name());
    }

    private static <K extends Comparable<? super K>> Set<K> keys(Map<K, ?> before, Map<K, ?> now) {
        Set<K> keys = new TreeSet<>(before.keySet());
        keys.addAll(now.keySet());
        return keys;
    }
}
