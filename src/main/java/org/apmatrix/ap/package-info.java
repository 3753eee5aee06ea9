/**
 * The vocabulary of the field as values: adapters, domains, queues, masks, matrices, mediated devices.
 *
 * <p>No Spring, no I/O, no errors of ours: text that is not a value parses to an empty {@code Optional}, and whoever asked decides what that means.
 * {@code toString} is always the kernel's own spelling.
 */
@NullMarked
package org.apmatrix.ap;

import org.jspecify.annotations.NullMarked;
