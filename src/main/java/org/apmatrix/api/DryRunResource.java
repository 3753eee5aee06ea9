package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.ap.Apqn;
import org.apmatrix.service.Plan;
import org.apmatrix.service.Step;

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
        List<Problem> problems) {

    /** One write. */
    @Schema(name = "Step")
    record StepResource(
            @Schema(example = "assign_adapter") String action,

            @Schema(example = "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804/assign_adapter")
            String target,

            @Schema(example = "5") String value) {
        static StepResource from(Step step) {
            return new StepResource(
                    step.store().action(),
                    step.store().target().toString(),
                    step.store().value());
        }
    }

    static DryRunResource from(Plan plan, String instance) {
        return new DryRunResource(
                true,
                plan.steps().stream().map(StepResource::from).toList(),
                plan.apqnsAdded().stream().map(Apqn::toString).toList(),
                plan.apqnsRemoved().stream().map(Apqn::toString).toList(),
                plan.guests(),
                plan.problems().stream()
                        .map(problem -> Problem.from(problem, instance))
                        .toList());
    }
}
