package org.apmatrix.service;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.ApDevice;
import org.apmatrix.host.Guest;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.qmp.Deadline;
import org.apmatrix.host.qmp.QmpException;
import org.jspecify.annotations.Nullable;

/**
 * Hot plug and hot unplug, under the second law: mark under the lock, talk to QEMU without it, settle ({@link Settlement}). The proof is always what QEMU's AP bus
 * holds.
 *
 * <p>One request at a time talks to a guest about its device ({@link Guest#conversation}). What does not end within a request's patience stays marked, and counts as
 * in use.
 *
 * <p>Timed as {@code apmatrix.plug} and {@code apmatrix.unplug}: {@code outcome} is {@code done}, {@code unchanged}, {@code pending}, {@code refused} or {@code failed}.
 */
public final class HotplugService {
    /** How long the kernel may take to close the files of a QEMU that has died: nothing tells when it has. */
    private static final Duration LOOK_AGAIN = Duration.ofMillis(250);

    /** The threads of the web server are two hundred; some must be left for who asks how the service is. */
    private static final int WAITING_REQUESTS = 150;

    private static final String BUSY = "another request has been talking to it all the time";

    private final Host host;
    private final GuestService guests;
    private final GuestNotes notes;
    private final Settlement settlement;
    private final Clock clock;
    private final MeterRegistry meters;
    private final SecureKeys secureKeys;
    private final Semaphore room = new Semaphore(WAITING_REQUESTS);

    public HotplugService(
            Host host,
            GuestService guests,
            GuestNotes notes,
            Settlement settlement,
            Clock clock,
            MeterRegistry meters) {
        this.meters = meters;
        this.host = host;
        this.secureKeys = new SecureKeys(host);
        this.guests = guests;
        this.notes = notes;
        this.settlement = settlement;
        this.clock = clock;
    }

    /** Plugs a mediated device into a guest; created is false when this very one was there already. */
    public Outcome<AttachedDevice> plug(GuestName name, MdevId mdev, Duration patience, boolean dryRun) {
        return plug(name, mdev, false, patience, dryRun);
    }

    /** @param stored whether it is stored for the guest's next start, too, if it is not there already */
    Outcome<AttachedDevice> plug(GuestName name, MdevId mdev, boolean stored, Duration patience, boolean dryRun) {
        Attempt.current().on(name);
        Attempt.current().on(mdev);
        if (dryRun) {
            Guest guest = guests.require(name);
            host.mdevs();
            return new Outcome.DryRun<>(forecastPlug(name, guest.look(), mdev));
        }
        return timed(
                "apmatrix.plug",
                () -> plug(name, mdev, stored, patience),
                done -> done.created() ? "done" : "unchanged");
    }

    private Outcome.Done<AttachedDevice> plug(GuestName name, MdevId mdev, boolean stored, Duration patience) {
        Guest guest = guests.require(name);
        host.mdevs();
        Deadline deadline = Deadline.in(patience);
        return talk(guest, deadline, () -> plugNow(name, guest, mdev, stored, deadline), () -> {
            GuestState busy = guest.lastSeen().silent(BUSY);
            if (!decidePlug(name, busy, host.look(), mdev)) {
                throw HostFailure.qemuUnreachable(name, BUSY);
            }
            return new Outcome.Done<>(required(name, guest, busy), false);
        });
    }

    private Outcome.Done<AttachedDevice> plugNow(
            GuestName name, Guest guest, MdevId mdev, boolean stored, Deadline deadline) {
        GuestState state = settlement.look(guest, atLeastAMoment(deadline.left()));
        Attempt attempt = Attempt.current();
        attempt.before(snapshot(guests.device(name, guest, state)));
        Optional<GuestNotes.Mark> mark = host.locked(() -> {
            if (decidePlug(name, state, host.look(), mdev)) {
                return Optional.empty();
            }
            attempt.steps(List.of("device_add " + deviceId(mdev)));
            attempt.intend();
            return Optional.of(mark(name, guest, state, mdev, Attachment.State.ATTACHING, null, true));
        });
        AttachedDevice device = mark.isEmpty()
                ? required(name, guest, state)
                : tellToPlug(name, guest, mdev, stored, mark.get(), deadline);
        attempt.after(snapshot(Optional.of(device)));
        return new Outcome.Done<>(device, mark.isPresent());
    }

    /** What the audit journal is told of a guest's device. */
    static Snapshot snapshot(Optional<AttachedDevice> device) {
        return device.map(known -> Snapshot.plugged(
                        known.mdev() == null ? null : known.mdev().toString(),
                        known.state() == null ? "STORED" : known.state().name()))
                .orElse(Snapshot.NOTHING);
    }

