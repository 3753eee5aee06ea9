package org.apmatrix.service;

import java.time.Instant;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.MdevTree;
import org.jspecify.annotations.Nullable;

/**
 * The vfio-ap device of a guest; null where nobody can tell.
 *
 * @param id the device's name in QEMU; null for an anonymous one
 * @param mdev null for a device that is none of this host's mediated devices
 * @param since when this state was reached; null when that was not this service's doing
 * @param state null for a device that is only stored for the guest's next start
 * @param stored whether the guest's next start gives it this device; null where the guest has no stored definition
 * @param guestVisibleBy when the guest's own bus scan will have seen the queues at the latest
 */
public record AttachedDevice(
        @Nullable String id,
        @Nullable MdevId mdev,
        @Nullable String sysfsdev,
        Attachment.@Nullable State state,
        @Nullable Boolean stored,
        @Nullable Instant since,
        @Nullable Instant guestVisibleBy) {
    /** Only stored, for a guest that is shut down. */
    static AttachedDevice onlyStored(MdevId mdev) {
        return new AttachedDevice(null, mdev, MdevTree.path(mdev).toString(), null, true, null, null);
    }
}
