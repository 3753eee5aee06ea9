package org.apmatrix.allocation;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.host.Card;
import org.jspecify.annotations.Nullable;

/** An immutable picture of the host for one search: every queue that has a device, who has it and of what kind it is. */
public final class Supply {
    private final List<Queue> queues;
    private final Map<Apqn, Queue> byApqn = new HashMap<>();
    private final ApMask apmask;
    private final ApMask aqmask;
    private final @Nullable String whyHostKeeps;
    private final int maximum;

    /**
     * A queue that has a device. One that has none is never chosen: it would hide its whole adapter from the guest (vfio_ap_ops.c, vfio_ap_mdev_filter_matrix).
     *
     * @param mode null when it is not known; such a queue meets no wish
     * @param hwType null when it is not known
     * @param masterKey any text that is equal for queues with equal master keys; empty when it is not known
     */
    public record Queue(
            Apqn apqn,
            Holder holder,
            Card.@Nullable Mode mode,
            @Nullable Integer hwType,
            Optional<String> masterKey) {}

    private Supply(Collection<Queue> queues, ApMask apmask, ApMask aqmask, @Nullable String whyHostKeeps, int maximum) {
        this.queues = queues.stream().sorted(Comparator.comparing(Queue::apqn)).toList();
        this.apmask = apmask;
        this.aqmask = aqmask;
        this.whyHostKeeps = whyHostKeeps;
        this.maximum = maximum;
        for (Queue queue : this.queues) {
            if (byApqn.put(queue.apqn(), queue) != null) {
                throw new IllegalArgumentException(queue.apqn() + " is there twice");
            }
        }
    }

    /**
     * A bus that is divided by the masks: a queue is the host's if and only if both its bits are set, and clearing bits frees it.
     *
     * @param maximum the most queues that a matrix may have
     */
    public static Supply dividedByMasks(Collection<Queue> queues, ApMask apmask, ApMask aqmask, int maximum) {
        Supply supply = new Supply(queues, apmask, aqmask, null, maximum);
        for (Queue queue : supply.queues) {
            boolean reserved = supply.isReserved(queue.apqn());
            boolean contradicts =
                    reserved ? queue.holder() instanceof Holder.Free : queue.holder() instanceof Holder.Host;
            if (contradicts) {
                throw new IllegalArgumentException("the masks say otherwise: " + queue);
            }
        }
        return supply;
    }

    /**
     * A bus whose queues cannot be taken from the host, such as one that is divided by driver overrides.
     *
     * @param why a sentence for the caller
     */
    public static Supply keptByHost(Collection<Queue> queues, String why, int maximum) {
        return new Supply(queues, ApMask.NONE, ApMask.NONE, why, maximum);
    }

    /** Every queue that has a device, ascending. */
    public List<Queue> queues() {
        return queues;
    }

    public Optional<Queue> queue(Apqn apqn) {
        return Optional.ofNullable(byApqn.get(apqn));
    }

    /** All zeros where the masks are not what divides the queues. */
    public ApMask apmask() {
        return apmask;
    }

    /** All zeros where the masks are not what divides the queues. */
    public ApMask aqmask() {
        return aqmask;
    }

    /** Why queues cannot be taken from the host; empty when they can, by clearing mask bits. */
    public Optional<String> whyHostKeeps() {
        return Optional.ofNullable(whyHostKeeps);
    }

    public int maximum() {
        return maximum;
    }

    /** Whether the masks reserve it for the host's drivers (ap_bus.c, ap_owned_by_def_drv); never where they do not divide the queues. */
    boolean isReserved(Apqn apqn) {
        return apmask.contains(apqn.adapter().value())
                && aqmask.contains(apqn.domain().value());
    }
}
