package org.apmatrix.service;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.events.Event;
import org.apmatrix.events.Event.Origin;
import org.apmatrix.events.Event.Subject;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.apmatrix.host.Card;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.Store;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells what changed on the host, by comparing each look with the one before.
 *
 * <p>Looks come in the order of the host's lock: {@link Host} hands over every look that is made under it, before a write and after it, and those that are made
 * while nobody holds it. What changed between two looks was this service's doing where one of its stores in between explains it, else somebody else's. A look that
 * failed is not handed over.
 *
 * <p>Called by whoever holds the lock; {@link #last} and {@link #vanished} by anybody.
 */
public final class HostWatcher {
    private static final Logger LOG = LoggerFactory.getLogger(HostWatcher.class);
    private static final Path BUS = Path.of("/sys/bus/ap");

    private final EventJournal journal;
    private final Predicate<MdevId> isWithAGuest;
    private final Clock clock;
    private final AtomicLong vanished = new AtomicLong();
    /** The stores since the last look. */
    private final List<Store> stores = new ArrayList<>();
    /** Removals that nobody has seen the end of: one may outlast the patience of the write that began it. */
    private final Set<MdevId> removedHere = new HashSet<>();

    private final Set<MdevId> madeHere = new HashSet<>();
    private volatile @Nullable Picture last;

    /** @param isWithAGuest whether a guest has a device, as far as is known without a look */
    public HostWatcher(EventJournal journal, Predicate<MdevId> isWithAGuest, Clock clock) {
        this.journal = journal;
        this.isWithAGuest = isWithAGuest;
        this.clock = clock;
    }

    /**
     * The host as far as it can be looked at often: without a look at the processes.
     *
     * @param queues every queue that has a device, with its driver; empty for one that is not bound
     * @param modes what the cards of these queues do, where it is known
     */
    public record Picture(
            Instant at,
            ApMask apmask,
            ApMask aqmask,
            SortedMap<Apqn, Optional<String>> queues,
            SortedMap<MdevId, Mdev> mdevs,
            Map<AdapterId, Card.Mode> modes) {}

    /** The last look; empty before the first one. */
    public Optional<Picture> last() {
        return Optional.ofNullable(last);
    }

    /** How many devices of ours have vanished since the start. */
    public long vanished() {
        return vanished.get();
    }

    /** This service is about to do this. */
    void doing(Store store) {
        stores.add(store);
        MdevTree.removedBy(store).ifPresent(removedHere::add);
        MdevTree.createdBy(store).ifPresent(id -> {
            madeHere.add(id);
            removedHere.remove(id);
        });
    }

    /** The kernel refused it, so nothing came of it. */
    void refused(Store store) {
        MdevTree.removedBy(store).ifPresent(removedHere::remove);
        MdevTree.createdBy(store).ifPresent(madeHere::remove);
    }

    /** Whether something was done since the last look. */
    boolean isOutdated() {
        return !stores.isEmpty();
    }

    /**
     * A look, which is newer than all that came before.
     *
     * @param modeOf asked for cards that were not there before
     */
    void seen(
            ApMask apmask,
            ApMask aqmask,
            SortedMap<Apqn, Optional<String>> queues,
            SortedMap<MdevId, Mdev> mdevs,
            Function<AdapterId, Optional<Card.Mode>> modeOf) {
        Picture before = last;
        Map<AdapterId, Card.Mode> known = before == null ? Map.of() : before.modes();
        Map<AdapterId, Card.Mode> modes = new HashMap<>();
        queues.keySet().stream()
                .map(Apqn::adapter)
                .distinct()
                .forEach(adapter -> Optional.ofNullable(known.get(adapter))
                        .or(() -> modeOf.apply(adapter))
                        .ifPresent(mode -> modes.put(adapter, mode)));
        Picture now = new Picture(clock.instant(), apmask, aqmask, queues, mdevs, modes);
        last = now;
        if (before != null) {
            List<Event.Change> changes = new ArrayList<>();
            compareBus(before, now, changes);
            compareMdevs(before, now, changes);
            journal.tell(changes);
        }
        stores.clear();
        removedHere.retainAll(mdevs.keySet());
        madeHere.retainAll(mdevs.keySet());
    }

    private void compareBus(Picture before, Picture now, List<Event.Change> changes) {
        Origin origin = origin(stores.stream().anyMatch(store -> store.target().startsWith(BUS)));
        if (!before.apmask().equals(now.apmask()) || !before.aqmask().equals(now.aqmask())) {
            changes.add(new Event.Change(
                    EventType.MASKS_CHANGED,
                    origin,
                    Subject.MASKS,
                    new Event.State.Masks(before.apmask(), before.aqmask()),
                    new Event.State.Masks(now.apmask(), now.aqmask())));
        }
        for (Apqn apqn : keys(before.queues(), now.queues())) {
            Event.State.Queue old = queue(before, apqn);
            Event.State.Queue queue = queue(now, apqn);
            if (!Objects.equals(old, queue)) {
                changes.add(new Event.Change(EventType.QUEUE_CHANGED, origin, Subject.of(apqn), old, queue));
            }
        }
    }

    private static Event.State.@Nullable Queue queue(Picture picture, Apqn apqn) {
        return picture.queues().containsKey(apqn)
                ? new Event.State.Queue(picture.queues().get(apqn).orElse(null))
                : null;
    }

    private void compareMdevs(Picture before, Picture now, List<Event.Change> changes) {
        for (MdevId id : keys(before.mdevs(), now.mdevs())) {
            Mdev old = before.mdevs().get(id);
            Mdev mdev = now.mdevs().get(id);
            if (old == null && mdev != null) {
                boolean ours = stores.stream()
                        .anyMatch(store -> MdevTree.createdBy(store).equals(Optional.of(id)));
                if (!ours) {
                    madeHere.remove(id);
                }
                changes.add(new Event.Change(
                        EventType.MDEV_CREATED, origin(ours), Subject.of(id), null, assigned(mdev.matrix())));
            } else if (old != null && mdev == null) {
                changes.add(gone(old));
            } else if (old != null && mdev != null) {
                compareMatrices(old, mdev, changes);
            }
        }
    }

    private Event.Change gone(Mdev mdev) {
        MdevId id = mdev.id();
        boolean removed = removedHere.contains(id);
        boolean alarm = !removed && (madeHere.contains(id) || isWithAGuest.test(id));
        if (alarm) {
            vanished.incrementAndGet();
            LOG.warn("mdev={} vanished: it is one of ours, or a guest has it, and this service did not remove it", id);
        }
        return new Event.Change(
                alarm ? EventType.MDEV_VANISHED : EventType.MDEV_REMOVED,
                origin(removed),
                Subject.of(id),
                assigned(mdev.matrix()),
                null);
    }

    /** A matrix that cannot be read (any more) is not an empty one. */
    private void compareMatrices(Mdev old, Mdev mdev, List<Event.Change> changes) {
        boolean assignedHere = stores.stream().anyMatch(store -> store.target().startsWith(mdev.path()));
        boolean filteredHere =
                assignedHere || stores.stream().anyMatch(store -> store.target().startsWith(BUS));
        addMatrix(EventType.MATRIX_CHANGED, origin(assignedHere), mdev.id(), old.matrix(), mdev.matrix(), changes);
        addMatrix(
                EventType.GUEST_MATRIX_CHANGED,
                origin(filteredHere),
                mdev.id(),
                old.guestMatrix(),
                mdev.guestMatrix(),
                changes);
    }

    private static void addMatrix(
            EventType type,
            Origin origin,
            MdevId id,
            @Nullable Matrix before,
            @Nullable Matrix after,
            List<Event.Change> changes) {
        if (before != null && after != null && !before.equals(after)) {
            changes.add(new Event.Change(type, origin, Subject.of(id), assigned(before), assigned(after)));
        }
    }

    private static Event.State.@Nullable Assigned assigned(@Nullable Matrix matrix) {
        return matrix == null ? null : new Event.State.Assigned(matrix);
    }

    private static Origin origin(boolean ours) {
        return ours ? Origin.APMATRIX : Origin.EXTERNAL;
    }

    private static <K> SortedSet<K> keys(SortedMap<K, ?> before, SortedMap<K, ?> now) {
        SortedSet<K> keys = new TreeSet<>(before.keySet());
        keys.addAll(now.keySet());
        return keys;
    }
}
