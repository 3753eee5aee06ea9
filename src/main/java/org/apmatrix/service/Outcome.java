package org.apmatrix.service;

/** How a write ended: done, with what the kernel holds now, or only planned. */
public sealed interface Outcome<T> {
    /** Whether something was made that had not been there. */
    record Done<T>(T state, boolean created) implements Outcome<T> {}

    /** The plan of a dry run. */
    record DryRun<T>(Plan plan) implements Outcome<T> {}
}
