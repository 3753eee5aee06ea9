package org.apmatrix.preflight;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.BootMasks;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NextBoot;
import org.apmatrix.preflight.Preflight.Check;

/** What the next boot will make of this host. */
final class BootChecks {
    private static final int NAMED = 4;

    private final Ground ground;
    private final NextBoot boot;
    private final ApBus bus;
    private final MdevTree mdevs;

    BootChecks(Ground ground) {
        this.ground = ground;
        this.boot = ground.nextBoot();
        this.bus = new ApBus(ground.sysfs());
        this.mdevs = new MdevTree(ground.sysfs());
    }

    List<Check> all() {
        return List.of(
                new Check("vfio-ap-at-boot", this::module),
                new Check("masks-at-boot", this::masks),
                new Check("mdevctl", this::mdevctl),
                new Check("definitions-at-boot", this::definitions),
                new Check("definitions-now", this::drift));
    }

    private Optional<Item> module() {
        return Optional.of(
                boot.loadsVfioAp()
                        ? Item.ok("vfio-ap-at-boot", "loaded at boot", "The next boot brings the driver back.")
                        : Item.warn(
                                "vfio-ap-at-boot",
                                "in no modules-load.d",
                                "After the next boot this service answers 503 AP_UNAVAILABLE until somebody loads the module.",
                                "echo vfio_ap > /etc/modules-load.d/vfio_ap.conf"));
    }

    private Optional<Item> masks() {
        if (!bus.isPresent()) {
            return Optional.empty();
        }
        ApMask apmask = bus.apmask();
        ApMask aqmask = bus.aqmask();
        if (boot.masks().are(apmask, aqmask)) {
            return Optional.of(
                    Item.ok("masks-at-boot", "as they are now", "The next boot hands the same queues over."));
        }
        return Optional.of(Item.warn(
                "masks-at-boot",
                "other than they are now",
                "Neither the kernel command line nor a udev rule of chzdev has today's masks: after the next boot other queues are with vfio_ap.",
                "chzdev -t ap --persistent apmask=" + BootMasks.ranges(apmask) + " aqmask="
                        + BootMasks.ranges(aqmask)));
    }

    private Optional<Item> mdevctl() {
        return Optional.of(boot.mdevctl()
                .map(path -> Item.ok("mdevctl", path, "Devices that are defined come back after a boot."))
                .orElseGet(() -> Item.warn(
                        "mdevctl",
                        "not installed",
                        "No device comes back after a boot by itself: make them anew through this service (PUT /mdevs/{uuid} is idempotent).",
                        "apt-get install mdevctl || dnf install mdevctl")));
    }

    private Optional<Item> definitions() {
        String check = "definitions-at-boot";
        MdevctlStore.All all = ground.definitions().look();
        List<MdevDefinition> starting =
                all.definitions().stream().filter(MdevDefinition::startsAtBoot).toList();
        Optional<Item> clash = overlap(check, starting).or(() -> kept(check, starting));
        if (clash.isPresent()) {
            return clash;
        }
        if (!all.unreadable().isEmpty()) {
            return Optional.of(Item.warn(
                    check,
                    "unreadable: "
                            + all.unreadable().stream()
                                    .map(file -> file.name() + ": " + file.why())
                                    .collect(Collectors.joining("; ")),
                    "mdevctl cannot start what it cannot read, and mdevctl 1.2.0 then starts nothing at all.",
                    null));
        }
        return Optional.of(Item.ok(
                check,
                starting.size() + " of " + all.definitions().size() + " definitions start at boot",
                "They do not get into each other's way, and the masks leave them their queues."));
    }

    private static Optional<Item> overlap(String check, List<MdevDefinition> starting) {
        for (int one = 0; one < starting.size(); one++) {
            for (MdevDefinition other : starting.subList(one + 1, starting.size())) {
                Matrix shared = starting.get(one).clash(other);
                if (!shared.hasNoApqn()) {
                    return Optional.of(Item.fail(
                            check,
                            starting.get(one).id() + " and " + other.id() + " both want " + some(shared.apqns()),
                            "Both start at boot, and whichever comes second will not (EADDRINUSE).",
                            "mdevctl modify --uuid " + other.id() + " --manual"));
                }
            }
        }
        return Optional.empty();
    }

    private Optional<Item> kept(String check, List<MdevDefinition> starting) {
        BootMasks masks = boot.masks();
        List<String> found = new ArrayList<>();
        TreeSet<Integer> adapters = new TreeSet<>();
        for (MdevDefinition definition : starting) {
            Matrix kept = masks.kept(definition.matrix());
            if (!kept.hasNoApqn()) {
                found.add(definition.id() + " wants " + some(kept.apqns()));
                adapters.addAll(kept.adapters().ids());
            }
        }
        if (found.isEmpty()) {
            return Optional.empty();
        }
        ApMask freed = masks.apmask().minus(ApMask.of(adapters));
        return Optional.of(Item.fail(
                check,
                String.join("; ", found),
                "The masks of the next boot keep these queues for the host, so these devices will not start (EADDRNOTAVAIL). Driver overrides do not outlive a boot.",
                "chzdev -t ap --persistent apmask=" + BootMasks.ranges(freed)));
    }

    private static String some(List<Apqn> apqns) {
        return String.join(" ", apqns.stream().limit(NAMED).map(Apqn::toString).toList())
                + (apqns.size() > NAMED ? " and " + (apqns.size() - NAMED) + " more" : "");
    }

    /** Devices that mdevctl or libvirt would make otherwise than they stand. */
    private Optional<Item> drift() {
        List<String> found = new ArrayList<>();
        List<MdevDefinition> definitions = ground.definitions().all();
        for (MdevDefinition definition : definitions) {
            mdevs.read(definition.id())
                    .map(Mdev::matrix)
                    .filter(matrix -> !matrix.equals(definition.matrix()))
                    .ifPresent(matrix -> found.add(definition.id().toString()));
        }
        if (found.isEmpty()) {
            return Optional.of(Item.ok(
                    "definitions-now",
                    definitions.size() + " definitions",
                    "No device stands otherwise than mdevctl or libvirt have it in mind."));
        }
        return Optional.of(Item.warn(
                "definitions-now",
                String.join(", ", found),
                "mdevctl or libvirt define these devices with another matrix than they have: after a boot they are what the definition says.",
                null));
    }
}
