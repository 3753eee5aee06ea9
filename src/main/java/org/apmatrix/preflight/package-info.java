/**
 * Is this host ready to hand queues to guests? Checks that only look: each says what it found, what that means, and the command that mends it.
 *
 * <p>They ask sysfs and proc through the seam, so that most of them run on the simulated host; those about files and rights of this machine are left out there.
 */
@NullMarked
package org.apmatrix.preflight;

import org.jspecify.annotations.NullMarked;
