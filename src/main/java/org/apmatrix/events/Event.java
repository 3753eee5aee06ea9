package org.apmatrix.events;

import java.time.Instant;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened on the host, once.
 *
 * @param time when it was noticed
 */
public record Event(EventId id, Instant time, Change change) {

    /** Whose doing it was. */
    public enum Origin {
        /** This service's. */
        APMATRIX,
        /** Another tool's, the machine's, or a guest's own. */
        EXTERNAL
    }

    /**
     * What an event tells.
     *
     * @param subject what changed
     * @param before null for what was not there
     * @param after null for what is not there any more
     */
    public record Change(
            EventType type,
            Origin origin,
            Subject subject,
            @Nullable State before,
            @Nullable State after) {}

    /** What an event is about; what it is not about is null. An attachment is about a device and a guest, the masks and a plan are about none of these. */
    public record Subject(
            @Nullable MdevId mdev,
            @Nullable GuestName guest,
            @Nullable Apqn apqn) {
        public static final Subject MASKS = new Subject(null, null, null);
        public static final Subject PLAN = new Subject(null, null, null);

        public static Subject of(MdevId mdev) {
            return new Subject(mdev, null, null);
        }

        public static Subject of(GuestName guest) {
            return new Subject(null, guest, null);
        }

        public static Subject of(Apqn apqn) {
            return new Subject(null, null, apqn);
        }
    }

    /** How something was or is. */
    public sealed interface State {
        /** Both masks. */
        record Masks(ApMask apmask, ApMask aqmask) implements State {}

        /** A matrix: of a device, or of its guest. */
        record Assigned(Matrix matrix) implements State {}

        /**
         * Who has a device.
         *
         * @param state {@code ATTACHING}, {@code ATTACHED} or {@code DETACHING}
         */
        record Attached(GuestName guest, String state) implements State {}

        /**
         * A guest.
         *
         * @param state QEMU's own word, null while it does not answer
         * @param pid null where it is not known
         */
        record Guest(@Nullable String state, @Nullable Integer pid) implements State {}

        /**
         * How far a plan is.
         *
         * @param step what was done last, for a person
         * @param status {@code RUNNING}, {@code APPLIED}, {@code TAKEN_BACK} or {@code INCOMPLETE} (failed, and not all could be taken back)
         */
        record Progress(String owner, int done, int of, String step, String status) implements State {}

        /**
         * An allocation.
         *
         * @param state {@code CREATING}, {@code ACTIVE}, {@code EXPIRED}, {@code RELEASING} or {@code LOST}
         */
        record Allocated(String id, String owner, MdevId mdev, String state) implements State {}

        /** A queue that is there; the driver is null when none is bound. */
        record Queue(@Nullable String driver) implements State {}
    }
}
