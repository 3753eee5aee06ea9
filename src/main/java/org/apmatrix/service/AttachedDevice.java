package org.apmatrix.service;

import java.time.Instant;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * The vfio-ap device of a guest; null where nobody can tell.
 *
 * @param id the device's name in QEMU; null for an anonymous one
 * @param mdev null for a device that is none of this host's mediated devices
 * @param since when this state was reached; null when that was not this service's doing
 * @param guestVisibleBy when the guest's own bus scan will have seen the queues at the latest
 */
public record AttachedDevice(
        @Nullable String id,
        @Nullable MdevId mdev,
        @Nullable String sysfsdev,
        Attachment.State state,
        @Nullable Instant since,
        @Nullable Instant guestVisibleBy) {}
