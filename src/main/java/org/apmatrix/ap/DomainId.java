package org.apmatrix.ap;

import java.util.Optional;

/**
 * The number of a domain (a partition of every adapter, APQI), 0 to 255; used for usage and control domains alike.
 *
 * @param value 0 to 255
 */
public record DomainId(int value) implements Comparable<DomainId> {
    public DomainId {
        Ids.requireByte(value);
    }

    /** Reads the contract's spelling, decimal without a leading zero or {@code 0x} hex; empty when the text is neither. */
    public static Optional<DomainId> parse(String text) {
        return Ids.parse(text).map(DomainId::new);
    }

    /** Four lower-case hex digits, as in the kernel's {@code 05.00ab}. */
    @Override
    public String toString() {
        return Ids.hex(value, 4);
    }

    @Override
    public int compareTo(DomainId other) {
        return Integer.compare(value, other.value);
    }
}
