package org.apmatrix.ap;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * 256 bits, one per adapter or domain, bit 0 leftmost: id n is in hex digit n/4 with the value {@code 8 >> n % 4}.
 *
 * <p>The only class that knows bit order, padding and the grammar of mask text (drivers/s390/crypto/ap_bus.c, ap_parse_bitmap_str;
 * Documentation/arch/s390/vfio-ap.rst: a short mask is padded on the right, so {@code 0x41} is {1, 7}).
 */
public record ApMask(long bits0, long bits64, long bits128, long bits192) {
    public static final int SIZE = 256;
    public static final ApMask NONE = new ApMask(0, 0, 0, 0);
    public static final ApMask ALL = NONE.complement();

    private static final Pattern FULL = Pattern.compile("0x[0-9a-fA-F]{64}");
    private static final Pattern ABSOLUTE = Pattern.compile("(?:0?x)?([0-9a-fA-F]{0,64})\\n?");
    private static final Pattern TERM =
            Pattern.compile("([+-])(0[xX][0-9a-fA-F]+|[0-9]+)(?:-(0[xX][0-9a-fA-F]+|[0-9]+))?[,\\n]*");

    public static ApMask of(int... ids) {
        return of(IntStream.of(ids).boxed().toList());
    }

    public static ApMask of(Collection<Integer> ids) {
        long[] words = new long[4];
        for (int id : ids) {
            Ids.requireByte(id);
            words[id / 64] |= bit(id);
        }
        return new ApMask(words[0], words[1], words[2], words[3]);
    }

    /** The ids 0 to {@code last}. */
    public static ApMask upTo(int last) {
        return of(IntStream.rangeClosed(0, last).toArray());
    }

    /** Reads {@code 0x} and exactly 64 hex digits, what the kernel prints; empty for anything else. */
    public static Optional<ApMask> parse(String text) {
        return FULL.matcher(text).matches() ? Optional.of(fromDigits(text.substring(2))) : Optional.empty();
    }

    /**
     * Reads the kernel's absolute form: up to 64 hex digits, {@code 0x} or {@code x} before them or not, at most one newline behind. Missing digits are
     * zeros on the right; no digit at all is an empty mask. Empty where the kernel answers EINVAL.
     */
    public static Optional<ApMask> parseAbsolute(String text) {
        Matcher matcher = ABSOLUTE.matcher(text);
        return matcher.matches() ? Optional.of(fromDigits(matcher.group(1))) : Optional.empty();
    }

    /** Whether the kernel would read this text as changes to the mask that stands rather than as a new one. */
    public static boolean isRelative(String text) {
        return text.startsWith("+") || text.startsWith("-");
    }

    /**
     * This mask after a write of {@code text} to apmask or aqmask: relative terms {@code +n -n +a-b -a-b} (decimal, {@code 0x} hex or octal; separated by
     * commas, newlines or nothing; the last one wins), or the absolute form. Empty where the kernel answers EINVAL.
     *
     * <p>A write of no bytes never reaches the driver and changes nothing; a lone newline does, and clears the mask.
     */
    public Optional<ApMask> after(String text) {
        if (text.isEmpty()) {
            return Optional.of(this);
        }
        if (!isRelative(text)) {
            return parseAbsolute(text);
        }
        ApMask result = this;
        Matcher term = TERM.matcher(text);
        int position = 0;
        while (position < text.length()) {
            if (!term.find() || term.start() != position) {
                return Optional.empty();
            }
            int first = termNumber(term.group(2));
            int last = term.group(3) == null ? first : termNumber(term.group(3));
            if (first < 0 || last < first) {
                return Optional.empty();
            }
            ApMask range = of(IntStream.rangeClosed(first, last).toArray());
            result = term.group(1).equals("+") ? result.or(range) : result.minus(range);
            position = term.end();
        }
        return Optional.of(result);
    }

    public boolean contains(int id) {
        Ids.requireByte(id);
        return (word(id / 64) & bit(id)) != 0;
    }

    public boolean containsAll(ApMask other) {
        return other.minus(this).isEmpty();
    }

    public boolean intersects(ApMask other) {
        return !and(other).isEmpty();
    }

    public boolean isEmpty() {
        return (bits0 | bits64 | bits128 | bits192) == 0;
    }

    public int size() {
        return Long.bitCount(bits0) + Long.bitCount(bits64) + Long.bitCount(bits128) + Long.bitCount(bits192);
    }

    public ApMask with(int id) {
        return or(of(id));
    }

    public ApMask without(int id) {
        return minus(of(id));
    }

    public ApMask and(ApMask other) {
        return new ApMask(bits0 & other.bits0, bits64 & other.bits64, bits128 & other.bits128, bits192 & other.bits192);
    }

    public ApMask or(ApMask other) {
        return new ApMask(bits0 | other.bits0, bits64 | other.bits64, bits128 | other.bits128, bits192 | other.bits192);
    }

    public ApMask minus(ApMask other) {
        return and(other.complement());
    }

    public ApMask complement() {
        return new ApMask(~bits0, ~bits64, ~bits128, ~bits192);
    }

    /** The ids whose bit is set, ascending. */
    public List<Integer> ids() {
        List<Integer> ids = new ArrayList<>(size());
        for (int word = 0; word < 4; word++) {
            for (long rest = word(word); rest != 0; rest &= ~Long.highestOneBit(rest)) {
                ids.add(word * 64 + Long.numberOfLeadingZeros(rest));
            }
        }
        return ids;
    }

    /** {@code 0x} and 64 lower-case hex digits, as the kernel prints it (without its newline). */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(66).append("0x");
        for (int word = 0; word < 4; word++) {
            String digits = Long.toHexString(word(word));
            text.append("0".repeat(16 - digits.length())).append(digits);
        }
        return text.toString();
    }

    private long word(int index) {
        return switch (index) {
            case 0 -> bits0;
            case 1 -> bits64;
            case 2 -> bits128;
            case 3 -> bits192;
            default -> throw new IllegalArgumentException("no word " + index);
        };
    }

    private static long bit(int id) {
        return Long.MIN_VALUE >>> (id % 64);
    }

    private static ApMask fromDigits(String digits) {
        String padded = digits + "0".repeat(64 - digits.length());
        return new ApMask(
                Long.parseUnsignedLong(padded, 0, 16, 16),
                Long.parseUnsignedLong(padded, 16, 32, 16),
                Long.parseUnsignedLong(padded, 32, 48, 16),
                Long.parseUnsignedLong(padded, 48, 64, 16));
    }

    /** A number of a relative term, 0 to 255, or -1. */
    private static int termNumber(String text) {
        boolean hex = text.length() > 1 && (text.charAt(1) == 'x' || text.charAt(1) == 'X');
        String digits = hex ? text.substring(2) : text;
        int radix = hex ? 16 : text.startsWith("0") ? 8 : 10;
        int value = 0;
        for (int i = 0; i < digits.length(); i++) {
            int digit = Character.digit(digits.charAt(i), radix);
            if (digit < 0) {
                return -1;
            }
            value = value * radix + digit;
            if (value > 255) {
                return -1;
            }
        }
        return value;
    }
}
