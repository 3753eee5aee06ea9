package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.Apqn;
import org.apmatrix.service.AttachedDevice;
import org.apmatrix.service.SecureKeys;
import org.jspecify.annotations.Nullable;

/** The vfio-ap device of a guest. */
@Schema(name = "ApDevice", description = "The vfio-ap device of a guest; a guest has at most one.")
record ApDeviceResource(
        @Schema(
                description = "Its name in QEMU; null for an anonymous device",
                types = {"string", "null"},
                example = "vfio-ap-" + Examples.UUID)
        @Nullable
        String id,

        @Schema(
                description = "null for a device that is none of this host's mediated devices",
                types = {"string", "null"},
                format = "uuid",
                example = Examples.UUID)
        @Nullable
        String mdev,

        @Schema(
                types = {"string", "null"},
                example = "/sys/devices/vfio_ap/matrix/" + Examples.UUID)
        @Nullable
        String sysfsdev,

        @Schema(
                description =
                        "ATTACHING and DETACHING: QEMU has not said yet how it ended; poll. STORED: not plugged in, but the guest's next start gives it the device")
        State state,

        @Schema(
                description =
                        "Whether the guest's next start gives it this device; null where the guest has no stored definition (libvirt's have one)",
                types = {"boolean", "null"})
        @Nullable
        Boolean persistent,

        @Schema(
                description = "When this state was reached; null when that was not this service's doing",
                types = {"string", "null"},
                format = "date-time")
        @Nullable
        Instant since,

        @Schema(
                description =
                        "When the guest's own bus scan will have seen the queues at the latest; null where since is, and unless ATTACHED",
                types = {"string", "null"},
                format = "date-time")
        @Nullable
        Instant guestVisibleBy,

        @Schema(description = "null where no queue of the device can hold secure keys") @Nullable
        SecureKeysResource secureKeys) {

    /** How far it is. */
    enum State {
        ATTACHING,
        ATTACHED,
        DETACHING,
        STORED
    }

    /** What happens to secure keys. */
    @Schema(name = "SecureKeys", description = "What plug and unplug mean for the secure keys of a guest.")
    record SecureKeysResource(
            @Schema(description = "The queues of the matrix that can hold secure keys: CCA and EP11")
            List<String> queues,

            @Schema(description = "Sentences for a person: what stays, what works where, what fails")
            List<String> facts) {
        static SecureKeysResource from(SecureKeys.Notice notice) {
            return new SecureKeysResource(
                    notice.queues().stream().map(Apqn::toString).toList(), notice.facts());
        }
    }

    /** What is to be plugged in. */
    @Schema(name = "ApDeviceRequest")
    record Request(
            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    format = "uuid",
                    description = "The mediated device",
                    example = Examples.UUID)
            @Nullable
            String mdev,

            @Schema(
                    types = {"boolean", "null"},
                    description =
                            "true: store it for the guest's next start, too; both or neither. A guest of libvirt that is shut off is only given it then",
                    example = "false")
            @Nullable
            Boolean persistent) {}

    static ApDeviceResource from(AttachedDevice device, SecureKeys secureKeys) {
        return new ApDeviceResource(
                device.id(),
                device.mdev() == null ? null : device.mdev().toString(),
                device.sysfsdev(),
                device.state() == null
                        ? State.STORED
                        : State.valueOf(device.state().name()),
                device.stored(),
                device.since(),
                device.guestVisibleBy(),
                Optional.ofNullable(device.mdev())
                        .flatMap(secureKeys::of)
                        .map(SecureKeysResource::from)
                        .orElse(null));
    }
}
