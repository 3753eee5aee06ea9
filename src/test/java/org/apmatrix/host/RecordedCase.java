package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelParameters;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedMachine.Adapter;
import org.junit.jupiter.api.Assertions;
import tools.jackson.databind.JsonNode;

/** One case of real-kernel-cases.json: what a real kernel answered, step by step. */
final class RecordedCase {
    /** Cases that are not replayed, by run, with the reason. */
    private static final Map<String, String> RUNS_NOT_REPLAYED = Map.of(
            "6.12tx", "lszcrypt and mdevctl, not system calls",
            "6.12cx", "a kernel with CONFIG_VFIO_DEVICE_CDEV, which is not simulated",
            "6.12dx", "a kernel with CONFIG_VFIO_DEVICE_CDEV, which is not simulated");

    /** Cases that are not replayed, by start state or kernel, with the reason. */
    private static final Map<String, String> STATES_NOT_REPLAYED =
            Map.of("stock Debian kernel.*", "has no vfio_ap", "AP present, no SIE.*", "KVM that cannot be loaded");

    /** Commands that are not replayed, as patterns of their whole text, with the reason. */
    private static final Map<String, String> COMMANDS_NOT_REPLAYED = Map.ofEntries(
            Map.entry("dmesg.*|.*s390dbf.*", "the kernel's log"),
            Map.entry("(cut|cat|grep change) .*/uev.*", "uevents"),
            Map.entry("lsmod.*", "sizes and users of modules"),
            Map.entry("uname -a|cat /proc/(version|cmdline)", "the build"),
            Map.entry("ls /sys/bus", "buses that have nothing to do with AP"),
            Map.entry("ls -l /dev/vfio.*|ls /dev/vfio.*", "device nodes"),
            Map.entry("rm -r .*", "unlink and rmdir are not in the seam"),
            Map.entry("readlink /sys\\S+ /sys\\S+ /sys\\S+", "busybox refused to take three arguments"),
            Map.entry("ls -l /proc/.*", "descriptors of a process that also printed them itself"),
            Map.entry("ps .*|cat /proc/\\$\\(pidof wr\\)/stat.*", "the state of the writer's process"),
            Map.entry(
                    "kill -(TERM|9) \\$\\(pidof wr\\).*|cat \\S+/rmres; pidof wr",
                    "signals to the writer, which change nothing"),
            Map.entry("echo -5 > .*", "the mask is written in other cases"));

    private static final String MDEV_PREFIX = "83c2fb96-4e52-4ec1-9a4c-0b5d1e6f000";
    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");
    private static final Path CREATE = MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create");
    private static final String ALL = "0x" + "f".repeat(64);

    private static final Executor NEW_THREADS = task -> {
        Thread thread = new Thread(task, "blocked-writer");
        thread.setDaemon(true);
        thread.start();
    };

    private final JsonNode json;
    private final KernelVersion version;
    private final Sysfs sysfs;
    private final SimulatedKernel kernel;
    private final RecordedShell shell;
    private final RecordedUsers user;
    private long scansAhead = -1;
    private Optional<CompletableFuture<Void>> remover = Optional.empty();

    RecordedCase(JsonNode json, Sysfs sysfs, SimulatedKernel kernel) {
        this.json = json;
        this.version = RecordedMachine.version(json).orElseThrow();
        this.sysfs = sysfs;
        this.kernel = kernel;
        shell = new RecordedShell(sysfs, kernel);
        user = new RecordedUsers(sysfs, kernel);
    }

    static String name(JsonNode json) {
        return json.path("run").asString() + " " + id(json)
                + (id(json).equals("absent") ? " " + json.path("start_state").asString() : "");
    }

    private static String id(JsonNode json) {
        return json.path("id").asString();
    }

    static boolean isReplayed(JsonNode json) {
        return RecordedMachine.version(json).isPresent()
                && !RUNS_NOT_REPLAYED.containsKey(json.path("run").asString())
                && STATES_NOT_REPLAYED.keySet().stream()
                        .noneMatch(json.path("start_state").asString()::matches);
    }

