package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.ap.Apqn;
import org.apmatrix.service.MigrationService;
import org.apmatrix.service.MigrationTarget;
import org.jspecify.annotations.Nullable;

/** What the paths of migration answer. */
final class MigrationResources {
    private MigrationResources() {}

    /** Whether a guest can migrate now. */
    @Schema(name = "MigrationReadiness")
    record Readiness(
            boolean ready,

            @Schema(description = "Everything that is in the way")
            List<BlockerResource> blockers) {
        static Readiness from(List<MigrationService.Blocker> blockers) {
            return new Readiness(
                    blockers.isEmpty(),
                    blockers.stream().map(BlockerResource::from).toList());
        }
    }

    /** One thing that is in the way. */
    @Schema(name = "MigrationBlocker")
    record BlockerResource(
            MigrationService.BlockerKind kind,

            @Schema(
                    description = "Of AP_DEVICE_ATTACHED, where it is known",
                    types = {"string", "null"},
                    format = "uuid")
            @Nullable
            String mdev,

            @Schema(
                    description = "In QEMU's own words where it said any",
                    types = {"string", "null"},
                    example = "non-migratable device: /1/vfio-ap")
            @Nullable
            String reason) {
        static BlockerResource from(MigrationService.Blocker blocker) {
            return new BlockerResource(
                    blocker.kind(),
                    blocker.mdev() == null ? null : blocker.mdev().toString(),
                    blocker.reason());
        }
    }

    /** Whether a guest can migrate to one host. */
    @Schema(name = "MigrationComparison")
    record Comparison(
            @Schema(description = "Whether nothing on this host is in the way")
            boolean ready,

            @Schema(description = "Everything on this host that is in the way")
            List<BlockerResource> blockers,

            @Schema(
                    description =
                            "Whose matrix was compared: the device that is plugged in, or that a prepared migration took out; null when there is none, and nothing to compare",
                    types = {"string", "null"},
                    format = "uuid")
            @Nullable
            String mdev,

            @Schema(
                    description =
                            "false when something differs so that the guest would not work there as here. true does not vouch for what nobody can tell: see MASTER_KEYS_UNKNOWN")
            boolean compatible,

            @Schema(description = "What is at each APQN of the matrix there")
            List<TargetResource> target,

            @Schema(description = "By APQN; control domains are not compared, since an inventory does not tell them")
            List<DifferenceResource> differences) {
        static Comparison from(MigrationService.Comparison comparison) {
            return new Comparison(
                    comparison.blockers().isEmpty(),
                    comparison.blockers().stream().map(BlockerResource::from).toList(),
                    comparison.mdev() == null ? null : comparison.mdev().toString(),
                    comparison.compatible(),
                    comparison.matrix().stream()
                            .map(apqn -> TargetResource.from(
                                    apqn, comparison.target().get(apqn)))
                            .toList(),
                    comparison.differences().stream()
                            .map(DifferenceResource::from)
                            .toList());
        }
    }

    /** A queue of the target. */
    @Schema(
            name = "MigrationTargetQueue",
            description = "What the target has at this APQN; null where it does not tell.")
    record TargetResource(
            @Schema(example = "05.0004") String apqn,

            @Schema(description = "Whether the target has this queue")
            boolean present,

            @Schema(types = {"string", "null"}) @Nullable String driver,
            @Schema(types = {"boolean", "null"}) @Nullable Boolean reservedForHost,
            @Schema(types = {"string", "null"}) @Nullable String mdev,
            @Schema(types = {"string", "null"}) @Nullable String guest,
            @Schema(types = {"string", "null"}) @Nullable String mode,
            @Schema(types = {"integer", "null"}) @Nullable Integer hwType,
            @Schema(types = {"string", "null"}) @Nullable String serialNumber,

            @Schema(
                    description = "Of its current master keys",
                    types = {"string", "null"})
            @Nullable
            String pattern) {
        static TargetResource from(Apqn apqn, MigrationTarget.@Nullable TargetQueue queue) {
            return queue == null
                    ? new TargetResource(apqn.toString(), false, null, null, null, null, null, null, null, null)
                    : new TargetResource(
                            apqn.toString(),
                            true,
                            queue.driver(),
                            queue.reservedForHost(),
                            queue.mdev(),
                            queue.guest(),
                            queue.mode(),
                            queue.hwType(),
                            queue.serialNumber(),
                            queue.keys().pattern().orElse(null));
        }
    }

    /** One difference. */
    @Schema(name = "MigrationDifference")
    record DifferenceResource(
            @Schema(example = "05.0004") String apqn,

            @Schema(
                    description =
                            "MISSING, TAKEN and RESERVED: the queue is not to be had there; MODE, MASTER_KEYS: it would not serve the guest; HW_TYPE: older hardware might not; MASTER_KEYS_UNKNOWN: nobody can tell")
            MigrationTarget.What what,

            @Schema(
                    description = "Here; null where there is nothing to tell",
                    types = {"string", "null"})
            @Nullable
            String source,

            @Schema(
                    description = "There; null where there is nothing to tell",
                    types = {"string", "null"})
            @Nullable
            String target,

            @Schema(description = "A sentence for a person") String detail) {
        static DifferenceResource from(MigrationTarget.Difference difference) {
            return new DifferenceResource(
                    difference.apqn().toString(),
                    difference.what(),
                    difference.source(),
                    difference.target(),
                    difference.detail());
        }
    }

    /** A prepared migration. */
    @Schema(name = "MigrationPreparation")
    record Preparation(
            @Schema(description = "DETACHING: QEMU has not said yet that the device is gone; poll")
            MigrationService.Progress state,

            @Schema(
                    description = "What DELETE plugs in again; null when nothing was plugged in",
                    types = {"string", "null"},
                    format = "uuid")
            @Nullable
            String mdev) {
        static Preparation from(MigrationService.Preparation preparation) {
            return new Preparation(
                    preparation.progress(),
                    preparation.mdev() == null ? null : preparation.mdev().toString());
        }
    }
}
