package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedMachine.Adapter;
import org.junit.jupiter.api.Assertions;
import tools.jackson.databind.JsonNode;

/** One case of kernel-cases.json: a state, some system calls, and what a kernel answers to each. */
final class DerivedCase {
    private static final Path TYPE = Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough");
    private static final int GUEST_PID = 4711;
    private static final int OTHER_PID = 4712;
    private static final Executor NEW_THREADS = task -> {
        Thread thread = new Thread(task, "blocked-writer");
        thread.setDaemon(true);
        thread.start();
    };

    private final JsonNode json;
    private final KernelVersion version;
    private final Sysfs sysfs;
    private final SimulatedKernel kernel;
    private final Map<String, MdevId> mdevs = new HashMap<>();
    private final Map<String, Vfio.Device> devicesOfGuests = new HashMap<>();
    private Optional<Vfio.Container> container = Optional.empty();
    private Optional<Vfio.Group> group = Optional.empty();
    /** What the last ioctl answered, by the kernel's names. */
    private Map<String, Integer> answer = Map.of();

    DerivedCase(JsonNode json, KernelVersion version, Sysfs sysfs, SimulatedKernel kernel) {
        this.json = json;
        this.version = version;
        this.sysfs = sysfs;
        this.kernel = kernel;
    }

    static String id(JsonNode json) {
        return json.path("id").asString();
    }

    /** Whether the case is about this kernel: its generation, and its range of releases if it names one. */
    static boolean fits(JsonNode json, KernelVersion version) {
        String generation = json.path("generation").asString();
        if (!generation.equals("both") && generation.equals("dynamic") != version.isDynamic()) {
            return false;
        }
        String range = json.path("kernel").asString("");
        // the fix of 6.8 that this case wants is in stable 6.1.76, too
        if (range.equals(">=6.8") && version == KernelVersion.V6_1) {
            return true;
        }
        if (range.isEmpty()) {
            return true;
        }
        int release = number(version.toString());
        if (range.startsWith(">=")) {
            return release >= number(range.substring(2));
        }
        if (range.startsWith("<")) {
            return release < number(range.substring(1));
        }
        String[] bounds = range.split("-", -1);
        return release >= number(bounds[0]) && release <= number(bounds[1]);
    }

    private static int number(String release) {
        String[] parts = release.split("\\.", -1);
        return Integer.parseInt(parts[0]) * 100 + Integer.parseInt(parts[1]);
    }

    /** Runs the case; each step's result and reads must be the ones that are said here or there. */
    void run(List<JsonNode> expected) {
        setUp();
        List<JsonNode> steps = new ArrayList<>();
        json.path("when").forEach(steps::add);
        for (int i = 0; i < steps.size(); i++) {
            JsonNode then = expected.get(i);
            String step = (i + 1) + ") " + steps.get(i);
            assertThat(perform(steps.get(i), then.path("result").asString()))
                    .as(step)
                    .isEqualTo(then.path("result").asString());
            then.path("reads")
                    .properties()
                    .forEach(read -> assertThat(look(read.getKey()))
                            .as(step + ", then " + read.getKey())
                            .isEqualTo(
                                    read.getValue().isNull()
                                            ? "null"
                                            : read.getValue().asString()));
            if (then.has("returns")) {
                assertThat(answer)
                        .as(step)
                        .containsEntry("returns", then.path("returns").asInt());
            }
        }
    }

