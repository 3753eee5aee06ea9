package org.apmatrix.ap;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The master keys of a queue as the kernel's attribute {@code mkvps} tells them, by their verification patterns: the keys themselves never leave the card
 * (drivers/s390/crypto/zcrypt_cex4.c, cca_mkvps_show and ep11_mkvps_show).
 *
 * <p>A card that does not answer is no error there: every line then ends in {@code - -}, and {@link #isTold} is false.
 *
 * @param keys one for each line that is understood, in the kernel's order
 */
public record Mkvps(List<Key> keys) {
    /** What is known of a queue that has told nothing. */
    public static final Mkvps UNTOLD = new Mkvps(List.of());

    private static final Pattern LINE =
            Pattern.compile("(AES|APKA|ASYM|WK) (NEW|CUR|OLD): ([a-z]{1,32}|-) (0x[0-9a-fA-F]{1,128}|-)");
    private static final String VALID = "valid";

    public Mkvps {
        keys = List.copyOf(keys);
    }

    /** What a master key is for: AES, APKA and ASYM are CCA's, WK is EP11's only one. */
    public enum Type {
        AES,
        APKA,
        ASYM,
        WK
    }

    /** Where a master key is: loaded and not yet set, set, or set before. */
    public enum Register {
        NEW,
        CUR,
        OLD
    }

    /**
     * One register.
     *
     * @param state the kernel's word, such as {@code valid}, {@code empty} or {@code committed}; null where the card does not tell
     * @param pattern {@code 0x} and lower-case hex digits; null where there is none
     */
    public record Key(
            Type type,
            Register register,
            @Nullable String state,
            @Nullable String pattern) {
        boolean isCurrentAndValid() {
            return register == Register.CUR && VALID.equals(state) && pattern != null;
        }

        @Override
        public String toString() {
            return type + " " + register + ": " + (state == null ? "-" : state) + " "
                    + (pattern == null ? "-" : pattern);
        }
    }

    /** Reads the attribute. Lines that are not understood are left out: a newer kernel may have more kinds of keys. */
    public static Mkvps parse(String text) {
        return new Mkvps(text.lines()
                .map(LINE::matcher)
                .filter(Matcher::matches)
                .map(Mkvps::key)
                .toList());
    }

    private static Key key(Matcher line) {
        return new Key(
                Type.valueOf(line.group(1)),
                Register.valueOf(line.group(2)),
                unlessNone(line.group(3)),
                unlessNone(line.group(4).toLowerCase(Locale.ROOT)));
    }

    private static @Nullable String unlessNone(String text) {
        return text.equals("-") ? null : text;
    }

    /** Whether the card has told of any register, be it that it is empty. */
    public boolean isTold() {
        return keys.stream().anyMatch(key -> key.state() != null);
    }

    /**
     * What two queues of one kind must have in common for a secure key of the one to work in the other: all current, valid master keys, as one text to be compared
     * and not to be read. Empty when none is set, or none is known.
     */
    public Optional<String> pattern() {
        return pattern(type -> true);
    }

    /**
     * Whether a secure key of the one works in the other. Compared is what both tell of: kernels before 5.11 are silent of ASYM.
     */
    public boolean isInterchangeableWith(Mkvps other) {
        return pattern(other::tellsCurrent).equals(other.pattern(this::tellsCurrent));
    }

    private Optional<String> pattern(Predicate<Type> wanted) {
        String text = keys.stream()
                .filter(key -> key.isCurrentAndValid() && wanted.test(key.type()))
                .map(key -> key.type() + ":" + key.pattern())
                .distinct()
                .sorted()
                .collect(Collectors.joining(","));
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private boolean tellsCurrent(Type type) {
        return keys.stream()
                .anyMatch(key -> key.type() == type && key.register() == Register.CUR && key.state() != null);
    }

    /** The attribute's text. */
    @Override
    public String toString() {
        return keys.stream().map(key -> key + "\n").collect(Collectors.joining());
    }
}
