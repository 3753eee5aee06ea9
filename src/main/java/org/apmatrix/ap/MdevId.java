package org.apmatrix.ap;

import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/** The UUID that names a mediated device. */
public record MdevId(UUID uuid) implements Comparable<MdevId> {
    private static final Pattern SPELLING = Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

    public static MdevId random() {
        return new MdevId(UUID.randomUUID());
    }

    /** Reads 8-4-4-4-12 hex digits in either case, nothing around them; empty for anything else. */
    public static Optional<MdevId> parse(String text) {
        // UUID.fromString alone would take 1-1-1-1-1
        return SPELLING.matcher(text).matches() ? Optional.of(new MdevId(UUID.fromString(text))) : Optional.empty();
    }

    /** The one that a path ends in, such as {@code /sys/bus/mdev/devices/UUID}; empty when its last element is no UUID. */
    public static Optional<MdevId> atEndOf(String path) {
        return Optional.ofNullable(Path.of(path).getFileName()).flatMap(name -> parse(name.toString()));
    }

    /** Lower case, as the kernel names the directory whatever was written to {@code create}. */
    @Override
    public String toString() {
        return uuid.toString();
    }

    @Override
    public int compareTo(MdevId other) {
        return toString().compareTo(other.toString());
    }
}
