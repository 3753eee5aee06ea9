package org.apmatrix.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apmatrix.fault.RequestDenied;

/**
 * Tells who sends a static token. A hash is slow to check, so what was found is remembered (by the token's SHA-256) for as long as the file's line is the same, and
 * only a few are checked at a time: somebody who guesses must not keep the processors or the memory busy.
 */
final class StaticTokens {
    private static final int CHECKED_AT_ONCE = 2;
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    private static final int REMEMBERED = 10_000;

    private final TokenFile file;
    private final WrongTokens wrong;
    private final Cache<String, TokenFile.Entry> checked =
            Caffeine.newBuilder().maximumSize(REMEMBERED).build();
    private final Semaphore room = new Semaphore(CHECKED_AT_ONCE);

    StaticTokens(TokenFile file, WrongTokens wrong) {
        this.file = file;
        this.wrong = wrong;
    }

    /**
     * Empty for a token that nobody has been given. Throws TOO_MANY_REQUESTS while others are being checked, and for an address that has sent too many wrong ones.
     */
    Optional<Known> caller(Token token, String address) {
        return file.find(token.name())
                .filter(entry -> isKnown(token, entry, address))
                .map(entry -> new Known(
                        entry.name(),
                        Caller.Kind.TOKEN,
                        entry.roles(),
                        () -> file.find(entry.name()).filter(entry::equals).isPresent()));
    }

    private boolean isKnown(Token token, TokenFile.Entry entry, String address) {
        String digest = sha256(token.text());
        if (entry.equals(checked.getIfPresent(digest))) {
            return true;
        }
        if (!wrong.mayTry(address)) {
            throw RequestDenied.tooManyRequests("Too many wrong tokens came from this address: wait a minute.");
        }
        try {
            if (!room.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw RequestDenied.tooManyRequests("Too many tokens are being checked.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw RequestDenied.tooManyRequests("The service is stopping.");
        }
        try {
            if (entry.equals(checked.getIfPresent(digest))) {
                return true;
            }
            boolean fits = token.fits(entry.hash());
            if (fits) {
                checked.put(digest, entry);
            }
            return fits;
        } finally {
            room.release();
        }
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
