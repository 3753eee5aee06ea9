package org.apmatrix.service;

import com.github.benmanes.caffeine.cache.Ticker;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.GuestName;
import org.apmatrix.host.Card;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** One process of the service, as far as allocations need it. */
final class AllocationBench implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(5);

    final PlanBench plans;
    final AllocationService allocations;
    final Hand clock;

    /** A clock that a test moves. */
    static final class Hand extends Clock {
        private volatile Instant now = House.NOW;

        void forward(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }

    AllocationBench(Sysfs sysfs, Procfs procfs, Path state, List<String> sockets, Hand clock) {
        this.clock = clock;
        plans = new PlanBench(sysfs, procfs, state, new MdevctlStore(state.resolve("mdevctl.d")), sockets);
        allocations = over(plans, clock, state);
    }

    /** The service of allocations in a process. */
    static AllocationService over(PlanBench plans, Clock clock, Path state) {
        return new AllocationService(
                plans.host,
                plans.guestService,
                plans.hotplug,
                plans.plans,
                plans.watcher,
                new IdempotencyKeys(Duration.ofHours(1), 100, Ticker.systemTicker()),
                House.journal(),
                plans.audit,
                new AllocationProperties(Duration.ofSeconds(1), Duration.ofDays(365)),
                new MdevProperties(MdevProperties.LiveChanges.FORBIDDEN, new MdevProperties.MatrixLimits(511)),
                clock,
                state,
                JsonMapper.shared());
    }

    static AllocationService.Request wish(Card.Mode mode, int queues) {
        return new AllocationService.Request(
                "demo", null, mode, queues, false, null, false, true, false, null, Allocation.OnExpiry.KEEP);
    }

    /** The same for so long, and into a guest where one is named. */
    static AllocationService.Request lease(
            AllocationService.Request wish, Duration ttl, @Nullable String guest, Allocation.OnExpiry onExpiry) {
        return new AllocationService.Request(
                wish.owner(),
                guest == null ? null : new GuestName(guest),
                wish.mode(),
                wish.queues(),
                wish.distinctAdapters(),
                wish.minHwType(),
                wish.sameMasterKey(),
                wish.mayTakeFromHost(),
                wish.controlDomains(),
                ttl,
                onExpiry);
    }

    Allocation allocate(AllocationService.Request wish) {
        Outcome<Allocation> outcome = allocations.allocate(wish, null, Rights.ALL, PATIENCE, false);
        return ((Outcome.Done<Allocation>) outcome).state();
    }

    boolean release(Allocation allocation) {
        var outcome = allocations.release(allocation.id(), PATIENCE, false);
        return ((Outcome.Done<Optional<Allocation>>) outcome).state().isEmpty();
    }

    @Override
    public void close() {
        plans.close();
    }
}
