package org.apmatrix.service;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.NotFound;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.qmp.QmpException;
import org.jspecify.annotations.Nullable;

/**
 * A guest that is to migrate is unplugged first: QEMU refuses to migrate a vfio-ap device (hw/vfio/ap.c, vfio_ap_vmstate is unmigratable). What was taken away is
 * remembered, over a restart of this service too, and plugged in again when the migration does not happen.
 */
public final class MigrationService {
    private static final Forecast NOTHING = new Forecast(List.of(), List.of(), List.of(), List.of(), List.of());

    private final GuestService guests;
    private final HotplugService hotplug;
    private final QueueService queues;
    private final GuestNotes notes;
    private final Clock clock;

    public MigrationService(
            GuestService guests, HotplugService hotplug, QueueService queues, GuestNotes notes, Clock clock) {
        this.guests = guests;
        this.hotplug = hotplug;
        this.queues = queues;
        this.notes = notes;
        this.clock = clock;
    }

    /** What keeps a guest from migrating. */
    public enum BlockerKind {
        /** A vfio-ap device is plugged in, or on the way in or out. */
        AP_DEVICE_ATTACHED,
        /** QEMU names a reason of its own. */
        QEMU_BLOCKED,
        /** libvirt has a reason of its own, or does not tell. */
        LIBVIRT_BLOCKED,
        /** A guest that is shut down or has panicked is not migrated live. */
        GUEST_NOT_RUNNING,
        /** A migration is under way already. */
        MIGRATION_ACTIVE,
        /** QEMU does not answer, so nobody knows. */
        QEMU_UNREACHABLE
    }

    /**
     * One blocker.
     *
     * @param mdev of AP_DEVICE_ATTACHED, where it is known
     * @param reason in words, QEMU's own where it said any
     */
    public record Blocker(
            BlockerKind kind,
            @Nullable MdevId mdev,
            @Nullable String reason) {}

    /** Everything that is in the way of a migration; empty when nothing is. */
    public List<Blocker> blockers(GuestName name) {
        GuestService.GuestView view = guests.get(name);
        GuestState state = view.state();
        List<String> reasons = new ArrayList<>(state.blockedReasons());
        List<Blocker> blockers = new ArrayList<>();
        AttachedDevice device = view.device();
        if (device != null) {
            // QEMU's reason names only the bus and the type: /1/vfio-ap
            Optional<String> reason =
                    reasons.stream().filter(text -> text.contains("vfio-ap")).findFirst();
            reason.ifPresent(reasons::remove);
            blockers.add(new Blocker(BlockerKind.AP_DEVICE_ATTACHED, device.mdev(), reason.orElse(null)));
        }
        reasons.forEach(reason -> blockers.add(new Blocker(BlockerKind.QEMU_BLOCKED, null, reason)));
        if (state.isReachable() && !state.isShutDown()) {
            libvirtsRefusals(name)
                    .forEach(reason -> blockers.add(new Blocker(BlockerKind.LIBVIRT_BLOCKED, null, reason)));
        }
        if (!state.isReachable()) {
            blockers.add(new Blocker(BlockerKind.QEMU_UNREACHABLE, null, state.silence()));
        } else if (state.migrating()) {
            blockers.add(new Blocker(BlockerKind.MIGRATION_ACTIVE, null, null));
        } else if (!state.takesDevices()) {
            blockers.add(new Blocker(BlockerKind.GUEST_NOT_RUNNING, null, state.runState()));
        }
        return blockers;
    }

    private List<String> libvirtsRefusals(GuestName name) {
        try {
            return guests.require(name).migrationRefusals();
        } catch (QmpException unanswered) {
            return List.of("libvirt does not tell: " + unanswered.getMessage());
        }
    }

    /**
     * Whether a guest can migrate to one host.
     *
     * @param mdev the device whose matrix was compared: what is plugged in, or what a prepared migration took out; null when there is none, and nothing to compare
     * @param matrix its queues
     * @param target what is at the same APQNs there; a queue that the target has not is left out
     */
    public record Comparison(
            List<Blocker> blockers,
            @Nullable MdevId mdev,
            List<Apqn> matrix,
            Map<Apqn, MigrationTarget.TargetQueue> target,
            List<MigrationTarget.Difference> differences) {
        /** False when something differs so that the guest would not work there as here. What nobody can tell is no reason. */
        public boolean compatible() {
            return differences.stream().noneMatch(MigrationTarget.Difference::breaks);
        }
    }

