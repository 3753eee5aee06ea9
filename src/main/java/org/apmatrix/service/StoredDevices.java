package org.apmatrix.service;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.Guest;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.qmp.QmpException;
import org.jspecify.annotations.Nullable;

/**
 * What guests of libvirt are given at their next start, beside what is plugged in: both are changed, or neither. The second law counts both, since libvirt stores a second
 * device without a word and then does not start the guest.
 */
public final class StoredDevices {
    private final Host host;
    private final GuestService guests;
    private final HotplugService hotplug;
    private final MdevctlStore definitions;

    /** Held while something is stored: what is looked at before must hold until it is done. */
    private final ReentrantLock storing = new ReentrantLock();

    public StoredDevices(Host host, GuestService guests, HotplugService hotplug, MdevctlStore definitions) {
        this.host = host;
        this.guests = guests;
        this.hotplug = hotplug;
        this.definitions = definitions;
    }

    /**
     * Plugs a device in and stores it; for a guest that is shut off it is stored alone.
     *
     * @throws InvalidValue for a guest without a stored definition
     */
    public Outcome<AttachedDevice> plug(GuestName name, MdevId mdev, Duration patience, boolean dryRun) {
        Guest guest = guests.require(name);
        GuestState state = guest.look();
        requireStorable(name, state);
        if (guest.isShutOff()) {
            return storeAlone(name, guest, state, mdev, patience, dryRun);
        }
        Outcome<AttachedDevice> plugged = hotplug.plug(name, mdev, true, patience, dryRun);
        if (plugged instanceof Outcome.DryRun<AttachedDevice> dry) {
            boolean isThere = state.storedOrNone().contains(mdev);
            return new Outcome.DryRun<>(
                    dry.forecast().between(List.of(), isThere ? List.of() : List.of(line("store", name, mdev))));
        }
        if (plugged instanceof Outcome.Done<AttachedDevice> done
                && Boolean.FALSE.equals(done.state().stored())) {
            // it was plugged in already
            tell(name, () -> guest.store(mdev, true, patience));
            return new Outcome.Done<>(guests.device(name), false);
        }
        return plugged;
    }

    private Outcome<AttachedDevice> storeAlone(
            GuestName name, Guest guest, GuestState state, MdevId mdev, Duration patience, boolean dryRun) {
        Attempt attempt = Attempt.current();
        attempt.on(name);
        attempt.on(mdev);
        boolean isThere = state.storedOrNone().contains(mdev);
        Plan.Problems problems = new Plan.Problems();
        laws(name, state, mdev).forEach(problems::check);
        if (dryRun) {
            return new Outcome.DryRun<>(new Forecast(
                    isThere ? List.of() : List.of(line("store", name, mdev)),
                    List.of(),
                    List.of(),
                    List.of(name.toString()),
                    problems.found()));
        }
        Invariants.nothingElseStored(name, state, mdev);
        if (!isThere) {
            attempt.before(Snapshot.NOTHING);
            attempt.steps(List.of("store " + mdev));
            storing.lock();
            try {
                laws(name, guest.look(), mdev).forEach(Runnable::run);
                attempt.intend();
                tell(name, () -> guest.store(mdev, true, patience));
                orUndo(() -> stillNobodyElses(name, guest, mdev), () -> guest.store(mdev, false, patience), name);
            } finally {
                storing.unlock();
            }
        }
        AttachedDevice device = AttachedDevice.onlyStored(mdev);
        attempt.after(HotplugService.snapshot(Optional.of(device)));
        return new Outcome.Done<>(device, !isThere);
    }

    private static Forecast.Line line(String action, GuestName name, MdevId mdev) {
        return new Forecast.Line(action, name.toString(), "hostdev vfio-ap " + mdev);
    }

