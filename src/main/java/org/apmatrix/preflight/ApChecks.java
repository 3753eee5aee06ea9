package org.apmatrix.preflight;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Machine;
import org.apmatrix.host.MdevTree;
import org.apmatrix.preflight.Preflight.Check;

/** The AP bus, its driver for guests, and the kernel they run in. */
final class ApChecks {
    static final String ADAPTER_ABSENT =
            "No queue can be handed out. The LPAR needs Crypto Express adapters and domains in its activation profile, a guest of the first level an AP device of its"
                    + " own.";

    private static final Pattern RELEASE = Pattern.compile("([0-9]{1,4})\\.([0-9]{1,4})(?:\\.([0-9]{1,4}))?.*");

    private final Ground ground;
    private final ApBus bus;
    private final MdevTree mdevs;

    ApChecks(Ground ground) {
        this.ground = ground;
        this.bus = new ApBus(ground.sysfs());
        this.mdevs = new MdevTree(ground.sysfs());
    }

    List<Check> all() {
        return List.of(
                new Check("kernel-release", this::kernelRelease),
                new Check("ap-bus", this::apBus),
                new Check("ap-qci", this::qci),
                new Check("mdev-core", this::mdevCore),
                new Check("vfio-ap-module", this::vfioAp),
                new Check("queue-assignment", this::assignment),
                new Check("queues-for-guests", this::queues));
    }

