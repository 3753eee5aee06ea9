package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Locale;
import org.apmatrix.preflight.Item;
import org.jspecify.annotations.Nullable;

/** Whether the host is ready. */
@Schema(name = "Preflight")
record PreflightResource(
        boolean simulated,

        @Schema(description = "In an order in which each stands on those before it")
        List<CheckResource> items) {

    /** What one check found. */
    @Schema(name = "PreflightCheck")
    record CheckResource(
            @Schema(description = "The check's name; stays the same over releases", example = "vfio-ap-module")
            String check,

            @Schema(
                    description = "fail: nothing works without it; warn: it costs what `means` says",
                    allowableValues = {"ok", "warn", "fail"})
            String result,

            @Schema(description = "What is there", example = "not loaded")
            String found,

            @Schema(description = "What follows from it") String means,

            @Schema(
                    description =
                            "A shell command for root that mends it; null where there is none or nothing to mend. WORDS in capitals are yours to fill in",
                    types = {"string", "null"},
                    example = "modprobe vfio_ap")
            @Nullable
            String mend) {
        static CheckResource from(Item item) {
            return new CheckResource(
                    item.check(),
                    item.result().name().toLowerCase(Locale.ROOT),
                    item.found(),
                    item.means(),
                    item.mend());
        }
    }

    static PreflightResource from(boolean simulated, List<Item> items) {
        return new PreflightResource(
                simulated, items.stream().map(CheckResource::from).toList());
    }
}
