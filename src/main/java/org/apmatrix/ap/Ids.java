package org.apmatrix.ap;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The contract's spelling of an adapter or domain number.
 *
 * <p>Stricter than the kernel's: {@code 010} is octal to the kernel, hex to lszcrypt and ten to a person, so a leading zero is nobody's number here.
 */
final class Ids {
    private static final Pattern DECIMAL = Pattern.compile("0|[1-9][0-9]{0,2}");
    private static final Pattern HEX = Pattern.compile("0x[0-9a-fA-F]{1,2}");

    private Ids() {}

    static Optional<Integer> parse(String text) {
        if (HEX.matcher(text).matches()) {
            return Optional.of(Integer.parseInt(text.substring(2), 16));
        }
        if (!DECIMAL.matcher(text).matches()) {
            return Optional.empty();
        }
        return Optional.of(Integer.parseInt(text)).filter(number -> number <= 255);
    }

    static void requireByte(int value) {
        if (value < 0 || value > 255) {
            throw new IllegalArgumentException("not 0 to 255: " + value);
        }
    }

    static String hex(int value, int digits) {
        String text = Integer.toHexString(value);
        return "0".repeat(digits - text.length()) + text;
    }
}
