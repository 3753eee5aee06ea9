package org.apmatrix.host.sim;

import java.util.Collection;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.SysfsNode.Directory;
import org.apmatrix.host.sim.SysfsNode.Link;
import org.jspecify.annotations.Nullable;

/** vfio_ap's matrix device and its mdevs, with the buses and the class around them (drivers/s390/crypto/vfio_ap_drv.c, vfio_ap_ops.c; drivers/vfio/mdev). */
final class MatrixTree {
    private static final String TYPE = "vfio_ap-passthrough";

    private final HostState host;
    private final KernelVersion version;

    MatrixTree(HostState host) {
        this.host = host;
        version = host.version();
    }

    void addBusesTo(Directory buses) {
        host.vfioAp().ifPresent(driver -> buses.directory("matrix", this::matrixBus));
        if (host.isLoaded(KernelModule.MDEV)) {
            buses.directory("mdev", this::mdevBus);
        }
    }

    void addClassTo(Directory classes) {
        if (host.hasMdevClass()) {
            classes.directory("mdev_bus", () -> {
                Directory directory = new Directory();
                host.vfioAp().ifPresent(driver -> directory.link("matrix", "../../devices/vfio_ap/matrix"));
                return directory;
            });
        }
    }

    void addDevicesTo(Directory devices) {
        host.vfioAp()
                .ifPresent(driver -> devices.directory(
                        "vfio_ap",
                        () -> SysfsTree.uevent(new Directory(), "")
                                .link("module", "../../module/vfio_ap")
                                .directory("matrix", () -> matrixDevice(driver))));
    }

    private Directory matrixBus() {
        return ApBusTree.busFiles(new Directory(), host.hasMatrixAutoprobe(), host::setMatrixAutoprobe, text -> {
                    if (!KernelText.isName(text, "matrix")) {
                        throw new Refusal(Errno.ENODEV);
                    }
                })
                .directory("devices", () -> new Directory().link("matrix", "../../../devices/vfio_ap/matrix"))
                .directory(
                        "drivers",
                        () -> new Directory()
                                .directory(
                                        "vfio_ap",
                                        () -> SysfsTree.uevent(new Directory())
                                                .link("matrix", "../../../../devices/vfio_ap/matrix")));
    }

    private Directory mdevBus() {
        Directory directory = new Directory();
        Optional<VfioAp> vfioAp = host.vfioAp();
        ApBusTree.busFiles(
                        directory,
                        vfioAp.map(VfioAp::hasAutoprobe).orElse(true),
                        value -> vfioAp.ifPresent(driver -> driver.setAutoprobe(value)),
                        text -> required(vfioAp).probeMdevDrivers(text))
                .directory(
                        "devices",
                        () -> new Directory()
                                .members(
                                        () -> names(vfioAp, false),
                                        name -> link(vfioAp, name, false, "../../../devices/vfio_ap/matrix/")))
                .directory("drivers", () -> {
                    Directory drivers = new Directory();
                    host.mdevDriver().ifPresent(name -> drivers.directory(name, () -> mdevDriver(name, vfioAp)));
                    return drivers;
                });
        return directory;
    }

    private Directory mdevDriver(String driver, Optional<VfioAp> vfioAp) {
        String module = driver.equals("vfio_mdev") ? "vfio_mdev" : "vfio_ap";
        return SysfsTree.uevent(new Directory())
                .link("module", "../../../../module/" + module)
                .writeOnly("bind", text -> required(vfioAp).bindMdev(text))
                .writeOnly("unbind", text -> required(vfioAp).unbindMdev(text))
                .members(
                        () -> names(vfioAp, true),
                        name -> link(vfioAp, name, true, "../../../../devices/vfio_ap/matrix/"));
    }

    /** Without vfio_ap there is no mdev that a write could name. */
    private static VfioAp required(Optional<VfioAp> vfioAp) {
        return vfioAp.orElseThrow(() -> new Refusal(Errno.ENODEV));
    }

    private Directory matrixDevice(VfioAp driver) {
        Directory directory = SysfsTree.uevent(new Directory(), "DRIVER=vfio_ap\n")
                .link("driver", "../../../bus/matrix/drivers/vfio_ap")
                .link("subsystem", "../../../bus/matrix")
                .directory("mdev_supported_types", () -> new Directory().directory(TYPE, () -> type(driver)))
                .members(
                        () -> driver.mdevs().stream()
                                .map(mdev -> mdev.id().toString())
                                .toList(),
                        name -> find(driver, name)
                                .map(mdev -> mdev(driver, mdev))
                                .orElse(null));
        if (version.hasMatrixFeatures()) {
            directory.readOnly("features", "guest_matrix hotplug ap_config\n");
        }
        return directory;
    }

    private Directory type(VfioAp driver) {
        return new Directory()
                .readOnly("name", "VFIO AP Passthrough Device\n")
                .readOnly("device_api", "vfio-ap\n")
                .readOnly("available_instances", () -> driver.availableInstances() + "\n")
                .attribute("create", 0200, null, written -> driver.create(written.text(), written.length()))
                .directory(
                        "devices",
                        () -> new Directory()
                                .members(
                                        () -> names(Optional.of(driver), false),
                                        name -> link(Optional.of(driver), name, false, "../../../")));
    }

