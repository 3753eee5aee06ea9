package org.apmatrix.ap;

import java.util.Optional;
import java.util.regex.Pattern;

/** The name of a guest, as QEMU's {@code -name} gives it and as it stands in a path of the API. */
public record GuestName(String value) implements Comparable<GuestName> {
    /** No control characters, and nothing that a path of a URL would cut or a proxy would refuse. */
    private static final Pattern SPELLING = Pattern.compile("[^\\p{Cntrl}/\\\\;%?#]{1,255}");

    /** Empty for a text that no guest can have as its name here: nothing, dots alone, more than 255 characters, or one of {@code / \\ ; % ? #}. */
    public static Optional<GuestName> parse(String text) {
        boolean possible = SPELLING.matcher(text).matches() && !text.equals(".") && !text.equals("..");
        return possible ? Optional.of(new GuestName(text)) : Optional.empty();
    }

    /** This text with {@code _} in place of whatever a name cannot have; for names that are made from a path. */
    public static GuestName closestTo(String path) {
        String possible = path.replaceAll("[\\p{Cntrl}/\\\\;%?#]", "_");
        return parse(possible.substring(0, Math.min(255, possible.length()))).orElse(new GuestName("_"));
    }

    @Override
    public String toString() {
        return value;
    }

    @Override
    public int compareTo(GuestName other) {
        return value.compareTo(other.value);
    }
}
