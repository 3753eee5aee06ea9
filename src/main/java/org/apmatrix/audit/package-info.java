/**
 * The audit journal: every attempt to change something, in a chain of records that shows when one was altered, deleted or moved.
 *
 * <p>A record of kind INTENT is on disk before the kernel or QEMU is touched, its OUTCOME follows. {@code api} begins and ends an {@link
 * org.apmatrix.audit.Attempt}, {@code service} tells it what it is about; this package knows neither of them.
 */
@NullMarked
package org.apmatrix.audit;

import org.jspecify.annotations.NullMarked;
