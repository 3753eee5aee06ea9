package org.apmatrix.ops;

import java.time.Clock;
import org.apmatrix.fault.Fault;
import org.apmatrix.service.PlanProperties;
import org.apmatrix.service.PlanService;
import org.apmatrix.service.Restoration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.stereotype.Component;

/** After a start: settles what an ended process was applying, then restores what was applied, a limited number of times at a limited rate. */
@Component
class Restorer {
    private static final Logger LOG = LoggerFactory.getLogger(Restorer.class);

    private final PlanService plans;
    private final Restoration restoration;
    private final PlanProperties properties;
    private final TaskScheduler scheduler;
    private final Clock clock;

    Restorer(PlanService plans, Restoration restoration, PlanProperties properties, TaskScheduler scheduler, Clock clock) {
        this.plans = plans;
        this.restoration = restoration;
        this.properties = properties;
        this.scheduler = scheduler;
        this.clock = clock;
    }

    @EventListener(ApplicationReadyEvent.class)
    void begin() {
        try {
            plans.settleInterrupted();
        } catch (Fault unreadable) {
            LOG.warn("what an earlier process was applying cannot be settled: {}", unreadable.detail());
        }
        restoration.begin();
        tryAgain();
    }

    private void tryAgain() {
        if (!restoration.report().finished()) {
            scheduler.schedule(
                    () -> {
                        restoration.tryOnce();
                        scheduler.schedule(
                                this::tryAgain, clock.instant().plus(properties.restoreInterval()));
                    },
                    clock.instant());
        }
    }
}
