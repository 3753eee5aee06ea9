package org.apmatrix.service;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.jspecify.annotations.Nullable;

/** What a plan is made of: unplug, write, define, plug; each with its way back. */
final class PlanActs {
    private final Host host;
    private final Change change;
    private final HotplugService hotplug;
    private final MdevctlStore definitions;
    private final int maxApqns;

    PlanActs(
            Host host,
            WorkInFlight inFlight,
            HotplugService hotplug,
            MdevctlStore definitions,
            MdevProperties properties) {
        this.host = host;
        this.change = new Change(host, inFlight);
        this.hotplug = hotplug;
        this.definitions = definitions;
        this.maxApqns = properties.matrix().maxApqns();
    }

    /** The acts of a draft, in their order. */
    List<Undertaking.Act> of(
            Draft draft, DesiredState document, Estate estate, Draft.Ground ground, Rights rights, Duration patience) {
        List<Undertaking.Act> acts = new ArrayList<>();
        draft.unplugs().forEach(out -> acts.add(new Unplug(out.guest(), out.mdev(), patience)));
        if (draft.hasWrites()) {
            acts.add(new Writes(
                    PlanService.subject(document.owner()),
                    view -> {
                        document.mdevs().forEach(device -> Draft.requireOwn(ground, estate, view, device.id()));
                        return Draft.target(ground, document, estate, view);
                    },
                    rights));
        }
        draft.redefinitions().forEach(redefinition -> acts.add(new Define(redefinition)));
        draft.plugs().forEach(in -> acts.add(new Plug(in.guest(), in.mdev(), patience)));
        return acts;
    }

    /** @param target what is to be, from a fresh look under the lock; what it throws is the refusal */
    Undertaking.Act writes(String subject, Function<HostView, Transition.Target> target, Rights rights) {
        return new Writes(subject, target, rights);
    }

    Undertaking.Act plug(GuestName guest, MdevId mdev, Duration patience) {
        return new Plug(guest, mdev, patience);
    }

    Undertaking.Act unplug(GuestName guest, MdevId mdev, Duration patience) {
        return new Unplug(guest, mdev, patience);
    }

    private void plugNow(GuestName guest, MdevId mdev, Duration patience) {
        hotplug.plug(guest, mdev, patience, false);
    }

    private void unplugNow(GuestName guest, MdevId mdev, Duration patience) {
        Outcome<Optional<AttachedDevice>> outcome = hotplug.unplug(guest, mdev, patience, false);
        if (outcome instanceof Outcome.Done<Optional<AttachedDevice>> done
                && done.state().isPresent()) {
            throw HostFailure.qemuUnreachable(guest, "it has not let go of " + mdev + " within the patience");
        }
    }

    private final class Unplug implements Undertaking.Act {
        private final GuestName guest;
        private final MdevId mdev;
        private final Duration patience;

        Unplug(GuestName guest, MdevId mdev, Duration patience) {
            this.guest = guest;
            this.mdev = mdev;
            this.patience = patience;
        }

        @Override
        public String title() {
            return "unplug " + mdev + " from " + guest;
        }

        @Override
        public void perform() {
            unplugNow(guest, mdev, patience);
        }

        @Override
        public void takeBack() {
            plugNow(guest, mdev, patience);
        }

        /** A silent guest may still let go: that ends by itself and is not taken back, it is told. */
        @Override
        public boolean mayHaveBegun(RuntimeException failure) {
            return false;
        }
    }

    private final class Plug implements Undertaking.Act {
        private final GuestName guest;
        private final MdevId mdev;
        private final Duration patience;

        Plug(GuestName guest, MdevId mdev, Duration patience) {
            this.guest = guest;
            this.mdev = mdev;
            this.patience = patience;
        }

        @Override
        public String title() {
            return "plug " + mdev + " into " + guest;
        }

        @Override
        public void perform() {
            plugNow(guest, mdev, patience);
        }

        @Override
        public void takeBack() {
            unplugNow(guest, mdev, patience);
        }

        /** QEMU may take the device although it has not said so. */
        @Override
        public boolean mayHaveBegun(RuntimeException failure) {
            return failure instanceof Fault fault && fault.code() == ErrorCode.QEMU_UNREACHABLE;
        }
    }

    /** All writes into sysfs, under one lock. */
    private final class Writes implements Undertaking.Act {
        private final String subject;
        private final Function<HostView, Transition.Target> target;
        private final Rights rights;
        private final Set<MdevId> touched = new TreeSet<>();
        private @Nullable HostView before;
        private MaskBits moved = MaskBits.NONE;

        Writes(String subject, Function<HostView, Transition.Target> target, Rights rights) {
            this.subject = subject;
            this.target = target;
            this.rights = rights;
        }

        @Override
        public String title() {
            return "write masks and devices";
        }

        @Override
        public void perform() {
            change.run(
                    subject,
                    WriteOptions.NONE,
                    MaskService::snapshot,
                    view -> {
                        Transition.Target wanted = target.apply(view);
                        if (before == null) {
                            before = view;
                        }
                        touched.addAll(wanted.mdevs().keySet());
                        moved = MaskBits.setIn(view).changedTo(new MaskBits(wanted.apmask(), wanted.aqmask()));
                        return plan(view, wanted, rights);
                    },
                    (was, is) -> new Outcome.Done<>(is, false));
        }

        @Override
        public void takeBack() {
            HostView then = before;
            if (then == null) {
                return;
            }
            change.run(
                    subject + ", back",
                    WriteOptions.NONE,
                    MaskService::snapshot,
                    view -> plan(view, asBefore(then, view), Rights.ALL),
                    (was, is) -> new Outcome.Done<>(is, false));
        }

        /** The devices as they were, and of the masks the bits that were moved: what others have changed of them since stays. */
        private Transition.Target asBefore(HostView then, HostView now) {
            MaskBits masks =
                    MaskBits.setIn(now).minus(moved).or(MaskBits.setIn(then).and(moved));
            return new Transition.Target(
                    masks.adapters(),
                    masks.domains(),
                    Transition.Target.asIn(then, touched).mdevs());
        }

        private Plan plan(HostView view, Transition.Target wanted, Rights allowed) {
            return Transition.plan(view, wanted, Set.of(), allowed, maxApqns, host.mdevs(), host.bus());
        }

        /** A change undoes itself; what it could not undo is not tried a second time, since nobody knows what the kernel still does. */
        @Override
        public boolean mayHaveBegun(RuntimeException failure) {
            return false;
        }
    }

    private final class Define implements Undertaking.Act {
        private final Draft.Redefinition redefinition;

        Define(Draft.Redefinition redefinition) {
            this.redefinition = redefinition;
        }

        @Override
        public String title() {
            return redefinition.title();
        }

        @Override
        public void perform() {
            put(redefinition.after());
        }

        @Override
        public void takeBack() {
            put(redefinition.before());
        }

        private void put(@Nullable MdevDefinition definition) {
            if (definition == null) {
                definitions.delete(redefinition.mdev());
            } else {
                definitions.write(definition);
            }
        }

        @Override
        public boolean mayHaveBegun(RuntimeException failure) {
            return false;
        }
    }
}