    private void setUp() {
        JsonNode given = json.path("given");
        ApMask domains = mask(given.path("domains"));
        SimulatedMachine machine = SimulatedMachine.of(
                        ids(given.path("adapters")).stream()
                                .map(id -> new Adapter(new AdapterId(id), id == 6 ? "CEX5A" : "CEX5C", true, false))
                                .toList(),
                        ApMask.NONE,
                        ApMask.NONE)
                .withMaxima(
                        given.path("ap_max_adapter_id").asInt(),
                        given.path("ap_max_domain_id").asInt());
        ApMask present = domains.and(ApMask.upTo(machine.maxDomainId()));
        kernel.boot(version, machine.withDomains(present, present));
        writeMask("apmask", given.path("apmask").asString("default"));
        writeMask("aqmask", given.path("aqmask").asString("default"));
        for (JsonNode override : given.path("driver_override")) {
            String queue = queue(override.path("apqn"));
            write(
                    "/sys/bus/ap/devices/" + queue + "/driver_override",
                    override.path("driver").asString());
            write("/sys/bus/ap/drivers/cex4queue/unbind", queue);
            write("/sys/bus/ap/drivers/vfio_ap/bind", queue);
        }
        for (int i = 0; i < given.path("other_mdevs").asInt(0); i++) {
            // 65,536 of them: past the system calls, which would take a minute
            kernel.write(TYPE.resolve("create"), String.format("00000000-0000-4000-8000-%012d", i));
        }
        given.path("mdevs").forEach(this::create);
        given.path("unbound").forEach(queue -> write("/sys/bus/ap/drivers/vfio_ap/unbind", queue(queue)));
        for (JsonNode mdev : given.path("mdevs")) {
            if (mdev.path("in_use_by_guest").asBoolean()) {
                startGuest(mdev.path("alias").asString());
            }
        }
    }

    /** What QEMU does: container, group, virtual machine, device. */
    private void startGuest(String alias) {
        Vfio vfio = kernel.vfio(GUEST_PID);
        Vfio.Container opened = vfio.openContainer();
        Vfio.Group ofGuest = vfio.openGroup(groupOf(mdev(alias)));
        ofGuest.setContainer(opened);
        opened.setIommu(Vfio.Extension.TYPE1);
        kernel.addKvm(mdev(alias), GUEST_PID);
        devicesOfGuests.put(alias, ofGuest.device(mdev(alias).toString()));
    }

    private int groupOf(MdevId mdev) {
        return new MdevTree(sysfs).read(mdev).orElseThrow().iommuGroup();
    }

    private void writeMask(String name, String mask) {
        if (!mask.equals("default")) {
            write("/sys/bus/ap/" + name, mask);
        }
    }

    private void create(JsonNode mdev) {
        String alias = mdev.path("alias").asString();
        mdevs.put(alias, MdevId.random());
        sysfs.write(TYPE.resolve("create"), mdev(alias).toString());
        ids(mdev.path("adapters")).forEach(id -> assign(alias, "assign_adapter", id));
        ids(mdev.path("domains")).forEach(id -> assign(alias, "assign_domain", id));
        ids(mdev.path("control_domains")).forEach(id -> assign(alias, "assign_control_domain", id));
    }

    private void assign(String alias, String attribute, int id) {
        sysfs.write(path("mdev:" + alias + "/" + attribute), Integer.toString(id));
    }

    private MdevId mdev(String alias) {
        MdevId mdev = mdevs.get(alias);
        assertThat(mdev).as("mdev " + alias).isNotNull();
        return mdev;
    }

    private String perform(JsonNode step, String expected) {
        String target = step.path("target").asString();
        try {
            switch (step.path("op").asString()) {
                case "write" -> {
                    if (expected.equals("BLOCKS")) {
                        writeThatBlocks(path(target), step.path("value").asString());
                        return "BLOCKS";
                    }
                    sysfs.write(path(target), step.path("value").asString());
                }
                case "read" -> sysfs.read(path(target));
                case "guest_close" -> kernel.endProcess(GUEST_PID);
                case "host_config_remove_adapter" -> {
                    int id = step.path("value").asInt();
                    configure(kernel.machine().adapters().stream()
                            .filter(adapter -> adapter.id().value() != id));
                }
                case "host_config_add_adapter" ->
                    configure(Stream.concat(
                            kernel.machine().adapters().stream(),
                            Stream.of(
                                    new Adapter(new AdapterId(step.path("value").asInt()), "CEX5A", true, false))));
                case "open" -> open(target);
                case "VFIO_GET_API_VERSION" ->
                    answer = Map.of("returns", container().apiVersion());
                case "VFIO_CHECK_EXTENSION" ->
                    answer = Map.of("returns", container().hasExtension(extension(step)) ? 1 : 0);
                case "VFIO_SET_IOMMU" -> container().setIommu(extension(step));
                case "VFIO_GROUP_GET_STATUS" ->
                    answer = Map.of("flags", group.orElseThrow().status());
                case "VFIO_GROUP_SET_CONTAINER" -> group.orElseThrow().setContainer(container());
                case "VFIO_GROUP_GET_DEVICE_FD" -> group.orElseThrow().device(deviceName(step));
                case "VFIO_DEVICE_GET_INFO" -> {
                    Vfio.DeviceInfo info = devicesOfGuests.get("A").info();
                    answer =
                            Map.of("flags", info.flags(), "num_regions", info.regions(), "num_irqs", info.interrupts());
                }
                case "VFIO_DEVICE_GET_IRQ_INFO" -> {
                    Vfio.InterruptInfo info = devicesOfGuests
                            .get("A")
                            .interrupt(step.path("value").path("index").asInt());
                    answer = Map.of("flags", info.flags(), "count", info.count());
                }
                default -> throw new IllegalStateException("unknown step " + step);
            }
            return "ok";
        } catch (KernelException refused) {
            return refused.errno().name();
        }
    }

