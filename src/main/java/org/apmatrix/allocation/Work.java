package org.apmatrix.allocation;

/**
 * How much a search has done, in steps: one mask laid over another, or one rectangle looked at.
 *
 * <p>Limits are counted in steps and never in time, so that the same picture and the same wish always get the same answer.
 */
final class Work {
    /** Sets of adapters, or of domains, that are all tried whatever it takes. */
    static final int ALWAYS_TRIED = 1024;

    private static final long PER_SHAPE = 30_000;
    private static final long AT_LEAST_PER_SHAPE = 500;

    private long steps;
    private long end;

    /** Begins a search that should stay below so many steps. */
    void begin(long limit) {
        end = steps + limit;
    }

    void spend(int more) {
        steps += more;
    }

    long steps() {
        return steps;
    }

    /** Whether the steps of this search are used up; what it still has to do it does in passing. */
    boolean isUsedUp() {
        return steps >= end;
    }

    /** The step at which one shape's search that cannot try everything for sure is cut off. */
    long endOfShape() {
        return steps + Math.min(PER_SHAPE, Math.max(AT_LEAST_PER_SHAPE, end - steps));
    }
}
