/**
 * What can be asked of this machine, in the field's words: the AP bus, the tree of mediated devices, who uses a device, the lock that all tools share, what is
 * defined and what the next boot will make of it.
 *
 * <p>Concrete classes over the seam {@code host.kernel}; they read and write, and decide nothing.
 */
@NullMarked
package org.apmatrix.host;

import org.jspecify.annotations.NullMarked;
