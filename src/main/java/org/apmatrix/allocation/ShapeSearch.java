package org.apmatrix.allocation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apmatrix.ap.ApMask;
import org.jspecify.annotations.Nullable;

/**
 * Looks for the best product of so many adapters × so many domains.
 *
 * <p>Rows that lead nowhere are peeled off first. Then sets of rows are tried, in ascending order; for given rows the best columns are arithmetic ({@link
 * Grid#cheapest}, {@link Rectangles#restBeside}), so that only one side has to be tried, and it is the one with fewer sets. Of rows that are alike only the lowest
 * are tried. A side with at most {@link Work#ALWAYS_TRIED} sets is tried whole, a larger one until the steps are used up; what a beam finds then is better than
 * nothing.
 *
 * <p>Longer than most classes: it is one recursion, and what cuts it short.
 */
final class ShapeSearch {
    private static final int BEAM = 8;
    private static final int NARROW_BEAM = 2;

    private final Grid grid;
    private final Rectangles free;
    private final Work work;
    private final int height;
    private final int width;
    private final List<Integer> rows;
    private final ApMask columns;
    private final int[] twins = new int[ApMask.SIZE];
    private @Nullable Placement best;
    private long end = Long.MAX_VALUE;
    private boolean cutOff;
    private boolean perfect;

    private ShapeSearch(
            Grid grid, Core core, Rectangles free, int height, int width, Work work, @Nullable Placement best) {
        this.grid = grid;
        this.free = free;
        this.height = height;
        this.width = width;
        this.rows = core.rows().ids();
        this.columns = core.columns();
        this.work = work;
        this.best = best;
        Map<List<Object>, Integer> seen = new HashMap<>();
        for (int row : rows) {
            List<Object> kind =
                    List.of(grid.cells(row).and(columns), free.cells(row), grid.hasBit(row), grid.leavingWithRow(row));
            twins[row] = seen.computeIfAbsent(kind, absent -> row);
        }
    }

    /**
     * What was found for one shape.
     *
     * @param best the incumbent when nothing better was found
     * @param complete whether there is nothing better for sure
     */
    record Found(Optional<Placement> best, boolean complete) {}

    /** The rows and columns that are left when those with too few queues have been peeled off, again and again. */
    private record Core(ApMask rows, ApMask columns) {
        Core turn() {
            return new Core(/* rows= */ columns, /* columns= */ rows);
        }
    }

    /**
     * Searches one shape.
     *
     * @param free the free rectangles of the wished mode, adapters as rows
     * @param incumbent a placement with as many queues; only a better one is of interest
     */
    static Found search(
            Grid grid, Rectangles free, int adapters, int domains, @Nullable Placement incumbent, Work work) {
        Core core = peel(grid, adapters, domains, work);
        if (core.rows().isEmpty() || core.columns().isEmpty()) {
            return new Found(Optional.ofNullable(incumbent), true);
        }
        double rowSets = sets(core.rows().size(), adapters);
        double columnSets = sets(core.columns().size(), domains);
        ShapeSearch search = rowSets <= columnSets
                ? new ShapeSearch(grid, core, free, adapters, domains, work, incumbent)
                : new ShapeSearch(grid.turn(), core.turn(), free.turn(), domains, adapters, work, incumbent);
        return search.run(Math.min(rowSets, columnSets) > Work.ALWAYS_TRIED);
    }

    private static Core peel(Grid grid, int height, int width, Work work) {
        ApMask rows = grid.rows();
        ApMask columns = grid.columns();
        Core before = new Core(ApMask.NONE, ApMask.NONE);
        Core core = new Core(rows, columns);
        while (!core.equals(before) && rows.size() >= height && columns.size() >= width) {
            before = core;
            work.spend(rows.size() + columns.size());
            for (int row : rows.ids()) {
                if (grid.cells(row).and(columns).size() < width) {
                    rows = rows.minus(Grid.bit(row));
                }
            }
            for (int column : columns.ids()) {
                if (grid.columnCells(column).and(rows).size() < height) {
                    columns = columns.minus(Grid.bit(column));
                }
            }
            core = new Core(rows, columns);
        }
        return rows.size() >= height && columns.size() >= width ? core : new Core(ApMask.NONE, ApMask.NONE);
    }

    /** n over k. */
    private static double sets(int n, int k) {
        double sets = 1;
        for (int i = 1; i <= Math.min(k, n - k); i++) {
            sets = sets * (n - i + 1) / i;
        }
        return sets;
    }

