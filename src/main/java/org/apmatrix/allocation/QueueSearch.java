package org.apmatrix.allocation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;

/**
 * Finds the product of adapters and domains that a wish gets.
 *
 * <p>Every queue of it is there, of the wished kind and free, or the host's when the wish may take from it. Of all such products it is the one with, in this
 * order:
 *
 * <ol>
 *   <li>the fewest queues beyond the wish;
 *   <li>the fewest queues that leave the host's drivers, those that nobody asked for counted, too;
 *   <li>the most adapters;
 *   <li>the largest rectangle of queues of the wished mode that are free now and stay free;
 *   <li>the lowest adapters, and then the lowest domains.
 * </ol>
 *
 * <p>All of that is exact while the queues of the wished mode are on at most ten adapters or in at most ten domains, however many there are of the other. On
 * larger hosts the fourth is an estimate where there are more than {@link Rectangles#ALL_UP_TO} free rectangles. The others are exact there, too, for products
 * of one adapter or of one domain ({@code distinctAdapters} asks for these), and for all others while the steps of {@link Work} suffice. {@link
 * Answer#certainty} says which it was.
 */
public final class QueueSearch {
    /** Steps for the wish itself. */
    private static final long STEPS = 200_000;

    /** Steps for each thing that might help. */
    static final long STEPS_OF_ADVICE = 12_000;

    private final Supply supply;
    private final Rectangles free;
    private final Work work;

    private QueueSearch(Supply supply, Wish wish, Work work) {
        this.supply = supply;
        this.work = work;
        this.free = Rectangles.of(
                Grid.ofFree(supply, queue -> queue.mode() == wish.mode() && queue.holder() instanceof Holder.Free),
                work);
    }

    /** Searches; the same picture and the same wish always get the same answer. */
    public static Answer search(Supply supply, Wish wish) {
        return search(supply, wish, new Work());
    }

    static Answer search(Supply supply, Wish wish, Work work) {
        QueueSearch search = new QueueSearch(supply, wish, work);
        Attempt attempt = search.attempt(wish, Supply.Queue::holder, STEPS);
        return attempt.placement()
                .map(placement -> (Answer) search.choice(wish, placement, attempt.complete()))
                .orElseGet(() -> new Advice(search, wish, attempt.complete()).impossible());
    }

    Supply supply() {
        return supply;
    }

    /** How one attempt ended, and whether there is nothing better for sure. */
    record Attempt(Optional<Placement> placement, boolean complete) {}

    /** Adapters × domains. */
    private record Shape(int adapters, int domains) {
        int size() {
            return adapters * domains;
        }
    }

    /**
     * Looks for the best product.
     *
     * @param holders who has a queue, or who is taken to have it
     */
    Attempt attempt(Wish wish, Function<Supply.Queue, Holder> holders, long limit) {
        work.begin(limit);
        List<Grid> freeGrids = grids(wish, holders, false);
        List<Grid> allGrids =
                wish.mayTakeFromHost() && supply.whyHostKeeps().isEmpty() ? grids(wish, holders, true) : List.of();
        List<Shape> shapes = shapes(wish, freeGrids, allGrids);
        Attempt attempt = new Attempt(Optional.empty(), true);
        for (int from = 0, to; from < shapes.size() && attempt.placement().isEmpty(); from = to) {
            int size = shapes.get(from).size();
            to = from
                    + (int) shapes.stream()
                            .skip(from)
                            .takeWhile(shape -> shape.size() == size)
                            .count();
            List<Shape> equallyLarge = shapes.subList(from, to);
            attempt = attempt(equallyLarge, freeGrids, attempt.complete(), true);
            if (attempt.placement().isEmpty()) {
                attempt = attempt(equallyLarge, allGrids, attempt.complete(), false);
            }
        }
        return attempt;
    }

    /**
     * The best product of one of these shapes.
     *
     * @param complete whether all that was tried before was tried for sure
     * @param allFree no queue of the grids is the host's: what has more adapters is better, whatever comes after it
     */
    private Attempt attempt(List<Shape> mostAdaptersFirst, List<Grid> grids, boolean complete, boolean allFree) {
        Placement best = null;
        for (Shape shape : mostAdaptersFirst) {
            if (best != null && allFree) {
                break;
            }
            for (Grid grid : grids) {
                ShapeSearch.Found found = ShapeSearch.search(grid, free, shape.adapters(), shape.domains(), best, work);
                best = found.best().orElse(null);
                complete &= found.complete();
            }
        }
        return new Attempt(Optional.ofNullable(best), complete);
    }