    private GuestNotes.Mark mark(
            GuestName name,
            Guest guest,
            GuestState state,
            @Nullable MdevId mdev,
            Attachment.State under,
            @Nullable String link,
            boolean mayStillCome) {
        GuestNotes.Mark mark = new GuestNotes.Mark(
                name.toString(),
                guest.address(),
                state.pid(),
                mdev == null ? null : mdev.toString(),
                under,
                link,
                mayStillCome,
                Attempt.current().id(),
                clock.instant());
        notes.mark(mark);
        return mark;
    }

    private <T> Outcome.Done<T> timed(
            String name, Supplier<Outcome.Done<T>> work, Function<Outcome.Done<T>, String> outcomeOf) {
        Timer.Sample time = Timer.start(meters);
        String outcome = "failed";
        try {
            Outcome.Done<T> done = work.get();
            outcome = outcomeOf.apply(done);
            return done;
        } catch (RequestDenied | NotFound refusal) {
            outcome = "refused";
            throw refusal;
        } finally {
            time.stop(Timer.builder(name)
                    .description("Requests to plug a device into a guest, or out of it")
                    .tag("outcome", outcome)
                    .register(meters));
        }
    }

    /** The second law, in its order; true when this very device is there already. */
    private static boolean decidePlug(GuestName name, GuestState guest, HostView view, MdevId mdev) {
        HostView.Entry entry = Invariants.mdevExists(view, mdev);
        if (isPlugged(guest, entry)) {
            return true;
        }
        secondLaw(name, guest, view, entry).forEach(Runnable::run);
        return false;
    }

    /** What a plug can be refused for before QEMU is asked, in the contract's order. */
    static List<Runnable> secondLaw(GuestName name, GuestState guest, HostView view, HostView.Entry entry) {
        return List.of(
                () -> Invariants.guestTakesDevices(name, guest),
                () -> Invariants.guestHasNoOtherApDevice(
                        name, guest, view, entry.mdev().id()),
                () -> Invariants.mdevNotElsewhere(name, view, entry.mdev().id()),
                () -> Invariants.guestHasCpuFeatures(name, guest),
                () -> Invariants.matrixNotEmpty(entry),
                () -> Invariants.guestAnswers(name, guest));
    }

    /** What a silent guest held when it last told counts as long as the kernel says that somebody holds it. */
    private static boolean isPlugged(GuestState guest, HostView.Entry entry) {
        boolean settled = entry.attachment() == null || entry.attachment().state() == Attachment.State.ATTACHED;
        return guest.mdev().equals(Optional.of(entry.mdev().id()))
                && settled
                && (guest.isReachable() || Boolean.TRUE.equals(entry.inUse()));
    }

    private Forecast forecastPlug(GuestName name, GuestState guest, MdevId mdev) {
        HostView view = host.look();
        Plan.Problems problems = new Plan.Problems();
        problems.check(() -> Invariants.mdevExists(view, mdev));
        Optional<HostView.Entry> toPlug = view.mdev(mdev).filter(entry -> !isPlugged(guest, entry));
        toPlug.ifPresent(entry -> secondLaw(name, guest, view, entry).forEach(problems::check));
        Matrix matrix = toPlug.map(entry -> entry.mdev().matrixOrEmpty()).orElse(Matrix.EMPTY);
        return new Forecast(
                toPlug.stream().map(entry -> plugLine(name, mdev)).toList(),
                matrix.apqns(),
                List.of(),
                List.of(name.toString()),
                problems.found(),
                secureKeys.warnings(matrix));
    }

    static Forecast.Line plugLine(GuestName name, MdevId mdev) {
        return new Forecast.Line(
                "device_add",
                name.toString(),
                "vfio-ap,id=" + deviceId(mdev) + ",bus=ap-bus,sysfsdev=" + MdevTree.path(mdev));
    }

    /** @param link on the guest's AP bus, or what else names the device */
    static Forecast.Line unplugLine(GuestName name, String link) {
        return new Forecast.Line("device_del", name.toString(), link);
    }

    /** Begins with a letter, as QEMU up to 7.2 demands at least (util/id.c, id_wellformed). */
    private static String deviceId(MdevId mdev) {
        return "vfio-ap-" + mdev;
    }

