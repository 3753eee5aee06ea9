/**
 * apmatrix: a REST control plane that hands AP crypto queues to KVM guests.
 *
 * <pre>
 * api ─► service ─► host ─► host.kernel ◄─ host.linux, host.sim        ops ─► service, host
 *                    └────► host.qmp
 *                                              everyone may use ap and fault; they use nobody else
 * </pre>
 *
 * <p>{@code api} converts HTTP and never decides; {@code service} is the law and the procedures that obey it; {@code host} asks this machine in the field's
 * words; {@code host.kernel} is the seam at the system call; {@code host.linux} is the only place with JNA; {@code host.qmp} speaks to QEMU; {@code host.sim} is a
 * kernel with vfio_ap's own refusals, and QEMUs with their own words; {@code ap} are the values, {@code fault} every way to say no, {@code ops} what an operator sees, {@code preflight} whether this host is ready, {@code
 * allocation} which queues a wish gets.
 */
@NullMarked
package org.apmatrix;

import org.jspecify.annotations.NullMarked;
