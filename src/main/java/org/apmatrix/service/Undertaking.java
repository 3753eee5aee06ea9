package org.apmatrix.service;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Several acts on the kernel, on guests and on files that belong together: all are done, or those that were are taken back in reverse order. */
final class Undertaking {
    private static final Logger LOG = LoggerFactory.getLogger(Undertaking.class);

    private Undertaking() {}

    /** One of them, all or nothing in itself. */
    interface Act {
        /** For a person, such as {@code plug 6217… into guest1}. */
        String title();

        /** Throws what it is refused for; then nothing is done, or {@link #mayHaveBegun} says otherwise. */
        void perform();

        /** Takes back what {@link #perform} did. */
        void takeBack();

        /** Whether something may have been done although it threw this. */
        boolean mayHaveBegun(RuntimeException failure);
    }

    /**
     * Performs all acts.
     *
     * @param done is told each act that was performed
     * @throws RuntimeException what the first act that failed threw, after as much as possible was taken back; whether all could be is for the caller to see
     */
    static void perform(String subject, List<Act> acts, Consumer<Act> done) {
        Deque<Act> performed = new ArrayDeque<>();
        for (Act act : acts) {
            try {
                act.perform();
                performed.push(act);
            } catch (RuntimeException failure) {
                LOG.warn("{}: cannot {}: {}", subject, act.title(), failure.getMessage());
                if (act.mayHaveBegun(failure)) {
                    performed.push(act);
                }
                performed.forEach(before -> takeBack(subject, before));
                throw failure;
            }
            done.accept(act);
        }
    }

    private static void takeBack(String subject, Act act) {
        try {
            act.takeBack();
            LOG.info("{}: taken back: {}", subject, act.title());
        } catch (RuntimeException failure) {
            LOG.error("{}: cannot take back: {}", subject, act.title(), failure);
        }
    }
}
