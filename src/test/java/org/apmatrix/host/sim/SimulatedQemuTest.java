package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apmatrix.Patience;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.apmatrix.host.sim.SimulatedQemu.CpuFeatures;
import org.apmatrix.host.sim.SimulatedQemu.Release;
import org.apmatrix.host.sim.SimulatedQemu.Settings;
import org.apmatrix.host.sim.SimulatedQemu.Temper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What a simulated QEMU has beyond QMP: tempers, a process in the simulated kernel, and changes from outside. */
final class SimulatedQemuTest {
    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");
    private static final MdevId MDEV = MdevId.random();
    private static final String ADD =
            "{'execute':'device_add','id':'add','arguments':{'driver':'vfio-ap','id':'ap0','sysfsdev':'"
                    + MATRIX.resolve(MDEV.toString()) + "'}}";
    private static final String DELETE = "{'execute':'device_del','id':'del','arguments':{'id':'ap0'}}";
    private static final String STATUS = "{'execute':'query-status'}";

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());

    @TempDir
    private Path directory;

    private SimulatedQemu qemu;

    @BeforeEach
    void start() {
        kernel.write(MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create"), MDEV.toString());
        qemu = new SimulatedQemu(kernel, directory.resolve("guest1.sock"), "guest1", Settings.DEFAULT);
    }

    @AfterEach
    void end() {
        qemu.close();
    }

    private QmpClient client() {
        return QmpClient.negotiate(qemu.socket());
    }

    private void become(Settings settings) {
        qemu.apply(settings);
    }

    private static String description(JsonNode reply) {
        return reply.path("error").path("desc").stringValue("");
    }

    private List<String> files() {
        return kernel.procfs().openFiles(target -> true).found().stream()
                .filter(file -> file.pid() == qemu.pid())
                .map(OpenFile::target)
                .toList();
    }

    @Test
    void showsItsSocketInProc() {
        String line = kernel.procfs()
                .read(Path.of("/proc/net/unix"))
                .orElseThrow()
                .lines()
                .filter(each -> each.endsWith(" " + qemu.socket()))
                .findFirst()
                .orElseThrow();
        String[] fields = line.trim().split("\\s+");
        assertThat(fields).hasSize(8);
        assertThat(fields[3]).isEqualTo("00010000");
        assertThat(kernel.procfs()
                        .openFiles(("socket:[" + fields[6] + "]")::equals)
                        .found())
                .extracting(OpenFile::pid)
                .containsExactly(qemu.pid());
    }

    @Test
    void showsTheSocketsHeadingWhenNobodyListens() {
        qemu.close();
        assertThat(kernel.procfs().read(Path.of("/proc/net/unix")))
                .contains("Num       RefCount Protocol Flags    Type St Inode Path\n");
    }

    @Test
    void hasTheDeviceOpenWhileItIsPlugged() {
        try (QmpClient client = client()) {
            client.call(ADD);
            assertThat(qemu.plugged()).contains(MDEV);
            assertThat(files()).contains("/dev/vfio/0", "anon_inode:[vfio-device]");
            client.call(DELETE);
            assertThat(qemu.plugged()).isEmpty();
            assertThat(files()).doesNotContain("/dev/vfio/0", "anon_inode:[vfio-device]");
        }
    }

    @Test
    void letsTheDeviceGoWhenItIsKilled() {
        qemu.coldPlug(MDEV, "ap0");
        qemu.kill();
        assertThat(files()).isEmpty();
        assertThat(qemu.socket()).exists();
        assertThatThrownBy(() -> QmpClient.connect(qemu.socket())).isInstanceOf(UncheckedIOException.class);
        kernel.openDevice(MDEV, 77);
    }

    @Test
    void letsTheDeviceGoBeforeAClientCanSeeTheEnd() {
        qemu.coldPlug(MDEV, "ap0");
        try (QmpClient client = client()) {
            client.send("{'execute':'quit'}");
            client.untilTheEnd();
            kernel.openDevice(MDEV, 77);
        }
    }

    @Test
    void endsInTheWayOfAGuestThatSwitchesItselfOff() {
        try (QmpClient client = client()) {
            qemu.powerOff();
            List<JsonNode> messages = client.untilTheEnd();
            assertThat(messages).hasSize(1);
            assertThat(messages.get(0).path("data").path("reason").stringValue())
                    .isEqualTo("guest-shutdown");
        }
        assertThat(qemu.socket()).doesNotExist();
        assertThat(qemu.isRunning()).isFalse();
    }

    @Test
    void refusesToPlugAndUnplugWhenItIsToldTo() {
        become(Settings.DEFAULT.withTemper(Temper.REFUSES));
        try (QmpClient client = client()) {
            assertThat(description(client.call(ADD))).isEqualTo("the simulated guest was told to refuse device_add");
            assertThat(description(client.call(DELETE))).isEqualTo("the simulated guest was told to refuse device_del");
            assertThat(client.call(STATUS).has("return")).isTrue();
            assertThat(qemu.plugged()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void hangsUpInsteadOfAnAnswer(boolean executes) {
        become(Settings.DEFAULT.withTemper(Temper.HANGS_UP).withExecutesBeforeHangingUp(executes));
        try (QmpClient client = client()) {
            assertThat(client.call(STATUS).has("return")).isTrue();
            client.send(ADD);
            assertThat(client.untilTheEnd()).isEmpty();
        }
        assertThat(qemu.plugged()).isEqualTo(executes ? Optional.of(MDEV) : Optional.empty());
        try (QmpClient client = client()) {
            assertThat(client.call(STATUS).has("return")).isTrue();
        }
    }

    @Test
    void answersAllThatWasSentWhenItsSilenceEnds() {
        try (QmpClient client = client()) {
            qemu.pause();
            client.send(ADD + DELETE + ADD);
            assertThat(client.pending()).isEmpty();
            assertThat(qemu.plugged()).isEmpty();
            become(Settings.DEFAULT);
            assertThat(client.answer().path("id").stringValue()).isEqualTo("add");
            assertThat(client.answer().path("id").stringValue()).isEqualTo("del");
            assertThat(client.answer().path("id").stringValue()).isEqualTo("add");
            assertThat(qemu.plugged()).contains(MDEV);
        }
    }

    @Test
    void isNotEndedBySigtermBeforeItsSilenceEnds() {
        try (QmpClient client = client()) {
            qemu.pause();
            qemu.quit();
            assertThat(qemu.isRunning()).isTrue();
            become(Settings.DEFAULT);
            assertThat(client.untilTheEnd()).hasSize(1);
            Patience.until(() -> !qemu.isRunning());
        }
    }

    @Test
    void isEndedBySigkillInItsSilence() {
        try (QmpClient client = client()) {
            qemu.pause();
            qemu.kill();
            assertThat(client.untilTheEnd()).isEmpty();
        }
    }

    @Test
    void saysWhatItsGuestIsDoing() {
        try (QmpClient client = client()) {
            become(Settings.DEFAULT.withRunState("paused"));
            assertThat(client.event().path("event").stringValue()).isEqualTo("STOP");
            assertThat(client.call(STATUS).path("return").path("status").stringValue())
                    .isEqualTo("paused");
            become(Settings.DEFAULT);
            assertThat(client.event().path("event").stringValue()).isEqualTo("RESUME");
            become(Settings.DEFAULT.withRunState("shutdown"));
            assertThat(client.event().path("event").stringValue()).isEqualTo("SHUTDOWN");
            assertThat(client.event().path("event").stringValue()).isEqualTo("STOP");
            assertThat(description(client.call("{'execute':'cont'}")))
                    .isEqualTo("Resetting the Virtual Machine is required");
            assertThat(qemu.settings().runState()).isEqualTo("shutdown");
        }
    }

    @Test
    void refusesAWordThatIsNoRunState() {
        assertThatThrownBy(() -> Settings.DEFAULT.withRunState("asleep")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void hasAnApBusWithTheFeatureOnly() {
        String list = "{'execute':'qom-list','arguments':{'path':'/machine/ap-bridge/ap-bus'}}";
        try (QmpClient client = client()) {
            assertThat(client.call(list).has("return")).isTrue();
            become(Settings.DEFAULT.withCpuFeatures(new CpuFeatures(false, true, true)));
            assertThat(client.call(list).path("error").path("class").stringValue())
                    .isEqualTo("DeviceNotFound");
            assertThat(client.call(
                                    "{'execute':'qom-get','arguments':{'path':'/machine/unattached/device[0]','property':'apft'}}")
                            .path("return")
                            .booleanValue())
                    .isTrue();
        }
    }

    @Test
    void keepsTheFeatureOfAGuestWithADevice() {
        qemu.coldPlug(MDEV, null);
        assertThatThrownBy(() -> become(Settings.DEFAULT.withCpuFeatures(CpuFeatures.NONE)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesBothWaysWhileItMigrates() {
        try (QmpClient client = client()) {
            client.call(ADD);
            qemu.beginMigration();
            assertThat(client.call("{'execute':'query-migrate'}")
                            .path("return")
                            .path("status")
                            .stringValue())
                    .isEqualTo("active");
            assertThat(description(client.call(DELETE))).isEqualTo("device_del not allowed while migrating");
            qemu.endMigration();
            assertThat(client.call(DELETE).has("return")).isTrue();
        }
    }

    @Test
    void losesAnEventThatNobodyIsThereFor() {
        try (QmpClient client = client()) {
            client.call(ADD);
        }
        become(Settings.DEFAULT.withRunState("paused"));
        try (QmpClient client = client()) {
            client.send(STATUS);
            assertThat(client.receive().path("return").path("status").stringValue())
                    .isEqualTo("paused");
        }
    }

    /** The texts of 7.2 that the cases have as a remark. */
    @Test
    void speaksAsTheOldReleaseDoes() {
        become(Settings.DEFAULT.withRelease(Release.V7_2));
        try (QmpClient client = client()) {
            kernel.openDevice(MDEV, 99);
            assertThat(description(client.call(ADD))).isEqualTo("failed to open /dev/vfio/0: Device or resource busy");
            assertThat(description(client.call(ADD.replace("'sysfsdev'", "'fd':'22','sysfsdev'"))))
                    .isEqualTo("Property 'vfio-ap.fd' not found");
            assertThat(description(
                            client.call("{'execute':'device_add','arguments':{'driver':'vfio-ap','sysfsdev':12}}")))
                    .isEqualTo("vfio-ap: no iommu_group found for 12: Failed to read the symbolic link "
                            + "“12/iommu_group”: No such file or directory");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = KernelVersion.class,
            names = {"V5_10", "V6_1"})
    void keepsItsDeviceWhereTheKernelDoesNotAskForIt(KernelVersion version) {
        qemu.close();
        kernel.boot(version, SimulatedMachine.example());
        start();
        qemu.coldPlug(MDEV, "ap0");
        Thread removal = new Thread(() -> kernel.write(MATRIX.resolve(MDEV + "/remove"), "1"));
        removal.start();
        Patience.until(() -> !kernel.exists(MATRIX.resolve(MDEV + "/remove")));
        assertThat(qemu.plugged()).contains(MDEV);
        qemu.kill();
        Patience.until(() -> !removal.isAlive());
    }

    @Test
    void leaksNeitherDescriptorsNorThreads() throws Exception {
        client().close();
        long threads = threads();
        long descriptors = descriptors();
        for (int round = 0; round < 20; round++) {
            try (QmpClient client = client()) {
                for (int plug = 0; plug < 50; plug++) {
                    client.send(ADD + DELETE);
                    assertThat(client.answer().has("return")).isTrue();
                    assertThat(client.answer().has("return")).isTrue();
                }
            }
            new SimulatedQemu(kernel, directory.resolve("other.sock"), "other", Settings.DEFAULT).close();
        }
        assertThat(files()).doesNotContain("/dev/vfio/0", "anon_inode:[vfio-device]");
        Patience.until(() -> threads() <= threads && descriptors() <= descriptors + 2);
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("qemu-"))
                .count();
    }

    private static long descriptors() {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        } catch (java.io.IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
