package org.apmatrix.host.sim;

import org.jspecify.annotations.Nullable;

/** The VFIO group of one mdev: the number in {@code /dev/vfio/N}, and who has that file open (only one process can). */
final class VfioGroup {
    private final int number;
    private final SimulatedMdev mdev;
    private @Nullable SimulatedProcess opener;
    private @Nullable VfioContainer container;
    private boolean linkedToKvm;
    private int openDevices;
    private boolean deleted;

    VfioGroup(int number, SimulatedMdev mdev) {
        this.number = number;
        this.mdev = mdev;
    }

    int number() {
        return number;
    }

    SimulatedMdev mdev() {
        return mdev;
    }

    @Nullable
    SimulatedProcess opener() {
        return opener;
    }

    void setOpener(@Nullable SimulatedProcess newOpener) {
        opener = newOpener;
    }

    @Nullable
    VfioContainer container() {
        return container;
    }

    void setContainer(@Nullable VfioContainer newContainer) {
        container = newContainer;
    }

    /** Whether a virtual machine was told to the group (KVM_DEV_VFIO_GROUP_ADD), for the next device that is opened. */
    boolean isLinkedToKvm() {
        return linkedToKvm;
    }

    void setLinkedToKvm(boolean newLinkedToKvm) {
        linkedToKvm = newLinkedToKvm;
    }

    /** How many device files were got from the group and not closed. */
    int openDevices() {
        return openDevices;
    }

    void setOpenDevices(int newOpenDevices) {
        openDevices = newOpenDevices;
    }

    /** The mdev went away while the group was open; the number may belong to another group by now. */
    boolean isDeleted() {
        return deleted;
    }

    void delete() {
        deleted = true;
    }
}
