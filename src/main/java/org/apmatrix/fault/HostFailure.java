package org.apmatrix.fault;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apmatrix.ap.GuestName;
import org.jspecify.annotations.Nullable;

/** The host could not or would not: an operator must look. */
public final class HostFailure extends Fault {
    /** The fact that lists what is left of several steps. */
    public static final String NOT_UNDONE = "notUndone";

    private static final long serialVersionUID = 1L;

    private HostFailure(ErrorCode code, String detail, @Nullable String errno, Map<String, @Nullable Object> facts) {
        super(code, detail, errno, List.of(), facts);
    }

    public static HostFailure apUnavailable(String what) {
        return new HostFailure(ErrorCode.AP_UNAVAILABLE, what, null, Map.of());
    }

    /**
     * The kernel refused a system call.
     *
     * @param errno null where it never answered
     */
    public static HostFailure refused(@Nullable String errno, String detail) {
        return new HostFailure(ErrorCode.HOST_REFUSED, detail, errno, Map.of());
    }

    /**
     * Several steps failed in the middle, and some could not be undone.
     *
     * @param cause a guest that does not answer stays that: what is left ends by itself
     */
    public static HostFailure notUndone(Throwable cause, List<String> notUndone) {
        Fault fault = cause instanceof Fault known ? known : null;
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        ErrorCode code = ErrorCode.HOST_REFUSED;
        if (fault != null && fault.code() == ErrorCode.QEMU_UNREACHABLE) {
            code = fault.code();
            facts.putAll(fault.facts());
        }
        facts.put(NOT_UNDONE, notUndone);
        String detail = String.valueOf(cause.getMessage());
        return new HostFailure(
                code,
                detail + (detail.endsWith(".") ? "" : ".") + " Not all that had been done before could be undone.",
                fault == null ? null : fault.errno(),
                facts);
    }

    /** A refusal in the middle of several steps, of which some could not be undone. */
    public static HostFailure notUndone(@Nullable String errno, String detail, List<String> notUndone) {
        return new HostFailure(ErrorCode.HOST_REFUSED, detail, errno, Map.of(NOT_UNDONE, notUndone));
    }

    /**
     * A guest's monitor gives no answer.
     *
     * @param why what was seen, and whether the command may still be done
     */
    public static HostFailure qemuUnreachable(GuestName guest, String why) {
        return new HostFailure(
                ErrorCode.QEMU_UNREACHABLE,
                "The QEMU of the guest " + guest + " does not answer: " + why + ".",
                null,
                Map.of("guest", guest.toString()));
    }

    /** What cannot be recorded is not done; the log and the health tell why. */
    public static HostFailure auditUnavailable() {
        return new HostFailure(
                ErrorCode.AUDIT_UNAVAILABLE,
                "The audit journal cannot be written, so nothing was changed.",
                null,
                Map.of());
    }
}
