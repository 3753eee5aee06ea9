package org.apmatrix.host.qmp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apmatrix.Patience;
import org.apmatrix.host.qmp.GuestMonitor.Link;
import org.apmatrix.host.qmp.QmpCommand.DeviceAdd;
import org.apmatrix.host.qmp.QmpCommand.DeviceDel;
import org.apmatrix.host.qmp.QmpCommand.Done;
import org.apmatrix.host.qmp.QmpCommand.GuestUuid;
import org.apmatrix.host.qmp.QmpCommand.Migration;
import org.apmatrix.host.qmp.QmpCommand.NamedGuest;
import org.apmatrix.host.qmp.QmpCommand.QomGetFlag;
import org.apmatrix.host.qmp.QmpCommand.QomGetText;
import org.apmatrix.host.qmp.QmpCommand.QomList;
import org.apmatrix.host.qmp.QmpCommand.QomProperty;
import org.apmatrix.host.qmp.QmpCommand.QueryCpusFast;
import org.apmatrix.host.qmp.QmpCommand.QueryMigrate;
import org.apmatrix.host.qmp.QmpCommand.QueryName;
import org.apmatrix.host.qmp.QmpCommand.QueryStatus;
import org.apmatrix.host.qmp.QmpCommand.QueryUuid;
import org.apmatrix.host.qmp.QmpCommand.RunState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The monitor and a QEMU as it is installed here. */
class RealQemuMonitorTest extends MonitorTest {
    private static final String GUEST = "11111111-2222-3333-4444-55555555abcd";
    private static final String MDEV = "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804";
    private static final QmpProperties HASTY = properties(LONG, Duration.ofMillis(10));

    private final List<RealQemu> started = new ArrayList<>();

    @AfterEach
    void end() {
        started.forEach(RealQemu::close);
    }

    @BeforeAll
    static void qemu() {
        RealQemu.require();
    }

    @Test
    void answersEveryQuery() {
        start("-name", "g1", "-uuid", GUEST);
        QmpMonitor monitor = connected();
        assertThat(monitor.version())
                .hasValueSatisfying(version -> assertThat(version).matches("[0-9]+\\.[0-9]+\\.[0-9]+"));
        assertThat(monitor.ask(new QueryStatus(), LONG)).isEqualTo(new RunState("prelaunch", false));
        assertThat(monitor.ask(new QueryName(), LONG)).isEqualTo(new NamedGuest("g1"));
        assertThat(monitor.ask(new QueryUuid(), LONG)).isEqualTo(new GuestUuid(UUID.fromString(GUEST)));
        assertThat(monitor.ask(new QueryMigrate(), LONG)).isEqualTo(new Migration(null, List.of()));
        String cpu = monitor.ask(new QueryCpusFast(), LONG).cpus().get(0).qomPath();
        assertThat(monitor.ask(new QomGetFlag(cpu, "ap"), LONG)).isFalse();
        assertThat(monitor.ask(new QomGetText(cpu, "type"), LONG)).endsWith("-s390x-cpu");
        assertThat(monitor.ask(new QomList("/machine"), LONG).properties())
                .contains(new QomProperty("peripheral", "child<container>"));
    }

    @Test
    void knowsNoNameAndNoUuidThatWereNotGiven() {
        start();
        QmpMonitor monitor = connected();
        assertThat(monitor.ask(new QueryName(), LONG).name()).isNull();
        assertThat(monitor.ask(new QueryUuid(), LONG).uuid()).isNull();
    }

    @Test
    void plugsADeviceAndUnplugsItAndTellsBothEventsOfIt() {
        start();
        QmpMonitor monitor = connected();
        for (int i = 0; i < 3; i++) {
            assertThat(monitor.ask(new DeviceAdd("virtio-rng-ccw", "rng0", Map.of("devno", "fe.0.0007")), LONG))
                    .isEqualTo(new Done());
            assertThat(monitor.ask(new QomList("/machine/peripheral"), LONG).properties())
                    .contains(new QomProperty("rng0", "child<virtio-rng-ccw>"));
            assertThat(monitor.ask(new QomGetText("/machine/peripheral/rng0", "devno"), LONG))
                    .isEqualTo("fe.0.0007");
            assertThat(monitor.ask(new DeviceDel("rng0"), LONG)).isEqualTo(new Done());
            heard.untilCount(3 + 2 * i);
        }
        assertThat(heard.news().subList(0, 3))
                .containsExactly(
                        "connected",
                        "deleted null /machine/peripheral/rng0/virtio-backend",
                        "deleted rng0 /machine/peripheral/rng0");
    }

    @Test
    void tellsWhatQemuRefuses() {
        start();
        QmpMonitor monitor = connected();
        assertRefused(
                monitor,
                new DeviceAdd("vfio-ap", "ap0", Map.of("sysfsdev", MDEV)),
                "GenericError",
                "No 'ap-bus' bus found for device 'vfio-ap'");
        assertRefused(
                monitor,
                new DeviceAdd("vfio-ap", "ap0", Map.of("sysfsdev", MDEV, "bus", "ap-bus")),
                "GenericError",
                "Bus 'ap-bus' not found");
        assertRefused(
                monitor, new QomList("/machine/ap-bridge"), "DeviceNotFound", "Device '/machine/ap-bridge' not found");
        assertRefused(monitor, new DeviceDel("ap0"), "DeviceNotFound", "Device 'ap0' not found");
        assertThat(monitor.link()).isEqualTo(Link.READY);
    }

