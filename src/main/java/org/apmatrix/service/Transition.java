package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.MdevTree;

/**
 * The way from what is to what shall be, of masks and devices together: the fewest writes into sysfs, in an order in which every state on the way is legal.
 *
 * <p>What leaves goes first, what the masks take back is given up before they do, then the masks change, then what is new comes. Where devices exchange queues, one
 * that stands in the way of most others gives up first. Taken back in reverse, the same states are passed again.
 */
final class Transition {
    private final HostView view;
    private final Target target;
    private final MdevTree tree;
    private final MaskWrites maskWrites;
    private final SortedMap<MdevId, Matrix> now = new TreeMap<>();
    private final List<Step> steps = new ArrayList<>();

    /**
     * What shall be.
     *
     * @param mdevs the devices that are to have this matrix, made where they do not stand, or to be gone (empty); all others stay as they are
     */
    record Target(ApMask apmask, ApMask aqmask, SortedMap<MdevId, Optional<Matrix>> mdevs) {
        /** The masks and these devices as they are in a picture. */
        static Target asIn(HostView view, Iterable<MdevId> ids) {
            SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>();
            ids.forEach(
                    id -> mdevs.put(id, view.mdev(id).map(entry -> entry.mdev().matrixOrEmpty())));
            return new Target(view.apmask(), view.aqmask(), mdevs);
        }

        boolean changesMasks(HostView view) {
            return !apmask.equals(view.apmask()) || !aqmask.equals(view.aqmask());
        }

        /** The devices that are not yet as they shall be. */
        List<MdevId> changed(HostView view) {
            return mdevs.keySet().stream().filter(id -> isToChange(view, id)).toList();
        }

        private boolean isToChange(HostView view, MdevId id) {
            Optional<Matrix> before = view.mdev(id).map(entry -> entry.mdev().matrixOrEmpty());
            boolean beingRemoved =
                    view.mdev(id).filter(entry -> entry.mdev().matrix() == null).isPresent();
            return beingRemoved || !before.equals(wanted(id));
        }

        Optional<Matrix> wanted(MdevId id) {
            return mdevs.getOrDefault(id, Optional.empty());
        }

        /** The host as it will be. */
        HostView after(HostView view) {
            return view.with(apmask, aqmask).with(mdevs);
        }
    }

    private Transition(HostView view, Target target, MdevTree tree, ApBus bus) {
        this.view = view;
        this.target = target;
        this.tree = tree;
        this.maskWrites = new MaskWrites(bus);
        view.mdevs().forEach((id, entry) -> now.put(id, entry.mdev().matrixOrEmpty()));
    }

    /**
     * The writes and everything that they would be refused for.
     *
     * @param letGo the devices that are plugged out before
     */
    static Plan plan(
            HostView view, Target target, Set<MdevId> letGo, Rights rights, int maxApqns, MdevTree tree, ApBus bus) {
        Plan.Problems problems = new Plan.Problems();
        HostView then = target.after(view);
        List<MdevId> changed = target.changed(view);
        for (MdevId id : changed) {
            checkOne(problems, view, target, id, letGo, rights, maxApqns);
        }
        if (target.changesMasks(view)) {
            problems.check(() -> Invariants.masksMayChange(rights.masks()));
            problems.check(() -> Invariants.noDriverOverrides(view));
            HostView withDevices = view.with(target.mdevs());
            problems.check(() -> Invariants.masksTakeNothingFromMdevs(withDevices, target.apmask(), target.aqmask()));
        }
        for (MdevId id : changed) {
            target.wanted(id).filter(matrix -> matrix.apqnCount() <= maxApqns).ifPresent(matrix -> {
                problems.check(() -> Invariants.notReserved(then, matrix));
                problems.check(() -> Invariants.notShared(then, id, matrix));
            });
        }
        List<Move> moves = Move.between(view, then, changed);
        return problems.plan(
                steps(view, target, tree, bus),
                moves.stream().filter(Move::isGain).map(Move::apqn).toList(),
                moves.stream().filter(Move::isLoss).map(Move::apqn).toList(),
                changed.stream()
                        .flatMap(id -> view.mdev(id).stream())
                        .flatMap(entry -> entry.holder().stream())
                        .distinct()
                        .toList());
    }

