package org.apmatrix.host.qmp;

import org.jspecify.annotations.Nullable;

/**
 * What QEMU tells unasked. An event is a reason to look, never a proof: those raised while nobody was connected are lost, and a late one may name a device that
 * has been added again since.
 */
public sealed interface QmpEvent {
    /**
     * A device is gone (qapi/qdev.json: DEVICE_DELETED). A virtio device tells two, that of its backend first.
     *
     * @param device the id that the device was added with; null when it had none
     * @param path its path in QEMU's object model, such as {@code /machine/peripheral/ap0}
     */
    record DeviceDeleted(@Nullable String device, String path) implements QmpEvent {}

    /**
     * Any other event, of which only the name is read.
     *
     * @param name such as {@code STOP}, {@code RESUME}, {@code SHUTDOWN}, {@code RESET}, {@code GUEST_PANICKED}, {@code MIGRATION}
     */
    record Other(String name) implements QmpEvent {}
}
