package org.apmatrix.allocation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * What would make an impossible wish possible, each found by searching for it.
 *
 * <p>A wish with one condition less, for fewer queues, or for the same when mediated devices give queues back or unusable ones become usable; when none of the
 * conditions alone is to blame, without all of them.
 */
final class Advice {
    /** How many mediated devices are tried one by one. */
    private static final int MDEVS = 6;

    private final QueueSearch search;
    private final Supply supply;
    private final Wish wish;
    private final boolean complete;
    private final List<Impossible.Help> helps = new ArrayList<>();

    Advice(QueueSearch search, Wish wish, boolean complete) {
        this.search = search;
        this.supply = search.supply();
        this.wish = wish;
        this.complete = complete;
    }

    Impossible impossible() {
        lessDemanding();
        fewerQueues().ifPresent(helps::add);
        returnedByMdevs().ifPresent(helps::add);
        repaired().ifPresent(helps::add);
        return new Impossible(
                Sentences.missing(supply, wish, complete),
                helps,
                complete ? Answer.Certainty.EXACT : Answer.Certainty.BOUNDED);
    }

    private void lessDemanding() {
        boolean hostGives = supply.whyHostKeeps().isEmpty();
        if (hostGives && !wish.mayTakeFromHost()) {
            relaxed(wish.withMayTakeFromHost(true)).ifPresent(helps::add);
        }
        if (wish.distinctAdapters()) {
            relaxed(wish.withDistinctAdapters(false)).ifPresent(helps::add);
        }
        if (wish.sameMasterKey()) {
            relaxed(wish.withSameMasterKey(false)).ifPresent(helps::add);
        }
        olderHardware().ifPresent(helps::add);
        if (helps.isEmpty()) { // no single condition is to blame
            Wish undemanding =
                    Wish.of(wish.mode(), wish.queues()).withMayTakeFromHost(wish.mayTakeFromHost() || hostGives);
            relaxed(undemanding).ifPresent(helps::add);
        }
    }

    /** The newest hardware type that is old enough, or any when none is. */
    private Optional<Impossible.Help> olderHardware() {
        Integer wished = wish.minHwType();
        if (wished == null) {
            return Optional.empty();
        }
        List<@Nullable Integer> older = new ArrayList<>(supply.queues().stream()
                .filter(queue -> queue.mode() == wish.mode())
                .map(Supply.Queue::hwType)
                .filter(Objects::nonNull)
                .filter(type -> type < wished)
                .distinct()
                .sorted(Comparator.reverseOrder())
                .toList());
        older.add(null);
        return older.stream()
                .map(type -> relaxed(wish.withMinHwType(type)))
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** As many as there can be. */
    private Optional<Impossible.Help> fewerQueues() {
        boolean withHosts = wish.mayTakeFromHost() && supply.whyHostKeeps().isEmpty();
        int most = search.grids(wish, Supply.Queue::holder, withHosts).stream()
                .mapToInt(this::mostQueues)
                .max()
                .orElse(0);
        int fewer = Math.min(most, wish.queues() - 1);
        return fewer < 1 ? Optional.empty() : relaxed(wish.withQueues(fewer));
    }

    private int mostQueues(Grid grid) {
        int maximum = supply.maximum();
        if (wish.distinctAdapters()) {
            return Math.min(
                    maximum,
                    grid.columns().ids().stream()
                            .mapToInt(domain -> grid.columnCells(domain).size())
                            .max()
                            .orElse(0));
        }
        return search.rectangles(grid).largestFirst().stream()
                .mapToInt(rectangle -> IntStream.rangeClosed(1, rectangle.rows().size())
                        .map(height -> height * Math.min(rectangle.columns().size(), maximum / height))
                        .max()
                        .orElse(0))
                .max()
                .orElse(0);
    }

    private Optional<Impossible.Help> relaxed(Wish other) {
        return attempt(other, Supply.Queue::holder).map(choice -> help(other, new TreeSet<>(), List.of(), choice));
    }

    /** One device that holds what is missing, if there is one; else several. */
    private Optional<Impossible.Help> returnedByMdevs() {
        Map<MdevId, Integer> holders = new HashMap<>();
        for (Supply.Queue queue : supply.queues()) {
            if (wish.isMetBy(queue) && queue.holder() instanceof Holder.Mdev mdev) {
                holders.merge(mdev.id(), 1, Integer::sum);
            }
        }
        Optional<Impossible.Help> all = returned(id -> true);
        if (all.isEmpty() || all.get().returned().size() == 1) {
            return all;
        }
        return holders.entrySet().stream()
                .sorted(Map.Entry.<MdevId, Integer>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(MDEVS)
                .map(holder -> returned(holder.getKey()::equals))
                .flatMap(Optional::stream)
                .findFirst()
                .or(() -> all);
    }

    private Optional<Impossible.Help> returned(Predicate<MdevId> gives) {
        return attempt(wish, queue -> {
                    boolean given = queue.holder() instanceof Holder.Mdev mdev && gives.test(mdev.id());
                    return given ? nobodys(queue) : queue.holder();
                })
                .flatMap(choice -> {
                    SortedSet<MdevId> mdevs = queues(choice.matrix())
                            .map(Supply.Queue::holder)
                            .filter(Holder.Mdev.class::isInstance)
                            .map(holder -> ((Holder.Mdev) holder).id())
                            .collect(Collectors.toCollection(TreeSet::new));
                    return mdevs.isEmpty() ? Optional.empty() : Optional.of(help(wish, mdevs, List.of(), choice));
                });
    }

    /** Where driver overrides divide the bus it cannot be foreseen who would have a queue that is unusable now. */
    private Optional<Impossible.Help> repaired() {
        if (supply.whyHostKeeps().isPresent()) {
            return Optional.empty();
        }
        return attempt(wish, queue -> queue.holder() instanceof Holder.Unusable ? nobodys(queue) : queue.holder())
                .flatMap(choice -> {
                    List<Apqn> unusable = queues(choice.matrix())
                            .filter(queue -> queue.holder() instanceof Holder.Unusable)
                            .map(Supply.Queue::apqn)
                            .toList();
                    return unusable.isEmpty()
                            ? Optional.empty()
                            : Optional.of(help(wish, new TreeSet<>(), unusable, choice));
                });
    }

    private Holder nobodys(Supply.Queue queue) {
        return supply.isReserved(queue.apqn()) ? new Holder.Host() : new Holder.Free();
    }

    private Optional<Choice> attempt(Wish other, Function<Supply.Queue, Holder> holders) {
        QueueSearch.Attempt attempt = search.attempt(other, holders, QueueSearch.STEPS_OF_ADVICE);
        return attempt.placement().map(placement -> search.choice(other, placement, attempt.complete()));
    }

    private Stream<Supply.Queue> queues(Matrix matrix) {
        return matrix.apqns().stream().map(supply::queue).flatMap(Optional::stream);
    }

    private Impossible.Help help(Wish other, SortedSet<MdevId> returned, List<Apqn> repaired, Choice choice) {
        return new Impossible.Help(
                other,
                returned,
                repaired,
                choice.matrix(),
                Sentences.help(supply, wish, other, returned, repaired, choice));
    }
}
