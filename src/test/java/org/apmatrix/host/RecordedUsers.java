package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.sim.SimulatedKernel;
import tools.jackson.databind.JsonNode;

/** The processes of the recordings that did with KVM and VFIO what QEMU does: their calls are made again, and each must answer what was recorded. */
final class RecordedUsers {
    private static final int FIRST_PID = 700;

    private final Sysfs sysfs;
    private final SimulatedKernel kernel;
    private final Map<Integer, Vfio.Container> containers = new HashMap<>();
    /** What a process has open in a slot; a device only if the last call for it succeeded. */
    private final Map<String, OpenGroup> groups = new HashMap<>();

    private final Map<String, Vfio.Device> devices = new HashMap<>();

    private record OpenGroup(MdevId mdev, Vfio.Group group) {}

    RecordedUsers(Sysfs sysfs, SimulatedKernel kernel) {
        this.sysfs = sysfs;
        this.kernel = kernel;
    }

    void killAll() {
        for (int user = 0; user < 3; user++) {
            kernel.endProcess(FIRST_PID + user);
        }
    }

    void perform(JsonNode step, String name) {
        int pid = FIRST_PID + step.path("user").asInt(0);
        List<String> out = StreamSupport.stream(step.path("out").spliterator(), false)
                .map(JsonNode::asString)
                .toList();
        // each call printed its result, and some what they were answered
        Iterator<String> results =
                out.stream().filter(line -> line.contains(": ")).iterator();
        Iterator<String> answers =
                out.stream().filter(line -> line.contains("flags=")).iterator();
        for (JsonNode command : step.path("user_cmds")) {
            String[] words = command.asString().split(" ", -1);
            String slot = pid + " " + (words.length > 2 ? words[2] : "0");
            switch (words[0]) {
                case "container" ->
                    check(
                            results.next(),
                            name,
                            () -> containers.put(pid, kernel.vfio(pid).openContainer()));
                case "group" -> check(results.next(), name, () -> openGroup(slot, pid, words[1]));
                case "status" -> check(results.next(), answers, name, () -> status(slot));
                case "setcont" -> check(results.next(), name, () -> group(slot).setContainer(containers.get(pid)));
                case "setiommu" ->
                    check(results.next(), name, () -> containers.get(pid).setIommu(Vfio.Extension.TYPE1));
                case "addkvm" ->
                    check(
                            results.next(),
                            name,
                            () -> kernel.addKvm(groups.get(slot).mdev(), pid));
                case "delkvm" ->
                    check(
                            results.next(),
                            name,
                            () -> kernel.removeKvm(groups.get(slot).mdev()));
                case "getdev" -> check(results.next(), name, () -> getDevice(slot, words[1]));
                case "info" -> check(results.next(), answers, name, () -> info(slot));
                case "irqinfo" -> check(results.next(), answers, name, () -> interrupt(slot, words[1]));
                case "closedev" ->
                    check(results.next(), name, () -> devices.get(slot).close());
                case "closegroup" ->
                    check(results.next(), name, () -> group(slot).close());
                case "closecont" ->
                    check(results.next(), name, () -> containers.get(pid).close());
                case "kvm" -> {
                    results.next();
                    results.next();
                }
                // the virtual machine's business, which is not in the seam
                case "kvmdev", "closekvm", "closevm", "closekvmdev", "region", "reset", "reqirq", "cfgirq" ->
                    results.next();
                case "fds" -> checkFiles(out, pid, name);
                case "quit" -> kernel.endProcess(pid);
                case "pid", "pollreq" -> {}
                default -> throw new IllegalStateException("unknown call " + command);
            }
        }
        assertThat(results.hasNext() || answers.hasNext())
                .as("results that no call asked for, " + name)
                .isFalse();
    }

    private void openGroup(String slot, int pid, String number) {
        MdevId mdev = MdevId.parse(sysfs.list(Path.of("/sys/kernel/iommu_groups", number, "devices"))
                        .get(0))
                .orElseThrow();
        groups.put(slot, new OpenGroup(mdev, kernel.vfio(pid).openGroup(Integer.parseInt(number))));
    }

    private Vfio.Group group(String slot) {
        return groups.get(slot).group();
    }

    private String status(String slot) {
        return "flags=" + group(slot).status();
    }

    private void getDevice(String slot, String name) {
        devices.remove(slot);
        devices.put(slot, group(slot).device(name));
    }

    private String info(String slot) {
        Vfio.DeviceInfo info = device(slot).info();
        return String.format(
                "argsz=20 flags=0x%x num_regions=%d num_irqs=%d", info.flags(), info.regions(), info.interrupts());
    }

    private String interrupt(String slot, String index) {
        Vfio.InterruptInfo info = device(slot).interrupt(Integer.parseInt(index));
        return String.format("index=%s flags=0x%x count=%d", index, info.flags(), info.count());
    }

    private Vfio.Device device(String slot) {
        return Optional.ofNullable(devices.get(slot))
                .orElseThrow(() -> new KernelException(Errno.EBADF, "ioctl", Path.of("no descriptor")));
    }

    private static void check(String recorded, String name, Runnable call) {
        check(recorded, List.of("").iterator(), name, () -> {
            call.run();
            return "";
        });
    }

    /** The structure that a call fills was printed after a refusal, too, as it had been sent. */
    private static void check(String recorded, Iterator<String> answers, String name, Supplier<String> call) {
        String result = recorded.replaceAll(".*: (\\w+).*", "$1");
        String answer = answers.next();
        try {
            assertThat(call.get()).as(name).isEqualTo(answer);
            assertThat(result).as(name).isEqualTo("ok");
        } catch (KernelException e) {
            assertThat(result).as(name).isEqualTo(e.errno().name());
        }
    }

    /** The files of groups and devices, as /proc/PID/fd shows them. */
    private void checkFiles(List<String> out, int pid, String name) {
        Set<String> recorded = out.stream()
                .map(line -> line.replaceAll(".* -> ", ""))
                .filter(RecordedUsers::isOfDevice)
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> simulated = kernel.procfs().openFiles(RecordedUsers::isOfDevice).found().stream()
                .filter(file -> file.pid() == pid)
                .map(OpenFile::target)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(simulated).as(name).isEqualTo(recorded);
    }

    private static boolean isOfDevice(String target) {
        return target.matches("/dev/vfio/.*|anon_inode:\\[vfio-device]");
    }
}