    /** Releases as the kernel's own history has them: 6.0 brought the dynamic driver, CVE-2024-26620 was mended in 6.8, 6.1.76, 6.6.15 and 6.7.3. */
    private Optional<Item> kernelRelease() {
        String check = "kernel-release";
        String release =
                new Machine(ground.procfs(), ground.simulated()).kernelRelease().orElse("not told");
        Matcher matcher = RELEASE.matcher(release);
        if (!matcher.matches()) {
            return Optional.of(
                    Item.warn(check, release, "Not a release of Linux: nothing is known of its faults.", null));
        }
        int major = Integer.parseInt(matcher.group(1));
        int minor = Integer.parseInt(matcher.group(2));
        int patch = matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3));
        if (major < 5 || (major == 5 && minor < 10)) {
            return Optional.of(Item.fail(check, release, "apmatrix was made for 5.10 and newer.", null));
        }
        if (major == 5 && !isDynamic()) {
            return Optional.of(Item.warn(
                    check,
                    release,
                    "The static driver: other tools may give queues back to the host while a guest uses them (apmatrix does not), and nothing of a used device can"
                            + " be changed.",
                    null));
        }
        if (major == 6 && hidesTooLittle(minor, patch)) {
            return Optional.of(Item.warn(
                    check,
                    release,
                    "CVE-2024-26620: queues that are hidden from a guest may come back into it. Mended in 6.8, 6.7.3, 6.6.15, 6.1.76, unless the distribution did"
                            + " so earlier.",
                    null));
        }
        return Optional.of(Item.ok(
                check,
                release,
                major < 7
                        ? "It overruns a page when it prints a matrix of more than 511 queues: leave apmatrix.matrix.max-apqns at 511, and let no other tool make such a"
                                + " device."
                        : "No fault of its AP drivers is known."));
    }

    private static boolean hidesTooLittle(int minor, int patch) {
        return switch (minor) {
            case 1 -> patch < 76;
            case 6 -> patch < 15;
            case 7 -> patch < 3;
            default -> minor < 6;
        };
    }

    /** Distributions have carried the dynamic driver back to 5.14. */
    private boolean isDynamic() {
        return mdevs.ids().stream().flatMap(id -> mdevs.read(id).stream()).anyMatch(mdev -> mdev.dynamic());
    }

    private Optional<Item> apBus() {
        if (!bus.isPresent()) {
            return Optional.of(Item.fail("ap-bus", "no /sys/bus/ap", ADAPTER_ABSENT, null));
        }
        int queues = bus.queues().size();
        String found = bus.adapters().size() + " adapters, " + queues + " queues";
        return Optional.of(
                queues == 0
                        ? Item.fail("ap-bus", found, ADAPTER_ABSENT, null)
                        : Item.ok("ap-bus", found, "The kernel sees queues."));
    }

    /** Without QCI the masks of the configuration read "not supported" (ap_bus.c, ap_adapter_mask_show). */
    private Optional<Item> qci() {
        if (!bus.isPresent()) {
            return Optional.empty();
        }
        return Optional.of(
                bus.configuredAdapters().isPresent()
                        ? Item.ok("ap-qci", "supported", "The machine tells its AP configuration.")
                        : Item.warn(
                                "ap-qci",
                                "not supported",
                                "The machine does not tell its AP configuration (facility 12): only domains 0 to 15 are found, and guests may see no queue at all.",
                                null));
    }

    private Optional<Item> mdevCore() {
        return Optional.of(
                ground.sysfs().exists(Path.of("/sys/bus/mdev"))
                        ? Item.ok("mdev-core", "/sys/bus/mdev", "Mediated devices can be made.")
                        : Item.fail(
                                "mdev-core",
                                "no /sys/bus/mdev",
                                "Mediated devices cannot be made; loading vfio_ap loads this too.",
                                "modprobe mdev"));
    }

    private Optional<Item> vfioAp() {
        return Optional.of(
                mdevs.isPresent()
                        ? Item.ok("vfio-ap-module", "loaded", "Queues can be bound for guests.")
                        : Item.fail(
                                "vfio-ap-module",
                                "not loaded",
                                "Every request for a device is answered with 503 AP_UNAVAILABLE. Some distributions ship no vfio_ap at all (CONFIG_VFIO_AP).",
                                "modprobe vfio_ap"));
    }

    /** From 6.19 on masks and driver overrides exclude each other, but for masks that came from the kernel command line (ap_bus.c, apmask_store). */
    private Optional<Item> assignment() {
        if (!bus.isPresent()) {
            return Optional.empty();
        }
        String check = "queue-assignment";
        SortedMap<Apqn, Optional<String>> queues = bus.queues();
        if (!bus.hasDriverOverride(queues.keySet())) {
            return Optional.of(Item.ok(check, "masks", "This kernel hands queues over by its masks alone."));
        }
        SortedMap<Apqn, String> overrides = bus.driverOverrides(queues.keySet());
        boolean masks = !bus.apmask().equals(ApMask.ALL) || !bus.aqmask().equals(ApMask.ALL);
        if (masks && !overrides.isEmpty()) {
            return Optional.of(Item.fail(
                    check,
                    "masks that are not all ones, and " + overrides.size() + " driver overrides (" + some(overrides)
                            + ")",
                    "The kernel refuses to change either while it has both: 409 QUEUE_ASSIGNMENT_MIXED. Clear the overrides, or take the masks from the kernel command"
                            + " line.",
                    "for q in /sys/bus/ap/devices/*.*; do echo > $q/driver_override; done"));
        }
        if (masks) {
            return Optional.of(Item.ok(
                    check, "masks", "PUT /queues/{apqn}/driver is refused until both masks are all ones again."));
        }
        if (overrides.isEmpty()) {
            return Optional.of(
                    Item.ok(check, "masks or driver_override", "Nothing is handed over yet: either way is free."));
        }
        return Optional.of(Item.warn(
                check,
                "driver_override of " + overrides.size() + " queues (" + some(overrides) + ")",
                "Masks cannot be changed while an override stands. Overrides that apmatrix did not set belong to somebody else, mostly a driver of Kubernetes.",
                null));
    }

    private static String some(SortedMap<Apqn, String> overrides) {
        return overrides.entrySet().stream()
                        .limit(4)
                        .map(entry -> entry.getKey() + "=" + entry.getValue())
                        .reduce((one, two) -> one + " " + two)
                        .orElse("")
                + (overrides.size() > 4 ? " …" : "");
    }

    private Optional<Item> queues() {
        if (!bus.isPresent() || !mdevs.isPresent()) {
            return Optional.empty();
        }
        SortedMap<Apqn, Optional<String>> queues = bus.queues();
        if (queues.isEmpty()) {
            return Optional.empty();
        }
        long free = queues.entrySet().stream()
                .map(Map.Entry::getValue)
                .filter(Optional.of(ApBus.VFIO_AP)::equals)
                .count();
        String found = free + " of " + queues.size() + " queues are with vfio_ap";
        return Optional.of(
                free > 0
                        ? Item.ok("queues-for-guests", found, "Guests can be given these.")
                        : Item.warn(
                                "queues-for-guests",
                                found,
                                "The host keeps all of them: no guest can be given one. Take adapters or domains from the host first, here or with PATCH /masks.",
                                "chzdev -t ap apmask=-ADAPTER"));
    }
}
