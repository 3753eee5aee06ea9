/**
 * Which queues a wish gets: a pure search over a picture of the host, that reads nothing, writes nothing and keeps nothing.
 *
 * <p>The matrix of a mediated device is a cross product adapters × domains, and no queue can be left out of it. So {@link
 * org.apmatrix.allocation.QueueSearch} looks for a product whose every queue is there, is of the wished kind and is nobody's: a rectangle in the grid of the
 * {@link org.apmatrix.allocation.Supply}, once its adapters and domains may be put in any order. The queues that the masks reserve for the host may be part of
 * it when the {@link org.apmatrix.allocation.Wish} says so; they cost whatever leaves the host's drivers with them.
 *
 * <p>The answer is a {@link org.apmatrix.allocation.Choice}, or {@link org.apmatrix.allocation.Impossible} with what was missing and what would help; whatever
 * it says would help has been searched for, and found.
 *
 * <p>Of {@code host} it knows the mode of a card and nothing else.
 */
@NullMarked
package org.apmatrix.allocation;

import org.jspecify.annotations.NullMarked;
