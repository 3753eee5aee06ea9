package org.apmatrix.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.service.MigrationTarget;
import org.jspecify.annotations.Nullable;

/**
 * What a migration is compared with: the answer of the target's GET /queues as it is. The target may be a newer apmatrix, so its queues, and they alone in this
 * interface, may have members that are not known here; those of an older one may lack some.
 */
@Schema(
        name = "MigrationTarget",
        description =
                "What another apmatrix answers to GET /api/v1/queues; members of its queues that are not known here are passed over.")
record MigrationTargetBody(
        @Schema(
                requiredMode = Schema.RequiredMode.REQUIRED,
                description = "All its queues, or at least those of the adapters and domains in question")
        @Nullable
        List<@Nullable TargetQueue> items,

        @Schema(
                description =
                        "The mediated device at the target that is meant for this guest, where it has another UUID than here",
                types = {"string", "null"},
                format = "uuid")
        @Nullable
        String mdev) {

    /** A queue of the target. */
    @Schema(
            name = "TargetQueue",
            additionalProperties = Schema.AdditionalPropertiesValue.TRUE,
            description = "A queue of the target, as its GET /api/v1/queues tells.")
    @JsonIgnoreProperties(ignoreUnknown = true)
    record TargetQueue(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "05.0004") @Nullable
            String apqn,

            @Schema(types = {"string", "null"}) @Nullable String driver,
            @Schema(types = {"boolean", "null"}) @Nullable Boolean reservedForHost,
            @Schema(types = {"string", "null"}) @Nullable String mdev,
            @Schema(types = {"string", "null"}) @Nullable String guest,
            @Schema(types = {"string", "null"}) @Nullable String mode,
            @Schema(types = {"integer", "null"}) @Nullable Integer hwType,
            @Schema(types = {"string", "null"}) @Nullable String serialNumber,
            @Nullable TargetMasterKeys masterKeys) {}

    /** Its master keys. */
    @Schema(name = "TargetMasterKeys", additionalProperties = Schema.AdditionalPropertiesValue.TRUE)
    @JsonIgnoreProperties(ignoreUnknown = true)
    record TargetMasterKeys(
            @Schema(types = {"array", "null"}) @Nullable List<@Nullable TargetMasterKey> keys) {}

    /** One register. */
    @Schema(name = "TargetMasterKey", additionalProperties = Schema.AdditionalPropertiesValue.TRUE)
    @JsonIgnoreProperties(ignoreUnknown = true)
    record TargetMasterKey(
            @Schema(types = {"string", "null"}) @Nullable String type,
            @Schema(types = {"string", "null"}) @Nullable String register,
            @Schema(types = {"string", "null"}) @Nullable String state,
            @Schema(types = {"string", "null"}) @Nullable String pattern) {}

    @Nullable
    MdevId targetMdev() {
        return mdev == null ? null : ApiConverters.mdevId("mdev", mdev);
    }

    List<MigrationTarget.TargetQueue> inventory() {
        if (items == null) {
            throw new InvalidValue("items", "What the target answers to GET /api/v1/queues.");
        }
        List<MigrationTarget.TargetQueue> inventory = new ArrayList<>();
        Set<Apqn> seen = new HashSet<>();
        for (int i = 0; i < items.size(); i++) {
            TargetQueue queue = items.get(i);
            String field = "items[" + i + "]";
            Apqn apqn = Optional.ofNullable(queue)
                    .flatMap(known -> Optional.ofNullable(known.apqn()))
                    .flatMap(Apqn::parse)
                    .orElseThrow(() -> new InvalidValue(field + ".apqn", "An APQN such as 05.00ab."));
            if (queue == null || !seen.add(apqn)) {
                throw new InvalidValue(field + ".apqn", "The queue " + apqn + " is there twice.");
            }
            inventory.add(new MigrationTarget.TargetQueue(
                    apqn,
                    queue.driver(),
                    queue.reservedForHost(),
                    queue.mdev(),
                    queue.guest(),
                    queue.mode(),
                    queue.hwType(),
                    queue.serialNumber(),
                    keys(queue.masterKeys())));
        }
        return inventory;
    }

    /** Kinds of keys that a newer apmatrix knows and this one does not are passed over, as in the kernel's own text. */
    private static Mkvps keys(@Nullable TargetMasterKeys told) {
        if (told == null || told.keys() == null) {
            return Mkvps.UNTOLD;
        }
        return new Mkvps(told.keys().stream()
                .flatMap(key -> Optional.ofNullable(key).stream())
                .flatMap(key -> named(Mkvps.Type.values(), key.type()).stream()
                        .flatMap(type -> named(Mkvps.Register.values(), key.register()).stream()
                                .map(register -> new Mkvps.Key(type, register, key.state(), key.pattern()))))
                .toList());
    }

    private static <E extends Enum<E>> Optional<E> named(E[] values, @Nullable String name) {
        return Arrays.stream(values).filter(value -> value.name().equals(name)).findFirst();
    }
}