    private static void checkOne(
            Plan.Problems problems,
            HostView view,
            Target target,
            MdevId id,
            Set<MdevId> letGo,
            Rights rights,
            int maxApqns) {
        Optional<HostView.Entry> present = view.mdev(id);
        Matrix before = present.map(entry -> entry.mdev().matrixOrEmpty()).orElse(Matrix.EMPTY);
        Matrix after = target.wanted(id).orElse(Matrix.EMPTY);
        if (!rights.controlDomains()) {
            problems.check(() -> Invariants.controlDomainsStay(before, after));
        }
        if (!letGo.contains(id)) {
            present.ifPresent(entry -> problems.check(() -> Invariants.mdevNotInUse(entry)));
        }
        problems.check(() -> Invariants.withinMaxima(view, before, after));
        if (!before.adapters().containsAll(after.adapters())
                || !before.domains().containsAll(after.domains())) {
            problems.check(() -> Invariants.notTooLarge(after, maxApqns));
        }
    }

    /** The writes, in order; none where all is as it shall be. Whether they are allowed is not looked at. */
    static List<Step> steps(HostView view, Target target, MdevTree tree, ApBus bus) {
        Transition transition = new Transition(view, target, tree, bus);
        transition.find();
        return List.copyOf(transition.steps);
    }

    private void find() {
        List<MdevId> changed = target.changed(view);
        List<MdevId> toRemove =
                changed.stream().filter(id -> target.wanted(id).isEmpty()).toList();
        toRemove.forEach(this::remove);
        List<MdevId> pending = new ArrayList<>(changed);
        pending.removeAll(toRemove);
        pending.forEach(this::giveUpBeforeMasks);
        steps.addAll(maskWrites.change(view.with(devices()), target.apmask(), target.aqmask()));
        arriveInOrder(pending);
    }

    /** Whoever waits for nobody goes first; where all wait, the one after which most others need not wait gives up first. */
    private void arriveInOrder(List<MdevId> pending) {
        Waiting waiting = new Waiting(pending);
        while (!waiting.isEmpty()) {
            Optional<MdevId> free = waiting.free();
            Optional<MdevId> inTheWay = free.isPresent() ? Optional.empty() : waiting.mostInTheWay();
            if (inTheWay.isPresent()) {
                write(inTheWay.get(), common(inTheWay.get()));
                waiting.hasMoved(inTheWay.get());
            } else {
                // where even that does not free it, two devices are to have the same queue: refused before it is tried
                MdevId next = free.orElseGet(waiting::first);
                arrive(next);
                waiting.hasArrived(next);
            }
        }
    }

    /** Who waits for whom to give up a queue; each pair of devices is compared once, and again only when one of them has moved. */
    private final class Waiting {
        private final SortedMap<MdevId, Set<MdevId>> blockers = new TreeMap<>();
        private final Map<MdevId, Set<MdevId>> blocked = new HashMap<>();
        private final NavigableSet<MdevId> free = new TreeSet<>();

        Waiting(List<MdevId> pending) {
            for (MdevId id : pending) {
                Set<MdevId> before = new HashSet<>();
                now.keySet().stream().filter(other -> isInTheWay(other, id)).forEach(other -> {
                    before.add(other);
                    blocked.computeIfAbsent(other, any -> new TreeSet<>()).add(id);
                });
                blockers.put(id, before);
                if (before.isEmpty()) {
                    free.add(id);
                }
            }
        }

        private boolean isInTheWay(MdevId other, MdevId id) {
            return !other.equals(id)
                    && !present(other).shared(target.wanted(id).orElseThrow()).hasNoApqn();
        }

        boolean isEmpty() {
            return blockers.isEmpty();
        }

        MdevId first() {
            return blockers.firstKey();
        }

        Optional<MdevId> free() {
            return free.stream().findFirst();
        }

