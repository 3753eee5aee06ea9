package org.apmatrix.host.sim;

import org.apmatrix.host.sim.SysfsNode.Directory;

/** /sys/module: the modules that matter here, and the parameters of the AP bus, which is built in. */
final class ModuleTree {
    private final HostState host;

    ModuleTree(HostState host) {
        this.host = host;
    }

    Directory modules() {
        Directory directory = new Directory().directory("ap", this::apBus);
        for (KernelModule module : host.loadedModules()) {
            directory.directory(module.toString(), () -> module(module));
        }
        return directory;
    }

    private Directory apBus() {
        KernelVersion version = host.version();
        // ap_bus.c: 0440 until 6.x, 0444 later
        int mode = version.isAtLeast(KernelVersion.V7_2) ? 0444 : 0440;
        return SysfsTree.uevent(new Directory()).directory("parameters", () -> {
            KernelParameters parameters = host.bus().parameters();
            Directory directory = new Directory()
                    .attribute("apmask", mode, () -> parameters.apmask().orElse("(null)") + "\n", null)
                    .attribute("aqmask", mode, () -> parameters.aqmask().orElse("(null)") + "\n", null)
                    .attribute("domain", mode, () -> host.bus().defaultDomain() + "\n", null)
                    .attribute("poll_thread", mode, () -> "0\n", null);
            if (version.isDynamic()) {
                directory.attribute("useirq", mode, () -> "1\n", null);
            }
            if (version.isAtLeast(KernelVersion.V7_2)) {
                directory.attribute("msgpool_min_items", 0400, () -> "8\n", null);
            }
            return directory;
        });
    }

    private Directory module(KernelModule module) {
        Directory directory = SysfsTree.uevent(new Directory())
                .readOnly("initstate", "live\n")
                .readOnly("initsize", "0\n")
                .readOnly("coresize", "36864\n")
                .readOnly("taint", "\n")
                .readOnly("refcnt", () -> host.references(module) + "\n")
                .directory("holders", () -> {
                    Directory holders = new Directory();
                    host.loadedModules().stream()
                            .filter(other -> other.needs().contains(module))
                            .forEach(other -> holders.link(other.toString(), "../../" + other));
                    return holders;
                });
        if (module == KernelModule.VFIO) {
            directory.readOnly("version", "0.3\n");
        }
        if (module == KernelModule.MDEV) {
            directory.readOnly("version", "0.1\n");
        }
        if (!host.driversOf(module).isEmpty()) {
            directory.directory("drivers", () -> drivers(module));
        }
        return directory;
    }

    private Directory drivers(KernelModule module) {
        Directory drivers = new Directory();
        for (ApDriver driver : host.driversOf(module)) {
            drivers.link("ap:" + driver.name(), "../../../bus/ap/drivers/" + driver.name());
        }
        if (module == KernelModule.VFIO_AP && host.version().hasVfioDevices()) {
            drivers.link("mdev:vfio_ap_mdev", "../../../bus/mdev/drivers/vfio_ap_mdev");
        }
        return drivers;
    }
}
