/**
 * The law, and the procedures that obey it: lock, look, decide, act, look again.
 *
 * <p>{@link org.apmatrix.service.Invariants} has one pure method per law over a {@link org.apmatrix.service.HostView}, an immutable picture of the host.
 * A decision is a {@link org.apmatrix.service.Plan}: the very steps that a dry run shows are those that are run.
 *
 * <p>Of the seam it knows the refusal alone: {@link org.apmatrix.service.Change} undoes what a {@code KernelException} interrupted, and passes its errno on. Of
 * QMP, too: {@link org.apmatrix.service.HotplugService} must tell a QEMU that said no from one that said nothing.
 *
 * <p>A guest can be silent, a kernel cannot. So {@link org.apmatrix.service.HotplugService} marks what it is about to do
 * ({@link org.apmatrix.service.GuestNotes}), and {@link org.apmatrix.service.Settlement} finds out how it ended.
 *
 * <p>What takes more than one such act is a plan. {@link org.apmatrix.service.PlanService} applies whole documents: a {@code Draft} is what one comes to, a {@code
 * Transition} the fewest writes in an order that is legal all the way, an {@code Undertaking} does all acts or takes them back. {@link
 * org.apmatrix.service.AllocationService} chooses queues by wish and lets leases end, by the same means. Whose a device is stands in {@code Estates} and {@code
 * Allocations}, whose the bits of the masks in {@code MaskClaims}; all are on disk before anything is touched.
 */
@NullMarked
package org.apmatrix.service;

import org.jspecify.annotations.NullMarked;
