/**
 * The seam: what this service asks of a kernel, at the system call.
 *
 * <p>Paths are the kernel's own, below {@code /sys}; where the tree is mounted is the implementation's business. A refusal is a
 * {@link org.apmatrix.host.kernel.KernelException} that carries the errno. Two implementations: {@code host.linux}, {@code host.sim}.
 */
@NullMarked
package org.apmatrix.host.kernel;

import org.jspecify.annotations.NullMarked;
