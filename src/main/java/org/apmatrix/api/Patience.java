package org.apmatrix.api;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How long a caller waits: {@code Prefer: wait=SECONDS} (RFC 7240, 4.3). As the RFC has it, what cannot be read is no preference. */
final class Patience {
    /** A thread waits with the caller: longer than this it had better poll. */
    private static final long MOST_SECONDS = 300;

    private static final Pattern WAIT =
            Pattern.compile("(?i)(?:^|[,;])\\s*wait\\s*=\\s*\"?([0-9]{1,9})\"?\\s*(?=$|[,;])");

    private Patience() {}

    static Duration of(@Nullable String prefer, Duration otherwise) {
        Matcher wait = WAIT.matcher(prefer == null ? "" : prefer);
        return wait.find() ? Duration.ofSeconds(Math.min(MOST_SECONDS, Long.parseLong(wait.group(1)))) : otherwise;
    }
}
