package org.apmatrix.audit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a flood of requests of nobody in particular that reach no operation from filling the disk: the first ones of each source have a record of their own each
 * minute, the rest is counted and told in one. All sources together have ten times that. Who is known by name has a record for each.
 */
final class Refusals {
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final int SOURCES = 10_000;
    private static final String ALL = "all sources";

    private final int alone;
    private final Summary summary;
    private final Cache<String, Window> windows;

    /** Writes what was counted. */
    interface Summary {
        void tell(AuditRecord last, int many);
    }

    /** @param alone how many of one source have a record of their own each minute */
    Refusals(int alone, Ticker ticker, Summary summary) {
        this.alone = alone;
        this.summary = summary;
        this.windows = Caffeine.newBuilder()
                .expireAfterWrite(MINUTE)
                .maximumSize(SOURCES)
                .ticker(ticker)
                .scheduler(Scheduler.systemScheduler())
                .executor(Runnable::run)
                .<String, Window>removalListener((source, window, cause) -> {
                    if (window != null) {
                        window.end();
                    }
                })
                .build();
    }

    /** False when it is only counted. */
    boolean mayStandAlone(AuditRecord refusal) {
        if (!refusal.actor().equals(Actor.ANONYMOUS)) {
            return true;
        }
        String source = String.valueOf(refusal.sourceAddress());
        return window(source, alone).take(refusal) && window(ALL, 10 * alone).take(refusal);
    }

    private Window window(String source, int limit) {
        return windows.get(source, key -> new Window(limit));
    }

    /** Ends all minutes. */
    void close() {
        windows.invalidateAll();
        windows.cleanUp();
    }

    /** One minute of one source. */
    private final class Window {
        private final int limit;
        private int taken;
        private int counted;
        private @Nullable AuditRecord last;

        Window(int limit) {
            this.limit = limit;
        }

        synchronized boolean take(AuditRecord refusal) {
            if (taken < limit) {
                taken++;
                return true;
            }
            counted++;
            last = refusal;
            return false;
        }

        /** What comes between the end and the next minute's beginning is counted by nobody: it is told at once. */
        void end() {
            AuditRecord told;
            int many;
            synchronized (this) {
                told = last;
                many = counted;
                counted = 0;
                last = null;
            }
            if (told != null) {
                summary.tell(told, many);
            }
        }
    }
}
