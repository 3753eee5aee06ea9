package org.apmatrix.allocation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apmatrix.ap.ApMask;
import org.jspecify.annotations.Nullable;

/**
 * The rectangles of a grid that cannot be made larger, largest first; all of them where there are few, else the large ones that a greedy search finds.
 *
 * <p>What a choice leaves of them is arithmetic: a rectangle that avoids the product A × D lies beside all rows of A or beside all columns of D.
 */
final class Rectangles {
    /** As many as ten rows can have, or ten columns. */
    static final int ALL_UP_TO = 1024;

    private static final int SEEDS = 12;

    private final Grid grid;
    private final List<Rectangle> largestFirst;
    private final boolean complete;
    private @Nullable Rectangles turned;

    /** Every row has a queue with every column. */
    record Rectangle(ApMask rows, ApMask columns, int size) {
        Rectangle(ApMask rows, ApMask columns) {
            this(rows, columns, rows.size() * columns.size());
        }
    }

    private Rectangles(Grid grid, List<Rectangle> rectangles, boolean complete) {
        this.grid = grid;
        this.largestFirst = rectangles;
        this.complete = complete;
    }

    static Rectangles of(Grid grid, Work work) {
        List<Integer> rows = grid.rows().ids();
        Set<ApMask> distinct = new LinkedHashSet<>();
        rows.forEach(row -> distinct.add(grid.cells(row)));
        Set<ApMask> closed = new LinkedHashSet<>();
        for (ApMask cells : distinct) {
            work.spend(closed.size() + 1);
            Set<ApMask> more = new LinkedHashSet<>();
            more.add(cells);
            for (ApMask known : closed) {
                ApMask both = known.and(cells);
                if (!both.isEmpty()) {
                    more.add(both);
                }
            }
            closed.addAll(more);
            if (closed.size() > ALL_UP_TO) {
                return new Rectangles(grid, rectangles(grid, greedy(grid, distinct, work), work), false);
            }
        }
        return new Rectangles(grid, rectangles(grid, closed, work), true);
    }

    /** Whether these are all. */
    boolean areAll() {
        return complete;
    }

    List<Rectangle> largestFirst() {
        return largestFirst;
    }

    int largest() {
        return largestFirst.isEmpty() ? 0 : largestFirst.get(0).size();
    }

    /** The columns with which a row has a queue in this grid. */
    ApMask cells(int row) {
        return grid.cells(row);
    }

    /** The same rectangles with rows for columns. */
    Rectangles turn() {
        if (turned == null) {
            List<Rectangle> rectangles = largestFirst.stream()
                    .map(rectangle -> new Rectangle(
                            /* rows= */ rectangle.columns(), /* columns= */ rectangle.rows(), rectangle.size()))
                    .toList();
            turned = new Rectangles(grid.turn(), rectangles, complete);
        }
        return turned;
    }

    /** How large a rectangle stays when these rows are taken with the best of the cheapest columns. */
    int restBeside(ApMask rows, Grid.Cheapest columns, Work work) {
        int best = 0;
        for (Rectangle rectangle : largestFirst) {
            if (rectangle.size() <= best) {
                break;
            }
            work.spend(1);
            int besideRows =
                    rectangle.rows().minus(rows).size() * rectangle.columns().size();
            best = Math.max(best, Math.max(besideRows, besideColumns(rectangle, columns)));
        }
        return best;
    }

    /**
     * The columns with the lowest ids, of the cheapest ones, that leave as large a rectangle as there can be when these rows are taken with them.
     *
     * @param rest what {@link #restBeside} says of the same rows and columns
     */
    ApMask lowestColumns(ApMask rows, Grid.Cheapest columns, int rest, Work work) {
        ApMask lowest = lowest(columns, ApMask.NONE, 0);
        if (rest == 0) {
            return lowest;
        }
        ApMask best = null;
        for (Rectangle rectangle : largestFirst) {
            if (rectangle.size() < rest) {
                break;
            }
            work.spend(1);
            if (rectangle.rows().minus(rows).size() * rectangle.columns().size() >= rest) {
                return lowest;
            }
            if (besideColumns(rectangle, columns) == rest) {
                int height = rectangle.rows().size();
                int mayLose = rectangle.columns().minus(columns.forced()).size() - rest / height;
                ApMask candidate = lowest(columns, rectangle.columns(), mayLose);
                if (best == null || Placement.lowerIds(candidate, best) < 0) {
                    best = candidate;
                }
            }
        }
        return best == null ? lowest : best;
    }

    private static int besideColumns(Rectangle rectangle, Grid.Cheapest columns) {
        int outside = columns.open().minus(rectangle.columns()).size();
        int lost = Math.max(0, columns.missing() - outside);
        return rectangle.rows().size()
                * (rectangle.columns().minus(columns.forced()).size() - lost);
    }

    /** The lowest of the cheapest columns, at most {@code quota} of the open ones from {@code sparing}. */
    private static ApMask lowest(Grid.Cheapest columns, ApMask sparing, int quota) {
        ApMask chosen = columns.forced();
        int missing = columns.missing();
        int left = quota;
        for (int column : columns.open().ids()) {
            boolean spared = sparing.contains(column);
            if (missing > 0 && (!spared || left > 0)) {
                chosen = chosen.or(Grid.bit(column));
                missing--;
                left -= spared ? 1 : 0;
            }
        }
        return chosen;
    }

    /** Grows a rectangle from each of the longest rows, row by row, always by the one that keeps most columns; and has the highest column's. */
    private static Set<ApMask> greedy(Grid grid, Set<ApMask> distinct, Work work) {
        Set<ApMask> found = new LinkedHashSet<>();
        List<ApMask> longest = distinct.stream()
                .sorted(Comparator.comparingInt((ApMask cells) -> -cells.size()))
                .toList();
        for (ApMask seed : longest.subList(0, Math.min(SEEDS, longest.size()))) {
            ApMask columns = seed;
            Set<ApMask> left = new HashSet<>(longest);
            while (!columns.isEmpty()) {
                found.add(columns);
                ApMask next = ApMask.NONE;
                for (ApMask cells : longest) {
                    if (left.contains(cells)) {
                        work.spend(1);
                        ApMask both = columns.and(cells);
                        if (both.equals(columns)) {
                            left.remove(cells);
                        } else if (both.size() > next.size()) {
                            next = both;
                        }
                    }
                }
                columns = next;
            }
        }
        grid.columns().ids().stream()
                .max(Comparator.comparingInt(
                        (Integer column) -> grid.columnCells(column).size()))
                .ifPresent(column -> found.add(
                        grid.columnCells(column).ids().stream().map(grid::cells).reduce(ApMask.ALL, ApMask::and)));
        return found;
    }

    private static List<Rectangle> rectangles(Grid grid, Set<ApMask> columnSets, Work work) {
        List<Integer> rows = grid.rows().ids();
        List<Rectangle> rectangles = new ArrayList<>();
        for (ApMask columns : columnSets) {
            work.spend(rows.size());
            ApMask covering = ApMask.NONE;
            for (int row : rows) {
                if (grid.cells(row).containsAll(columns)) {
                    covering = covering.or(Grid.bit(row));
                }
            }
            rectangles.add(new Rectangle(covering, columns));
        }
        rectangles.sort(Comparator.comparingInt((Rectangle rectangle) -> -rectangle.size()));
        return List.copyOf(rectangles);
    }
}
