package org.apmatrix.events;

import java.util.Arrays;
import java.util.Optional;

/** What can happen, each with the name that listeners filter by; there are no others. */
public enum EventType {
    /** One of the two masks, or both. */
    MASKS_CHANGED("masks.changed"),
    MDEV_CREATED("mdev.created"),
    /** Removed by this service, or by somebody else where it was none of ours. */
    MDEV_REMOVED("mdev.removed"),
    /** An alarm: a device that this service made, or that a guest has, is gone, and this service did not remove it. Told instead of {@link #MDEV_REMOVED}. */
    MDEV_VANISHED("mdev.vanished"),
    /** What is assigned to a device. */
    MATRIX_CHANGED("matrix.changed"),
    /** What of it a guest gets. */
    GUEST_MATRIX_CHANGED("guestMatrix.changed"),
    /** Which guest has a device, and how far plugging or unplugging has come. */
    ATTACHMENT_CHANGED("attachment.changed"),
    GUEST_APPEARED("guest.appeared"),
    GUEST_GONE("guest.gone"),
    /** Its state or its process. */
    GUEST_CHANGED("guest.changed"),
    /** A queue appeared, went, or changed its driver. */
    QUEUE_CHANGED("queue.changed"),
    /** How far applying a document has come. */
    PLAN_PROGRESS("plan.progress"),
    /** An allocation was made, changed its state, or was given back. */
    ALLOCATION_CHANGED("allocation.changed");

    private final String text;

    EventType(String text) {
        this.text = text;
    }

    public static Optional<EventType> parse(String text) {
        return Arrays.stream(values()).filter(type -> type.text.equals(text)).findFirst();
    }

    @Override
    public String toString() {
        return text;
    }
}
