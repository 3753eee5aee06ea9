package org.apmatrix.service;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.RequestDenied;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the answers to requests with an Idempotency-Key: the first one is carried out, the others get its answer, a refusal included. A request that comes
 * while the first is under way waits for it.
 *
 * <p>A failure of the host, a held lock and a missing role are not remembered: they say nothing about the request, and a retry is what the key is for.
 */
public final class IdempotencyKeys {
    private static final Set<ErrorCode> NOT_REMEMBERED = Set.of(ErrorCode.HOST_LOCKED, ErrorCode.FORBIDDEN);

    private record Known(Object request, CompletableFuture<Object> answer) {}

    private final Cache<String, Known> known;

    /** Remembers each key for {@code retention}, and no more than {@code maximum} of them. */
    public IdempotencyKeys(Duration retention, long maximum, Ticker ticker) {
        this.known = Caffeine.newBuilder()
                .expireAfterWrite(retention)
                .maximumSize(maximum)
                .ticker(ticker)
                .build();
    }

    /**
     * Carries out a request once a key.
     *
     * @param key null carries it out at any rate
     * @param request what is asked for, as a value: the same key with another one is refused
     */
    <T> T once(@Nullable String key, Object request, Supplier<T> carryOut) {
        if (key == null) {
            return carryOut.get();
        }
        Known mine = new Known(request, new CompletableFuture<>());
        Known first = known.asMap().putIfAbsent(key, mine);
        if (first == null) {
            return carryOut(key, mine, carryOut);
        }
        if (!first.request().equals(request)) {
            throw RequestDenied.idempotencyKeyReused();
        }
        @SuppressWarnings("unchecked") // equal requests are of one kind and have answers of one type
        T answer = (T) join(first.answer());
        return answer;
    }

    private <T> T carryOut(String key, Known mine, Supplier<T> request) {
        try {
            T answer = request.get();
            mine.answer().complete(answer);
            return answer;
        } catch (RuntimeException | Error e) {
            boolean isAboutTheRequest = e instanceof Fault fault
                    && !(fault instanceof HostFailure)
                    && !NOT_REMEMBERED.contains(fault.code());
            if (!isAboutTheRequest) {
                known.asMap().remove(key, mine);
            }
            mine.answer().completeExceptionally(e);
            throw e;
        }
    }

    private static Object join(CompletableFuture<Object> answer) {
        try {
            return answer.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }
}
