package org.apmatrix.service;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.fault.Fault;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes allocations that are lost stand again, as after a reboot: masks, device, and the plug into its guest. */
final class Reinstatement {
    private static final Logger LOG = LoggerFactory.getLogger(Reinstatement.class);

    private final Host host;
    private final HotplugService hotplug;
    private final PlanService plans;
    private final Allocations allocations;
    private final Turns turns;
    private final AuditJournal audit;
    private final Clock clock;
    /** Those that stand again, but that their guest did not take. */
    private final Set<String> unplugged = ConcurrentHashMap.newKeySet();

    Reinstatement(
            Host host,
            HotplugService hotplug,
            PlanService plans,
            Allocations allocations,
            Turns turns,
            AuditJournal audit,
            Clock clock) {
        this.host = host;
        this.hotplug = hotplug;
        this.plans = plans;
        this.allocations = allocations;
        this.turns = turns;
        this.audit = audit;
        this.clock = clock;
    }

    /** All that are lost. What has a problem is tried again by the next call. */
    List<AllocationService.Restored> restore(Duration patience) {
        host.mdevs();
        unplugged.removeIf(id -> allocations.find(id).isEmpty());
        List<AllocationService.Restored> restored = new ArrayList<>();
        for (Allocation candidate : allocations.all()) {
            if (candidate.state() != Allocation.State.ACTIVE
                    || candidate.hasExpired(clock.instant())
                    || (host.look().mdev(candidate.mdevId()).isPresent() && !unplugged.contains(candidate.id()))) {
                continue;
            }
            restored.add(turns.inTurn(candidate.id(), patience, () -> restore(candidate, patience)));
        }
        return List.copyOf(restored);
    }

    private AllocationService.Restored restore(Allocation allocation, Duration patience) {
        if (Attempt.current().id() != null) {
            return restoreNow(allocation, patience);
        }
        try (Attempt attempt = audit.beginOwn("restoreAllocation", Map.of("id", allocation.id()))) {
            attempt.on(allocation.mdevId());
            AllocationService.Restored restored = restoreNow(allocation, patience);
            Fault problem = restored.problem();
            if (attempt.isIntended()) {
                attempt.endOwn(
                        problem == null ? "RESTORED" : problem.code().name(), problem == null ? null : problem.errno());
            }
            return restored;
        }
    }

    private AllocationService.Restored restoreNow(Allocation allocation, Duration patience) {
        try {
            plans.alone(() -> {
                standAgain(allocation);
                return allocation;
            });
            allocation.guestName().ifPresent(guest -> {
                unplugged.add(allocation.id());
                hotplug.plug(guest, allocation.mdevId(), patience, false);
                unplugged.remove(allocation.id());
            });
            LOG.info("allocation {}: stands again", allocation.id());
            return new AllocationService.Restored(allocation, null);
        } catch (Fault problem) {
            LOG.warn("allocation {}: does not stand again: {}", allocation.id(), problem.detail());
            return new AllocationService.Restored(allocation, problem);
        }
    }

    private void standAgain(Allocation allocation) {
        String claimant = Allocations.claimant(allocation.id());
        HostView view = host.look();
        MaskClaims.Claim before = plans.claims().of(claimant);
        MaskBits wanted = before.wanted();
        Attempt.current().intend();
        plans.claims().begin(claimant, wanted, MaskBits.setIn(view));
        try {
            Undertaking.perform(
                    claimant,
                    List.of(plans.acts()
                            .writes(
                                    claimant,
                                    now -> {
                                        SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>();
                                        mdevs.put(allocation.mdevId(), Optional.of(allocation.matrix()));
                                        return new Transition.Target(
                                                now.apmask().minus(wanted.adapters()),
                                                now.aqmask().minus(wanted.domains()),
                                                mdevs);
                                    },
                                    Rights.ALL)),
                    act -> {});
        } catch (RuntimeException failure) {
            plans.claims().restore(claimant, before);
            throw failure;
        }
    }
}
