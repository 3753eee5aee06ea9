package org.apmatrix.ops;

import org.apmatrix.fault.Fault;
import org.apmatrix.service.PlanService;
import org.apmatrix.service.Restoration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** After a start: settles what an ended process was applying, then restores what was applied, a limited number of times at a limited rate. */
@Component
class Restorer {
    private static final Logger LOG = LoggerFactory.getLogger(Restorer.class);

    private final PlanService plans;
    private final Restoration restoration;
    private boolean hasBegun;

    Restorer(PlanService plans, Restoration restoration) {
        this.plans = plans;
        this.restoration = restoration;
    }

    /** Nothing is settled or restored on a host that cannot be looked at; the next turn looks again. */
    @Scheduled(fixedDelayString = "${apmatrix.restore-interval:15s}")
    void restore() {
        try {
            if (!hasBegun) {
                plans.settleInterrupted();
                restoration.begin();
                hasBegun = true;
            }
            restoration.tryOnce();
        } catch (Fault unreadable) {
            LOG.warn("what an earlier process was applying cannot be settled yet: {}", unreadable.detail());
        } catch (RuntimeException e) {
            LOG.error("restoring has failed; the next try comes", e);
        }
    }
}
