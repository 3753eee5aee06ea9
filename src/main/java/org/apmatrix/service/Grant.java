package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.allocation.Answer;
import org.apmatrix.allocation.Choice;
import org.apmatrix.allocation.Impossible;
import org.apmatrix.allocation.QueueSearch;
import org.apmatrix.allocation.Wish;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.GuestState;

/** What a wish gets of one look at the host: the queues, the writes that make a device of them, and everything that is in the way. */
final class Grant {
    private final HostView view;
    private final MdevId mdev;
    private final Choice choice;
    private final Matrix matrix;
    private final Plan plan;

    /**
     * A guest that is to get the device.
     *
     * @param state as it told just now
     */
    record Receiver(GuestName name, GuestState state) {}

    private Grant(HostView view, MdevId mdev, Choice choice, Matrix matrix, Plan plan) {
        this.view = view;
        this.mdev = mdev;
        this.choice = choice;
        this.matrix = matrix;
        this.plan = plan;
    }

    /**
     * Chooses.
     *
     * @throws RequestDenied ALLOCATION_IMPOSSIBLE
     */
    static Grant choose(
            Host host,
            HostView view,
            MdevId mdev,
            Wish wish,
            boolean controlDomains,
            Optional<Receiver> receiver,
            Rights rights,
            int maxApqns) {
        Answer answer = QueueSearch.search(Supplies.of(host, view, wish.sameMasterKey(), maxApqns), wish);
        if (answer instanceof Impossible impossible) {
            throw RequestDenied.allocationImpossible(
                    impossible.missing(),
                    impossible.wouldHelp().stream()
                            .map(Impossible.Help::sentence)
                            .toList());
        }
        Choice choice = (Choice) answer;
        Matrix matrix = controlDomains
                ? choice.matrix().withControlDomains(choice.matrix().domains())
                : choice.matrix();
        Transition.Target target = target(view, mdev, choice, matrix);
        Plan writes = Transition.plan(view, target, Set.of(), rights, maxApqns, host.mdevs(), host.bus());
        List<Fault> problems = new ArrayList<>(writes.problems());
        receiver.ifPresent(guest -> problems.addAll(laws(guest, target.after(view), mdev)));
        return new Grant(
                view,
                mdev,
                choice,
                matrix,
                new Plan(
                        writes.steps(),
                        writes.apqnsAdded(),
                        writes.apqnsRemoved(),
                        receiver.stream().map(guest -> guest.name().toString()).toList(),
                        List.copyOf(problems)));
    }

    private static List<Fault> laws(Receiver guest, HostView then, MdevId mdev) {
        Plan.Problems problems = new Plan.Problems();
        then.mdev(mdev)
                .ifPresent(entry -> HotplugService.secondLaw(guest.name(), guest.state(), then, entry)
                        .forEach(problems::check));
        return problems.found();
    }

    private static Transition.Target target(HostView view, MdevId mdev, Choice choice, Matrix matrix) {
        SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>();
        mdevs.put(mdev, Optional.of(matrix));
        return new Transition.Target(
                view.apmask().minus(choice.adaptersToFree()), view.aqmask().minus(choice.domainsToFree()), mdevs);
    }

    /**
     * The same queues on a later look, under the lock.
     *
     * @throws Overtaken when the masks are others by now: what would leave the host is not what was chosen
     */
    Transition.Target targetOn(HostView later) {
        if (!later.apmask().equals(view.apmask()) || !later.aqmask().equals(view.aqmask())) {
            throw new Overtaken();
        }
        return target(later, mdev, choice, matrix);
    }

    /** Somebody changed the host between the choice and the writes. */
    static final class Overtaken extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Overtaken() {
            super("the masks have changed since the choice");
        }
    }

    /**
     * The bits that must stay 0 as long as the device stands: those of its adapters, or of its domains, whichever are all 0 then. Where the kernel refuses to give a
     * bit back whatever the other mask says (from 6.19 on), all of them.
     */
    MaskBits needed() {
        ApMask adapters = matrix.adapters().minus(view.apmask().minus(choice.adaptersToFree()));
        ApMask domains = matrix.domains().minus(view.aqmask().minus(choice.domainsToFree()));
        if (!view.overrides().isEmpty()) {
            return MaskBits.NONE;
        }
        if (view.overridesSupported()) {
            return new MaskBits(adapters, domains);
        }
        return adapters.equals(matrix.adapters())
                ? new MaskBits(adapters, ApMask.NONE)
                : new MaskBits(ApMask.NONE, domains);
    }

    MdevId mdev() {
        return mdev;
    }

    HostView view() {
        return view;
    }

    Choice choice() {
        return choice;
    }

    Matrix matrix() {
        return matrix;
    }

    Plan plan() {
        return plan;
    }
}
