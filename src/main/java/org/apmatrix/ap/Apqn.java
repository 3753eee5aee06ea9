package org.apmatrix.ap;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An AP queue: one domain of one adapter. Ordered as the kernel prints a matrix, by adapter and then by domain. */
public record Apqn(AdapterId adapter, DomainId domain) implements Comparable<Apqn> {
    private static final Pattern SPELLING = Pattern.compile("([0-9a-f]{2})\\.00([0-9a-f]{2})");
    private static final Comparator<Apqn> ORDER =
            Comparator.comparing(Apqn::adapter).thenComparing(Apqn::domain);

    public static Apqn of(int adapter, int domain) {
        return new Apqn(new AdapterId(adapter), new DomainId(domain));
    }

    /** Reads the kernel's own spelling, {@code 05.00ab}: two and four lower-case hex digits; empty for anything else. */
    public static Optional<Apqn> parse(String text) {
        Matcher matcher = SPELLING.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return Optional.of(of(Integer.parseInt(matcher.group(1), 16), Integer.parseInt(matcher.group(2), 16)));
    }

    /** {@code %02x.%04x} (drivers/s390/crypto/ap_bus.c, ap_scan_domains). */
    @Override
    public String toString() {
        return adapter + "." + domain;
    }

    @Override
    public int compareTo(Apqn other) {
        return ORDER.compare(this, other);
    }
}
