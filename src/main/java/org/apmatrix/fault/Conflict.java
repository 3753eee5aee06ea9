package org.apmatrix.fault;

import org.apmatrix.ap.Apqn;
import org.jspecify.annotations.Nullable;

/**
 * One clash: a queue that somebody has.
 *
 * @param holder the mdev's UUID, the host's driver, or the guest's name ({@code pid 4711} for a process that is no guest of ours); null where nobody has
 *     the queue, because it is unbound or absent
 */
public record Conflict(
        Apqn apqn, HolderKind holderKind, @Nullable String holder) {
    /** Who may have a queue. */
    public enum HolderKind {
        MDEV,
        HOST,
        GUEST
    }
}