    /** Each entry of the lists must leave out something. */
    static void assertListsAreNeeded(List<JsonNode> cases) {
        Set<String> runs = new HashSet<>();
        Set<String> states = new HashSet<>();
        Set<String> commands = new HashSet<>();
        cases.forEach(json -> {
            runs.add(json.path("run").asString());
            states.add(json.path("start_state").asString());
            if (isReplayed(json)) {
                json.path("steps").forEach(step -> commands.add(step.path("cmd").asString("")));
            }
        });
        List<String> unneeded = new ArrayList<>(COMMANDS_NOT_REPLAYED.keySet());
        unneeded.removeIf(pattern -> commands.stream()
                .anyMatch(Pattern.compile(pattern, Pattern.DOTALL).asMatchPredicate()));
        assertThat(unneeded).isEmpty();
        assertThat(runs).containsAll(RUNS_NOT_REPLAYED.keySet());
        assertThat(STATES_NOT_REPLAYED.keySet())
                .allMatch(pattern -> states.stream().anyMatch(state -> state.matches(pattern)));
    }

    void run() {
        setUp();
        List<JsonNode> steps = new ArrayList<>();
        json.path("steps").forEach(steps::add);
        for (int i = 0; i < steps.size(); i++) {
            prepare(steps, i);
            perform(steps.get(i), "step " + i + ": " + steps.get(i));
        }
    }

    private void setUp() {
        String state = json.path("start_state").asString();
        SimulatedMachine machine = machine(state);
        if (state.contains("no modules") || state.contains("insmod") || id(json).equals("absent")) {
            kernel.bootWithoutModules(version, machine, KernelParameters.NONE);
            if (id(json).equals("modules-vfio_ap")) {
                RecordedShell.loadZcrypt(kernel);
            }
            return;
        }
        kernel.boot(version, machine, parameters(state));
        if (state.contains("masks mixed") || state.startsWith("vfio_ap loaded, masks")) {
            setMasks("-5,-6", "-4,-0x47,-0xab");
        } else if (state.contains("masks zero then aqmask ones")) {
            setMasks("-5,-6", ALL);
        } else if ((state.contains("masks zero") && !state.startsWith("booted"))
                || state.contains("masks all zero")
                || state.startsWith("one mdev")
                || state.startsWith("as guest-use")
                || state.startsWith("group opened")
                || state.startsWith("device fd first")
                || state.startsWith("A in use")) {
            setMasks("0x0", "0x0");
        }
        if (state.startsWith("one mdev")) {
            sysfs.write(CREATE, MDEV_PREFIX + "1");
        }
    }

    private SimulatedMachine machine(String state) {
        SimulatedMachine machine = RecordedMachine.of(version);
        if (state.startsWith("CPU without AP")) {
            return SimulatedMachine.withoutAp();
        }
        if (state.startsWith("AP present, without QCI")) {
            return machine.withoutQci();
        }
        if (state.startsWith("AP present, no adapter")) {
            return machine.withAdapters(List.of()).withDomains(ApMask.NONE, ApMask.NONE);
        }
        if (state.startsWith("booted with max adapter id 63")) {
            ApMask present = ApMask.upTo(84);
            return machine.withDomains(
                            machine.usageDomains().and(present),
                            machine.controlDomains().and(present))
                    .withMaxima(63, 84);
        }
        return machine;
    }

    private static KernelParameters parameters(String state) {
        return new KernelParameters(
                parameter(state, "ap.apmask"),
                parameter(state, "ap.aqmask"),
                parameter(state, "ap.domain").map(Integer::valueOf));
    }

