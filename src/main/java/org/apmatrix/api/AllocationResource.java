package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apmatrix.ap.GuestName;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.host.Card;
import org.apmatrix.service.Allocation;
import org.apmatrix.service.AllocationService;
import org.jspecify.annotations.Nullable;

/** Queues that somebody got by wish. */
@Schema(name = "Allocation")
record AllocationResource(
        @Schema(format = "uuid", example = Examples.ALLOCATION_ID)
        String id,

        @Schema(example = "payments") String owner,

        @Schema(description = "The device that was made for it", format = "uuid", example = Examples.UUID)
        String mdev,

        Card.Mode mode,

        @Schema(
                description = "What the device was given, adapters × domains: at least what was wished for",
                example = "[\"05.0004\", \"05.00ab\"]")
        List<String> queues,

        List<Integer> adapters,
        List<Integer> domains,
        List<Integer> controlDomains,

        @Schema(
                description = "Into which it was plugged at once, or null",
                types = {"string", "null"},
                example = "guest1")
        @Nullable
        String guest,

        @Schema(
                description =
                        "CREATING: it is being made. EXPIRED: its time is over, but a running guest has it and onExpiry is keep. RELEASING: it is being given back, by"
                                + " itself. LOST: its device is gone or has another matrix, after a reboot or by another's hand.")
        Allocation.State state,

        Instant createdAt,

        @Schema(
                description = "How long a lease lasts, in ISO 8601; null for one that is kept until it is given back",
                types = {"string", "null"},
                example = "PT4H")
        @Nullable
        String ttl,

        @Schema(
                description = "When the lease is over; null where ttl is",
                types = {"string", "null"},
                format = "date-time")
        @Nullable
        Instant expiresAt,

        @Schema(
                description =
                        "What becomes of a device that somebody has when the lease is over: keep until its guest lets go, or unplug",
                allowableValues = {"keep", "unplug"})
        String onExpiry,

        @Schema(description = "The queues of it that left the host's drivers")
        List<String> fromHost,

        @Schema(description = "Why these queues, in sentences")
        List<String> explanation) {

    /** A wish. */
    @Schema(name = "AllocationRequest")
    record Request(
            @Schema(
                    description = "1 to 64 letters, digits and . _ -",
                    example = "payments",
                    requiredMode = Schema.RequiredMode.REQUIRED)
            @Nullable
            String owner,

            @Schema(
                    description = "Into which it is plugged at once; left out: into none",
                    types = {"string", "null"},
                    example = "guest1")
            @Nullable
            String guest,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED)
            Card.@Nullable Mode mode,

            @Schema(
                    description = "How many; it may get more where no product of adapters and domains has just as many",
                    minimum = "1",
                    maximum = "511",
                    example = "2",
                    requiredMode = Schema.RequiredMode.REQUIRED)
            @Nullable
            Integer queues,

            @Schema(
                    description = "true: every queue on another adapter",
                    types = {"boolean", "null"})
            @Nullable
            Boolean distinctAdapters,

            @Schema(
                    description = "10 (CEX4) to 14 (CEX8); left out: any",
                    minimum = "10",
                    maximum = "14",
                    types = {"integer", "null"})
            @Nullable
            Integer minHwType,

            @Schema(
                    description = "true: all queues have the same master key pattern, and it is known",
                    types = {"boolean", "null"})
            @Nullable
            Boolean sameMasterKey,

            @Schema(
                    description =
                            "true: queues may leave the host's drivers for it; really taking some needs the role reservation-admin",
                    types = {"boolean", "null"})
            @Nullable
            Boolean mayTakeFromHost,

            @Schema(
                    description =
                            "usage: the guest controls the domains that it uses, which needs the role control-domain-admin; left out: none",
                    allowableValues = {"none", "usage"},
                    types = {"string", "null"})
            @Nullable
            String controlDomains,

            @Schema(
                    description = "Makes it a lease of this length, in ISO 8601",
                    types = {"string", "null"},
                    example = "PT4H")
            @Nullable
            String ttl,

            @Schema(
                    description = "Left out: keep",
                    allowableValues = {"keep", "unplug"},
                    types = {"string", "null"})
            @Nullable
            String onExpiry) {
        AllocationService.Request request() {
            return new AllocationService.Request(
                    present("owner", owner),
                    guest == null ? null : guestName(guest),
                    present("mode", mode),
                    present("queues", queues),
                    Boolean.TRUE.equals(distinctAdapters),
                    minHwType,
                    Boolean.TRUE.equals(sameMasterKey),
                    Boolean.TRUE.equals(mayTakeFromHost),
                    wantsControlDomains(),
                    AllocationResource.duration(ttl),
                    Optional.ofNullable(AllocationResource.onExpiry(onExpiry)).orElse(Allocation.OnExpiry.KEEP));
        }

        private boolean wantsControlDomains() {
            if (controlDomains == null || controlDomains.equals("none")) {
                return false;
            }
            if (controlDomains.equals("usage")) {
                return true;
            }
            throw new InvalidValue("controlDomains", "Either none or usage.");
        }

        private static GuestName guestName(String text) {
            return GuestName.parse(text).orElseThrow(() -> new InvalidValue("guest", "Not a guest's name."));
        }

        private static <T> T present(String field, @Nullable T value) {
            if (value == null) {
                throw new InvalidValue(field, "It is missing.");
            }
            return value;
        }
    }

    /** A lease begins anew. */
    @Schema(name = "RenewalRequest")
    record Renewal(
            @Schema(
                    description = "In ISO 8601; left out: as long as before",
                    types = {"string", "null"},
                    example = "PT4H")
            @Nullable
            String ttl,

            @Schema(
                    description = "Left out: as before",
                    allowableValues = {"keep", "unplug"},
                    types = {"string", "null"})
            @Nullable
            String onExpiry) {
        @Nullable
        Duration duration() {
            return AllocationResource.duration(ttl);
        }

        Allocation.@Nullable OnExpiry expiry() {
            return AllocationResource.onExpiry(onExpiry);
        }
    }

    private static @Nullable Duration duration(@Nullable String text) {
        try {
            return text == null ? null : Duration.parse(text);
        } catch (DateTimeParseException e) {
            throw new InvalidValue(
                    "ttl",
                    "Days, hours, minutes and seconds in ISO 8601, such as PT4H or P7D; not "
                            + ApiConverters.excerpt(text) + ".");
        }
    }

    private static Allocation.@Nullable OnExpiry onExpiry(@Nullable String text) {
        if (text == null) {
            return null;
        }
        for (Allocation.OnExpiry word : Allocation.OnExpiry.values()) {
            if (word(word).equals(text)) {
                return word;
            }
        }
        throw new InvalidValue("onExpiry", "Either keep or unplug.");
    }

    private static String word(Allocation.OnExpiry onExpiry) {
        return onExpiry.name().toLowerCase(Locale.ROOT);
    }

    static AllocationResource from(Allocation allocation) {
        return new AllocationResource(
                allocation.id(),
                allocation.owner(),
                allocation.mdev(),
                allocation.mode(),
                allocation.queues(),
                allocation.adapters(),
                allocation.domains(),
                allocation.controlDomains(),
                allocation.guest(),
                allocation.state(),
                allocation.createdAt(),
                allocation.ttl() == null ? null : allocation.ttl().toString(),
                allocation.expiresAt(),
                word(allocation.onExpiry()),
                allocation.fromHost(),
                allocation.explanation());
    }
}
