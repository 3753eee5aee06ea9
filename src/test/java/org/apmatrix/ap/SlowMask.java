package org.apmatrix.ap;

import java.util.BitSet;
import java.util.Optional;

/**
 * What a write to apmask or aqmask does, a second time: read character by character into a set of bits, the way the kernel's text
 * (drivers/s390/crypto/ap_bus.c, ap_parse_bitmap_str) describes it, with nothing of {@link ApMask} in it. For texts without NUL.
 */
final class SlowMask {
    private static final String HEX_DIGITS = "0123456789abcdef";

    private final String text;
    private int at;

    private SlowMask(String text) {
        this.text = text;
    }

    /** The bits after the write; empty for EINVAL. */
    static Optional<BitSet> after(BitSet before, String text) {
        if (text.isEmpty()) {
            // a write of no bytes never reaches the driver
            return Optional.of(before);
        }
        SlowMask scanner = new SlowMask(text);
        return scanner.peek() == '+' || scanner.peek() == '-'
                ? scanner.relative((BitSet) before.clone())
                : scanner.absolute();
    }

    private Optional<BitSet> absolute() {
        BitSet bits = new BitSet();
        if (text.startsWith("0x")) {
            at = 2;
        } else if (text.startsWith("x")) {
            at = 1;
        }
        for (int bit = 0; bit < 256 && digit() < 16; bit += 4, at++) {
            String nibble = Integer.toBinaryString(16 + digit());
            for (int i = 0; i < 4; i++) {
                bits.set(bit + i, nibble.charAt(i + 1) == '1');
            }
        }
        if (peek() == '\n') {
            at++;
        }
        return at == text.length() ? Optional.of(bits) : Optional.empty();
    }

    private Optional<BitSet> relative(BitSet bits) {
        while (at < text.length()) {
            char sign = peek();
            if (sign != '+' && sign != '-') {
                return Optional.empty();
            }
            at++;
            int first = number();
            int last = first;
            if (peek() == '-') {
                at++;
                last = number();
            }
            if (first < 0 || last < 0 || first > 255 || last > 255 || first > last) {
                return Optional.empty();
            }
            bits.set(first, last + 1, sign == '+');
            while (peek() == ',' || peek() == '\n') {
                at++;
            }
        }
        return Optional.of(bits);
    }

    /** Reads as far as digits go; -1 where none is, 256 for everything too large. */
    private int number() {
        int base = 10;
        if (peek() == '0') {
            base = 8;
            if (text.regionMatches(true, at, "0x", 0, 2) && at + 2 < text.length() && digitAt(at + 2) < 16) {
                base = 16;
                at += 2;
            }
        }
        int value = -1;
        while (digit() < base) {
            value = Math.min(256, Math.max(value, 0) * base + digit());
            at++;
        }
        return value;
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    private int digit() {
        return digitAt(at);
    }

    private int digitAt(int index) {
        int digit = index < text.length() ? HEX_DIGITS.indexOf(Character.toLowerCase(text.charAt(index))) : -1;
        return digit < 0 ? 99 : digit;
    }
}
