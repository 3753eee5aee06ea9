package org.apmatrix.host.sim;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.SimulatedProcess.File;
import org.apmatrix.host.sim.SimulatedProcess.Kind;

/** VFIO's groups and the processes that use them (drivers/vfio/group.c, vfio_main.c; drivers/vfio/vfio.c before 6.2). */
final class VfioUsers {
    private final KernelVersion version;
    private final NavigableMap<Integer, VfioGroup> groups = new TreeMap<>();
    private final BitSet numbers = new BitSet();
    private final NavigableMap<Integer, SimulatedProcess> processes = new TreeMap<>();

    VfioUsers(KernelVersion version) {
        this.version = version;
    }

    NavigableMap<Integer, VfioGroup> groups() {
        return groups;
    }

    NavigableMap<Integer, SimulatedProcess> processes() {
        return processes;
    }

    /** A group with the smallest free number (drivers/iommu/iommu.c, iommu_group_alloc). */
    VfioGroup createGroup(SimulatedMdev mdev) {
        int number = numbers.nextClearBit(0);
        numbers.set(number);
        VfioGroup group = new VfioGroup(number, mdev);
        groups.put(number, group);
        return group;
    }

    void deleteGroup(VfioGroup group) {
        group.delete();
        groups.remove(group.number());
        numbers.clear(group.number());
    }

    /** Whether the wait in vfio_unregister_group_dev (before 6.2 vfio_del_group_dev, which also waits for the group) would last. */
    boolean isHeld(VfioGroup group) {
        return group.openDevices() > 0 || (!version.isDynamic() && group.opener() != null);
    }

    /** open(2) of /dev/vfio/N, which tells the file's number: only one at a time, and none while a device is still open that was got from an earlier one. */
    int openGroup(VfioGroup group, int pid) {
        if (group.opener() != null || group.openDevices() > 0) {
            throw new Refusal(Errno.EBUSY);
        }
        SimulatedProcess process = processes.computeIfAbsent(pid, SimulatedProcess::new);
        group.setOpener(process);
        return process.open(Kind.GROUP, group);
    }

    /**
     * VFIO_GROUP_GET_DEVICE_FD of a group that the process has open.
     *
     * @param withKvm whether the process's virtual machine is known to the group
     */
    int openDevice(VfioGroup group, SimulatedProcess process, boolean withKvm) {
        if (group.mdev().stage() != SimulatedMdev.Stage.PRESENT) {
            throw new Refusal(Errno.ENODEV);
        }
        boolean first = group.openDevices() == 0;
        // vfio_ap_mdev_open_device: since 5.19 a virtual machine must be known by now
        if (first && !withKvm && version.isDynamic()) {
            throw new Refusal(Errno.EINVAL);
        }
        if (first && withKvm) {
            setKvm(group.mdev(), process);
        }
        group.setOpenDevices(group.openDevices() + 1);
        return process.open(Kind.DEVICE, group);
    }

    /** vfio_ap_mdev_set_kvm: one device for a virtual machine. The static kernel learns of it in a notifier, whose refusal nobody hears. */
    void setKvm(SimulatedMdev mdev, SimulatedProcess process) {
        boolean taken = groups.values().stream()
                .anyMatch(group -> group.mdev() != mdev && group.mdev().kvm() == process);
        if (!taken) {
            mdev.setKvm(process);
        } else if (version.isDynamic()) {
            throw new Refusal(Errno.EPERM);
        }
    }

    /** One device file is closed; whether it was the last one of the group. */
    boolean releaseDevice(VfioGroup group) {
        group.setOpenDevices(group.openDevices() - 1);
        dissolve(group);
        return group.openDevices() == 0;
    }

    /** The group's file is closed. */
    void releaseGroup(VfioGroup group) {
        group.setOpener(null);
        dissolve(group);
    }

    /** When nobody has the group open, nor a device of it, it leaves its container and forgets its virtual machine (vfio_group_fops_release). */
    private static void dissolve(VfioGroup group) {
        VfioContainer container = group.container();
        if (group.opener() == null && group.openDevices() == 0) {
            group.setLinkedToKvm(false);
            if (container != null) {
                container.remove(group);
            }
        }
    }

    /** vfio_ap_mdev_request (6.5): whoever uses the device is asked to give it back. What it does is up to it. */
    void request(VfioGroup group) {
        SimulatedProcess process = group.opener();
        if (version.hasDeviceRequest() && process != null && group.openDevices() > 0) {
            Consumer<MdevId> handler = process.requestHandler();
            if (handler != null) {
                handler.accept(group.mdev().id());
            }
        }
    }

    /** The groups that a process has open, each once. */
    static List<VfioGroup> groupsOf(SimulatedProcess process) {
        List<VfioGroup> groups = new ArrayList<>();
        for (File file : process.files().values()) {
            VfioGroup group = file.group();
            if (group != null && !groups.contains(group)) {
                groups.add(group);
            }
        }
        return groups;
    }
}
