package org.apmatrix.service;

import java.util.List;
import org.apmatrix.host.Store;

/**
 * One write of a plan, and the writes that take it back.
 *
 * @param undo in the order of execution; empty where there is nothing to take back
 */
public record Step(Store store, List<Store> undo) {
    Step(Store store, Store undo) {
        this(store, List.of(undo));
    }

    /** One that leaves nothing to take back. */
    Step(Store store) {
        this(store, List.of());
    }

    /** As a person writes it: {@code /sys/bus/ap/apmask <- 0x00…}. */
    @Override
    public String toString() {
        return store.target() + " <- " + store.value();
    }
}
