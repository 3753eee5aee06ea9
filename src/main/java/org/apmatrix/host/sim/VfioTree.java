package org.apmatrix.host.sim;

import java.util.function.Consumer;
import java.util.function.Function;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.SysfsNode.Directory;
import org.apmatrix.host.sim.SysfsNode.Link;
import org.jspecify.annotations.Nullable;

/** VFIO's groups in sysfs: IOMMU groups, device nodes and their classes (drivers/iommu/iommu.c, drivers/vfio/group.c, vfio_main.c). */
final class VfioTree {
    /** The number of VFIO's groups among character devices; dynamic in a real kernel. */
    private static final int MAJOR = 253;

    private final HostState host;
    private final KernelVersion version;

    VfioTree(HostState host) {
        this.host = host;
        version = host.version();
    }

    void addClassesTo(Directory classes) {
        if (!host.isLoaded(KernelModule.VFIO)) {
            return;
        }
        classes.directory("misc", () -> new Directory().link("vfio", "../../devices/virtual/misc/vfio"))
                .directory("vfio", () -> groups(group -> new Link("../../devices/virtual/vfio/" + group.number()), ""));
        if (version.hasVfioDevices()) {
            classes.directory("vfio-dev", () -> groups(this::deviceLink, "vfio"));
        }
    }

    private @Nullable Link deviceLink(VfioGroup group) {
        return group.mdev().stage() == SimulatedMdev.Stage.PRESENT || version.keepsVfioDeviceWhileLeaving()
                ? new Link("../../devices/vfio_ap/matrix/" + group.mdev().id() + "/vfio-dev/vfio" + group.number())
                : null;
    }

    void addDevicesTo(Directory devices) {
        devices.directory("virtual", () -> {
            Directory directory = new Directory();
            if (host.isLoaded(KernelModule.VFIO)) {
                directory.directory(
                        "misc",
                        () -> new Directory()
                                .directory(
                                        "vfio",
                                        () -> SysfsTree.uevent(
                                                        new Directory(),
                                                        "MAJOR=10\nMINOR=196\nDEVNAME=vfio/vfio\nDEVMODE=0666\n")
                                                .readOnly("dev", "10:196\n")
                                                .link("subsystem", "../../../../class/misc")));
            }
            if (!host.users().groups().isEmpty()) {
                directory.directory("vfio", () -> groups(this::device, ""));
            }
            return directory;
        });
    }

    private Directory device(VfioGroup group) {
        int minor = group.number();
        return SysfsTree.uevent(
                        new Directory(), "MAJOR=" + MAJOR + "\nMINOR=" + minor + "\nDEVNAME=vfio/" + minor + "\n")
                .readOnly("dev", MAJOR + ":" + minor + "\n")
                .link("subsystem", "../../../../class/vfio");
    }

    Directory iommuGroups() {
        return groups(this::iommuGroup, "");
    }

    private Directory iommuGroup(VfioGroup group) {
        Directory directory = new Directory()
                .readOnly("reserved_regions", "")
                .attribute("type", version.isDynamic() ? 0644 : 0444, () -> "unknown\n", storeOfType())
                .directory(
                        "devices",
                        () -> new Directory()
                                .link(
                                        group.mdev().id().toString(),
                                        "../../../../devices/vfio_ap/matrix/"
                                                + group.mdev().id()));
        if (version.hasVfioDevices()) {
            directory.readOnly("name", "vfio-noiommu\n");
        }
        return directory;
    }

    /** The domain of such a group cannot be changed (drivers/iommu/iommu.c, iommu_group_store_type). */
    private @Nullable Consumer<SysfsNode.Written> storeOfType() {
        if (!version.isDynamic()) {
            return null;
        }
        return written -> {
            throw new Refusal(Errno.EINVAL);
        };
    }

    private Directory groups(Function<VfioGroup, @Nullable SysfsNode> node, String prefix) {
        return new Directory()
                .members(
                        () -> host.users().groups().values().stream()
                                .filter(group -> node.apply(group) != null)
                                .map(group -> prefix + group.number())
                                .toList(),
                        name -> {
                            VfioGroup group = group(name, prefix);
                            return group == null ? null : node.apply(group);
                        });
    }

    private @Nullable VfioGroup group(String name, String prefix) {
        if (!name.startsWith(prefix) || !name.substring(prefix.length()).matches("0|[1-9][0-9]{0,5}")) {
            return null;
        }
        return host.users().groups().get(Integer.parseInt(name.substring(prefix.length())));
    }
}
