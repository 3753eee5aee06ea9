package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import org.apmatrix.host.Card;
import org.jspecify.annotations.Nullable;

/** An adapter. */
@Schema(name = "Adapter")
record AdapterResource(
        @Schema(minimum = "0", maximum = "255", example = "5")
        int id,

        @Schema(
                description = "10 (CEX4) to 14 (CEX8)",
                types = {"integer", "null"},
                example = "11")
        @Nullable
        Integer hwType,

        @Schema(
                types = {"string", "null"},
                example = "CEX5C")
        @Nullable
        String type,

        @Schema(
                types = {"string", "null"},
                allowableValues = {"CCA", "EP11", "ACCELERATOR"})
        @Nullable
        String mode,

        @Schema(types = {"boolean", "null"}) @Nullable Boolean online,
        @Schema(types = {"boolean", "null"}) @Nullable Boolean configured,

        @Schema(
                types = {"boolean", "null"},
                example = "false")
        @Nullable
        Boolean checkstop,

        @Schema(
                types = {"integer", "null"},
                example = "0")
        @Nullable
        Long requestCount,

        @Schema(types = {"string", "null"}) @Nullable String serialNumber) {
    static AdapterResource from(Card card) {
        return new AdapterResource(
                card.id().value(),
                card.hwType(),
                card.type(),
                card.mode() == null ? null : card.mode().name(),
                card.online(),
                card.configured(),
                card.checkstop(),
                card.requestCount(),
                card.serialNumber());
    }
}
