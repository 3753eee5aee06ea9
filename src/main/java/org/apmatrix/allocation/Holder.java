package org.apmatrix.allocation;

import org.apmatrix.ap.MdevId;

/** Who has a queue, as far as giving it to a guest goes. */
public sealed interface Holder {
    /** Nobody: vfio_ap may have it, and no mediated device does. */
    record Free() implements Holder {}

    /** The host's own drivers, by the masks or by an override. */
    record Host() implements Holder {}

    /** A mediated device, attached or not. */
    record Mdev(MdevId id) implements Holder {}

    /**
     * Nobody can use it now.
     *
     * @param why a word or two that fit behind the queue's name, such as {@code offline} or {@code not bound to vfio_ap}
     */
    record Unusable(String why) implements Holder {}
}
