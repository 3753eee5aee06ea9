package org.apmatrix.host.sim;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apmatrix.host.kernel.Errno;
import org.jspecify.annotations.Nullable;

/** Everything that a reboot forgets: the modules that are loaded, and what the AP bus, vfio_ap and VFIO know. */
final class HostState {
    private final KernelVersion version;
    private final ApBus bus;
    private final BusTimers timers;
    private final VfioUsers users;
    private final SimulatedUevents uevents;
    private final Consumer<BooleanSupplier> waitWhile;
    private final Set<KernelModule> modules = EnumSet.noneOf(KernelModule.class);
    private final Map<KernelModule, List<ApDriver>> drivers = new HashMap<>();

    private @Nullable VfioAp vfioAp;
    private boolean mdevClass;
    private boolean matrixAutoprobe = true;
    private boolean abandoned;

    /** @param sleep lets the calling thread wait, without the kernel's lock, while a condition holds */
    HostState(
            KernelVersion version,
            SimulatedMachine machine,
            KernelParameters parameters,
            SimulatedUevents uevents,
            Consumer<BooleanSupplier> sleep) {
        this.version = version;
        this.uevents = uevents;
        bus = new ApBus(version, machine, parameters, uevents);
        timers = new BusTimers(version);
        users = new VfioUsers(version);
        waitWhile = condition -> {
            sleep.accept(() -> condition.getAsBoolean() && !abandoned);
            if (abandoned) {
                // the machine was booted under the writer: nobody is left to answer
                throw new Refusal(Errno.ENODEV);
            }
        };
    }

    KernelVersion version() {
        return version;
    }

    ApBus bus() {
        return bus;
    }

    BusTimers timers() {
        return timers;
    }

    VfioUsers users() {
        return users;
    }

    Optional<VfioAp> vfioAp() {
        return Optional.ofNullable(vfioAp);
    }

    boolean hasAp() {
        return bus.machine().hasAp();
    }

    /** The class mdev_bus comes with the module, in 5.10 with the first parent; it stays while the module does. */
    boolean hasMdevClass() {
        return mdevClass;
    }

    /** The driver of mdevs, if it is there. */
    Optional<String> mdevDriver() {
        if (version.hasVfioDevices()) {
            return vfioAp().map(VfioAp::mdevDriver);
        }
        return isLoaded(KernelModule.VFIO_MDEV) ? Optional.of("vfio_mdev") : Optional.empty();
    }

    boolean hasMatrixAutoprobe() {
        return matrixAutoprobe;
    }

    void setMatrixAutoprobe(boolean newMatrixAutoprobe) {
        matrixAutoprobe = newMatrixAutoprobe;
    }

    /** The machine is booted anew: who still waits here must not. */
    void abandon() {
        abandoned = true;
    }

    Set<KernelModule> loadedModules() {
        return modules;
    }

    boolean isLoaded(KernelModule module) {
        return modules.contains(module);
    }

    void loadAll() {
        for (KernelModule module : KernelModule.values()) {
            if (module.existsIn(version) && (module != KernelModule.VFIO_AP || hasAp())) {
                load(module);
            }
        }
    }

    /** finit_module(2): ENOENT when a symbol is missing, ENODEV from vfio_ap_init without AP instructions, EEXIST when it is there. */
    void load(KernelModule module) {
        if (modules.contains(module)) {
            throw new Refusal(Errno.EEXIST);
        }
        if (!module.existsIn(version) || !modules.containsAll(module.needs())) {
            throw new Refusal(Errno.ENOENT);
        }
        if (module == KernelModule.VFIO_AP && !hasAp()) {
            throw new Refusal(Errno.ENODEV);
        }
        modules.add(module);
        switch (module) {
            case ZCRYPT_CEX4 -> register(module, zcrypt("cex4card", true), zcrypt("cex4queue", false));
            case ZCRYPT_CEX2A ->
                register(module, legacy("cex2acard", module, true), legacy("cex2aqueue", module, false));
            // the card driver of zcrypt_cex2c.c really is called cex2card
            case ZCRYPT_CEX2C ->
                register(module, legacy("cex2card", module, true), legacy("cex2cqueue", module, false));
            case MDEV -> mdevClass |= version.isDynamic();
            case VFIO_MDEV -> vfioAp().ifPresent(VfioAp::addMdevDriver);
            case VFIO_AP -> loadVfioAp();
            case ZCRYPT, VFIO, VFIO_IOMMU_TYPE1, KVM -> {}
        }
    }

    private static ApDriver zcrypt(String name, boolean ofCards) {
        return ApDriver.Zcrypt.of(name, ofCards);
    }

    private static ApDriver legacy(String name, KernelModule module, boolean ofCards) {
        return ApDriver.Zcrypt.legacy(name, module.toString(), ofCards);
    }

    private void loadVfioAp() {
        VfioAp driver = new VfioAp(version, bus, users, uevents, waitWhile);
        vfioAp = driver;
        mdevClass = true;
        matrixAutoprobe = true;
        if (isLoaded(KernelModule.VFIO_MDEV)) {
            driver.addMdevDriver();
        }
        register(KernelModule.VFIO_AP, driver);
    }

    private void register(KernelModule module, ApDriver... news) {
        List<ApDriver> list = new ArrayList<>();
        for (ApDriver driver : news) {
            if (hasAp()) {
                bus.register(driver);
            }
            list.add(driver);
        }
        drivers.put(module, list);
    }

    /** delete_module(2): EAGAIN (EWOULDBLOCK) while it is in use; ENOENT when it is not there. */
    void unload(KernelModule module) {
        if (!modules.contains(module)) {
            throw new Refusal(Errno.ENOENT);
        }
        if (references(module) > 0) {
            throw new Refusal(Errno.EAGAIN);
        }
        if (module == KernelModule.VFIO_AP) {
            vfioAp().ifPresent(VfioAp::removeAll);
        }
        if (module == KernelModule.VFIO_MDEV) {
            vfioAp().ifPresent(VfioAp::removeMdevDriver);
        }
        driversOf(module).forEach(bus::unregister);
        drivers.remove(module);
        modules.remove(module);
        if (module == KernelModule.VFIO_AP) {
            vfioAp = null;
        }
        if (module == KernelModule.MDEV) {
            mdevClass = false;
        }
    }

    /** The drivers that the module brought to the AP bus. */
    List<ApDriver> driversOf(KernelModule module) {
        return drivers.getOrDefault(module, List.of());
    }

    /** How many others need the module; an open VFIO device needs vfio_ap. */
    long references(KernelModule module) {
        long holders =
                modules.stream().filter(other -> other.needs().contains(module)).count();
        boolean ofDevices = module == KernelModule.VFIO_AP || module == KernelModule.VFIO_MDEV;
        long devices = users.groups().values().stream().filter(users::isHeld).count();
        return holders + (ofDevices ? devices : 0);
    }
}