    private AttachedDevice tellToPlug(
            GuestName name, Guest guest, MdevId mdev, boolean stored, GuestNotes.Mark mark, Deadline deadline) {
        try {
            GuestState seen =
                    guest.plug(mdev, deviceId(mdev), MdevTree.path(mdev), stored, atLeastAMoment(deadline.left()));
            settlement.attached(guest, seen, mark);
            return required(name, guest, seen);
        } catch (QmpException.Refused refusal) {
            settlement.forget(mark, "FREE");
            throw refused(name, guest, mdev, refusal);
        } catch (QmpException.Unreachable unsent) {
            settlement.forget(mark, "FREE");
            throw HostFailure.qemuUnreachable(name, unsent.getMessage() + "; nothing was sent");
        } catch (Guest.NotOnTheBus contradiction) {
            settlement.forget(mark, "FREE");
            throw HostFailure.refused(null, "The QEMU of " + name + ": " + contradiction.getMessage() + ".");
        } catch (QmpException unknown) {
            return awaitPlug(name, guest, mark, deadline, String.valueOf(unknown.getMessage()));
        }
    }

    /** Nobody knows whether it was done: QEMU is asked as soon as it answers. */
    private AttachedDevice awaitPlug(GuestName name, Guest guest, GuestNotes.Mark mark, Deadline deadline, String why) {
        while (true) {
            long seen = guest.changes();
            GuestState state = settlement.look(guest, atLeastAMoment(deadline.left()));
            if (state.isReachable()) {
                if (state.mdev().equals(mark.mdevId())) {
                    return required(name, guest, state);
                }
                throw HostFailure.qemuUnreachable(name, why + "; it answers again, and did not take the device");
            }
            if (deadline.hasPassed() || Thread.currentThread().isInterrupted()) {
                throw HostFailure.qemuUnreachable(
                        name, why + "; it may still take the device, which counts as in use until that is known");
            }
            guest.awaitChange(seen, deadline.left());
        }
    }

    private AttachedDevice required(GuestName name, Guest guest, GuestState state) {
        return guests.device(name, guest, state).orElseThrow(() -> NotFound.apDevice(name));
    }

    /** QEMU's refusal; somebody without our lock may have been faster, which says more. */
    private Fault refused(GuestName name, Guest guest, MdevId mdev, QmpException.Refused refusal) {
        try {
            GuestState now = guest.look();
            HostView view = host.look();
            Invariants.guestHasNoOtherApDevice(name, now, view, mdev);
            Invariants.mdevExists(view, mdev);
            Invariants.mdevNotElsewhere(name, view, mdev);
        } catch (RequestDenied | NotFound better) {
            return better;
        }
        return RequestDenied.qemuRefused(name, "device_add", refusal.errorClass(), refusal.description());
    }

    /**
     * Takes the guest's device out.
     *
     * @param expected null for whatever is plugged in
     * @return empty when nothing is plugged in any more; DETACHING when QEMU did not say so within the patience
     */
    public Outcome<Optional<AttachedDevice>> unplug(
            GuestName name, @Nullable MdevId expected, Duration patience, boolean dryRun) {
        return unplug(name, expected, patience, dryRun, device -> {});
    }

    /** @param before is told what will be taken out, within the conversation, before anything is done; empty when nothing is plugged in */
    Outcome<Optional<AttachedDevice>> unplug(
            GuestName name,
            @Nullable MdevId expected,
            Duration patience,
            boolean dryRun,
            Consumer<Optional<AttachedDevice>> before) {
        Attempt.current().on(name);
        if (dryRun) {
            return new Outcome.DryRun<>(forecastUnplug(name, guests.require(name), expected));
        }
        return timed(
                "apmatrix.unplug",
                () -> unplug(name, expected, patience, before),
                done -> done.state().isEmpty() ? "done" : "pending");
    }

    private Outcome.Done<Optional<AttachedDevice>> unplug(
            GuestName name, @Nullable MdevId expected, Duration patience, Consumer<Optional<AttachedDevice>> before) {
        Guest guest = guests.require(name);
        Deadline deadline = Deadline.in(patience);
        return talk(guest, deadline, () -> unplugNow(name, guest, expected, deadline, before), () -> {
            Optional<AttachedDevice> device = guests.device(name, guest, guest.lastSeen());
            requireExpected(name, device, expected);
            if (device.map(AttachedDevice::state).equals(Optional.of(Attachment.State.DETACHING))) {
                return new Outcome.Done<>(device, false);
            }
            throw HostFailure.qemuUnreachable(name, BUSY);
        });
    }

