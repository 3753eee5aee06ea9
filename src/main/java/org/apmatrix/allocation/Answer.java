package org.apmatrix.allocation;

/** What became of a wish. */
public sealed interface Answer permits Choice, Impossible {
    /** How sure the answer is of being the best one. */
    Certainty certainty();

    /** How far a search went. */
    enum Certainty {
        /** Everything was tried. */
        EXACT,
        /** Everything was tried; only which of several equally good choices leaves most for later is an estimate. */
        ESTIMATED_REST,
        /** The host is too large to try everything: a better choice may exist, or one at all. */
        BOUNDED
    }
}
