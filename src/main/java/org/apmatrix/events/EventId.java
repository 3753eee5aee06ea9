package org.apmatrix.events;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where an event stands: its number among all events since a start of the service, from 1, without gaps. Numbers of different starts say nothing of each other.
 *
 * @param start 16 hex digits, drawn at each start of the service
 * @param number 0 for the place before the first event
 */
public record EventId(String start, long number) {
    private static final Pattern TEXT = Pattern.compile("([0-9a-f]{16})-(0|[1-9][0-9]{0,17})");

    /** Reads {@code 3f0c9a5be1d24c77-42}. */
    public static Optional<EventId> parse(String text) {
        Matcher parts = TEXT.matcher(text);
        return parts.matches()
                ? Optional.of(new EventId(parts.group(1), Long.parseLong(parts.group(2))))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return start + "-" + number;
    }
}