    /** The mdevs that are not on their way out; all of them, or those with a driver. */
    private static Collection<String> names(Optional<VfioAp> vfioAp, boolean bound) {
        return vfioAp.stream()
                .flatMap(driver -> driver.mdevs().stream())
                .filter(mdev -> isShown(mdev, bound))
                .map(mdev -> mdev.id().toString())
                .toList();
    }

    private static @Nullable Link link(Optional<VfioAp> vfioAp, String name, boolean bound, String prefix) {
        return vfioAp.flatMap(driver -> find(driver, name))
                .filter(mdev -> isShown(mdev, bound))
                .map(mdev -> new Link(prefix + mdev.id()))
                .orElse(null);
    }

    private static boolean isShown(SimulatedMdev mdev, boolean bound) {
        return mdev.stage() == SimulatedMdev.Stage.PRESENT && !(bound && mdev.group() == null);
    }

    /** Names in the tree are lower case; only create takes other spellings. */
    private static Optional<SimulatedMdev> find(VfioAp driver, String name) {
        return MdevId.parse(name).filter(id -> id.toString().equals(name)).flatMap(driver::mdev);
    }

    private Directory mdev(VfioAp driver, SimulatedMdev mdev) {
        Directory directory = new Directory();
        VfioGroup group = mdev.group();
        if (group != null) {
            directory.link("iommu_group", "../../../../kernel/iommu_groups/" + group.number());
        }
        boolean leaving = mdev.stage() == SimulatedMdev.Stage.LEAVING;
        if (group != null && version.hasVfioDevices() && (!leaving || version.keepsVfioDeviceWhileLeaving())) {
            String device = "vfio" + group.number();
            directory.directory("vfio-dev", () -> new Directory().directory(device, () -> vfioDevice(mdev)));
        }
        if (leaving) {
            return directory;
        }
        SysfsTree.uevent(directory, group == null ? "" : "DRIVER=" + driver.mdevDriver() + "\n")
                .link("subsystem", "../../../../bus/mdev")
                .link("mdev_type", "../mdev_supported_types/" + TYPE)
                .writeOnly("remove", text -> driver.remove(mdev, text));
        if (group != null) {
            directory.link("driver", "../../../../bus/mdev/drivers/" + driver.mdevDriver());
        }
        // before 6.1 the files belong to the device, afterwards to its driver
        if (group != null || !version.hasVfioDevices()) {
            addDriverFiles(directory, driver, mdev);
        }
        return directory;
    }

    private static Directory vfioDevice(SimulatedMdev mdev) {
        return SysfsTree.uevent(new Directory(), "")
                .link("device", "../../../" + mdev.id())
                .link("subsystem", "../../../../../../class/vfio-dev");
    }

    private void addDriverFiles(Directory directory, VfioAp driver, SimulatedMdev mdev) {
        store(directory, "assign_adapter", mdev, driver::assignAdapter);
        store(directory, "unassign_adapter", mdev, driver::unassignAdapter);
        store(directory, "assign_domain", mdev, driver::assignDomain);
        store(directory, "unassign_domain", mdev, driver::unassignDomain);
        store(directory, "assign_control_domain", mdev, driver::assignControlDomain);
        store(directory, "unassign_control_domain", mdev, driver::unassignControlDomain);
        directory
                .readOnly("matrix", () -> lines(mdev.matrix()))
                .readOnly(
                        "control_domains",
                        () -> mdev.matrix().controlDomains().ids().stream()
                                .map(id -> hex(id, 4) + "\n")
                                .collect(Collectors.joining()));
        if (version.isDynamic()) {
            directory.readOnly("guest_matrix", () -> lines(mdev.guestMatrix()));
        }
        if (version.hasApConfig()) {
            directory.readWrite(
                    "ap_config", () -> mdev.matrix().toApConfig() + "\n", text -> driver.writeApConfig(mdev, text));
        }
    }

    private static void store(
            Directory directory, String name, SimulatedMdev mdev, BiConsumer<SimulatedMdev, String> store) {
        directory.writeOnly(name, text -> store.accept(mdev, text));
    }

    /** vfio_ap_mdev_matrix_show: the product, or the one dimension that is there. What does not fit into a page is not even printed. */
    private static String lines(Matrix matrix) {
        StringBuilder text = new StringBuilder();
        ApMask adapters = matrix.adapters();
        ApMask domains = matrix.domains();
        if (domains.isEmpty()) {
            adapters.ids().forEach(id -> text.append(hex(id, 2)).append(".\n"));
        } else if (adapters.isEmpty()) {
            domains.ids().forEach(id -> text.append('.').append(hex(id, 4)).append('\n'));
        }
        for (int adapter : adapters.ids()) {
            for (int domain : domains.ids()) {
                if (text.length() >= SysfsTree.PAGE_SIZE) {
                    return text.toString();
                }
                text.append(hex(adapter, 2)).append('.').append(hex(domain, 4)).append('\n');
            }
        }
        return text.toString();
    }

    private static String hex(int value, int digits) {
        String text = Integer.toHexString(value);
        return "0".repeat(digits - text.length()) + text;
    }
}
