package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelParameters;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedNode;
import tools.jackson.databind.JsonNode;

/** The tree of a real kernel at one moment: every directory, link and file, with modes and contents. */
final class RecordedTree {
    /** What is not compared: paths of the recorded tree, and why. */
    private static final Map<String, String> NOT_COMPARED = Map.ofEntries(
            Map.entry("/dev/.*", "no sysfs"),
            Map.entry("/sys/module/kvm(/.*)?", "parameters of KVM, nothing of AP"),
            Map.entry("/sys/class/zcrypt(/.*)?", "zcrypt's own device nodes, nothing that is passed to guests"),
            Map.entry("/sys/module/mdev/srcversion", "differs from build to build"));

    /** Files whose content is not compared, and why. Their mode is. */
    private static final Map<String, String> CONTENT_NOT_COMPARED = Map.ofEntries(
            Map.entry("/sys/bus/ap/scans", "the timer had scanned by then"),
            Map.entry("/sys/bus/ap/bindings_complete_count", "depends on the timer's scans"),
            Map.entry("/sys/devices/ap/card../(load|(request|requestq|pendingq)_count)", "requests of zcrypt's own"),
            Map.entry(
                    "/sys/devices/ap/card../.{7}/(load|reset|(request|requestq|pendingq)_count)",
                    "a reset or zcrypt's own requests were under way"),
            Map.entry(
                    "/sys/devices/ap/card../.{7}/interrupt",
                    "set when the reset after a change of driver is done, some milliseconds later"),
            Map.entry(
                    "/sys/devices/ap/card../(.{7}/)?(serialnr|API_ordinalnr|FW_version|op_modes|mkvps)",
                    "answers of the card, which the emulated one never gave"),
            Map.entry("/sys/module/[a-z_]+/coresize", "differs from build to build"));

    private static final String MDEV = "83c2fb96-4e52-4ec1-9a4c-0b5d1e6f0001";
    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");
    private static final Pattern ENTRY = Pattern.compile("([DFL]) (?:([0-7]{3}) )?(/\\S*)(?: -> (\\S+)| (.*))?");

    private final JsonNode json;
    private final KernelVersion version;
    private final Sysfs sysfs;
    private final SimulatedKernel kernel;

    RecordedTree(JsonNode json, Sysfs sysfs, SimulatedKernel kernel) {
        this.json = json;
        this.version = RecordedMachine.version(json).orElseThrow();
        this.sysfs = sysfs;
        this.kernel = kernel;
    }

    static String name(JsonNode json) {
        return json.path("kernel").asString() + " " + json.path("moment").asString();
    }

    void compare() {
        setUp();
        Map<String, String> expected = new TreeMap<>();
        Map<String, String> actual = new TreeMap<>();
        for (JsonNode entry : json.path("entries")) {
            Entry parsed = Entry.parse(entry.asString());
            if (!matches(NOT_COMPARED, parsed.path)) {
                expected.put(parsed.path, parsed.text());
                actual.put(parsed.path, actual(parsed));
            }
        }
        // and nothing that the kernel has not got, in the directories that were listed
        for (String path : List.copyOf(expected.keySet())) {
            if (expected.get(path).startsWith("D ")) {
                for (String child : listed(path)) {
                    actual.computeIfAbsent(path + "/" + child, missing -> "not recorded");
                }
            }
        }
        actual.keySet().removeIf(path -> !expected.containsKey(path) && !isCovered(path, expected.keySet()));
        assertThat(actual).isEqualTo(expected);
    }

    /** The recorder listed some directories only in part: what it looked at are whole subtrees and single directories. */
    private static boolean isCovered(String path, Set<String> recorded) {
        return !path.equals("/sys/devices/virtual/misc")
                && !matches(NOT_COMPARED, path)
                && recorded.contains(path.substring(0, path.lastIndexOf('/')));
    }

    private List<String> listed(String path) {
        try {
            return sysfs.list(Path.of(path));
        } catch (KernelException e) {
            return List.of();
        }
    }