    /** The shapes without a row or a column too many: fewest queues first, and of these most adapters first. */
    private List<Shape> shapes(Wish wish, List<Grid> some, List<Grid> others) {
        int mostAdapters = most(some, others, Grid::rows);
        int mostDomains = most(some, others, Grid::columns);
        Stream<Shape> shapes = wish.distinctAdapters()
                ? Stream.of(new Shape(wish.queues(), 1))
                : IntStream.rangeClosed(1, mostAdapters)
                        .mapToObj(adapters -> new Shape(adapters, (wish.queues() + adapters - 1) / adapters))
                        .filter(shape -> (shape.adapters() - 1) * shape.domains() < wish.queues());
        return shapes.filter(shape -> shape.adapters() <= mostAdapters
                        && shape.domains() <= mostDomains
                        && shape.size() <= supply.maximum())
                .sorted(Comparator.comparingInt(Shape::size).thenComparing(shape -> -shape.adapters()))
                .toList();
    }

    private static int most(List<Grid> some, List<Grid> others, Function<Grid, ApMask> side) {
        return Stream.concat(some.stream(), others.stream())
                .mapToInt(grid -> side.apply(grid).size())
                .max()
                .orElse(0);
    }

    /** The queues that the wish may have: one grid, or one for each master key when all must have the same. */
    List<Grid> grids(Wish wish, Function<Supply.Queue, Holder> holders, boolean withHosts) {
        List<Optional<String>> keys = wish.sameMasterKey()
                ? supply.queues().stream()
                        .filter(wish::isMetBy)
                        .map(Supply.Queue::masterKey)
                        .distinct()
                        .toList()
                : List.of(Optional.empty());
        List<Grid> grids = new ArrayList<>();
        for (Optional<String> key : keys) {
            grids.add(
                    withHosts
                            ? Grid.of(supply, queue -> has(wish, key, queue) && isOneOf(holders.apply(queue), true))
                            : Grid.ofFree(
                                    supply, queue -> has(wish, key, queue) && isOneOf(holders.apply(queue), false)));
        }
        return grids;
    }

    private static boolean has(Wish wish, Optional<String> key, Supply.Queue queue) {
        return wish.isMetBy(queue) && (key.isEmpty() || key.equals(queue.masterKey()));
    }

    private static boolean isOneOf(Holder holder, boolean withHosts) {
        return holder instanceof Holder.Free || (withHosts && holder instanceof Holder.Host);
    }

    Rectangles rectangles(Grid grid) {
        return Rectangles.of(grid, work);
    }

    Choice choice(Wish wish, Placement placement, boolean complete) {
        Matrix matrix = Matrix.of(placement.adapters(), placement.domains());
        ApMask adapters = placement.adapters().and(supply.apmask());
        ApMask domains = placement.domains().and(supply.aqmask());
        List<Apqn> fromHost = Matrix.of(adapters, domains).apqns();
        ApMask adaptersToFree = ApMask.NONE;
        ApMask domainsToFree = ApMask.NONE;
        if (!fromHost.isEmpty()) {
            if (leaving(Matrix.of(adapters, supply.aqmask())).size()
                    <= leaving(Matrix.of(supply.apmask(), domains)).size()) {
                adaptersToFree = adapters;
            } else {
                domainsToFree = domains;
            }
        }
        List<Apqn> collateral = Stream.concat(
                        leaving(Matrix.of(adaptersToFree, supply.aqmask())).stream(),
                        leaving(Matrix.of(supply.apmask(), domainsToFree)).stream())
                .filter(apqn -> !matrix.contains(apqn))
                .toList();
        Answer.Certainty certainty = !complete
                ? Answer.Certainty.BOUNDED
                : free.areAll() ? Answer.Certainty.EXACT : Answer.Certainty.ESTIMATED_REST;
        Choice choice = new Choice(
                matrix,
                matrix.apqnCount() - wish.queues(),
                fromHost,
                collateral,
                adaptersToFree,
                domainsToFree,
                certainty,
                List.of());
        return Sentences.explain(supply, wish, choice, placement.rest());
    }

    /** The queues of a product of set bits that are there. */
    private List<Apqn> leaving(Matrix reserved) {
        return supply.queues().stream()
                .map(Supply.Queue::apqn)
                .filter(reserved::contains)
                .toList();
    }
}
