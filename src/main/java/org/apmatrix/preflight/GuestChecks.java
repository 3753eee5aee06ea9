package org.apmatrix.preflight;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import org.apmatrix.ap.GuestName;
import org.apmatrix.host.Guest;
import org.apmatrix.host.GuestState;
import org.apmatrix.preflight.Preflight.Check;

/** What guests need of this host, and whether the configured ones answer. */
final class GuestChecks {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");
    private static final Path NESTED = Path.of("/sys/module/kvm/parameters/nested");

    private final Ground ground;

    GuestChecks(Ground ground) {
        this.ground = ground;
    }

    List<Check> all() {
        return List.of(
                new Check("cpu-facilities", this::facilities),
                new Check("kvm", this::kvm),
                new Check("libvirt", this::libvirt),
                new Check("guest-monitors", this::monitors));
    }

    /** The facilities behind QEMU's CPU features apqci (12), apft (15) and apqi (65); {@code /proc/cpuinfo} lists them (arch/s390/kernel/processor.c). */
    private Optional<Item> facilities() {
        if (ground.simulated()) {
            return Optional.empty();
        }
        String check = "cpu-facilities";
        Optional<Set<String>> told = cpuinfo("facilities");
        if (told.isEmpty()) {
            return Optional.of(Item.fail(
                    check,
                    "none in /proc/cpuinfo",
                    "This is no machine of the s390x kind: there is nothing to hand out.",
                    null));
        }
        List<String> missing = new ArrayList<>();
        Map.of("apqci", "12", "apft", "15", "apqi", "65").forEach((feature, number) -> {
            if (!told.get().contains(number)) {
                missing.add(feature);
            }
        });
        missing.sort(null);
        if (missing.isEmpty()) {
            return Optional.of(
                    Item.ok(check, "12, 15, 65", "Guests can have the CPU features ap, apqci, apft and apqi."));
        }
        String found = "guests cannot have " + String.join(", ", missing);
        return Optional.of(
                missing.contains("apft")
                        ? Item.fail(check, found, "Without apft every plug is refused with CPU_FEATURE_MISSING.", null)
                        : Item.warn(
                                check,
                                found,
                                "Without apqci a guest finds domains 0 to 15 only; without apqi it polls its queues.",
                                null));
    }

    private Optional<Item> kvm() {
        if (ground.simulated()) {
            return Optional.empty();
        }
        Path node = ground.properties().deviceRoot().resolve("kvm");
        boolean sie =
                cpuinfo("features").map(features -> features.contains("sie")).orElse(false);
        if (!Files.exists(node)) {
            return Optional.of(Item.fail(
                    "kvm",
                    "no " + node,
                    sie
                            ? "No guest can run: the module is not loaded, or this container has no such device."
                            : "No guest can run: the machine does not offer SIE; a guest that is to have guests needs it from its own host (kvm.nested=1 there).",
                    sie ? "modprobe kvm" : null));
        }
        String nested =
                ground.sysfs().exists(NESTED) ? ground.sysfs().read(NESTED).strip() : "not told";
        return Optional.of(Item.ok(
                "kvm",
                node + ", nested=" + nested,
                "Guests can run; with nested=1 they can have guests of their own."));
    }

    private Optional<Set<String>> cpuinfo(String key) {
        return ground.procfs()
                .read(CPUINFO)
                .flatMap(text -> text.lines()
                        .filter(line -> line.startsWith(key))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst())
                .map(words -> Set.copyOf(Arrays.asList(words.split("\\s+"))));
    }

    /** Left out where no libvirt is configured. */
    private Optional<Item> libvirt() {
        String check = "libvirt";
        return ground.guests().libvirt().map(status -> switch (status.link()) {
            case CONNECTED ->
                Item.ok(check, "libvirtd " + status.detail() + " answers", "Its guests can be plugged and unplugged.");
            case LIBRARY_ABSENT ->
                Item.fail(
                        check,
                        String.valueOf(status.detail()),
                        "Guests of libvirt are not seen, though apmatrix.guests.libvirt.uri names one; everything else works.",
                        "apt-get install libvirt0   # RPM: libvirt-libs; then start the service anew");
            case CONNECTING, DOWN ->
                Item.fail(
                        check,
                        "no answer: " + status.detail(),
                        "Guests of libvirt are not seen until it answers; it is tried again by itself, and everything else works.",
                        "systemctl start libvirtd.socket   # or virtqemud.socket; and look at apmatrix.guests.libvirt.uri");
        });
    }

    private Optional<Item> monitors() {
        String check = "guest-monitors";
        SortedMap<GuestName, Guest> guests = ground.guests().all();
        if (guests.isEmpty()) {
            return Optional.of(Item.warn(
                    check,
                    "no socket",
                    "No guest is known, so nothing can be plugged: no monitor of a QEMU is where apmatrix.guests.qmp.sockets looks, and apmatrix.guests.libvirt.uri names no libvirt with guests.",
                    null));
        }
        Map<Guest, GuestState> states = ground.guests().looks(guests.values());
        List<String> silent = new ArrayList<>();
        guests.forEach((name, guest) -> {
            GuestState state = states.get(guest);
            if (state != null && !state.isReachable()) {
                silent.add(name + " (" + guest.address() + "): " + state.silence());
            }
        });
        String found = (guests.size() - silent.size()) + " of " + guests.size() + " guests answer";
        return Optional.of(
                silent.isEmpty()
                        ? Item.ok(check, found, "They can be plugged.")
                        : Item.warn(
                                check,
                                found + "; " + String.join("; ", silent),
                                "Plugs into these are answered with 503 QEMU_UNREACHABLE. A monitor serves one client: where there is no greeting, another one has it, which"
                                        + " is the service itself when this is asked beside it.",
                                null));
    }
}
