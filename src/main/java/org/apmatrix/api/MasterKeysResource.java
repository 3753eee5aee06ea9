package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.service.MasterKeys;
import org.jspecify.annotations.Nullable;

/** The master keys of a queue, by their verification patterns. */
@Schema(
        name = "MasterKeys",
        description =
                "The master keys of a queue, by their verification patterns (mkvps): the keys themselves never leave the card.")
record MasterKeysResource(
        @Schema(
                description =
                        "known: the host's driver has the queue and told; cached: it told earlier, and now vfio_ap has the queue or the card is silent; unknown: it never told",
                allowableValues = {"known", "cached", "unknown"})
        String state,

        @Schema(
                description = "When the card told; null where it never did",
                types = {"string", "null"},
                format = "date-time")
        @Nullable
        Instant readAt,

        @Schema(description = "In the kernel's order; empty where the card never told")
        List<KeyResource> keys,

        @Schema(
                description =
                        "All current, valid keys as one text, to be compared and not to be read: secure keys of one queue work in another whose mode and pattern are the same. null where no such key is set, or none is known",
                types = {"string", "null"},
                example = "AES:0x0123456789abcdef,APKA:0x0123456789abcdef")
        @Nullable
        String pattern,

        @Schema(description = "Of an EP11 queue, such as FIPS2011; else empty")
        List<String> operationModes) {

    /** One register. */
    @Schema(name = "MasterKey")
    record KeyResource(
            Mkvps.Type type,
            Mkvps.Register register,

            @Schema(
                    description =
                            "The kernel's word: empty, partial, full, uncommitted or committed in NEW, valid or invalid in CUR and OLD; null where it does not tell",
                    types = {"string", "null"},
                    example = "valid")
            @Nullable
            String state,

            @Schema(
                    types = {"string", "null"},
                    example = "0x0123456789abcdef")
            @Nullable
            String pattern) {}

    static MasterKeysResource from(MasterKeys.QueueKeys known) {
        return new MasterKeysResource(
                known.state().name().toLowerCase(Locale.ROOT),
                known.readAt(),
                known.keys().keys().stream()
                        .map(key -> new KeyResource(key.type(), key.register(), key.state(), key.pattern()))
                        .toList(),
                known.pattern().orElse(null),
                known.operationModes());
    }
}
