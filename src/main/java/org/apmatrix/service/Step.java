package org.apmatrix.service;

import org.apmatrix.host.Store;
import org.jspecify.annotations.Nullable;

/**
 * One write of a plan, and the write that takes it back.
 *
 * @param undo null where there is nothing to take back
 */
public record Step(Store store, @Nullable Store undo) {
    /** As a person writes it: {@code /sys/bus/ap/apmask <- 0x00…}. */
    @Override
    public String toString() {
        return store.target() + " <- " + store.value();
    }
}
