package org.apmatrix.service;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes an allocation, all or nothing: chooses the queues, notes it, writes, plugs it in, and takes it back when its guest refuses.
 *
 * <p>The choice and its writes happen together, while no plan and no other allocation is being made ({@link PlanService#alone}); guests are talked to outside.
 *
 * <p>Long because every step can fail, and what is left then must be found and told.
 */
final class Granting {
    private static final Logger LOG = LoggerFactory.getLogger(Granting.class);

    /** How often a choice is made anew because somebody without our locks was faster. */
    private static final int TRIES = 5;

    private final Host host;
    private final GuestService guests;
    private final HotplugService hotplug;
    private final PlanService plans;
    private final Allocations allocations;
    private final Turns turns;
    private final Giveback giveback;
    private final int maxApqns;
    private final Clock clock;

    Granting(
            Host host,
            GuestService guests,
            HotplugService hotplug,
            PlanService plans,
            Allocations allocations,
            Turns turns,
            Giveback giveback,
            int maxApqns,
            Clock clock) {
        this.host = host;
        this.guests = guests;
        this.hotplug = hotplug;
        this.plans = plans;
        this.allocations = allocations;
        this.turns = turns;
        this.giveback = giveback;
        this.maxApqns = maxApqns;
        this.clock = clock;
    }

    /** What would be done; everything that is in the way is a problem in it. */
    Forecast forecast(AllocationService.Request request, Rights rights) {
        Grant grant;
        try {
            grant = choose(MdevId.random(), request, receiver(request), host.look(), rights);
        } catch (RequestDenied | NotFound refusal) {
            return Plan.refused(refusal).forecast();
        }
        Forecast writes = grant.plan().forecast();
        List<Forecast.Line> lines = new ArrayList<>(writes.steps());
        if (request.guest() != null) {
            lines.add(HotplugService.plugLine(request.guest(), grant.mdev()));
        }
        return new Forecast(
                lines,
                writes.apqnsAdded(),
                writes.apqnsRemoved(),
                writes.guests(),
                writes.problems(),
                writes.warnings());
    }

    private Optional<Grant.Receiver> receiver(AllocationService.Request request) {
        return Optional.ofNullable(request.guest())
                .map(name -> new Grant.Receiver(name, guests.get(name).state()));
    }

    private Grant choose(
            MdevId mdev,
            AllocationService.Request request,
            Optional<Grant.Receiver> receiver,
            HostView view,
            Rights rights) {
        return Grant.choose(host, view, mdev, request.wish(), request.controlDomains(), receiver, rights, maxApqns);
    }

    /**
     * Makes it, plugged in where a guest is named, or leaves nothing of it.
     *
     * @throws RequestDenied ALLOCATION_IMPOSSIBLE, and what a plug can be refused for
     */
    Allocation grant(AllocationService.Request request, Rights rights, Duration patience) {
        Optional<Grant.Receiver> receiver = receiver(request);
        String id = UUID.randomUUID().toString();
        return turns.inTurn(id, patience, () -> {
            Made made = plans.alone(() -> make(id, request, receiver, rights));
            Allocation active = made.allocation().with(Allocation.State.ACTIVE);
            if (request.guest() != null) {
                try {
                    hotplug.plug(request.guest(), active.mdevId(), patience, false);
                } catch (RuntimeException failure) {
                    RuntimeException answer = takeBack(made.allocation(), request.guest(), failure);
                    tellWhole(made);
                    throw answer;
                }
            }
            allocations.end(active);
            tellWhole(made);
            return active;
        });
    }

    /** What was made, and what the audit journal is told of it at last. */
    private record Made(
            Allocation allocation,
            List<String> steps,
            @Nullable Snapshot masksBefore) {}

    private void tellWhole(Made made) {
        Attempt attempt = Attempt.current();
        attempt.whole(made.steps(), made.masksBefore(), MaskService.masksNow(host));
        attempt.on(made.allocation().mdevId());
    }

    /** The device, by itself. What somebody without our locks has changed meanwhile makes a new choice. */
    private Made make(String id, AllocationService.Request request, Optional<Grant.Receiver> receiver, Rights rights) {
        for (int tries = 1; ; tries++) {
            MdevId mdev = MdevId.random();
            Grant grant = choose(mdev, request, receiver, host.look(), rights);
            Snapshot masks = MaskService.snapshot(grant.view());
            Attempt attempt = Attempt.current();
            attempt.before(masks);
            grant.plan().refuseIfForbidden();
            Allocation allocation = allocation(id, request, grant);
            List<String> steps = steps(allocation, grant);
            attempt.on(mdev);
            attempt.steps(steps);
            attempt.intend();
            String claimant = Allocations.claimant(id);
            allocations.begin(allocation);
            try {
                plans.claims().begin(claimant, grant.needed(), MaskBits.setIn(grant.view()));
                Undertaking.perform(
                        claimant, List.of(plans.acts().writes(claimant, grant::targetOn, rights)), act -> {});
                return new Made(allocation, steps, masks);
            } catch (RuntimeException failure) {
                RuntimeException answer = afterFailure(allocation, failure);
                if (answer != failure || !isOvertaken(failure) || tries == TRIES) {
                    throw answer instanceof Grant.Overtaken ? RequestDenied.hostBusy() : answer;
                }
                LOG.info("{}: somebody was faster, choosing anew: {}", claimant, failure.getMessage());
            }
        }
    }

    private static boolean isOvertaken(RuntimeException failure) {
        return failure instanceof Grant.Overtaken
                || (failure instanceof RequestDenied refusal
                        && (refusal.code() == ErrorCode.APQN_IN_USE || refusal.code() == ErrorCode.APQN_RESERVED));
    }

    private Allocation allocation(String id, AllocationService.Request request, Grant grant) {
        Instant now = clock.instant();
        Matrix matrix = grant.matrix();
        return new Allocation(
                id,
                request.owner(),
                grant.mdev().toString(),
                request.mode(),
                matrix.adapters().ids(),
                matrix.domains().ids(),
                matrix.controlDomains().ids(),
                request.guest() == null ? null : request.guest().toString(),
                Allocation.State.CREATING,
                now,
                request.ttl(),
                request.ttl() == null ? null : now.plus(request.ttl()),
                request.onExpiry(),
                grant.choice().fromHost().stream().map(Apqn::toString).toList(),
                grant.choice().explanation());
    }

    private static List<String> steps(Allocation allocation, Grant grant) {
        List<String> steps = new ArrayList<>(
                grant.plan().steps().stream().map(Step::toString).toList());
        if (allocation.guest() != null) {
            steps.add("plug " + allocation.mdev() + " into " + allocation.guest());
        }
        return steps;
    }

    /** What is left of the writes is found by looking, whatever taking back said of itself; {@link LeaseKeeper} goes on with it. */
    private RuntimeException afterFailure(Allocation allocation, RuntimeException failure) {
        String claimant = Allocations.claimant(allocation.id());
        if (!(failure instanceof HostFailure)) {
            // refused before the first write, or undone as a whole: bits that are 0 now are somebody else's doing
            plans.claims().restore(claimant, MaskClaims.Claim.NONE);
            allocations.remove(allocation.id());
            return failure;
        }
        List<String> left = new ArrayList<>();
        try {
            HostView view = host.look();
            MaskBits owed = plans.claims().owed(claimant, MaskBits.NONE).minus(MaskBits.setIn(view));
            view.mdev(allocation.mdevId()).ifPresent(entry -> left.add(allocation.mdev() + ": stands"));
            if (!owed.adapters().isEmpty()) {
                left.add("apmask: " + owed.adapters().ids() + " cleared");
            }
            if (!owed.domains().isEmpty()) {
                left.add("aqmask: " + owed.domains().ids() + " cleared");
            }
        } catch (Fault unreadable) {
            left.add("unknown, the look afterwards failed: " + unreadable.detail());
        }
        if (left.isEmpty()) {
            plans.claims().restore(claimant, MaskClaims.Claim.NONE);
            allocations.remove(allocation.id());
            return failure instanceof Fault fault && fault.facts().containsKey(HostFailure.NOT_UNDONE)
                    ? HostFailure.refused(fault.errno(), fault.detail() + " By now nothing is left of it.")
                    : failure;
        }
        allocations.end(allocation.with(Allocation.State.RELEASING));
        return HostFailure.notUndone(
                failure instanceof Fault fault ? fault.errno() : null,
                failure.getMessage()
                        + " Not all that had been done before could be undone yet; the service goes on trying.",
                left);
    }

    /** A guest that does not take it leaves nothing behind; what cannot be taken back at once goes by itself. */
    private RuntimeException takeBack(Allocation allocation, GuestName guest, RuntimeException failure) {
        String why;
        try {
            if (giveback.giveBack(allocation, Giveback.Force.UNPLUG, Duration.ZERO)) {
                return failure;
            }
            why = "its guest may still take it";
        } catch (RuntimeException unfinished) {
            LOG.error("allocation {}: cannot be taken back yet", allocation.id(), unfinished);
            why = String.valueOf(unfinished.getMessage());
            allocations.end(allocation.with(Allocation.State.RELEASING));
        }
        LOG.warn("allocation {}: refused ({}), and goes back later: {}", allocation.id(), failure.getMessage(), why);
        return HostFailure.qemuUnreachable(
                guest,
                failure.getMessage() + " The allocation " + allocation.id()
                        + " is given back by itself as soon as it can be: " + why);
    }
}
