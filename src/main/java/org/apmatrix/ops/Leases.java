package org.apmatrix.ops;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apmatrix.host.Guests;
import org.apmatrix.service.Allocation;
import org.apmatrix.service.AllocationService;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** Lets leases expire: every {@code apmatrix.allocations.expiry-interval}, beside other scheduled work, which a slow guest must not hold up. Counts allocations, too. */
@Component
final class Leases implements MeterBinder {
    private final AllocationService allocations;
    private final Guests guests;
    private final AtomicBoolean running = new AtomicBoolean();

    Leases(AllocationService allocations, Guests guests) {
        this.allocations = allocations;
        this.guests = guests;
    }

    @Scheduled(fixedDelayString = "${apmatrix.allocations.expiry-interval:1s}")
    void expire() {
        if (running.compareAndSet(false, true)) {
            guests.inBackground(() -> {
                try {
                    allocations.expire();
                } finally {
                    running.set(false);
                }
            });
        }
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (Allocation.State state : Allocation.State.values()) {
            Gauge.builder("apmatrix.allocations", () -> allocations.counts().get(state))
                    .description("Allocations by their state, as of the last look")
                    .tag("state", state.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
    }
}
