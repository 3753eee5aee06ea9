package org.apmatrix.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts what each address guesses: after a few wrong tokens it has to wait a minute, so that guessing costs the guesser and not the service. */
final class WrongTokens {
    private static final int ADDRESSES = 10_000;

    private final int aMinute;
    private final Cache<String, AtomicInteger> wrong;

    WrongTokens(int aMinute, Ticker ticker) {
        this.aMinute = aMinute;
        this.wrong = Caffeine.newBuilder()
                .expireAfterWrite(Duration.ofMinutes(1))
                .maximumSize(ADDRESSES)
                .ticker(ticker)
                .build();
    }

    /** Whether this address may have another token checked. */
    boolean mayTry(String address) {
        AtomicInteger count = wrong.getIfPresent(address);
        return count == null || count.get() < aMinute;
    }

    /** One more; false when it is not worth a line of the log any more. */
    boolean count(String address) {
        return wrong.get(address, key -> new AtomicInteger()).incrementAndGet() <= aMinute;
    }
}
