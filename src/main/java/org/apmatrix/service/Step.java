package org.apmatrix.service;

import org.apmatrix.host.Store;
import org.jspecify.annotations.Nullable;

/**
 * One write of a plan, and the write that takes it back.
 *
 * @param undo null where there is nothing to take back
 */
public record Step(Store store, @Nullable Store undo) {}