    @Test
    void isSilentWhileAnotherClientHasTheSocket() {
        start();
        QmpMonitor first = connected();
        Heard heardBySecond = new Heard();
        QmpMonitor second = monitor(socket(), properties(SHORT, SHORT), heardBySecond);
        until(second, Link.SILENT);
        assertUnreachable(second);
        assertThat(first.ask(new QueryStatus(), LONG).status()).isEqualTo("prelaunch");
        first.close();
        heardBySecond.until("connected");
        assertThat(second.ask(new QueryStatus(), LONG).status()).isEqualTo("prelaunch");
    }

    @Test
    void hearsOfADeviceThatAnotherMonitorRemoved() {
        start();
        QmpMonitor monitor = connected();
        Heard heardBySecond = new Heard();
        QmpMonitor second = monitor(secondSocket(), HASTY, heardBySecond);
        heardBySecond.until("connected");
        second.ask(new DeviceAdd("virtio-rng-ccw", "rng0", Map.of()), LONG);
        second.ask(new DeviceDel("rng0"), LONG);
        heard.until("deleted rng0 /machine/peripheral/rng0");
        heardBySecond.until("deleted rng0 /machine/peripheral/rng0");
        assertThat(monitor.link()).isEqualTo(Link.READY);
    }

    @Test
    void isDownAfterAQuitAndReadyWithTheNextQemu() throws IOException {
        RealQemu qemu = start("-name", "first");
        QmpMonitor monitor = connected();
        quitByTheSecondSocket();
        heard.untilCount(3);
        assertThat(heard.news().subList(0, 2)).containsExactly("connected", "SHUTDOWN");
        assertThat(heard.news().get(2)).startsWith("disconnected: ");
        assertThat(qemu.end()).isZero();
        assertUnreachable(monitor);
        start("-name", "second");
        Patience.until(() -> monitor.session() == 2);
        assertThat(monitor.ask(new QueryName(), LONG).name()).isEqualTo("second");
    }

    @Test
    void isDownAfterAKillAndReadyWithTheNextQemuOnTheSocketThatWasLeft() {
        RealQemu qemu = start();
        QmpMonitor monitor = connected();
        qemu.signal(directory, "KILL");
        heard.untilCount(2);
        assertThat(heard.news().get(1)).startsWith("disconnected: ");
        until(monitor, Link.DOWN);
        qemu.end();
        assertThat(socket()).exists();
        start("-name", "second");
        Patience.until(() -> monitor.session() == 2);
        assertThat(monitor.ask(new QueryName(), LONG).name()).isEqualTo("second");
    }

    @Test
    void doesNotKnowTheOutcomeWhenQemuIsKilledBeforeItAnswers() {
        RealQemu qemu = start();
        QmpMonitor monitor = connected();
        qemu.signal(directory, "STOP");
        Asking<Done> asking = asking(monitor, new DeviceAdd("virtio-rng-ccw", "rng0", Map.of()));
        asking.untilItWaits();
        qemu.signal(directory, "KILL");
        assertThat(asking.failure()).isInstanceOf(QmpException.NoAnswer.class);
    }

    @Test
    void isSilentWhileQemuIsStoppedAndReadyWhenItGoesOn() {
        RealQemu qemu = start();
        QmpMonitor monitor = connected();
        qemu.signal(directory, "STOP");
        DeviceAdd add = new DeviceAdd("virtio-rng-ccw", "rng0", Map.of());
        assertThat(asking(monitor, add, SHORT).failure()).isInstanceOf(QmpException.NoAnswer.class);
        assertThat(monitor.link()).isEqualTo(Link.SILENT);
        assertUnreachable(monitor);
        qemu.signal(directory, "CONT");
        until(monitor, Link.READY);
        heard.untilCount(2);
        assertThat(heard.news()).containsExactly("connected", "connected");
        assertThat(monitor.session()).isEqualTo(1);
        assertThat(monitor.ask(new QomList("/machine/peripheral"), LONG).properties())
                .contains(new QomProperty("rng0", "child<virtio-rng-ccw>"));
    }

    @Test
    void readsTheSchemaThatIsOneLineOfTwoHundredKilobytes() throws IOException {
        start();
        connected();
        try (QmpConnection connection = QmpConnection.open(secondSocket(), HASTY, () -> {})) {
            QmpMessage.Reply schema = (QmpMessage.Reply) execute(connection, "query-qmp-schema");
            assertThat(schema.value().isArray()).isTrue();
            assertThat(schema.value().toString().length()).isGreaterThan(150_000);
        }
    }

    private RealQemu start(String... more) {
        RealQemu qemu = new RealQemu(directory, socket(), secondSocket(), more);
        started.add(qemu);
        return qemu;
    }

    private Path secondSocket() {
        return directory.resolve("second.qmp");
    }

    private QmpMonitor connected() {
        QmpMonitor monitor = monitor(HASTY);
        heard.until("connected");
        return monitor;
    }

    private void quitByTheSecondSocket() throws IOException {
        try (QmpConnection connection = QmpConnection.open(secondSocket(), HASTY, () -> {})) {
            execute(connection, "quit");
        }
    }

    /** Negotiates, and returns the next answer but one. */
    private static QmpMessage execute(QmpConnection connection, String command) throws IOException {
        connection.read();
        connection.write("negotiation", "qmp_capabilities", Map.of());
        connection.read();
        connection.write("command", command, Map.of());
        QmpMessage message = connection.read();
        while (message instanceof QmpMessage.Event) {
            message = connection.read();
        }
        return message;
    }

    private static void assertRefused(
            QmpMonitor monitor, QmpCommand<?> command, String errorClass, String description) {
        assertThat(asking(monitor, command).failure()).isInstanceOfSatisfying(QmpException.Refused.class, refused -> {
            assertThat(refused.errorClass()).isEqualTo(errorClass);
            assertThat(refused.description()).isEqualTo(description);
        });
    }
}
