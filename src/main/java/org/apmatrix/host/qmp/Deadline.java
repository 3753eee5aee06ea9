package org.apmatrix.host.qmp;

import java.time.Duration;

/** The end of somebody's patience, on the clock that nobody sets. */
public final class Deadline {
    private final long start = System.nanoTime();
    private final long patience;

    private Deadline(long patience) {
        this.patience = patience;
    }

    public static Deadline in(Duration patience) {
        return new Deadline(patience.toNanos());
    }

    /** What is left, never negative. */
    public Duration left() {
        return Duration.ofNanos(Math.max(0, leftNanos()));
    }

    /** What is left, and not more than this. */
    public Duration leftUpTo(Duration most) {
        Duration left = left();
        return left.compareTo(most) < 0 ? left : most;
    }

    public boolean hasPassed() {
        return leftNanos() <= 0;
    }

    /** Nanoseconds that are left, none or less when it has passed. */
    long leftNanos() {
        return patience - (System.nanoTime() - start);
    }
}
