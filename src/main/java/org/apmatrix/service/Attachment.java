package org.apmatrix.service;

import org.apmatrix.ap.GuestName;
import org.jspecify.annotations.Nullable;

/**
 * Who has a mediated device.
 *
 * @param guest null for a process that is no guest of ours
 * @param pid null where it is not known
 */
public record Attachment(
        @Nullable GuestName guest, @Nullable Integer pid, State state) {
    /** A device belongs to its guest in all of them. */
    public enum State {
        /** QEMU was told to take it, or will be; whether it has it is not certain yet. */
        ATTACHING,
        ATTACHED,
        /** QEMU was told to let it go, or will be; whether it has let it go is not certain yet. */
        DETACHING
    }

    /** For a person. */
    @Override
    public String toString() {
        return guest != null ? guest.toString() : pid != null ? "pid " + pid : "a process";
    }
}
