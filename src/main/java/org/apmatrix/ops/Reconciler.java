package org.apmatrix.ops;

import java.util.concurrent.atomic.AtomicBoolean;
import org.apmatrix.host.Guests;
import org.apmatrix.service.Aftermath;
import org.apmatrix.service.Settlement;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

/** Finishes late unplugs: every {@code apmatrix.guests.reconcile-interval}, and at once when a guest gives a sign. Guests that came or went are noticed here, too. */
@Configuration(proxyBeanMethods = false)
@EnableScheduling
class Reconciler {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);

    private final Settlement settlement;
    private final Aftermath aftermath;
    private final Guests guests;
    private final AtomicBoolean asked = new AtomicBoolean();

    Reconciler(Settlement settlement, Aftermath aftermath, Guests guests) {
        this.settlement = settlement;
        this.aftermath = aftermath;
        this.guests = guests;
        guests.onChange(guest -> reconcileSoon());
    }

    @Scheduled(fixedDelayString = "${apmatrix.guests.reconcile-interval:1s}")
    void reconcile() {
        asked.set(false);
        try {
            aftermath.closeAll(); // nothing is left of it, unless the journal could not be read at the start
            settlement.reconcile();
        } catch (RuntimeException e) {
            LOG.error("what is under way cannot be looked at; the next try comes", e);
        }
    }

    /** Many signs at once make one look. */
    private void reconcileSoon() {
        if (!settlement.isIdle() && asked.compareAndSet(false, true)) {
            guests.inBackground(this::reconcile);
        }
    }
}
