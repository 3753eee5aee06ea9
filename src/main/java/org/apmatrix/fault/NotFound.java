package org.apmatrix.fault;

import java.util.List;
import java.util.Map;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;

/** Something that the request names does not exist. */
public final class NotFound extends Fault {
    private static final long serialVersionUID = 1L;

    private NotFound(ErrorCode code, String detail) {
        super(code, detail, null, List.of(), Map.of());
    }

    public static NotFound mdev(MdevId mdev) {
        return new NotFound(ErrorCode.MDEV_NOT_FOUND, "There is no mediated device " + mdev + ".");
    }

    public static NotFound definition(MdevId mdev) {
        return new NotFound(
                ErrorCode.DEFINITION_NOT_FOUND, "There is no definition of the mediated device " + mdev + ".");
    }

    /** The allocation is named as the caller spelled it. */
    public static NotFound allocation(String id) {
        return new NotFound(ErrorCode.ALLOCATION_NOT_FOUND, "There is no allocation " + id + ".");
    }

    /** One that is being given back is not there to be renewed. */
    public static NotFound allocationOnItsWayOut(String id) {
        return new NotFound(ErrorCode.ALLOCATION_NOT_FOUND, "The allocation " + id + " is being given back.");
    }

    public static NotFound adapter(AdapterId adapter) {
        return new NotFound(
                ErrorCode.ADAPTER_NOT_FOUND,
                "There is no adapter " + adapter.value() + " (card" + adapter + ") on the AP bus.");
    }

    public static NotFound queue(Apqn apqn) {
        return new NotFound(ErrorCode.QUEUE_NOT_FOUND, "There is no queue " + apqn + " on the AP bus.");
    }

    /** The guest is named as the caller spelled it. */
    public static NotFound guest(String guest) {
        return new NotFound(ErrorCode.GUEST_NOT_FOUND, "There is no guest " + guest + ".");
    }

    public static NotFound apDevice(GuestName guest) {
        return new NotFound(ErrorCode.AP_DEVICE_NOT_FOUND, "The guest " + guest + " has no AP device.");
    }

    public static NotFound migrationPreparation(GuestName guest) {
        return new NotFound(ErrorCode.NOT_FOUND, "No migration of the guest " + guest + " is prepared.");
    }
}