    private Found run(boolean limited) {
        if (limited) {
            end = work.endOfShape();
        }
        int[] all = rows.stream().mapToInt(row -> row).toArray();
        extend(ApMask.NONE, columns, 0, 0, all, 0);
        if (cutOff) {
            beam();
        }
        return new Found(Optional.ofNullable(best), !cutOff);
    }

    /** Adds to the chosen rows each set of the rows from {@code from} on. */
    private void extend(ApMask chosen, ApMask allowed, int leaving, int count, int[] later, int from) {
        if (count == height) {
            consider(chosen, leaving, allowed);
            return;
        }
        int[] fitting = new int[later.length - from];
        ApMask[] shared = new ApMask[fitting.length];
        int size = 0;
        work.spend(fitting.length);
        for (int i = from; i < later.length; i++) {
            ApMask both = allowed.and(grid.cells(later[i]));
            if (both.size() >= width) {
                fitting[size] = later[i];
                shared[size++] = both;
            }
        }
        int[] rest = Arrays.copyOf(fitting, size);
        for (int i = 0; i + height - count <= size && !isOver(); i++) {
            if (!hasTwinBefore(rest, i)) {
                ApMask with = chosen.or(Grid.bit(rest[i]));
                int leavingWith = leaving + grid.leavingWithRow(rest[i]);
                if (mayBeBest(grid.cheapest(with, leavingWith, shared[i], width).leaving())) {
                    extend(with, shared[i], leavingWith, count + 1, rest, i + 1);
                }
            }
        }
    }

    private boolean isOver() {
        cutOff |= !perfect && work.steps() >= end;
        return cutOff || perfect;
    }

    private boolean hasTwinBefore(int[] rest, int index) {
        for (int i = 0; i < index; i++) {
            if (twins[rest[i]] == twins[rest[index]]) {
                return true;
            }
        }
        return false;
    }

    private boolean mayBeBest(int leaving) {
        if (best == null) {
            return true;
        }
        int adapters = grid.isTurned() ? width : height;
        return best.adapters().size() > adapters ? leaving < best.leaving() : leaving <= best.leaving();
    }

    private void consider(ApMask chosen, int leavingWithRows, ApMask allowed) {
        Grid.Cheapest cheapest = grid.cheapest(chosen, leavingWithRows, allowed, width);
        if (!mayBeBest(cheapest.leaving())) {
            return;
        }
        int rest = free.restBeside(chosen, cheapest, work);
        int adapters = grid.isTurned() ? width : height;
        if (best != null
                && cheapest.leaving() == best.leaving()
                && adapters == best.adapters().size()
                && rest < best.rest()) {
            return;
        }
        ApMask others = free.lowestColumns(chosen, cheapest, rest, work);
        Placement placement = grid.isTurned()
                ? new Placement(others, chosen, cheapest.leaving(), rest)
                : new Placement(chosen, others, cheapest.leaving(), rest);
        if (best == null || placement.isBetterThan(best)) {
            best = placement;
        }
        // rows are tried in ascending order: what takes nothing from the host, nor from the largest free rectangle, has
        // the lowest adapters, too
        perfect = !grid.isTurned() && cheapest.leaving() == 0 && rest == free.largest();
    }

    /** Some rows, and the columns that all of them have. */
    private record Partial(ApMask rows, int leavingWithRows, ApMask columns, int leaving) {}

    /** Adds row by row to the few most promising sets. */
    private void beam() {
        int beamWidth = work.isUsedUp() ? NARROW_BEAM : BEAM;
        List<Partial> beam = List.of(new Partial(ApMask.NONE, 0, columns, 0));
        for (int count = 0; count < height; count++) {
            List<Partial> next = new ArrayList<>();
            Set<ApMask> seen = new HashSet<>();
            for (Partial partial : beam) {
                work.spend(rows.size());
                for (int row : rows) {
                    ApMask with = partial.rows().or(Grid.bit(row));
                    ApMask both = partial.columns().and(grid.cells(row));
                    if (both.size() >= width && !with.equals(partial.rows()) && seen.add(with)) {
                        int leavingWithRows = partial.leavingWithRows() + grid.leavingWithRow(row);
                        int leaving = grid.cheapest(with, leavingWithRows, both, width)
                                .leaving();
                        next.add(new Partial(with, leavingWithRows, both, leaving));
                    }
                }
            }
            next.sort(Comparator.comparingInt(Partial::leaving)
                    .thenComparing(partial -> -partial.columns().size())
                    .thenComparing(Partial::rows, Placement::lowerIds));
            beam = next.subList(0, Math.min(beamWidth, next.size()));
        }
        beam.forEach(partial -> consider(partial.rows(), partial.leavingWithRows(), partial.columns()));
    }
}
