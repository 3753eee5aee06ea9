package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.service.MigrationService;
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