        /** Of those that can give something up. */
        Optional<MdevId> mostInTheWay() {
            return blockers.keySet().stream()
                    .filter(id -> !common(id).equals(present(id)))
                    .max(Comparator.<MdevId>comparingLong(this::freedBy).thenComparing(Comparator.reverseOrder()));
        }

        private long freedBy(MdevId id) {
            Matrix kept = common(id);
            return blocked.getOrDefault(id, Set.of()).stream()
                    .filter(other -> requireNonNull(blockers.get(other)).size() == 1
                            && kept.shared(target.wanted(other).orElseThrow()).hasNoApqn())
                    .count();
        }

        void hasArrived(MdevId id) {
            blockers.remove(id);
            free.remove(id);
            blocked.values().forEach(waiting -> waiting.remove(id));
            hasMoved(id);
        }

        void hasMoved(MdevId id) {
            Set<MdevId> waiting = blocked.getOrDefault(id, Set.of());
            waiting.stream().filter(other -> !isInTheWay(id, other)).toList().forEach(other -> {
                waiting.remove(other);
                Set<MdevId> left = requireNonNull(blockers.get(other));
                left.remove(id);
                if (left.isEmpty()) {
                    free.add(other);
                }
            });
        }
    }

    private void remove(MdevId id) {
        steps.add(writes(id).remove(present(id)));
        now.remove(id);
    }

    /** All that single writes give up, and what the masks are going to take back. */
    private void giveUpBeforeMasks(MdevId id) {
        if (!now.containsKey(id)) {
            return;
        }
        Matrix before = present(id);
        Matrix after = target.wanted(id).orElseThrow();
        if (!writes(id).atOnce()) {
            steps.addAll(writes(id).unassign(before, after));
            now.put(id, MatrixWrites.common(before, after));
        } else if (isTakenByMasks(before)) {
            boolean atOnce = view.heldByHost(after).isEmpty() && isFree(id);
            write(id, atOnce ? after : MatrixWrites.common(before, after));
        }
    }

    /** Whether the masks that shall be would take a queue from a device with this matrix, or the kernel takes it so ({@link HostView#touchedByMasks}). */
    private boolean isTakenByMasks(Matrix matrix) {
        Matrix reservedThen = Matrix.of(target.apmask(), target.aqmask());
        return matrix.shared(reservedThen).apqns().stream().anyMatch(apqn -> !view.isReserved(apqn))
                || (view.overridesSupported()
                        && !matrix.hasNoApqn()
                        && (matrix.adapters().intersects(target.apmask().minus(view.apmask()))
                                || matrix.domains().intersects(target.aqmask().minus(view.aqmask()))));
    }

    /** Whether nothing of what the device shall have is another's as things stand. */
    private boolean isFree(MdevId id) {
        Matrix wanted = target.wanted(id).orElseThrow();
        return now.entrySet().stream()
                .allMatch(other -> other.getKey().equals(id)
                        || other.getValue().shared(wanted).hasNoApqn());
    }

    private void arrive(MdevId id) {
        Matrix wanted = target.wanted(id).orElseThrow();
        if (!now.containsKey(id)) {
            steps.add(writes(id).create());
            now.put(id, Matrix.EMPTY);
        }
        write(id, wanted);
    }

    private void write(MdevId id, Matrix matrix) {
        steps.addAll(writes(id).change(present(id), matrix));
        now.put(id, matrix);
    }

    private Matrix common(MdevId id) {
        return now.containsKey(id)
                ? MatrixWrites.common(present(id), target.wanted(id).orElseThrow())
                : Matrix.EMPTY;
    }

    private Matrix present(MdevId id) {
        return now.getOrDefault(id, Matrix.EMPTY);
    }

    private SortedMap<MdevId, Optional<Matrix>> devices() {
        SortedMap<MdevId, Optional<Matrix>> devices = new TreeMap<>();
        view.mdevs().keySet().forEach(id -> devices.put(id, Optional.ofNullable(now.get(id))));
        return devices;
    }

    private MatrixWrites writes(MdevId id) {
        return new MatrixWrites(
                tree, id, view.canWriteMatrixAtOnce(view.mdev(id).orElse(null)));
    }
}
