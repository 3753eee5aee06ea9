package org.apmatrix.audit;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * What the target of a write was at one moment: a matrix, the masks, what is plugged into a guest, or a queue's driver. What it is not about is null.
 *
 * @param exists whether the device stands, or one is plugged in
 * @param apmask {@code 0x} and 64 hex digits
 * @param mdev what is plugged into the guest; null for what is none of this host's mediated devices
 * @param state ATTACHING, ATTACHED or DETACHING; of a definition auto or manual
 */
@JsonPropertyOrder({"exists", "adapters", "domains", "controlDomains", "apmask", "aqmask", "mdev", "state", "driver"})
public record Snapshot(
        boolean exists,
        @Nullable List<Integer> adapters,
        @Nullable List<Integer> domains,
        @Nullable List<Integer> controlDomains,
        @Nullable String apmask,
        @Nullable String aqmask,
        @Nullable String mdev,
        @Nullable String state,
        @Nullable String driver) {
    /** No such device, or nothing plugged in. */
    public static final Snapshot NOTHING = new Snapshot(false, null, null, null, null, null, null, null, null);

    /** A mediated device; its matrix is null while it is being removed. */
    public static Snapshot of(@Nullable Matrix matrix) {
        return matrix == null
                ? new Snapshot(true, null, null, null, null, null, null, null, null)
                : new Snapshot(
                        true,
                        matrix.adapters().ids(),
                        matrix.domains().ids(),
                        matrix.controlDomains().ids(),
                        null,
                        null,
                        null,
                        null,
                        null);
    }

    /**
     * A definition that is kept for the next boot.
     *
     * @param start {@code auto} or {@code manual}
     */
    public static Snapshot definition(Matrix matrix, String start) {
        return new Snapshot(
                true,
                matrix.adapters().ids(),
                matrix.domains().ids(),
                matrix.controlDomains().ids(),
                null,
                null,
                null,
                start,
                null);
    }

    public static Snapshot masks(ApMask apmask, ApMask aqmask) {
        return new Snapshot(true, null, null, null, apmask.toString(), aqmask.toString(), null, null, null);
    }

    /** A device that is plugged into a guest. */
    public static Snapshot plugged(@Nullable String mdev, String state) {
        return new Snapshot(true, null, null, null, null, null, mdev, state, null);
    }

    /** A queue and its driver, null where it has none. */
    public static Snapshot queue(@Nullable String driver) {
        return new Snapshot(true, null, null, null, null, null, null, null, driver);
    }
}