    private void open(String target) {
        if (target.equals("/dev/vfio/vfio")) {
            container = Optional.of(kernel.vfio(OTHER_PID).openContainer());
        } else {
            MdevId mdev = mdev(target.replaceAll("/dev/vfio/GROUP\\((.)\\)", "$1"));
            group = Optional.of(kernel.vfio(OTHER_PID).openGroup(groupOf(mdev)));
        }
    }

    /** Opened in passing where the case does not say so. */
    private Vfio.Container container() {
        container = container.or(() -> Optional.of(kernel.vfio(OTHER_PID).openContainer()));
        return container.orElseThrow();
    }

    private static Vfio.Extension extension(JsonNode step) {
        return Stream.of(Vfio.Extension.values())
                .filter(extension -> extension.number() == step.path("value").asInt())
                .findFirst()
                .orElseThrow();
    }

    private String deviceName(JsonNode step) {
        String value = step.path("value").asString();
        return value.startsWith("uuid(") ? mdev(value.substring(5, 6)).toString() : value;
    }

    private void configure(Stream<Adapter> adapters) {
        kernel.configure(kernel.machine().withAdapters(adapters.toList()));
        kernel.scan();
    }

    /** A write to remove of a device in use: it waits until the guest lets go, and what is left of the tree meanwhile shows that it does. */
    private void writeThatBlocks(Path remove, String text) {
        CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> sysfs.write(remove, text), NEW_THREADS);
        Path mdev = Path.of(remove.toString().replace("/remove", ""));
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
            while (sysfs.exists(remove)) {
                Thread.onSpinWait();
            }
        });
        assertThat(sysfs.list(mdev)).startsWith("iommu_group").isSubsetOf("iommu_group", "vfio-dev");
        assertThat(writer).isNotDone();
        kernel.endProcess(GUEST_PID);
        assertThat(writer).succeedsWithin(Duration.ofSeconds(10));
        assertThat(sysfs.exists(mdev)).isFalse();
    }

    private String look(String target) {
        if (answer.containsKey(target)) {
            return answer.get(target).toString();
        }
        Path path = path(target);
        if (target.endsWith("/driver")) {
            return sysfs.exists(path)
                    ? Path.of(sysfs.readLink(path)).getFileName().toString()
                    : "null";
        }
        return sysfs.read(path);
    }

    /** A target such as {@code mdev:A/matrix} or {@code queue:05.0004/driver} as a path. */
    private Path path(String target) {
        String[] parts = target.split("[:/]", 3);
        return switch (parts[0]) {
            case "bus" -> Path.of("/sys/bus/ap", parts[1]);
            case "driver" -> Path.of("/sys/bus/ap/drivers", parts[1], parts[2]);
            case "queue" -> Path.of("/sys/bus/ap/devices", parts[1], parts[2]);
            case "mdev" -> Path.of("/sys/devices/vfio_ap/matrix", mdev(parts[1]).toString(), parts[2]);
            case "type" -> TYPE.resolve(parts[1]);
            default -> throw new IllegalStateException("unknown target " + target);
        };
    }

    private void write(String path, String text) {
        sysfs.write(Path.of(path), text);
    }

    private static String queue(JsonNode apqn) {
        return String.format("%02x.%04x", apqn.get(0).asInt(), apqn.get(1).asInt());
    }

    private static ApMask mask(JsonNode ids) {
        return ApMask.of(ids(ids));
    }

    private static List<Integer> ids(JsonNode json) {
        List<Integer> ids = new ArrayList<>();
        json.forEach(id -> ids.add(id.asInt()));
        return ids;
    }
}