    private String actual(Entry entry) {
        Path path = Path.of(entry.path);
        SimulatedNode node;
        try {
            node = kernel.stat(path);
        } catch (KernelException e) {
            return e.errno().name();
        }
        if (node instanceof SimulatedNode.Link) {
            return "L -> " + sysfs.readLink(path);
        }
        String mode = Integer.toOctalString(node.mode());
        if (node instanceof SimulatedNode.Directory) {
            return "D " + mode;
        }
        return "F " + mode + (entry.isContentCompared() ? " " + content(path) : "");
    }

    private String content(Path path) {
        try {
            return "\"" + sysfs.read(path).replace("\n", "\\n") + "\"";
        } catch (KernelException e) {
            return e.operation() + ":" + e.errno();
        }
    }

    private void setUp() {
        kernel.bootWithoutModules(version, RecordedMachine.of(version), KernelParameters.NONE);
        String moment = json.path("moment").asString();
        if (moment.equals("boot-nomodules")) {
            return;
        }
        load(KernelModule.ZCRYPT, KernelModule.ZCRYPT_CEX2A, KernelModule.ZCRYPT_CEX2C, KernelModule.ZCRYPT_CEX4);
        if (moment.equals("zcrypt-loaded")) {
            return;
        }
        load(
                KernelModule.VFIO,
                KernelModule.VFIO_IOMMU_TYPE1,
                KernelModule.MDEV,
                KernelModule.VFIO_MDEV,
                KernelModule.KVM,
                KernelModule.VFIO_AP);
        if (moment.equals("vfio_ap-loaded")) {
            return;
        }
        boolean allReserved = moment.equals("mdev-5,6x4,47-allreserved");
        sysfs.write(Path.of("/sys/bus/ap/apmask"), allReserved ? "0x0" : "-5,-6");
        sysfs.write(Path.of("/sys/bus/ap/aqmask"), allReserved ? "0x0" : "-4,-0x47,-0xab");
        sysfs.write(
                MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create"),
                MdevId.parse(MDEV).orElseThrow().toString());
        if (allReserved) {
            Path mdev = MATRIX.resolve(MDEV);
            sysfs.write(mdev.resolve("assign_adapter"), "5");
            sysfs.write(mdev.resolve("assign_adapter"), "6");
            sysfs.write(mdev.resolve("assign_domain"), "4");
            sysfs.write(mdev.resolve("assign_domain"), "0x47");
        }
    }

    private void load(KernelModule... modules) {
        for (KernelModule module : modules) {
            try {
                kernel.loadModule(module);
            } catch (KernelException e) {
                // this kernel has no such module
            }
        }
    }

    private static boolean matches(Map<String, String> patterns, String path) {
        return patterns.keySet().stream().anyMatch(path::matches);
    }

    /** Each entry of the lists must hit something that was recorded. */
    static void assertListIsNeeded(List<JsonNode> trees) {
        Set<String> paths = new HashSet<>();
        trees.forEach(tree -> tree.path("entries").forEach(entry -> paths.add(Entry.parse(entry.asString()).path)));
        List<String> unneeded = new ArrayList<>(NOT_COMPARED.keySet());
        unneeded.addAll(CONTENT_NOT_COMPARED.keySet());
        unneeded.removeIf(pattern -> paths.stream().anyMatch(path -> path.matches(pattern)));
        assertThat(unneeded).isEmpty();
    }

    /** One recorded line: {@code D mode path}, {@code L path -> target} or {@code F mode path content}. */
    private record Entry(String kind, Optional<String> mode, String path, String rest) {
        static Entry parse(String line) {
            var matcher = ENTRY.matcher(line);
            assertThat(matcher.matches()).as(line).isTrue();
            String target = matcher.group(4);
            String content = matcher.group(5) == null ? "" : matcher.group(5);
            return new Entry(
                    matcher.group(1),
                    Optional.ofNullable(matcher.group(2)),
                    matcher.group(3),
                    target == null ? content : target);
        }

        boolean isContentCompared() {
            return !matches(CONTENT_NOT_COMPARED, path);
        }

        String text() {
            if (kind.equals("L")) {
                return "L -> " + rest;
            }
            String text = kind + " " + mode.orElseThrow();
            return kind.equals("F") && isContentCompared() ? text + " " + rest : text;
        }
    }
}
