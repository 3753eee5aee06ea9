package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.apmatrix.ap.MdevId;
import org.apmatrix.events.Event;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/** What allocations there are: on disk before anything is touched; each change of state is told and logged once. */
final class Allocations {
    private static final Logger LOG = LoggerFactory.getLogger(Allocations.class);
    private static final String CLAIMANT = "allocation ";

    private final StateFile<Content> file;
    private final EventJournal journal;
    private final Set<String> lost = ConcurrentHashMap.newKeySet();
    private SortedMap<String, Allocation> all;

    private record Content(List<Allocation> allocations) {
        Content {
            requireNonNull(allocations, "allocations");
        }
    }

    /**
     * Reads what an earlier process noted. What was being made then is taken back: whoever asked for it got no answer.
     *
     * @param directory null where nothing is to be kept beyond this process
     */
    Allocations(@Nullable Path directory, JsonMapper json, EventJournal journal) {
        this.file = new StateFile<>(directory, "allocations.json", Content.class, json);
        this.journal = journal;
        this.all = new TreeMap<>();
        file.read("It notes which mediated devices are allocations: remove these by hand, then delete the file.")
                .map(Content::allocations)
                .orElse(List.of())
                .forEach(left -> all.put(
                        left.id(),
                        left.state() == Allocation.State.CREATING ? left.with(Allocation.State.RELEASING) : left));
    }

    /** The name under which its claims on the masks are kept. */
    static String claimant(String id) {
        return CLAIMANT + id;
    }

    /** Claimants that were allocations, and are not any more. */
    synchronized List<String> formerAmong(List<String> claimants) {
        return claimants.stream()
                .filter(claimant ->
                        claimant.startsWith(CLAIMANT) && !all.containsKey(claimant.substring(CLAIMANT.length())))
                .toList();
    }

    /** In the order in which they were made. */
    synchronized List<Allocation> all() {
        return all.values().stream()
                .sorted(Comparator.comparing(Allocation::createdAt).thenComparing(Allocation::id))
                .toList();
    }

    synchronized Optional<Allocation> find(String id) {
        return Optional.ofNullable(all.get(id));
    }

    synchronized Optional<Allocation> of(MdevId mdev) {
        return all.values().stream()
                .filter(allocation -> allocation.mdev().equals(mdev.toString()))
                .findFirst();
    }

    /** Throws HOST_REFUSED where it cannot be noted; nothing has changed then. */
    synchronized void begin(Allocation allocation) {
        SortedMap<String, Allocation> next = new TreeMap<>(all);
        next.put(allocation.id(), allocation);
        file.begin(content(next));
        become(next, allocation.id());
    }

    /** What has happened already. */
    synchronized void end(Allocation allocation) {
        SortedMap<String, Allocation> next = new TreeMap<>(all);
        next.put(allocation.id(), allocation);
        file.end(content(next));
        become(next, allocation.id());
    }

    /** It is given back, or has never been. */
    synchronized void remove(String id) {
        SortedMap<String, Allocation> next = new TreeMap<>(all);
        next.remove(id);
        file.end(content(next));
        become(next, id);
    }

    private static Content content(SortedMap<String, Allocation> allocations) {
        return new Content(List.copyOf(allocations.values()));
    }

    private void become(SortedMap<String, Allocation> next, String id) {
        Allocation before = all.get(id);
        Allocation after = next.get(id);
        all = next;
        tell(before, after);
    }

    /** LOST is only seen and never kept, but told like any other state. */
    void noticeLost(Predicate<Allocation> isLost) {
        for (Allocation allocation : all()) {
            boolean isNow = isLost.test(allocation);
            if (isNow && lost.add(allocation.id())) {
                tell(allocation, allocation.with(Allocation.State.LOST));
            } else if (!isNow && lost.remove(allocation.id())) {
                tell(allocation.with(Allocation.State.LOST), allocation);
            }
        }
        lost.removeIf(id -> find(id).isEmpty());
    }

    /** How many there are in each state, LOST as it was noticed last. */
    Map<Allocation.State, Integer> counts() {
        Map<Allocation.State, Integer> counts = new EnumMap<>(Allocation.State.class);
        Arrays.stream(Allocation.State.values()).forEach(state -> counts.put(state, 0));
        all().forEach(allocation -> counts.merge(
                lost.contains(allocation.id()) ? Allocation.State.LOST : allocation.state(), 1, Integer::sum));
        return counts;
    }

    private void tell(@Nullable Allocation before, @Nullable Allocation after) {
        Allocation known = after == null ? before : after;
        if (known == null || (before != null && after != null && before.state() == after.state())) {
            return;
        }
        LOG.info(
                "allocation={} mdev={} guest={} {} -> {}",
                known.id(),
                known.mdev(),
                known.guest(),
                before == null ? "none" : before.state(),
                after == null ? "none" : after.state());
        journal.tell(List.of(new Event.Change(
                EventType.ALLOCATION_CHANGED,
                Event.Origin.APMATRIX,
                Event.Subject.of(known.mdevId()),
                state(before),
                state(after))));
    }

    private static Event.State.@Nullable Allocated state(@Nullable Allocation allocation) {
        return allocation == null
                ? null
                : new Event.State.Allocated(
                        allocation.id(),
                        allocation.owner(),
                        allocation.mdevId(),
                        allocation.state().name());
    }
}
