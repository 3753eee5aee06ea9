package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import org.apmatrix.fault.Fault;
import org.apmatrix.service.Restoration;
import org.jspecify.annotations.Nullable;

/** How the last start of the service has made the host like its documents again. */
@Schema(name = "BootReport")
record BootReportResource(
        @Schema(description = "apmatrix.restore-on-start: without it nothing is restored")
        boolean restoreOnStart,

        @Schema(description = "When the service was started")
        Instant startedAt,

        @Schema(description = "false: some documents are still to be tried")
        boolean finished,

        List<OwnerResource> owners,

        @Schema(description = "Allocations whose devices were gone")
        List<LeaseResource> allocations) {

    /** An allocation whose device was gone. */
    @Schema(name = "RestoredAllocation")
    record LeaseResource(
            @Schema(format = "uuid", example = Examples.UUID)
            String id,

            @Schema(example = "ci") String owner,

            @Schema(description = "Why it does not stand again; null where it does") @Nullable
            Problem problem) {}

    /** One owner's document. */
    @Schema(name = "RestoredDocument")
    record OwnerResource(
            @Schema(example = "demo") String owner,

            @Schema(
                    description =
                            "PARTIAL: masks and devices are restored, not yet what is plugged in; PARTIAL and FAILED are tried again, GIVEN_UP is not")
            Restoration.State state,

            @Schema(example = "1") int attempts,

            @Schema(
                    types = {"string", "null"},
                    format = "date-time")
            @Nullable
            Instant lastAttempt,

            @Schema(description = "How many steps all tries together have taken", example = "9")
            int steps,

            @Schema(description = "Why the last try has failed; null when it has not") @Nullable
            Problem problem) {}

    static BootReportResource from(Restoration.Report report, String instance) {
        return new BootReportResource(
                report.restoreOnStart(),
                report.startedAt(),
                report.finished(),
                report.owners().stream()
                        .map(owner -> new OwnerResource(
                                owner.owner(),
                                owner.state(),
                                owner.attempts(),
                                owner.lastAttempt(),
                                owner.steps(),
                                problem(owner.problem(), instance)))
                        .toList(),
                report.allocations().stream()
                        .map(lease -> new LeaseResource(lease.id(), lease.owner(), problem(lease.problem(), instance)))
                        .toList());
    }

    private static @Nullable Problem problem(@Nullable Fault fault, String instance) {
        return fault == null ? null : Problem.from(fault, instance);
    }
}
