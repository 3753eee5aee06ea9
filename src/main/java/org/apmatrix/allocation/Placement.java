package org.apmatrix.allocation;

import java.util.Comparator;
import org.apmatrix.ap.ApMask;

/**
 * A product that would do, and how good it is among those with as many queues.
 *
 * @param leaving how many queues leave the host's drivers for it
 * @param rest the size of the largest free rectangle of the wished mode that stays
 */
record Placement(ApMask adapters, ApMask domains, int leaving, int rest) {
    /** Best first. */
    static final Comparator<Placement> ORDER = Comparator.comparingInt(Placement::leaving)
            .thenComparing(placement -> -placement.adapters.size())
            .thenComparing(placement -> -placement.rest)
            .thenComparing(Placement::adapters, Placement::lowerIds)
            .thenComparing(Placement::domains, Placement::lowerIds);

    boolean isBetterThan(Placement other) {
        return ORDER.compare(this, other) < 0;
    }

    /** Compares two masks by their ascending ids. */
    static int lowerIds(ApMask one, ApMask other) {
        ApMask mine = one.minus(other);
        ApMask theirs = other.minus(one);
        if (mine.isEmpty() || theirs.isEmpty()) {
            return Integer.compare(mine.size(), theirs.size());
        }
        return Integer.compare(mine.ids().get(0), theirs.ids().get(0));
    }
}
