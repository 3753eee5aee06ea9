package org.apmatrix.api;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apmatrix.fault.Conflict;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.jspecify.annotations.Nullable;

/** A problem answer (RFC 9457). */
@Schema(
        description =
                "A problem (RFC 9457). Further members depend on the code: field, pid, apmask, aqmask, queues, mdevs, notUndone, mdev, owner, problems, guest, state, attached, missing, wouldHelp,"
                        + " qemuClass, qemuDesc.")
record Problem(
        @Schema(description = "Where the service explains the code", example = "/problems/apqn-in-use")
        String type,

        @Schema(example = "A queue belongs to somebody else")
        String title,

        @Schema(example = "409") int status,

        @Schema(description = "What happened, for a person") String detail,

        @Schema(description = "The path of the request", example = "/api/v1/mdevs")
        String instance,

        ErrorCode code,

        @Schema(
                description = "The kernel's name of what it said or would say, else null",
                example = "EADDRINUSE",
                types = {"string", "null"})
        @Nullable
        String errno,

        @Schema(description = "Every clash at once") List<Clash> conflicts,

        @JsonAnyGetter @Schema(hidden = true) Map<String, @Nullable Object> facts) {

    /** One clash. */
    @Schema(name = "Conflict")
    record Clash(
            @Schema(example = "05.0004") String apqn,

            @Schema(allowableValues = {"mdev", "host", "guest"})
            String holderKind,

            @Schema(
                    description = "The mdev's UUID, the driver or the guest's name; null when nobody has the queue",
                    types = {"string", "null"})
            @Nullable
            String holder) {
        static Clash from(Conflict conflict) {
            return new Clash(
                    conflict.apqn().toString(),
                    conflict.holderKind().name().toLowerCase(Locale.ROOT),
                    conflict.holder());
        }
    }

    static Problem from(Fault fault, String instance) {
        return new Problem(
                "/problems/" + fault.code().slug(),
                fault.code().title(),
                ProblemAdvice.status(fault.code()).value(),
                fault.detail(),
                instance,
                fault.code(),
                fault.errno(),
                fault.conflicts().stream().map(Clash::from).toList(),
                fault.facts());
    }

    static Problem of(ErrorCode code, String detail, String instance) {
        return new Problem(
                "/problems/" + code.slug(),
                code.title(),
                ProblemAdvice.status(code).value(),
                detail,
                instance,
                code,
                null,
                List.of(),
                Map.of());
    }
}