    private Outcome.Done<Optional<AttachedDevice>> unplugNow(
            GuestName name,
            Guest guest,
            @Nullable MdevId expected,
            Deadline deadline,
            Consumer<Optional<AttachedDevice>> before) {
        GuestState state = settlement.look(guest, atLeastAMoment(deadline.left()));
        Optional<AttachedDevice> device = guests.device(name, guest, state);
        Attempt attempt = Attempt.current();
        attempt.before(snapshot(device));
        device.map(AttachedDevice::mdev).ifPresent(attempt::on);
        if (device.isEmpty()) {
            requireKnown(name, state);
            before.accept(device);
            attempt.after(snapshot(device));
            return new Outcome.Done<>(device, false);
        }
        requireExpected(name, device, expected);
        attempt.steps(List.of("device_del "
                + Optional.ofNullable(state.device()).map(ApDevice::link).orElse("")));
        attempt.intend();
        before.accept(device);
        GuestNotes.Mark mark = host.locked(() -> markDetaching(name, guest, state, device.get()));
        while (true) {
            long seen = guest.changes();
            if (settlement.goOnUnplugging(name, guest, mark, atLeastAMoment(deadline.left()))) {
                attempt.after(Snapshot.NOTHING);
                return new Outcome.Done<>(Optional.empty(), false);
            }
            if (deadline.hasPassed() || Thread.currentThread().isInterrupted()) {
                Optional<AttachedDevice> left = guests.device(name, guest, guest.lastSeen());
                attempt.after(snapshot(left));
                return new Outcome.Done<>(left, false);
            }
            guest.awaitChange(seen, deadline.leftUpTo(LOOK_AGAIN));
        }
    }

    private GuestNotes.Mark markDetaching(GuestName name, Guest guest, GuestState state, AttachedDevice device) {
        Optional<GuestNotes.Mark> before = notes.markOf(guest.address());
        if (before.isPresent() && before.get().state() == Attachment.State.DETACHING) {
            return before.get();
        }
        String link = Optional.ofNullable(state.device())
                .filter(onTheBus -> onTheBus.mdev().equals(Optional.ofNullable(device.mdev())))
                .map(ApDevice::link)
                .orElse(null);
        return mark(name, guest, state, device.mdev(), Attachment.State.DETACHING, link, before.isPresent());
    }

    static void requireExpected(GuestName name, Optional<AttachedDevice> device, @Nullable MdevId expected) {
        if (expected != null
                && device.isPresent()
                && !expected.equals(device.get().mdev())) {
            throw RequestDenied.apDeviceMismatch(
                    name,
                    expected,
                    device.get().mdev(),
                    String.valueOf(device.get().sysfsdev()));
        }
    }

    /** Nothing is known to be plugged into a silent guest: that is an answer only where the kernel can rule it out. */
    private void requireKnown(GuestName name, GuestState state) {
        if (state.isReachable() || !host.vfioApLoaded()) {
            return;
        }
        boolean ruledOut = host.look().mdevs().values().stream().allMatch(entry -> {
            Attachment attachment = entry.attachment();
            return Boolean.FALSE.equals(entry.inUse())
                    || (attachment != null
                            && (attachment.guest() != null || (state.pid() != null && attachment.pid() != null)));
        });
        if (!ruledOut) {
            Invariants.guestAnswers(name, state);
        }
    }

    private Forecast forecastUnplug(GuestName name, Guest guest, @Nullable MdevId expected) {
        GuestState state = guest.look();
        Optional<AttachedDevice> device = guests.device(name, guest, state);
        Plan.Problems problems = new Plan.Problems();
        problems.check(() -> requireExpected(name, device, expected));
        if (device.isEmpty()) {
            problems.check(() -> requireKnown(name, state));
        }
        Matrix matrix = device.map(AttachedDevice::mdev)
                .filter(mdev -> host.vfioApLoaded())
                .flatMap(mdev -> host.look().mdev(mdev))
                .map(entry -> entry.mdev().matrixOrEmpty())
                .orElse(Matrix.EMPTY);
        return new Forecast(
                device.stream()
                        .map(out -> unplugLine(
                                name,
                                Optional.ofNullable(state.device())
                                        .map(ApDevice::link)
                                        .orElse(String.valueOf(out.sysfsdev()))))
                        .toList(),
                List.of(),
                matrix.apqns(),
                List.of(name.toString()),
                problems.found(),
                secureKeys.warnings(matrix));
    }

    /** A caller without any patience still gives QEMU the moment that it needs for a word. */
    private static Duration atLeastAMoment(Duration left) {
        return left.compareTo(LOOK_AGAIN) < 0 ? LOOK_AGAIN : left;
    }

    /** One at a time; whoever does not get a word in within its patience, or finds too many waiting, gets the other answer. */
    private <T> T talk(Guest guest, Deadline deadline, Supplier<T> words, Supplier<T> noWordIn) {
        if (!room.tryAcquire()) {
            return noWordIn.get();
        }
        try {
            if (!guest.conversation().tryLock(deadline.left().toNanos(), TimeUnit.NANOSECONDS)) {
                return noWordIn.get();
            }
            try {
                return words.get();
            } finally {
                guest.conversation().unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return noWordIn.get();
        } finally {
            room.release();
        }
    }
}