    private static Optional<String> parameter(String state, String name) {
        Matcher matcher = Pattern.compile(Pattern.quote(name) + "=(\\S+)").matcher(state);
        return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    private void setMasks(String apmask, String aqmask) {
        sysfs.write(Path.of("/sys/bus/ap/apmask"), apmask);
        sysfs.write(Path.of("/sys/bus/ap/aqmask"), aqmask);
    }

    /** What the recorder did between steps without a record (section 14 of the description), and what the notes say. */
    private void prepare(List<JsonNode> steps, int index) {
        JsonNode step = steps.get(index);
        String to = step.path("to").asString("");
        switch (id(json)) {
            case "masks-inputs" -> {
                if (!to.isEmpty()) {
                    sysfs.write(Path.of(to), ALL);
                }
            }
            case "assign-inputs" -> {
                if (to.endsWith("assign_adapter") || to.endsWith("_domain")) {
                    unassignAll(Path.of(to).getParent());
                }
            }
            case "mdev-create-inputs" -> {
                if (to.equals(CREATE.toString())) {
                    sysfs.list(MATRIX).stream()
                            .filter(name -> MdevId.parse(name).isPresent() && !name.equals(MDEV_PREFIX + "1"))
                            .forEach(name -> sysfs.write(MATRIX.resolve(name).resolve("remove"), "1"));
                }
            }
            case "mdev-remove-inputs" -> {
                Path second = MATRIX.resolve(MDEV_PREFIX + "2");
                if (to.equals(CREATE.toString()) && sysfs.exists(second)) {
                    sysfs.write(second.resolve("remove"), "1");
                }
                if (step.path("cmd").asString("").startsWith("ls /sys/devices/vfio_ap/matrix")) {
                    removeAll();
                }
            }
            case "assign-matrix-order" -> {
                if (index > 0 && to.equals(CREATE.toString())) {
                    removeAll();
                }
            }
            case "ap_config" -> prepareApConfig(index, to);
            case "mask-steal" -> {
                if (index == 84) {
                    removeAll();
                }
            }
            case "driver-unbind" -> {
                if (index == 40) {
                    removeAll();
                    setMasks(ALL, ALL);
                }
            }
            case "rmmod" -> {
                if (index == steps.size() - 1) {
                    setMasks(ALL, ALL);
                }
            }
            case "matrix-overflow" -> {
                if (index == 1) {
                    for (int id = 0; id <= 15; id++) {
                        sysfs.write(MATRIX.resolve(MDEV_PREFIX + "1/assign_adapter"), Integer.toString(id));
                    }
                    for (int id = 0; id <= 30; id++) {
                        sysfs.write(MATRIX.resolve(MDEV_PREFIX + "1/assign_domain"), Integer.toString(id));
                    }
                }
            }
            default -> {}
        }
        machineAt(index).ifPresent(machine -> {
            kernel.configure(machine);
            kernel.scan();
        });
        if (isLookAtRemover(step.path("cmd").asString("")) && remover.isEmpty()) {
            startRemoving();
        }
    }

    private void prepareApConfig(int index, String to) {
        if (index >= 22 && index <= 67 && to.endsWith("/ap_config")) {
            sysfs.write(Path.of(to), ",,");
        }
        if (index == 103) {
            removeAll();
            setMasks("0x0", "0x0");
        }
    }

    /** The machine that the notes speak of, at the step where they do or silently take it back. */
    private Optional<SimulatedMachine> machineAt(int index) {
        SimulatedMachine whole = RecordedMachine.of(version);
        List<Adapter> adapters = whole.adapters();
        return switch (id(json) + " " + index) {
            case "host-config-change 13", "in-use-host-config 7" ->
                Optional.of(whole.withAdapters(adapters.stream()
                        .filter(adapter -> adapter.id().value() != 5)
                        .toList()));
            case "host-config-change 29" ->
                Optional.of(whole.withDomains(
                        whole.usageDomains().without(4), whole.controlDomains().without(0x4f)));
            case "host-config-change 41" -> Optional.of(withAdapter5(adapter -> adapter.withConfigured(false)));
            case "host-config-change 54" -> Optional.of(withAdapter5(adapter -> adapter.withCheckstopped(true)));
            case "host-config-change 71" ->
                Optional.of(whole.withAdapters(
                        Stream.concat(adapters.stream(), Stream.of(RecordedMachine.adapter(7, "CEX7C")))
                                .toList()));
            case "host-config-change 22",
                    "host-config-change 36",
                    "host-config-change 49",
                    "host-config-change 61",
                    "host-config-change 76",
                    "in-use-host-config 13" -> Optional.of(whole);
            default -> Optional.empty();
        };
    }

    private SimulatedMachine withAdapter5(UnaryOperator<Adapter> change) {
        SimulatedMachine whole = RecordedMachine.of(version);
        return whole.withAdapters(whole.adapters().stream()
                .map(adapter -> adapter.id().value() == 5 ? change.apply(adapter) : adapter)
                .toList());
    }

    /** The recorder wrote to remove in the background and waited some seconds. */
    private void startRemoving() {
        Path mdev = MATRIX.resolve(MDEV_PREFIX + "1");
        CompletableFuture<Void> writer =
                CompletableFuture.runAsync(() -> sysfs.write(mdev.resolve("remove"), "1"), NEW_THREADS);
        remover = Optional.of(writer);
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
            while (!writer.isDone() && sysfs.exists(mdev.resolve("remove"))) {
                Thread.onSpinWait();
            }
        });
    }

    private void removeAll() {
        sysfs.list(MATRIX).stream()
                .filter(name -> MdevId.parse(name).isPresent())
                .forEach(name -> sysfs.write(MATRIX.resolve(name).resolve("remove"), "1"));
    }

    private void unassignAll(Path mdev) {
        unassign(mdev.resolve("unassign_adapter"), lines(mdev.resolve("matrix")), line -> line.replaceAll("\\..*", ""));
        unassign(mdev.resolve("unassign_domain"), lines(mdev.resolve("matrix")), line -> line.replaceAll(".*\\.", ""));
        unassign(mdev.resolve("unassign_control_domain"), lines(mdev.resolve("control_domains")), line -> line);
    }

    private List<String> lines(Path attribute) {
        return sysfs.read(attribute).lines().toList();
    }

    private void unassign(Path attribute, List<String> lines, UnaryOperator<String> part) {
        lines.stream()
                .map(part)
                .filter(hex -> !hex.isEmpty())
                .distinct()
                .forEach(hex -> sysfs.write(attribute, "0x" + hex));
    }

    private void perform(JsonNode step, String name) {
        if (step.has("write")) {
            String text = step.path("write").asString();
            assertThat(write(Path.of(step.path("to").asString()), text))
                    .as(name)
                    .isEqualTo(step.path("result").asString());
        } else if (step.has("read")) {
            String expected = step.path("result").asString();
            String actual = shell.read(Path.of(step.path("read").asString()));
            if (step.path("read").asString().equals("/sys/bus/ap/scans") && !expected.startsWith("open")) {
                checkScans(actual, expected, name);
            } else {
                assertThat(actual).as(name).isEqualTo(expected);
            }
        } else if (step.has("user_cmds")) {
            user.perform(step, name);
        } else if (step.has("cmd")) {
            performCommand(step, name);
        } else {
            assertThat(step.has("note")).as(name).isTrue();
        }
    }

    /** A real kernel's timer scanned as well: only how many scans were added counts. */
    private void checkScans(String actual, String expected, String name) {
        long ahead = Long.parseLong(expected.strip()) - Long.parseLong(actual.strip());
        if (scansAhead < 0) {
            scansAhead = ahead;
        }
        assertThat(ahead).as(name).isEqualTo(scansAhead);
    }

    /** The recorder's background write to remove left its result in a file. */
    private static boolean isLookAtRemover(String command) {
        return command.matches("cat \\S+/rmres.*");
    }

    private void checkRemover(boolean isDone, String name) {
        CompletableFuture<Void> writer = remover.orElseThrow();
        if (isDone) {
            assertThat(writer).as(name).succeedsWithin(Duration.ofSeconds(10));
        } else {
            assertThat(writer).as(name).isNotDone();
        }
        assertThat(sysfs.exists(MATRIX.resolve(MDEV_PREFIX + "1"))).as(name).isEqualTo(!isDone);
    }

    private String write(Path to, String text) {
        try {
            sysfs.write(to, text);
            return "ok:" + text.getBytes(StandardCharsets.UTF_8).length;
        } catch (KernelException e) {
            return e.operation() + ":" + e.errno();
        }
    }

    private void performCommand(JsonNode step, String name) {
        String command = step.path("cmd").asString();
        if (COMMANDS_NOT_REPLAYED.keySet().stream()
                .anyMatch(pattern -> Pattern.compile(pattern, Pattern.DOTALL)
                        .matcher(command)
                        .matches())) {
            return;
        }
        if (command.startsWith("kill -9 $(pidof vuser")) {
            user.killAll();
            return;
        }
        if (isLookAtRemover(command)) {
            String out = step.path("out").asString();
            checkRemover(out.startsWith("ok:1") || out.contains("No such file"), name);
            return;
        }
        shell.perform(command, step.path("out").asString(), step.path("exit").asInt(), name);
    }
}
