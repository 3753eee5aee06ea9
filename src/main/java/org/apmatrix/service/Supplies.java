package org.apmatrix.service;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.allocation.Holder;
import org.apmatrix.allocation.Supply;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;

/** The host as the search for queues sees it, from one look and one reading of each card. */
final class Supplies {
    private Supplies() {}

    /**
     * Reads it.
     *
     * @param withKeys whether master keys matter
     * @param maximum the most queues that a matrix may have
     */
    static Supply of(Host host, HostView view, boolean withKeys, int maximum) {
        Map<Apqn, MdevId> assigned = new HashMap<>();
        view.mdevs()
                .forEach((id, entry) -> entry.mdev().matrixOrEmpty().apqns().forEach(apqn -> assigned.put(apqn, id)));
        Map<AdapterId, Optional<Card>> cards = new HashMap<>();
        List<Supply.Queue> queues = new ArrayList<>();
        view.queues().forEach((apqn, driver) -> {
            Optional<Card> card = cards.computeIfAbsent(
                    apqn.adapter(), id -> host.ask(() -> host.bus().cardUnasked(id)));
            queues.add(new Supply.Queue(
                    apqn,
                    holder(view, apqn, driver, Optional.ofNullable(assigned.get(apqn)), card),
                    card.map(Card::mode).orElse(null),
                    card.map(Card::hwType).orElse(null),
                    withKeys ? host.masterKeys().of(view, apqn).pattern() : Optional.empty()));
        });
        return view.overrides().isEmpty()
                ? Supply.dividedByMasks(queues, view.apmask(), view.aqmask(), maximum)
                : Supply.keptByHost(
                        queues,
                        "Driver overrides divide the queues of this host, and the kernel does not let the masks change then.",
                        maximum);
    }

    private static Holder holder(
            HostView view, Apqn apqn, Optional<String> driver, Optional<MdevId> assigned, Optional<Card> card) {
        if (assigned.isPresent()) {
            return new Holder.Mdev(assigned.get());
        }
        Optional<String> trouble = card.flatMap(Supplies::trouble);
        if (trouble.isPresent()) {
            return new Holder.Unusable(trouble.get());
        }
        if (view.isReserved(apqn)) {
            // a queue that somebody has unbound by hand may stay so when the masks change
            return driver.isPresent() ? new Holder.Host() : new Holder.Unusable("bound to no driver");
        }
        // static kernels do not assign any other, dynamic ones hide its whole adapter from the guest (vfio_ap_ops.c,
        // vfio_ap_mdev_filter_matrix)
        return driver.equals(Optional.of(ApBus.VFIO_AP))
                ? new Holder.Free()
                : new Holder.Unusable("not bound to vfio_ap");
    }

    private static Optional<String> trouble(Card card) {
        return Boolean.TRUE.equals(card.checkstop())
                ? Optional.of("checkstopped")
                : Boolean.FALSE.equals(card.configured())
                        ? Optional.of("deconfigured")
                        : Boolean.FALSE.equals(card.online()) ? Optional.of("offline") : Optional.empty();
    }
}
