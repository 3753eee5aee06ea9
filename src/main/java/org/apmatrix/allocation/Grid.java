package org.apmatrix.allocation;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;

/**
 * Some of the host's queues as masks: rows are adapters and columns domains, or, turned, the other way round.
 *
 * <p>It also knows what leaves the host's drivers with a row or a column. The reserved part of a product is a product again, the rows with their bit set × the
 * columns with their bit set; every queue of it is freed only by clearing the bits of all these rows, or of all these columns.
 */
final class Grid {
    private static final ApMask[] BIT =
            IntStream.range(0, ApMask.SIZE).mapToObj(ApMask::of).toArray(ApMask[]::new);

    private final Side rows;
    private final Side columns;
    private final boolean turned;

    /** One of the two directions. */
    private static final class Side {
        /** For each id the ids of the other side with which it has a queue. */
        private final ApMask[] cells = new ApMask[ApMask.SIZE];
        /** For each id how many queues leave the host when its bit is cleared. */
        private final int[] leaving = new int[ApMask.SIZE];
        /** The ids with a set bit by how many queues leave with them, fewest first. */
        private final Map<Integer, ApMask> byLeaving = new TreeMap<>();

        private ApMask present = ApMask.NONE;
        private ApMask bits = ApMask.NONE;

        Side() {
            Arrays.fill(cells, ApMask.NONE);
        }

        void add(int id, int other) {
            cells[id] = cells[id].or(BIT[other]);
            present = present.or(BIT[id]);
        }

        void finish(ApMask mask) {
            bits = mask;
            for (int id : mask.and(present).ids()) {
                byLeaving.merge(leaving[id], BIT[id], ApMask::or);
            }
        }
    }

    private Grid(Side down, Side across, boolean turned) {
        this.rows = down;
        this.columns = across;
        this.turned = turned;
    }

    /** The queues that meet the condition, none of which the host has. */
    static Grid ofFree(Supply supply, Predicate<Supply.Queue> condition) {
        return of(supply, condition, ApMask.NONE, ApMask.NONE);
    }

    /** The queues that meet the condition, with what it costs to take the reserved ones. */
    static Grid of(Supply supply, Predicate<Supply.Queue> condition) {
        return of(supply, condition, supply.apmask(), supply.aqmask());
    }

    private static Grid of(Supply supply, Predicate<Supply.Queue> condition, ApMask apmask, ApMask aqmask) {
        Side adapters = new Side();
        Side domains = new Side();
        for (Supply.Queue queue : supply.queues()) {
            Apqn apqn = queue.apqn();
            int adapter = apqn.adapter().value();
            int domain = apqn.domain().value();
            if (apmask.contains(adapter) && aqmask.contains(domain)) {
                adapters.leaving[adapter]++;
                domains.leaving[domain]++;
            }
            if (condition.test(queue)) {
                adapters.add(adapter, domain);
                domains.add(domain, adapter);
            }
        }
        adapters.finish(apmask);
        domains.finish(aqmask);
        return new Grid(adapters, domains, false);
    }

    /** The same queues with rows for columns. */
    Grid turn() {
        return new Grid(columns, rows, !turned);
    }

    /** Whether rows are domains. */
    boolean isTurned() {
        return turned;
    }

    ApMask cells(int row) {
        return rows.cells[row];
    }

    ApMask columnCells(int column) {
        return columns.cells[column];
    }

    ApMask rows() {
        return rows.present;
    }

    ApMask columns() {
        return columns.present;
    }

    /** How many queues leave the host when this row's bit is cleared; 0 when it is not set. */
    int leavingWithRow(int row) {
        return rows.bits.contains(row) ? rows.leaving[row] : 0;
    }

    boolean hasBit(int row) {
        return rows.bits.contains(row);
    }

    static ApMask bit(int id) {
        return BIT[id];
    }

    /**
     * Which of the columns are the cheapest ones for the chosen rows.
     *
     * @param leaving how many queues leave the host with them; never less when there are more rows or fewer columns to choose from
     * @param forced the columns that every cheapest choice has
     * @param open where the rest comes from, any of them
     * @param missing how many of {@code open} are needed
     */
    record Cheapest(int leaving, ApMask forced, ApMask open, int missing) {}

    /**
     * The cheapest choice of {@code count} columns.
     *
     * @param leavingWithRows the sum of {@link #leavingWithRow} over the chosen rows
     * @param allowed at least {@code count} columns that have a queue with each chosen row
     */
    Cheapest cheapest(ApMask chosenRows, int leavingWithRows, ApMask allowed, int count) {
        if (!chosenRows.intersects(rows.bits)) {
            return new Cheapest(0, ApMask.NONE, allowed, count);
        }
        ApMask unreserved = allowed.minus(columns.bits);
        if (unreserved.size() >= count) {
            return new Cheapest(0, ApMask.NONE, unreserved, count);
        }
        ApMask forced = unreserved;
        int missing = count - unreserved.size();
        int leaving = 0;
        for (Map.Entry<Integer, ApMask> level : columns.byLeaving.entrySet()) {
            ApMask open = allowed.and(level.getValue());
            int size = open.size();
            if (size >= missing) {
                leaving += missing * level.getKey();
                // where clearing the rows is no worse, it does not matter which columns there are
                return leaving < leavingWithRows
                        ? new Cheapest(leaving, forced, open, missing)
                        : new Cheapest(leavingWithRows, ApMask.NONE, allowed, count);
            }
            leaving += size * level.getKey();
            forced = forced.or(open);
            missing -= size;
        }
        throw new IllegalArgumentException("fewer than " + count + " columns: " + allowed);
    }
}
