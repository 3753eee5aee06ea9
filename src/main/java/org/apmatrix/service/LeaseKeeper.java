package org.apmatrix.service;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.RequestDenied;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks after what happens to allocations by itself: notices which are lost, ends leases that are over, and goes on giving back what is on its way. */
final class LeaseKeeper {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    private final Host host;
    private final HostWatcher watcher;
    private final Allocations allocations;
    private final Turns turns;
    private final Giveback giveback;
    private final AuditJournal audit;
    private final Clock clock;
    private final Map<String, Trouble> troubles = new ConcurrentHashMap<>();
    private final ReentrantLock ticking = new ReentrantLock();
    private String lookTrouble = "";

    /** Why something could not be done at the last tick, how often, and when it is tried again. */
    private record Trouble(String why, int times, Instant again) {}

    LeaseKeeper(
            Host host,
            HostWatcher watcher,
            Allocations allocations,
            Turns turns,
            Giveback giveback,
            AuditJournal audit,
            Clock clock) {
        this.host = host;
        this.watcher = watcher;
        this.allocations = allocations;
        this.turns = turns;
        this.giveback = giveback;
        this.audit = audit;
        this.clock = clock;
    }

    /** One tick; what fails is tried again. Never throws. */
    void expire() {
        if (!ticking.tryLock()) {
            return;
        }
        try {
            noticeLost();
            allocations.all().stream().filter(this::isDue).map(Allocation::id).forEach(this::expire);
            troubles.keySet().removeIf(id -> allocations.find(id).isEmpty());
            giveback.giveBackLeftovers();
            lookTrouble = "";
        } catch (RuntimeException unreadable) {
            if (!lookTrouble.equals(unreadable.getMessage())) {
                lookTrouble = String.valueOf(unreadable.getMessage());
                LOG.warn("leases cannot be looked after: {}", lookTrouble);
            }
        } finally {
            ticking.unlock();
        }
    }

    /** By what {@link HostWatcher} saw last. */
    private void noticeLost() {
        watcher.last()
                .ifPresent(last -> allocations.noticeLost(allocation -> !last.at()
                                .isBefore(allocation.createdAt())
                        && allocation.isLost(Optional.ofNullable(last.mdevs().get(allocation.mdevId())))));
    }

    private boolean isDue(Allocation allocation) {
        Trouble trouble = troubles.get(allocation.id());
        Instant now = clock.instant();
        if (trouble != null && now.isBefore(trouble.again())) {
            return false;
        }
        return switch (allocation.state()) {
            case RELEASING, EXPIRED -> true;
            case ACTIVE, LOST -> allocation.hasExpired(now);
            case CREATING -> false;
        };
    }

    /** One of them, unless somebody works on it: then at the next call. */
    private void expire(String id) {
        turns.ifNobodyElse(id, () -> {
            try (Attempt attempt = audit.beginOwn("expireAllocation", Map.of("id", id))) {
                allocations.find(id).filter(this::isDue).ifPresent(due -> {
                    attempt.on(due.mdevId());
                    settle(due, attempt);
                });
            }
        });
    }

    private void settle(Allocation allocation, Attempt attempt) {
        String id = allocation.id();
        try {
            Optional<HostView.Entry> entry = giveback.deviceOf(allocation, host.look());
            Attachment attachment = entry.map(HostView.Entry::attachment).orElse(null);
            boolean inUse =
                    entry.isPresent() && !Boolean.FALSE.equals(entry.get().inUse());
            boolean takesAway = allocation.state() == Allocation.State.RELEASING
                    || allocation.onExpiry() == Allocation.OnExpiry.UNPLUG;
            if (inUse && attachment != null && attachment.state() == Attachment.State.DETACHING) {
                // it was told to let go, and Settlement finds out when it has
                if (takesAway && allocation.state() != Allocation.State.RELEASING) {
                    allocations.begin(allocation.with(Allocation.State.RELEASING));
                }
                return;
            }
            boolean byAGuest = attachment != null && attachment.guest() != null;
            if (inUse && !(takesAway && byAGuest)) {
                expired(allocation, attempt);
                return;
            }
            boolean gone = giveback.giveBack(
                    allocation, takesAway ? Giveback.Force.UNPLUG : Giveback.Force.NEVER, Duration.ZERO);
            troubles.remove(id);
            if (attempt.isIntended()) {
                attempt.endOwn(gone ? "RELEASED" : "RELEASING", null);
            }
        } catch (RuntimeException failure) {
            if (failure instanceof RequestDenied refusal
                    && refusal.code() == ErrorCode.MDEV_IN_USE
                    && allocation.state() != Allocation.State.RELEASING) {
                expired(allocation, attempt);
                return;
            }
            trouble(id, failure);
            if (attempt.isIntended()) {
                attempt.endOwn(
                        failure instanceof Fault fault ? fault.code().name() : ErrorCode.INTERNAL_ERROR.name(),
                        failure instanceof Fault fault ? fault.errno() : null);
            }
        }
    }

    /** Its time is over, and it stays with whoever has it. */
    private void expired(Allocation allocation, Attempt attempt) {
        if (allocation.state() == Allocation.State.ACTIVE) {
            attempt.steps(List.of("expire " + allocation.id() + ", whose device is in use"));
            attempt.intend();
            allocations.end(allocation.with(Allocation.State.EXPIRED));
            attempt.endOwn("EXPIRED", null);
        }
    }

    private void trouble(String id, RuntimeException failure) {
        String why = String.valueOf(failure.getMessage());
        Trouble before = troubles.get(id);
        int times = before == null || !before.why().equals(why) ? 1 : before.times() + 1;
        Duration pause = times == 1 ? Duration.ZERO : Duration.ofSeconds(1L << Math.min(6, times - 1));
        troubles.put(
                id,
                new Trouble(
                        why, times, clock.instant().plus(pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause)));
        if (times == 1) {
            LOG.warn("allocation {}: cannot be given back yet: {}", id, why);
        }
    }
}
