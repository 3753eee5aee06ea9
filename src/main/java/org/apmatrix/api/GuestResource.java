package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.CpuFeatures;
import org.apmatrix.service.GuestService;
import org.apmatrix.service.SecureKeys;
import org.jspecify.annotations.Nullable;

/** A guest. */
@Schema(name = "Guest")
record GuestResource(
        @Schema(
                description =
                        "What QEMU's -name says; after the monitor socket's file where QEMU has no name, two guests have the same, or QEMU has not answered yet",
                example = "guest1")
        String name,

        @Schema(
                description = "null where QEMU was given none",
                types = {"string", "null"},
                format = "uuid")
        @Nullable
        String uuid,

        @Schema(allowableValues = {"simulated", "qmp", "libvirt"})
        String source,

        @Schema(
                description =
                        "QEMU's own word: running, paused, prelaunch, shutdown, …; unreachable while QEMU does not answer",
                example = "running")
        String state,

        @Schema(
                description = "The process of its QEMU; null where that cannot be seen",
                types = {"integer", "null"},
                example = "4001")
        @Nullable
        Integer pid,

        CpuFeaturesResource cpuFeatures,

        @Schema(
                description =
                        "null when none is plugged in; of a guest that is shut down what it is given at its next start, with the state STORED")
        @Nullable
        ApDeviceResource apDevice,

        @Schema(
                description =
                        "The mediated devices that its next start gives it; null where it has no stored definition (libvirt's guests have one)",
                types = {"array", "null"})
        @Nullable
        List<String> storedDevices,

        @Schema(description = "null when no migration is prepared") @Nullable
        PreparedMigrationResource migrationPrepared) {

    /** A migration that the guest was unplugged for. */
    @Schema(name = "PreparedMigration")
    record PreparedMigrationResource(
            @Schema(
                    description =
                            "What was taken out, and is plugged in again by DELETE of the preparation; null when nothing was plugged in",
                    types = {"string", "null"},
                    format = "uuid")
            @Nullable
            String mdev,

            Instant since) {
        static PreparedMigrationResource from(GuestService.Prepared prepared) {
            return new PreparedMigrationResource(
                    prepared.mdev() == null ? null : prepared.mdev().toString(), prepared.since());
        }
    }

    /** What the guest's CPU model has of AP. */
    @Schema(name = "CpuFeatures", description = "What the guest's CPU model has of AP; null where QEMU did not tell.")
    record CpuFeaturesResource(
            @Schema(
                    types = {"boolean", "null"},
                    description = "The AP instructions: without them, no AP bus")
            @Nullable
            Boolean ap,

            @Schema(
                    types = {"boolean", "null"},
                    description = "Without it a Linux guest sees domains 0 to 15 only")
            @Nullable
            Boolean apqci,

            @Schema(
                    types = {"boolean", "null"},
                    description = "Without it a Linux guest cannot identify its queues")
            @Nullable
            Boolean apft) {
        static CpuFeaturesResource from(CpuFeatures features) {
            return new CpuFeaturesResource(features.ap(), features.apqci(), features.apft());
        }
    }

    static GuestResource from(GuestService.GuestView guest, SecureKeys secureKeys) {
        String runState = guest.state().runState();
        return new GuestResource(
                guest.name().toString(),
                guest.state().uuid() == null ? null : guest.state().uuid().toString(),
                guest.source().toString(),
                runState == null ? "unreachable" : runState,
                guest.state().pid(),
                CpuFeaturesResource.from(guest.state().cpuFeatures()),
                guest.pluggedOrStored()
                        .map(device -> ApDeviceResource.from(device, secureKeys))
                        .orElse(null),
                guest.state().stored() == null
                        ? null
                        : guest.state().stored().stream().map(MdevId::toString).toList(),
                guest.prepared() == null ? null : PreparedMigrationResource.from(guest.prepared()));
    }
}
