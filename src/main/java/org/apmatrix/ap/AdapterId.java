package org.apmatrix.ap;

import java.util.Optional;

/**
 * The number of an adapter (a Crypto Express function, APID), 0 to 255.
 *
 * @param value 0 to 255
 */
public record AdapterId(int value) implements Comparable<AdapterId> {
    public AdapterId {
        Ids.requireByte(value);
    }

    /** Reads the contract's spelling, decimal without a leading zero or {@code 0x} hex; empty when the text is neither. */
    public static Optional<AdapterId> parse(String text) {
        return Ids.parse(text).map(AdapterId::new);
    }

    /** Two lower-case hex digits, as in the kernel's {@code card05} (drivers/s390/crypto/ap_bus.c, ap_scan_adapter). */
    @Override
    public String toString() {
        return Ids.hex(value, 2);
    }

    @Override
    public int compareTo(AdapterId other) {
        return Integer.compare(value, other.value);
    }
}
