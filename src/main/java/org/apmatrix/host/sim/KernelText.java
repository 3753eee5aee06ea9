package org.apmatrix.host.sim;

import java.util.Optional;
import java.util.OptionalInt;
import org.apmatrix.host.kernel.Errno;

/** How the kernel reads numbers and words from what was written to a file. */
final class KernelText {
    private KernelText() {}

    /** The text up to a NUL byte: a store gets a C string (fs/sysfs/file.c, sysfs_kf_write; kernfs puts a NUL behind the buffer). */
    static String cString(String text) {
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }

    /**
     * kstrtoull with base 0 (lib/kstrtox.c): an optional plus sign, decimal, 0x hex or 0 octal digits, at most one newline. The result is unsigned.
     *
     * @throws Refusal EINVAL, or ERANGE for 2^64 and above, which is found before junk behind the digits is
     */
    static long unsignedLong(String text) {
        int position = text.startsWith("+") ? 1 : 0;
        int radix = 10;
        if (text.startsWith("0", position)) {
            radix = 8;
            if (position + 2 < text.length()
                    && (text.charAt(position + 1) == 'x' || text.charAt(position + 1) == 'X')
                    && digit(text, position + 2, 16) >= 0) {
                radix = 16;
                position += 2;
            }
        }
        int first = position;
        long value = 0;
        boolean overflow = false;
        for (int digit; (digit = digit(text, position, radix)) >= 0; position++) {
            overflow |= Long.compareUnsigned(value, Long.divideUnsigned(-1L - digit, radix)) > 0;
            value = value * radix + digit;
        }
        if (overflow) {
            throw new Refusal(Errno.ERANGE);
        }
        if (position == first || !isEnd(text, position)) {
            throw new Refusal(Errno.EINVAL);
        }
        return value;
    }

    /**
     * sscanf with %d, or %i when the base is to be found out (lib/vsprintf.c, vsscanf): blanks before the number and anything behind it are tolerated, a plus
     * sign is not, and a number too large wraps around.
     */
    static OptionalInt scannedInt(String text, boolean findBase) {
        Optional<Long> value = scanned(text, findBase, true);
        return value.isPresent() ? OptionalInt.of((int) (long) value.get()) : OptionalInt.empty();
    }

    /** sscanf with %llu. */
    static Optional<Long> scannedUnsignedLong(String text) {
        return scanned(text, false, false);
    }

    private static Optional<Long> scanned(String text, boolean findBase, boolean signed) {
        int position = 0;
        while (position < text.length() && isBlank(text.charAt(position))) {
            position++;
        }
        boolean negative = signed && text.startsWith("-", position);
        if (negative) {
            position++;
        }
        if (digit(text, position, 10) < 0) {
            return Optional.empty();
        }
        int radix = 10;
        if (findBase && text.charAt(position) == '0') {
            radix = 8;
            if (position + 2 < text.length()
                    && (text.charAt(position + 1) == 'x' || text.charAt(position + 1) == 'X')
                    && digit(text, position + 2, 16) >= 0) {
                radix = 16;
                position += 2;
            }
        }
        long value = 0;
        for (int digit; (digit = digit(text, position, radix)) >= 0; position++) {
            value = value * radix + digit;
        }
        return Optional.of(negative ? -value : value);
    }

    /** kstrtobool (lib/kstrtox.c): the first one or two characters decide. */
    static boolean bool(String text) {
        char first = text.isEmpty() ? '\0' : text.charAt(0);
        char second = text.length() < 2 ? '\0' : text.charAt(1);
        return switch (first) {
            case 'y', 'Y', 't', 'T', '1' -> true;
            case 'n', 'N', 'f', 'F', '0' -> false;
            case 'o', 'O' ->
                switch (second) {
                    case 'n', 'N' -> true;
                    case 'f', 'F' -> false;
                    default -> throw new Refusal(Errno.EINVAL);
                };
            default -> throw new Refusal(Errno.EINVAL);
        };
    }

    /** sysfs_streq (lib/string_helpers.c): equal but for one newline at the end. */
    static boolean isName(String text, String name) {
        return text.equals(name) || text.equals(name + "\n");
    }

    private static boolean isEnd(String text, int position) {
        return position == text.length() || (position == text.length() - 1 && text.charAt(position) == '\n');
    }

    private static boolean isBlank(char character) {
        return character == ' ' || (character >= '\t' && character <= '\r') || character == 0xa0;
    }

    /** An ASCII digit of the radix, or -1; Character.digit would take those of all scripts. */
    private static int digit(String text, int position, int radix) {
        if (position >= text.length() || text.charAt(position) > 'f') {
            return -1;
        }
        return Character.digit(text.charAt(position), radix);
    }
}
