package org.apmatrix.service;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.MdevTree;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How an allocation goes back: unplugged, its device removed, the masks as they were found, less what others want of them by now.
 *
 * <p>Every step may be done twice: whatever was cut off is done again from the beginning.
 *
 * <p>Long because it must also know, before and after, which bits of the masks can go back at all.
 */
final class Giveback {
    private static final Logger LOG = LoggerFactory.getLogger(Giveback.class);

    private final Host host;
    private final PlanService plans;
    private final HotplugService hotplug;
    private final Allocations allocations;
    private final int maxApqns;

    Giveback(Host host, PlanService plans, HotplugService hotplug, Allocations allocations, int maxApqns) {
        this.host = host;
        this.plans = plans;
        this.hotplug = hotplug;
        this.allocations = allocations;
        this.maxApqns = maxApqns;
    }

    /** Whether a device may be taken from a guest that has it. */
    enum Force {
        UNPLUG,
        /** MDEV_IN_USE instead. */
        NEVER
    }

    /**
     * Gives it back, within its turn.
     *
     * @return false when a guest has not let go of it within the patience: it is RELEASING then
     * @throws RequestDenied when it is refused; the allocation is then as it was
     * @throws HostFailure when the host has refused in the middle; it may be RELEASING then
     */
    boolean giveBack(Allocation allocation, Force force, Duration patience) {
        MdevId id = allocation.mdevId();
        host.mdevs();
        Attempt.current().on(id);
        Optional<HostView.Entry> entry = deviceOf(allocation, host.look());
        boolean inUse = entry.isPresent() && !Boolean.FALSE.equals(entry.get().inUse());
        Attachment attachment = entry.map(HostView.Entry::attachment).orElse(null);
        if (inUse && (force == Force.NEVER || attachment == null || attachment.guest() == null)) {
            entry.ifPresent(Invariants::mdevNotInUse);
        }
        Attempt.current().steps(steps(allocation, attachment));
        Attempt.current().intend();
        if (force == Force.UNPLUG && entry.isPresent() && allocation.state() != Allocation.State.RELEASING) {
            allocations.begin(allocation.with(Allocation.State.RELEASING));
        }
        boolean unplugged = false;
        try {
            if (attachment != null && attachment.guest() != null) {
                unplugged = isOut(allocation, attachment, patience);
                if (!unplugged) {
                    return false;
                }
            }
            plans.alone(() -> {
                remove(allocation);
                return allocation;
            });
        } catch (RequestDenied refusal) {
            if (!unplugged) {
                allocations.end(allocation);
            }
            throw refusal;
        }
        return true;
    }

    /** Its device, which may be the part that a release, refused and cut off on its way back, has made again. */
    Optional<HostView.Entry> deviceOf(Allocation allocation, HostView view) {
        return allocation.deviceIn(view, plans.wasCutOff(Allocations.claimant(allocation.id())));
    }

    /** What would be done, with an unplug where a guest has it. */
    Forecast forecast(Allocation allocation) {
        HostView view = host.look();
        MdevId mdev = allocation.mdevId();
        Optional<HostView.Entry> entry = deviceOf(allocation, view);
        SortedMap<MdevId, Optional<Matrix>> gone = new TreeMap<>();
        entry.ifPresent(there -> gone.put(mdev, Optional.empty()));
        MaskBits back =
                possible(view.with(gone), plans.claims().owed(Allocations.claimant(allocation.id()), MaskBits.NONE));
        Attachment attachment = entry.map(HostView.Entry::attachment).orElse(null);
        GuestName guest = attachment == null ? null : attachment.guest();
        Plan plan = Transition.plan(
                view,
                new Transition.Target(
                        view.apmask().or(back.adapters()), view.aqmask().or(back.domains()), gone),
                guest == null ? Set.of() : Set.of(mdev),
                Rights.ALL,
                maxApqns,
                host.mdevs(),
                host.bus());
        Forecast writes = plan.forecast();
        List<Forecast.Line> lines = new ArrayList<>();
        if (guest != null) {
            lines.add(HotplugService.unplugLine(guest, MdevTree.path(mdev).toString()));
        }
        lines.addAll(writes.steps());
        return new Forecast(lines, writes.apqnsAdded(), writes.apqnsRemoved(), writes.guests(), writes.problems());
    }

    private static List<String> steps(Allocation allocation, @Nullable Attachment attachment) {
        List<String> steps = new ArrayList<>();
        if (attachment != null) {
            steps.add("unplug " + allocation.mdev() + " from " + attachment);
        }
        steps.add("remove " + allocation.mdev());
        steps.add("give the masks back");
        return steps;
    }

