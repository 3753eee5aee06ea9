package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.apmatrix.service.HostService;
import org.jspecify.annotations.Nullable;

/** The host. */
@Schema(name = "Host")
record HostResource(
        @Schema(allowableValues = {"simulated", "linux"}) String mode,

        @Schema(
                types = {"string", "null"},
                example = "IBM-8561-00000000000SIM01")
        @Nullable
        String machineId,

        @Schema(
                types = {"string", "null"},
                example = "6.12.95")
        @Nullable
        String kernelRelease,

        @Schema(allowableValues = {"static", "dynamic"}) String generation,

        @Schema(
                description = "As the matrix device lists them; null on kernels before 6.12, which do not",
                types = {"array", "null"})
        @Nullable
        List<String> features,

        @Schema(example = "255") int maxAdapterId,
        @Schema(example = "255") int maxDomainId,

        @Schema(allowableValues = {"masks", "driver_override"})
        String queueAssignment,

        boolean vfioApLoaded,

        @Schema(
                types = {"integer", "null"},
                example = "30")
        @Nullable
        Long scanIntervalSeconds,

        @Schema(description = "Writes of an earlier run of the service that were cut off and nobody has settled since")
        List<UnfinishedResource> unfinished) {

    /** A write that was cut off in the middle. */
    @Schema(name = "Unfinished")
    record UnfinishedResource(
            @Schema(example = "mdev 62177883-f1bb-47f0-914d-32a22e3a8804")
            String subject,

            Instant since,

            @Schema(description = "The writes that were to be done, in order; how many were is not known")
            List<String> steps) {}

    static HostResource from(HostService.Summary host) {
        Duration scanInterval = host.scanInterval();
        return new HostResource(
                host.simulated() ? "simulated" : "linux",
                host.machineId(),
                host.kernelRelease(),
                host.generation().name().toLowerCase(Locale.ROOT),
                host.features(),
                host.maxAdapterId(),
                host.maxDomainId(),
                host.queueAssignment().name().toLowerCase(Locale.ROOT),
                host.vfioApLoaded(),
                scanInterval == null ? null : scanInterval.toSeconds(),
                host.unfinished().stream()
                        .map(work -> new UnfinishedResource(work.subject(), work.since(), work.steps()))
                        .toList());
    }
}
