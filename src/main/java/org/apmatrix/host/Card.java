package org.apmatrix.host;

import org.apmatrix.ap.AdapterId;
import org.jspecify.annotations.Nullable;

/**
 * An adapter as the AP bus shows it; null where this kernel or this card does not tell.
 *
 * @param hwType 10 (CEX4) to 14 (CEX8)
 * @param type such as {@code CEX8P}; known while the host's driver has the card
 * @param requestCount requests since boot or the last reset of the counter
 * @param serialNumber known for coprocessors while the host's driver has the card
 */
public record Card(
        AdapterId id,
        @Nullable Integer hwType,
        @Nullable String type,
        @Nullable Mode mode,
        @Nullable Boolean online,
        @Nullable Boolean configured,
        @Nullable Boolean checkstop,
        @Nullable Long requestCount,
        @Nullable String serialNumber) {

    Card withSerialNumber(@Nullable String told) {
        return new Card(id, hwType, type, mode, online, configured, checkstop, requestCount, told);
    }

    /** What a card's firmware does. */
    public enum Mode {
        CCA,
        EP11,
        ACCELERATOR
    }
}