    /** Unplugs it; false when it may still be in. */
    private boolean isOut(Allocation allocation, Attachment attachment, Duration patience) {
        try {
            Outcome<Optional<AttachedDevice>> outcome =
                    hotplug.unplug(Objects.requireNonNull(attachment.guest()), allocation.mdevId(), patience, false);
            return !(outcome instanceof Outcome.Done<Optional<AttachedDevice>> done)
                    || done.state().isEmpty();
        } catch (NotFound | HostFailure | RequestDenied unfinished) {
            boolean passes = unfinished.code() == ErrorCode.GUEST_NOT_FOUND
                    || unfinished.code() == ErrorCode.QEMU_UNREACHABLE
                    || unfinished.code() == ErrorCode.AP_DEVICE_MISMATCH;
            if (!passes) {
                throw unfinished;
            }
            LOG.info("allocation {}: {}", allocation.id(), unfinished.detail());
            return false;
        }
    }

    /** Removes the device and gives the masks back, and with that the allocation is no more. */
    private void remove(Allocation allocation) {
        MdevId id = allocation.mdevId();
        write(Allocations.claimant(allocation.id()), view -> {
            SortedMap<MdevId, Optional<Matrix>> gone = new TreeMap<>();
            deviceOf(allocation, view).ifPresent(entry -> gone.put(id, Optional.empty()));
            if (gone.isEmpty() && view.mdev(id).isPresent()) {
                LOG.warn("allocation {}: its device {} is somebody else's by now, and stays", allocation.id(), id);
            }
            return gone;
        });
        allocations.remove(allocation.id());
    }

    /** What an allocation that is no more could not give back, because a device of somebody else needed it, goes back when that does not any more. */
    void giveBackLeftovers() {
        List<String> former = allocations.formerAmong(plans.claims().claimants());
        if (former.isEmpty()) {
            return;
        }
        HostView view = host.look();
        for (String claimant : former) {
            MaskBits owed = plans.claims().owed(claimant, MaskBits.NONE);
            if (owed.isEmpty() || !possible(view, owed).isEmpty()) {
                plans.alone(() -> {
                    write(claimant, now -> new TreeMap<>());
                    return claimant;
                });
            }
        }
    }

    private interface Devices {
        SortedMap<MdevId, Optional<Matrix>> goneIn(HostView view);
    }

    private void write(String claimant, Devices devices) {
        MaskBits[] given = {MaskBits.NONE};
        MaskBits owed = plans.claims().owed(claimant, MaskBits.NONE);
        Undertaking.perform(
                claimant,
                List.of(plans.acts()
                        .writes(
                                claimant,
                                view -> {
                                    SortedMap<MdevId, Optional<Matrix>> gone = devices.goneIn(view);
                                    given[0] = possible(view.with(gone), owed);
                                    return new Transition.Target(
                                            view.apmask().or(given[0].adapters()),
                                            view.aqmask().or(given[0].domains()),
                                            gone);
                                },
                                Rights.ALL)),
                act -> {});
        MaskBits left = owed.minus(given[0]);
        if (!left.isEmpty()) {
            LOG.warn(
                    "{}: adapters {} and domains {} of the masks go back to the host when no device needs them any more",
                    claimant,
                    left.adapters().ids(),
                    left.domains().ids());
        }
        plans.claims().settle(claimant, MaskBits.NONE, left);
    }

    /** As many of these bits as can be given back without taking a queue from any device. */
    static MaskBits possible(HostView view, MaskBits owed) {
        if (!view.overrides().isEmpty()) {
            return owed.and(MaskBits.setIn(view));
        }
        if (isPossible(view, owed)) {
            return owed;
        }
        MaskBits possible = MaskBits.NONE;
        List<MaskBits> each = new ArrayList<>();
        owed.adapters().ids().forEach(id -> each.add(new MaskBits(ApMask.of(id), ApMask.NONE)));
        owed.domains().ids().forEach(id -> each.add(new MaskBits(ApMask.NONE, ApMask.of(id))));
        for (MaskBits bit : each) {
            if (isPossible(view, possible.or(bit))) {
                possible = possible.or(bit);
            }
        }
        return possible;
    }

    private static boolean isPossible(HostView view, MaskBits bits) {
        try {
            Invariants.masksTakeNothingFromMdevs(
                    view, view.apmask().or(bits.adapters()), view.aqmask().or(bits.domains()));
            return true;
        } catch (RequestDenied needed) {
            return false;
        }
    }
}
