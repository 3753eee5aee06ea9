package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Locale;
import org.apmatrix.ap.Apqn;
import org.apmatrix.service.RebootService;
import org.jspecify.annotations.Nullable;

/** The host after its next boot. */
@Schema(name = "AfterReboot", description = "What comes back after a reboot of the host, and what does not.")
record AfterRebootResource(
        @Schema(
                description =
                        "true where the host is simulated, so that no file of this machine says anything about it")
        boolean simulated,

        BootMasksResource masks,
        List<DeviceResource> mdevs,
        List<AttachmentResource> attachments,

        @Schema(description = "What is otherwise then than now, for a person")
        List<String> differences) {
    /** The masks as the boot sets them. */
    @Schema(name = "BootMasks")
    record BootMasksResource(
            @Schema(example = Examples.APMASK) String apmask,
            @Schema(example = Examples.AQMASK) String aqmask,

            @Schema(
                    description = "Who has the last word in that",
                    allowableValues = {"default", "kernel-command-line", "chzdev", "apmatrix"})
            String source) {}

    /** A device that is defined, or stands, or both. */
    @Schema(name = "DeviceAfterReboot")
    record DeviceResource(
            @Schema(format = "uuid", example = Examples.UUID)
            String uuid,

            boolean comesBack,
            RebootService.Reason reason,

            @Schema(description = "For a person") String because,

            @Schema(description = "The queues that are in the way")
            List<String> queues) {}

    /** A device that is with a guest now. */
    @Schema(name = "AttachmentAfterReboot")
    record AttachmentResource(
            @Schema(
                    description = "null for a process that is no guest of ours",
                    types = {"string", "null"})
            @Nullable
            String guest,

            @Schema(format = "uuid", example = Examples.UUID)
            String mdev,

            boolean comesBack,
            RebootService.PlugReason reason,

            @Schema(description = "For a person") String because) {}

    static AfterRebootResource from(RebootService.AfterReboot then) {
        return new AfterRebootResource(
                then.simulated(),
                new BootMasksResource(
                        then.masks().apmask().toString(),
                        then.masks().aqmask().toString(),
                        then.masks().source().name().toLowerCase(Locale.ROOT).replace('_', '-')),
                then.devices().stream()
                        .map(device -> new DeviceResource(
                                device.id().toString(),
                                device.comesBack(),
                                device.reason(),
                                device.because(),
                                device.queues().stream().map(Apqn::toString).toList()))
                        .toList(),
                then.attachments().stream()
                        .map(plugged -> new AttachmentResource(
                                plugged.guest() == null ? null : plugged.guest().toString(),
                                plugged.mdev().toString(),
                                plugged.comesBack(),
                                plugged.reason(),
                                plugged.because()))
                        .toList(),
                then.differences());
    }
}
