package org.apmatrix.preflight;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;
import org.apmatrix.preflight.Preflight.Check;

/** What the next boot will make of this host. */
final class BootChecks {
    private static final List<String> MODULES =
            List.of("/etc/modules-load.d", "/run/modules-load.d", "/usr/lib/modules-load.d");

    private static final int NAMED = 4;

    private final Ground ground;
    private final ApBus bus;
    private final MdevTree mdevs;

    BootChecks(Ground ground) {
        this.ground = ground;
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

    /** Files of modules-load.d(5) and the kernel parameter of the same name. */
    private Optional<Item> module() {
        boolean loaded = Stream.concat(
                                MODULES.stream()
                                        .flatMap(directory -> Ground.files(ground.hostPath(directory)).stream())
                                        .filter(file -> file.toString().endsWith(".conf")),
                                Stream.of(ground.hostPath("/etc/modules")))
                        .flatMap(file -> Ground.text(file).orElse("").lines())
                        .anyMatch(BootChecks::isVfioAp)
                || Ground.text(ground.proc("cmdline")).orElse("").matches("(?s).*modules[-_]load=\\S*vfio[-_]ap.*");
        return Optional.of(
                loaded
                        ? Item.ok("vfio-ap-at-boot", "loaded at boot", "The next boot brings the driver back.")
                        : Item.warn(
                                "vfio-ap-at-boot",
                                "in no modules-load.d",
                                "After the next boot this service answers 503 AP_UNAVAILABLE until somebody loads the module.",
                                "echo vfio_ap > /etc/modules-load.d/vfio_ap.conf"));
    }

    private static boolean isVfioAp(String line) {
        return line.strip().replace('-', '_').equals("vfio_ap");
    }

    private Optional<Item> masks() {
        if (!bus.isPresent()) {
            return Optional.empty();
        }
        BootMasks now = new BootMasks(bus.apmask(), bus.aqmask());
        if (now.equals(BootMasks.of(ground))) {
            return Optional.of(
                    Item.ok("masks-at-boot", "as they are now", "The next boot hands the same queues over."));
        }
        return Optional.of(Item.warn(
                "masks-at-boot",
                "other than they are now",
                "Neither the kernel command line nor a udev rule of chzdev has today's masks: after the next boot other queues are with vfio_ap.",
                "chzdev -t ap --persistent apmask=" + BootMasks.ranges(now.apmask()) + " aqmask="
                        + BootMasks.ranges(now.aqmask())));
    }

    private Optional<Item> mdevctl() {
        Optional<String> program = Stream.of("/usr/sbin/mdevctl", "/usr/bin/mdevctl", "/sbin/mdevctl")
                .filter(path -> ground.hostPath(path).toFile().exists())
                .findFirst();
        return Optional.of(
                program.map(path -> Item.ok("mdevctl", path, "Devices that are defined come back after a boot."))
                        .orElseGet(() -> Item.warn(
                                "mdevctl",
                                "not installed",
                                "No device comes back after a boot by itself: make them anew through this service (PUT /mdevs/{uuid} is idempotent).",
                                "apt-get install mdevctl || dnf install mdevctl")));
    }

    private Definition.All defined() {
        return Definition.in(ground.hostPath("/etc/mdevctl.d/matrix"));
    }

    private Optional<Item> definitions() {
        String check = "definitions-at-boot";
        Definition.All all = defined();
        List<Definition> starting =
                all.definitions().stream().filter(Definition::starts).toList();
        Optional<Item> clash = overlap(check, starting).or(() -> kept(check, starting));
        if (clash.isPresent()) {
            return clash;
        }
        if (!all.unreadable().isEmpty()) {
            return Optional.of(Item.warn(
                    check,
                    "unreadable: " + String.join("; ", all.unreadable()),
                    "mdevctl cannot start what it cannot read.",
                    null));
        }
        return Optional.of(Item.ok(
                check,
                starting.size() + " of " + all.definitions().size() + " definitions start at boot",
                "They do not get into each other's way, and the masks leave them their queues."));
    }

    private static Optional<Item> overlap(String check, List<Definition> starting) {
        for (int one = 0; one < starting.size(); one++) {
            for (Definition other : starting.subList(one + 1, starting.size())) {
                Matrix shared = starting.get(one).matrix().shared(other.matrix());
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

    private Optional<Item> kept(String check, List<Definition> starting) {
        BootMasks masks = BootMasks.of(ground);
        List<String> found = new ArrayList<>();
        TreeSet<Integer> adapters = new TreeSet<>();
        for (Definition definition : starting) {
            Matrix matrix = definition.matrix();
            Matrix kept = Matrix.of(
                    matrix.adapters().and(masks.apmask()), matrix.domains().and(masks.aqmask()));
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
        List<Definition> definitions = defined().definitions();
        for (Definition definition : definitions) {
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
