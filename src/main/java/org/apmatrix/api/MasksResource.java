package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.service.MaskService;
import org.jspecify.annotations.Nullable;

/** Both masks. */
@Schema(name = "Masks")
record MasksResource(
        @Schema(description = "Bit 0 leftmost; a 1 keeps the adapter for the host", example = Examples.APMASK)
        String apmask,

        @Schema(description = "Bit 0 leftmost; a 1 keeps the domain for the host", example = Examples.AQMASK)
        String aqmask,

        @Schema(description = "The ones of apmask") List<Integer> hostAdapters,
        @Schema(description = "The ones of aqmask") List<Integer> hostDomains) {

    static MasksResource from(MaskService.Masks masks) {
        return new MasksResource(
                masks.apmask().toString(),
                masks.aqmask().toString(),
                masks.apmask().ids(),
                masks.aqmask().ids());
    }

    /** What a caller wants the masks to be. */
    @Schema(
            name = "MasksPatch",
            description =
                    "Relative terms (+n, -n, +a-b, -a-b; comma-separated) or 0x and exactly 64 hex digits; what is left out stays.")
    record Patch(
            @Schema(
                    example = "-5,-6",
                    types = {"string", "null"})
            @Nullable
            String apmask,

            @Schema(
                    example = "-4,-0x47",
                    types = {"string", "null"})
            @Nullable
            String aqmask) {}

    /** The masks after a write. */
    @Schema(name = "MasksChanged")
    record Changed(
            @Schema(example = Examples.APMASK) String apmask,
            @Schema(example = Examples.AQMASK) String aqmask,
            List<Integer> hostAdapters,
            List<Integer> hostDomains,

            @Schema(description = "The queues that changed their driver")
            List<MovedResource> moved) {
        static Changed from(MaskService.Changed changed) {
            MasksResource masks = MasksResource.from(changed.masks());
            return new Changed(
                    masks.apmask(),
                    masks.aqmask(),
                    masks.hostAdapters(),
                    masks.hostDomains(),
                    changed.moved().stream()
                            .map(move -> new MovedResource(move.apqn().toString(), move.from(), move.to()))
                            .toList());
        }
    }

    /** A queue that changed its driver. */
    @Schema(name = "Moved")
    record MovedResource(
            @Schema(example = "05.0004") String apqn,

            @Schema(
                    types = {"string", "null"},
                    example = "cex4queue")
            @Nullable
            String from,

            @Schema(
                    types = {"string", "null"},
                    example = "vfio_ap")
            @Nullable
            String to) {}
}