    /**
     * Compares the guest's queues with those of the target.
     *
     * @param inventory the target's queues
     * @param targetMdev the device at the target that is for this guest; null for the one with the same UUID
     */
    public Comparison compare(
            GuestName name, List<MigrationTarget.TargetQueue> inventory, @Nullable MdevId targetMdev) {
        Attempt.current().on(name);
        List<Blocker> blockers = blockers(name);
        AttachedDevice device = guests.get(name).device();
        MdevId mdev = device == null ? preparedMdev(name) : device.mdev();
        if (mdev == null) {
            return new Comparison(blockers, null, List.of(), Map.of(), List.of());
        }
        Attempt.current().on(mdev);
        Map<Apqn, MigrationTarget.TargetQueue> there = new TreeMap<>();
        inventory.forEach(queue -> there.put(queue.apqn(), queue));
        MigrationTarget target = new MigrationTarget(there, Optional.of(targetMdev == null ? mdev : targetMdev));
        List<Apqn> matrix = queues.matrixOf(mdev);
        Map<Apqn, QueueService.QueueState> here = new TreeMap<>();
        queues.list(queue -> true).forEach(queue -> here.put(queue.apqn(), queue));
        there.keySet().retainAll(Set.copyOf(matrix));
        return new Comparison(
                blockers,
                mdev,
                matrix,
                there,
                matrix.stream()
                        .flatMap(apqn -> target.compare(apqn, Optional.ofNullable(here.get(apqn))).stream())
                        .toList());
    }

    /** How far a preparation is. */
    public enum Progress {
        PREPARED,
        DETACHING
    }

    /**
     * A migration that is prepared, or being prepared.
     *
     * @param mdev what is plugged in again when it is taken back; null when nothing was plugged in
     */
    public record Preparation(Progress progress, @Nullable MdevId mdev) {}

    /** Unplugs the guest and remembers what; again: the same answer. DETACHING when QEMU did not say within the patience that the device is gone. */
    public Outcome<Preparation> prepare(GuestName name, Duration patience, boolean dryRun) {
        if (dryRun) {
            return new Outcome.DryRun<>(forecast(hotplug.unplug(name, null, patience, true)));
        }
        Optional<GuestNotes.Preparation> before = notes.preparationOf(name);
        Outcome<Optional<AttachedDevice>> unplugged;
        try {
            unplugged = hotplug.unplug(name, null, patience, false, device -> note(name, device));
        } catch (Fault refusal) {
            notes.forgetPreparation(name);
            before.ifPresent(notes::prepared);
            throw refusal;
        }
        boolean out =
                ((Outcome.Done<Optional<AttachedDevice>>) unplugged).state().isEmpty();
        return new Outcome.Done<>(
                new Preparation(out ? Progress.PREPARED : Progress.DETACHING, preparedMdev(name)), false);
    }

    /** What is plugged in now is remembered; where nothing is, what was remembered before stays. */
    private void note(GuestName name, Optional<AttachedDevice> device) {
        if (device.isPresent() || notes.preparationOf(name).isEmpty()) {
            Attempt.current().intend();
            Optional<MdevId> mdev = device.map(AttachedDevice::mdev);
            notes.prepared(new GuestNotes.Preparation(
                    name.toString(), mdev.map(MdevId::toString).orElse(null), clock.instant()));
        }
    }

    private @Nullable MdevId preparedMdev(GuestName name) {
        return notes.preparationOf(name).flatMap(GuestNotes.Preparation::mdevId).orElse(null);
    }

    /** Throws NOT_FOUND when none is prepared. */
    public Preparation get(GuestName name) {
        AttachedDevice device = guests.get(name).device();
        if (notes.preparationOf(name).isEmpty()) {
            throw NotFound.migrationPreparation(name);
        }
        return new Preparation(device == null ? Progress.PREPARED : Progress.DETACHING, preparedMdev(name));
    }

    /**
     * Plugs in again what was taken away, under the laws of every plug: a device that was given away meanwhile is refused, and the preparation stays.
     *
     * @return empty when nothing was prepared, or nothing had been plugged in
     */
    public Outcome<Optional<AttachedDevice>> restore(GuestName name, Duration patience, boolean dryRun) {
        Attempt.current().on(name);
        guests.require(name);
        Optional<MdevId> mdev = Optional.ofNullable(preparedMdev(name));
        if (mdev.isEmpty()) {
            if (dryRun) {
                return new Outcome.DryRun<>(NOTHING);
            }
            Attempt.current().intend();
            notes.forgetPreparation(name);
            return new Outcome.Done<>(Optional.empty(), false);
        }
        Outcome<AttachedDevice> plugged = hotplug.plug(name, mdev.get(), patience, dryRun);
        if (plugged instanceof Outcome.Done<AttachedDevice> done) {
            notes.forgetPreparation(name);
            return new Outcome.Done<>(Optional.of(done.state()), done.created());
        }
        return new Outcome.DryRun<>(forecast(plugged));
    }

    /** Forgets what was prepared and plugs nothing in. */
    public Outcome<Optional<AttachedDevice>> forget(GuestName name, boolean dryRun) {
        Attempt.current().on(name);
        guests.require(name);
        if (dryRun) {
            return new Outcome.DryRun<>(NOTHING);
        }
        Attempt.current().intend();
        notes.forgetPreparation(name);
        return new Outcome.Done<>(Optional.empty(), false);
    }

    private static Forecast forecast(Outcome<?> outcome) {
        return ((Outcome.DryRun<?>) outcome).forecast();
    }
}
