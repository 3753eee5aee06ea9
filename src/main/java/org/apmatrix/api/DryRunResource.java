package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.ap.Apqn;
import org.apmatrix.service.Forecast;

/** What a write would do. */
@Schema(name = "DryRun", description = "What the write would do; nothing was changed.")
record DryRunResource(
        boolean dryRun,
        @Schema(description = "In the order of execution") List<StepResource> steps,

        @Schema(description = "Queues that the mdev, or with masks the guests, would get")
        List<String> apqnsAdded,

        @Schema(description = "Queues that the mdev, or with masks the guests, would lose")
        List<String> apqnsRemoved,

        @Schema(description = "Who uses a device that would change")
        List<String> guestsAffected,

        @Schema(description = "Everything that the write would be refused for")
        List<Problem> problems,

        @Schema(description = "What is no reason against it, and worth a thought")
        List<WarningResource> warnings) {

    /** One write into sysfs, or one command to a guest. */
    @Schema(name = "Step")
    record StepResource(
            @Schema(example = "assign_adapter") String action,

            @Schema(example = "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804/assign_adapter")
            String target,

            @Schema(example = "5") String value) {
        static StepResource from(Forecast.Line step) {
            return new StepResource(step.action(), step.target(), step.value());
        }
    }

    static DryRunResource from(Forecast forecast, String instance) {
        return new DryRunResource(
                true,
                forecast.steps().stream().map(StepResource::from).toList(),
                forecast.apqnsAdded().stream().map(Apqn::toString).toList(),
                forecast.apqnsRemoved().stream().map(Apqn::toString).toList(),
                forecast.guests(),
                forecast.problems().stream()
                        .map(problem -> Problem.from(problem, instance))
                        .toList(),
                WarningResource.from(forecast.warnings()));
    }
}
