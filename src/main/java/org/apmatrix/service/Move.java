package org.apmatrix.service;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.Conflict;
import org.jspecify.annotations.Nullable;

/**
 * A queue that changes its holder.
 *
 * @param from null for a queue that was for guests and that no device had
 * @param to null for one that is for guests and that no device will have
 */
public record Move(
        Apqn apqn, @Nullable Holding from, @Nullable Holding to) {
    /**
     * Who has a queue.
     *
     * @param holder an mdev's UUID, or the host's driver; null for a queue of the host that no driver has
     */
    public record Holding(
            Conflict.HolderKind kind, @Nullable String holder) {}

    /** Every queue of these devices, and every queue that the masks move. */
    static List<Move> between(HostView before, HostView after, Collection<MdevId> changed) {
        Set<Apqn> touched = new TreeSet<>();
        for (MdevId id : changed) {
            before.mdev(id)
                    .ifPresent(
                            entry -> touched.addAll(entry.mdev().matrixOrEmpty().apqns()));
            after.mdev(id)
                    .ifPresent(
                            entry -> touched.addAll(entry.mdev().matrixOrEmpty().apqns()));
        }
        Matrix reservedBefore = Matrix.of(before.apmask(), before.aqmask());
        Matrix reservedAfter = Matrix.of(after.apmask(), after.aqmask());
        before.queues().keySet().stream()
                .filter(apqn -> reservedBefore.contains(apqn) != reservedAfter.contains(apqn))
                .forEach(touched::add);
        Map<Apqn, MdevId> ownersBefore = owners(before, touched);
        Map<Apqn, MdevId> ownersAfter = owners(after, touched);
        List<Move> moves = new ArrayList<>();
        for (Apqn apqn : touched) {
            Move move = new Move(
                    apqn, holding(before, apqn, ownersBefore.get(apqn)), holding(after, apqn, ownersAfter.get(apqn)));
            if (!Objects.equals(move.from(), move.to())) {
                moves.add(move);
            }
        }
        return moves;
    }

    private static Map<Apqn, MdevId> owners(HostView view, Set<Apqn> touched) {
        Map<Apqn, MdevId> owners = new HashMap<>();
        view.mdevs()
                .forEach((id, entry) -> entry.mdev().matrixOrEmpty().apqns().stream()
                        .filter(touched::contains)
                        .forEach(apqn -> owners.put(apqn, id)));
        return owners;
    }

    private static @Nullable Holding holding(HostView view, Apqn apqn, @Nullable MdevId owner) {
        if (owner != null) {
            return new Holding(Conflict.HolderKind.MDEV, owner.toString());
        }
        return view.isReserved(apqn)
                ? new Holding(Conflict.HolderKind.HOST, view.driverOf(apqn).orElse(null))
                : null;
    }

    /** Whether it comes to a device, or from the host to the guests. */
    boolean isGain() {
        return to == null ? isWith(from, Conflict.HolderKind.HOST) : isWith(to, Conflict.HolderKind.MDEV);
    }

    /** Whether it goes from a device, or from the guests to the host. */
    boolean isLoss() {
        return from == null ? isWith(to, Conflict.HolderKind.HOST) : isWith(from, Conflict.HolderKind.MDEV);
    }

    private static boolean isWith(@Nullable Holding holding, Conflict.HolderKind kind) {
        return holding != null && holding.kind() == kind;
    }
}
