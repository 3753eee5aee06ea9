package org.apmatrix.service;

/** How a write ended: done, with what the kernel holds now, or only planned. */
public sealed interface Outcome<T> {
    /** Whether something was made that had not been there. */
    record Done<T>(T state, boolean created) implements Outcome<T> {}

    /** What a dry run tells. */
    record DryRun<T>(Forecast forecast) implements Outcome<T> {}
}