    /** Whoever plugs it in elsewhere looks for what is stored under the host's lock; so one of both sees the other. */
    private boolean stillNobodyElses(GuestName name, Guest guest, MdevId mdev) {
        guest.look();
        return host.locked(() -> {
            Invariants.mdevNotElsewhere(name, host.look(), mdev);
            return true;
        });
    }

    private List<Runnable> laws(GuestName name, GuestState state, MdevId mdev) {
        HostView view = host.look();
        return List.of(
                () -> requireKnown(view, mdev),
                () -> Invariants.nothingElseStored(name, state, mdev),
                () -> Invariants.mdevNotElsewhere(name, view, mdev),
                () -> requireAutostart(mdev));
    }

    private void requireKnown(HostView view, MdevId mdev) {
        if (view.mdev(mdev).isEmpty() && !definitions.isDefined(mdev)) {
            throw NotFound.mdev(mdev);
        }
    }

    private void requireAutostart(MdevId mdev) {
        boolean starts = definitions
                .read(mdev)
                .filter(definition -> definition.start() == MdevDefinition.Start.AUTO)
                .isPresent();
        if (!starts) {
            throw RequestDenied.mdevNotAutostarted(mdev);
        }
    }

    /**
     * Takes a device out, and out of what is stored; when the first is refused, the second is as before.
     *
     * @throws InvalidValue for a guest without a stored definition
     */
    public Outcome<Optional<AttachedDevice>> unplug(
            GuestName name, @Nullable MdevId expected, Duration patience, boolean dryRun) {
        Guest guest = guests.require(name);
        GuestState state = guest.look();
        requireStorable(name, state);
        Optional<MdevId> stored = state.storedOrNone().stream()
                .filter(mdev -> expected == null || mdev.equals(expected))
                .findFirst();
        if (dryRun) {
            Outcome<Optional<AttachedDevice>> dry = hotplug.unplug(name, expected, patience, true);
            return new Outcome.DryRun<>(((Outcome.DryRun<Optional<AttachedDevice>>) dry)
                    .forecast()
                    .between(
                            stored.map(mdev -> line("unstore", name, mdev)).stream()
                                    .toList(),
                            List.of()));
        }
        if (stored.isEmpty()) {
            Optional<AttachedDevice> other =
                    state.storedOrNone().stream().findFirst().map(AttachedDevice::onlyStored);
            HotplugService.requireExpected(
                    name, guests.device(name, guest, state).or(() -> other), expected);
            return hotplug.unplug(name, expected, patience, false);
        }
        Attempt.current().on(name);
        Attempt.current().on(stored.get());
        Attempt.current().intend();
        tell(name, () -> guest.store(stored.get(), false, patience));
        if (guest.isShutOff()) {
            Attempt.current().after(Snapshot.NOTHING);
            return new Outcome.Done<>(Optional.empty(), false);
        }
        return orUndo(
                () -> hotplug.unplug(name, expected, patience, false),
                () -> guest.store(stored.get(), true, patience),
                name);
    }

    private static <T> T orUndo(Supplier<T> work, Runnable undo, GuestName name) {
        boolean isDone = false;
        try {
            T result = work.get();
            isDone = true;
            return result;
        } finally {
            if (!isDone) {
                tell(name, undo);
            }
        }
    }

    private static void requireStorable(GuestName name, GuestState state) {
        if (!state.isReachable()) {
            throw HostFailure.qemuUnreachable(name, String.valueOf(state.silence()));
        }
        if (state.stored() == null) {
            throw new InvalidValue(
                    "persistent",
                    "The guest " + name + " has no stored definition: it is none of libvirt's, or transient.");
        }
    }

    private static void tell(GuestName name, Runnable words) {
        try {
            words.run();
        } catch (QmpException.Refused refusal) {
            throw RequestDenied.qemuRefused(name, "the stored definition", refusal.errorClass(), refusal.description());
        } catch (QmpException unknown) {
            throw HostFailure.qemuUnreachable(name, String.valueOf(unknown.getMessage()));
        }
    }
}
