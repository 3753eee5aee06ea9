package org.apmatrix.allocation;

import org.apmatrix.host.Card;
import org.jspecify.annotations.Nullable;

/**
 * What somebody wants for a guest, without saying where it is.
 *
 * @param queues at least 1
 * @param distinctAdapters every queue on another adapter: that many adapters × one domain
 * @param minHwType 10 (CEX4) to 14 (CEX8), null for any; a queue whose hardware type is not known does not meet it
 * @param sameMasterKey all queues have the same master key pattern, and it is known
 * @param mayTakeFromHost whether mask bits may be cleared, so that queues leave the host's drivers
 */
public record Wish(
        Card.Mode mode,
        int queues,
        boolean distinctAdapters,
        @Nullable Integer minHwType,
        boolean sameMasterKey,
        boolean mayTakeFromHost) {

    public Wish {
        if (queues < 1) {
            throw new IllegalArgumentException("not a number of queues: " + queues);
        }
    }

    /** Any {@code queues} queues of this mode that are free. */
    public static Wish of(Card.Mode mode, int queues) {
        return new Wish(mode, queues, false, null, false, false);
    }

    public Wish withQueues(int changed) {
        return new Wish(mode, changed, distinctAdapters, minHwType, sameMasterKey, mayTakeFromHost);
    }

    public Wish withDistinctAdapters(boolean changed) {
        return new Wish(mode, queues, changed, minHwType, sameMasterKey, mayTakeFromHost);
    }

    public Wish withMinHwType(@Nullable Integer changed) {
        return new Wish(mode, queues, distinctAdapters, changed, sameMasterKey, mayTakeFromHost);
    }

    public Wish withSameMasterKey(boolean changed) {
        return new Wish(mode, queues, distinctAdapters, minHwType, changed, mayTakeFromHost);
    }

    public Wish withMayTakeFromHost(boolean changed) {
        return new Wish(mode, queues, distinctAdapters, minHwType, sameMasterKey, changed);
    }

    /** Whether a queue is of the wished kind, whoever has it. */
    boolean isMetBy(Supply.Queue queue) {
        return queue.mode() == mode
                && isNewEnough(queue)
                && (!sameMasterKey || queue.masterKey().isPresent());
    }

    boolean isNewEnough(Supply.Queue queue) {
        return minHwType == null || (queue.hwType() != null && queue.hwType() >= minHwType);
    }
}
