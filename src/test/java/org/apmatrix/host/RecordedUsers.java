package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.SimulatedKernel;
import tools.jackson.databind.JsonNode;

/** The processes of the recordings that did with KVM and VFIO what QEMU does; only what changes who holds what is replayed. */
final class RecordedUsers {
    private static final int FIRST_PID = 700;

    private final Sysfs sysfs;
    private final SimulatedKernel kernel;
    /** By process and slot: which group is open there. */
    private final Map<String, MdevId> groups = new HashMap<>();

    private final Set<String> withKvm = new HashSet<>();
    private final Set<String> withContainer = new HashSet<>();

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
        Iterator<String> opens =
                out.stream().filter(line -> line.startsWith("/dev/vfio/")).iterator();
        Iterator<String> devices =
                out.stream().filter(line -> line.startsWith("GET_DEVICE_FD")).iterator();
        for (JsonNode command : step.path("user_cmds")) {
            String[] words = command.asString().split(" ", -1);
            switch (words[0]) {
                case "group" -> {
                    String slot = pid + (words.length > 2 ? words[2] : "0");
                    groups.put(slot, mdevOfGroup(words[1]));
                    check(opens.next(), name, () -> kernel.openGroup(groups.get(slot), pid));
                }
                case "setiommu" -> withContainer.add(Integer.toString(pid));
                case "addkvm" -> {
                    String slot = pid + (words.length > 2 ? words[2] : "0");
                    withKvm.add(slot);
                    kernel.addKvm(groups.get(slot), pid);
                }
                case "delkvm" -> kernel.removeKvm(groups.get(pid + "0"));
                case "getdev" -> {
                    String slot = pid + (words.length > 2 ? words[2] : "0");
                    String expected = devices.next();
                    // without a container, or with the name of another device, VFIO refuses before it asks vfio_ap
                    if (withContainer.contains(Integer.toString(pid))
                            && groups.get(slot).toString().equals(words[1])) {
                        check(expected, name, () -> getDevice(groups.get(slot), pid, withKvm.contains(slot)));
                    }
                }
                case "closedev" -> kernel.closeDeviceOnly(groups.get(pid + "0"), pid);
                case "closegroup" -> kernel.closeGroup(groups.get(pid + "0"), pid);
                case "fds" -> checkFiles(out, pid, name);
                case "quit" -> kernel.endProcess(pid);
                default -> {
                    // ioctls that only ask, and files that nobody waits for
                }
            }
        }
    }

    private void getDevice(MdevId mdev, int pid, boolean kvm) {
        if (kvm) {
            kernel.openDevice(mdev, pid);
        } else {
            kernel.openDeviceWithoutKvm(mdev, pid);
        }
    }

    private MdevId mdevOfGroup(String number) {
        return MdevId.parse(sysfs.list(Path.of("/sys/kernel/iommu_groups", number, "devices"))
                        .get(0))
                .orElseThrow();
    }

    private static void check(String recorded, String name, Runnable call) {
        String result = recorded.replaceAll(".*: (\\w+).*", "$1");
        try {
            call.run();
            assertThat(result).as(name).isEqualTo("ok");
        } catch (KernelException e) {
            assertThat(Errno.valueOf(result)).as(name).isEqualTo(e.errno());
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
        return target.matches("/dev/vfio/\\d+.*|anon_inode:\\[vfio-device]");
    }
}
