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
import org.apmatrix.fault.Fault;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What guests of libvirt are given at their next start, beside what is plugged in: both are changed, or neither. The second law counts both, since libvirt stores a second
 * device without a word and then does not start the guest.
 */
public final class StoredDevices {
    private static final Logger LOG = LoggerFactory.getLogger(StoredDevices.class);

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
        if (dryRun) {
            boolean isThere = state.storedOrNone().contains(mdev);
            Forecast forecast =
                    guest.isShutOff() ? nothingOf(name) : forecast(hotplug.plug(name, mdev, patience, true));
            Plan.Problems problems = new Plan.Problems();
            if (!isAlone(state, mdev)) {
                laws(name, state, mdev, guest.isShutOff()).forEach(problems::check);
            }
            return new Outcome.DryRun<>(forecast.between(
                    List.of(), isThere ? List.of() : List.of(line("store", name, mdev)), problems.found()));
        }
        if (guest.isShutOff()) {
            Attempt attempt = Attempt.current();
            attempt.on(name);
            attempt.on(mdev);
            attempt.before(Snapshot.NOTHING);
            boolean isNew = store(name, guest, mdev, patience);
            AttachedDevice device = AttachedDevice.onlyStored(mdev);
            attempt.after(HotplugService.snapshot(Optional.of(device)));
            return new Outcome.Done<>(device, isNew);
        }
        Outcome.Done<AttachedDevice> plugged =
                (Outcome.Done<AttachedDevice>) hotplug.plug(name, mdev, true, patience, false);
        if (!Boolean.FALSE.equals(plugged.state().stored())) {
            return plugged;
        }
        // it was plugged in already
        store(name, guest, mdev, patience);
        return new Outcome.Done<>(guests.device(name), false);
    }

    private static boolean isAlone(GuestState state, MdevId mdev) {
        return state.storedOrNone().equals(List.of(mdev));
    }

    /** False where it is stored already, alone: then nothing is done. */
    private boolean store(GuestName name, Guest guest, MdevId mdev, Duration patience) {
        storing.lock();
        try {
            GuestState state = guest.look();
            if (isAlone(state, mdev)) {
                return false;
            }
            laws(name, state, mdev, guest.isShutOff()).forEach(Runnable::run);
            Attempt.current().steps(List.of("store " + mdev));
            Attempt.current().intend();
            tell(name, () -> guest.store(mdev, true, patience));
            orUndo(
                    () -> {
                        guest.look();
                        // whoever plugs it in elsewhere looks for what is stored under this lock
                        return host.locked(() -> {
                            Invariants.mdevNotElsewhere(name, host.look(), mdev);
                            return true;
                        });
                    },
                    () -> guest.store(mdev, false, patience),
                    name);
            return true;
        } finally {
            storing.unlock();
        }
    }

    /** What a device cannot be stored for, in the contract's order. */
    private List<Runnable> laws(GuestName name, GuestState state, MdevId mdev, boolean isShutOff) {
        HostView view = host.look();
        return List.of(
                () -> requireKnown(view, mdev),
                () -> Invariants.nothingElseStored(name, state, mdev),
                () -> Invariants.mdevNotElsewhere(name, view, mdev),
                () -> requireAutostart(mdev, isShutOff));
    }

    private void requireKnown(HostView view, MdevId mdev) {
        if (view.mdev(mdev).isEmpty() && !definitions.isDefined(mdev)) {
            throw NotFound.mdev(mdev);
        }
    }

    private void requireAutostart(MdevId mdev, boolean isShutOff) {
        boolean starts = definitions
                .read(mdev)
                .filter(definition -> definition.start() == MdevDefinition.Start.AUTO)
                .isPresent();
        if (isShutOff && !starts) {
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
        Optional<AttachedDevice> device = guests.device(name, guest, state)
                .or(() -> state.storedOrNone().stream().findFirst().map(AttachedDevice::onlyStored));
        Runnable law = () -> {
            if (stored.isEmpty()) {
                HotplugService.requireExpected(name, device, expected);
            }
        };
        if (dryRun) {
            Forecast forecast =
                    guest.isShutOff() ? nothingOf(name) : forecast(hotplug.unplug(name, expected, patience, true));
            Plan.Problems problems = new Plan.Problems();
            problems.check(law);
            return new Outcome.DryRun<>(forecast.between(
                    stored.stream().map(mdev -> line("unstore", name, mdev)).toList(), List.of(), problems.found()));
        }
        law.run();
        if (stored.isEmpty()) {
            return hotplug.unplug(name, expected, patience, false);
        }
        Attempt attempt = Attempt.current();
        attempt.on(name);
        attempt.on(stored.get());
        attempt.before(HotplugService.snapshot(device));
        attempt.steps(List.of("unstore " + stored.get()));
        attempt.intend();
        tell(name, () -> guest.store(stored.get(), false, patience));
        if (guest.isShutOff()) {
            attempt.after(Snapshot.NOTHING);
            return new Outcome.Done<>(Optional.empty(), false);
        }
        return orUndo(
                () -> hotplug.unplug(name, expected, patience, false),
                // under the law: somebody may have stored it for another guest meanwhile
                () -> store(name, guest, stored.get(), patience),
                name);
    }

    private static <T> T orUndo(Supplier<T> work, Runnable undo, GuestName name) {
        try {
            return work.get();
        } catch (RuntimeException failure) {
            try {
                tell(name, undo);
            } catch (Fault notUndone) {
                LOG.error(
                        "guest {}: what is stored for its next start could not be put back: {}",
                        name,
                        notUndone.detail());
                failure.addSuppressed(notUndone);
            }
            throw failure;
        }
    }

    private static Forecast nothingOf(GuestName name) {
        return new Forecast(List.of(), List.of(), List.of(), List.of(name.toString()), List.of());
    }

    private static Forecast forecast(Outcome<?> dryRun) {
        return ((Outcome.DryRun<?>) dryRun).forecast();
    }

    private static Forecast.Line line(String action, GuestName name, MdevId mdev) {
        return new Forecast.Line(action, name.toString(), "hostdev vfio-ap " + mdev);
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
