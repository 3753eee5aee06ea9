package org.apmatrix.host.qmp;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Until when something is waited for, on the clock that nobody sets. */
final class Deadline {
    private final long start = System.nanoTime();
    private final long patience;

    private Deadline(long patience) {
        this.patience = patience;
    }

    static Deadline in(Duration patience) {
        return new Deadline(TimeUnit.NANOSECONDS.convert(patience));
    }

    /** Nanoseconds that are left, none or less when it has passed. */
    long left() {
        return patience - (System.nanoTime() - start);
    }

    boolean hasPassed() {
        return left() <= 0;
    }
}
