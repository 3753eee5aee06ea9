package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.ap.Apqn;
import org.apmatrix.service.Warning;

/** What is done all the same, and worth a thought. */
@Schema(name = "Warning", description = "What is done all the same, and worth a thought.")
record WarningResource(
        @Schema(
                description =
                        "MIXED_MODES: the matrix has queues of more than one mode; DIFFERENT_MASTER_KEYS: queues of one mode are known to have different current master keys; SECURE_KEYS, in dry runs of plug and unplug: what happens to keys and requests; STORED_FOR_GUEST, in dry runs of a removal: a guest has the device in its stored definition")
        Warning.Code code,

        @Schema(description = "A sentence for a person") String detail,

        @Schema(description = "The queues that it is about") List<String> apqns) {
    static List<WarningResource> from(List<Warning> warnings) {
        return warnings.stream()
                .map(warning -> new WarningResource(
                        warning.code(),
                        warning.detail(),
                        warning.apqns().stream().map(Apqn::toString).toList()))
                .toList();
    }
}
