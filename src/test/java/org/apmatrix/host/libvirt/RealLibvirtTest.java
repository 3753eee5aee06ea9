package org.apmatrix.host.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.apmatrix.Patience;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.qmp.GuestMonitor;
import org.apmatrix.host.qmp.QmpCommand;
import org.apmatrix.host.qmp.QmpEvent;
import org.apmatrix.host.qmp.QmpException;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The binding on a real libvirtd with a real QEMU. What needs the hardware cannot succeed here: a vfio-ap device is refused, and a random number generator takes its place. */
class RealLibvirtTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final MdevId ONE =
            MdevId.parse("11111111-2222-4333-8444-555555555555").orElseThrow();
    private static final MdevId OTHER =
            MdevId.parse("22222222-3333-4444-8555-666666666666").orElseThrow();
    private static final QmpCommand.DeviceAdd RNG = new QmpCommand.DeviceAdd("virtio-rng-ccw", "rng", Map.of());
    private static final String RNG_XML =
            "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-rng'/></rng>";

    private static RealLibvirt daemon;

    private final Heard heard = new Heard();
    private Libvirt libvirt;

    /** Counts what it is told. */
    private static final class Heard implements GuestMonitor.Listener {
        private final AtomicInteger signs = new AtomicInteger();
        private final AtomicInteger lost = new AtomicInteger();

        @Override
        public void connected() {
            signs.incrementAndGet();
        }

        @Override
        public void event(QmpEvent event) {
            signs.incrementAndGet();
        }

        @Override
        public void disconnected(String reason) {
            lost.incrementAndGet();
        }

        void anotherAfter(Runnable work) {
            int before = signs.get();
            work.run();
            Patience.until(() -> signs.get() > before);
        }
    }

    @BeforeAll
    static void startDaemon() throws IOException {
        daemon = RealLibvirt.start();
    }

    @AfterAll
    static void endDaemon() throws IOException {
        if (daemon != null) {
            daemon.close();
        }
    }

    @BeforeEach
    void connect() {
        libvirt = Libvirt.of(new LibvirtProperties(daemon.uri()));
        Patience.until(() -> libvirt.status().link() == Libvirt.Link.CONNECTED);
    }

    @AfterEach
    void disconnect() {
        libvirt.close();
    }

    private DomainMonitor monitor(UUID domain) {
        Patience.until(() -> libvirt.domains().contains(domain));
        return libvirt.monitor(domain, heard, device -> RNG_XML);
    }

    private DomainMonitor running(String name) throws IOException {
        return running(name, "");
    }

    private DomainMonitor running(String name, String devices) throws IOException {
        UUID domain = daemon.define(name, devices);
        DomainMonitor monitor = monitor(domain);
        heard.anotherAfter(() -> daemon.virsh("start", name));
        Patience.until(monitor::isActive);
        return monitor;
    }

    @Test
    void findsDomainsWhetherTheyRunOrNotAndHearsThemComeAndGo() throws IOException {
        UUID domain = daemon.define("comes", "");
        DomainMonitor monitor = monitor(domain);
        assertThat(monitor.owned().orElseThrow().name()).isEqualTo("comes");
        assertThat(monitor.isActive()).isFalse();
        assertThat(monitor.nobodyListens()).isTrue();
        assertThatThrownBy(() -> monitor.ask(new QmpCommand.QueryStatus(), PATIENCE))
                .isInstanceOf(QmpException.Unreachable.class);
        long before = monitor.session();

        daemon.virsh("start", "comes");
        Patience.until(monitor::isActive);
        assertThat(monitor.link()).isEqualTo(GuestMonitor.Link.READY);
        assertThat(monitor.session()).isNotEqualTo(before);
        assertThat(monitor.ask(new QmpCommand.QueryStatus(), PATIENCE).status()).isEqualTo("running");
        assertThat(monitor.ask(new QmpCommand.QueryName(), PATIENCE).name()).isEqualTo("comes");
        assertThat(monitor.ask(new QmpCommand.QueryUuid(), PATIENCE).uuid()).isEqualTo(domain);

        heard.anotherAfter(() -> daemon.virsh("suspend", "comes"));
        assertThat(monitor.ask(new QmpCommand.QueryStatus(), PATIENCE).status()).isEqualTo("paused");
        daemon.virsh("destroy", "comes");
        Patience.until(() -> !monitor.isActive());
        daemon.virsh("undefine", "comes");
        Patience.until(() -> !libvirt.domains().contains(domain));
    }

    @Test
    void isReachedByTlsAndSshAsWell() throws IOException {
        UUID domain = daemon.define("far", "");
        for (String uri : List.of(daemon.tlsUri(), daemon.sshUri())) {
            try (Libvirt remote = Libvirt.of(new LibvirtProperties(uri))) {
                Patience.until(() -> remote.domains().contains(domain));
                DomainMonitor monitor = remote.monitor(domain, heard);
                heard.anotherAfter(() -> daemon.virsh("start", "far"));
                Patience.until(monitor::isActive);
                assertThat(monitor.ask(new QmpCommand.QueryStatus(), PATIENCE).status())
                        .as(uri)
                        .isEqualTo("running");
                heard.anotherAfter(() -> daemon.virsh("destroy", "far"));
            }
        }
    }

    @Test
    void qemusRefusalComesThroughInItsOwnWords() throws IOException {
        DomainMonitor monitor = running("refuses");
        assertThatThrownBy(() -> monitor.ask(new QmpCommand.QomGetFlag("/machine", "no-such-thing"), PATIENCE))
                .isInstanceOfSatisfying(QmpException.Refused.class, refused -> {
                    assertThat(refused.errorClass()).isEqualTo("GenericError");
                    assertThat(refused.description()).contains("no-such-thing");
                });
        assertThatThrownBy(() -> monitor.ask(new QmpCommand.QomList("/machine/ap-bridge/ap-bus"), PATIENCE))
                .isInstanceOfSatisfying(
                        QmpException.Refused.class,
                        refused -> assertThat(refused.isDeviceNotFound()).isTrue());
    }

    @Test
    void aDeviceIsPluggedAndUnpluggedTheWayThatAVfioApDeviceIs() throws IOException {
        DomainMonitor monitor = running("plugs");
        heard.anotherAfter(() -> monitor.plug(RNG, PATIENCE));
        assertThat(peripherals(monitor)).contains("ua-rng");
        assertThat(daemon.virsh("dumpxml", "plugs")).contains("ua-rng");
        assertThat(daemon.virsh("dumpxml", "--inactive", "plugs")).doesNotContain("ua-rng");

        assertThat(monitor.detach(RNG_XML, PATIENCE)).isTrue();
        // success is no proof
        Patience.until(() -> !peripherals(monitor).contains("ua-rng"));
        Patience.until(() -> !monitor.detach(RNG_XML, PATIENCE));
    }

    @Test
    void aDeviceIsPluggedAndStoredInOne() throws IOException {
        DomainMonitor monitor = running("stores");
        monitor.plugAndStore(RNG, PATIENCE);
        assertThat(peripherals(monitor)).contains("ua-rng");
        assertThat(daemon.virsh("dumpxml", "--inactive", "stores")).contains("ua-rng");
    }

    @Test
    void whatIsPluggedBehindLibvirtsBackIsSeenAndTakenOut() throws IOException {
        DomainMonitor monitor = running("behind");
        daemon.virsh(
                "qemu-monitor-command",
                "behind",
                "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-rng-ccw\",\"id\":\"secret\"}}");
        assertThat(daemon.virsh("dumpxml", "behind")).doesNotContain("secret");
        assertThat(peripherals(monitor)).contains("secret");
        monitor.unplug("secret", "/sys/devices/vfio_ap/matrix/" + ONE, PATIENCE);
        Patience.until(() -> !peripherals(monitor).contains("secret"));
    }

    private static String disk(Path file, String more) {
        return "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='" + file
                + "'/><target dev='vda' bus='virtio'/>" + more + "</disk>";
    }

    private static List<String> peripherals(DomainMonitor monitor) {
        return monitor.ask(new QmpCommand.QomList("/machine/peripheral"), PATIENCE).properties().stream()
                .map(QmpCommand.QomProperty::name)
                .toList();
    }

    /** V10. */
    @Test
    void nothingIsPluggedIntoAGuestThatIsShutOff() throws IOException {
        DomainMonitor monitor = monitor(daemon.define("sleeps", ""));
        assertThatThrownBy(() -> monitor.plug(RNG, PATIENCE))
                .isInstanceOf(QmpException.Refused.class)
                .hasMessageContaining("domain is not running");
    }

    /** V22. */
    @Test
    void aQemuThatIsKilledIsAGuestThatIsShutOff() throws IOException {
        DomainMonitor monitor = running("killed");
        heard.anotherAfter(() -> daemon.signal("killed", "KILL"));
        Patience.until(monitor::isShutOff);
        assertThat(daemon.virsh("domstate", "--reason", "killed")).contains("crashed");
    }

    @Test
    void aVfioApDeviceIsRefusedInLibvirtsWordsWhereTheHostHasNoVfio() throws IOException {
        UUID domain = daemon.define("novfio", "");
        Patience.until(() -> libvirt.domains().contains(domain));
        DomainMonitor monitor = libvirt.monitor(domain, heard);
        daemon.virsh("start", "novfio");
        Patience.until(monitor::isActive);
        QmpCommand.DeviceAdd vfioAp = new QmpCommand.DeviceAdd(
                "vfio-ap", "vfio-ap-" + ONE, Map.of("sysfsdev", "/sys/devices/vfio_ap/matrix/" + ONE));
        assertThatThrownBy(() -> monitor.plugAndStore(vfioAp, PATIENCE))
                .isInstanceOfSatisfying(QmpException.Refused.class, refused -> {
                    assertThat(refused.errorClass()).startsWith("libvirt ");
                    assertThat(refused.description()).isNotBlank();
                });
        assertThat(monitor.stored(PATIENCE).orElseThrow()).isEmpty();
    }

    @Test
    void storesAVfioApDeviceForTheNextStartAndTakesItOut() throws IOException {
        DomainMonitor monitor = monitor(daemon.define("cold", ""));
        monitor.store(ONE, true, PATIENCE);
        monitor.store(ONE, true, PATIENCE);
        assertThat(monitor.stored(PATIENCE).orElseThrow()).containsExactly(ONE);
        assertThat(daemon.virsh("dumpxml", "cold")).contains("model='vfio-ap'").contains("ua-vfio-ap-" + ONE);
        monitor.store(ONE, false, PATIENCE);
        monitor.store(ONE, false, PATIENCE);
        assertThat(monitor.stored(PATIENCE).orElseThrow()).isEmpty();
    }

    @Test
    void whatAnAdministratorStoredUnderANameOfLibvirtsOwnIsTakenOutAsWell() throws IOException {
        DomainMonitor monitor = monitor(daemon.define("theirs", ""));
        Path device = daemon.file(
                "hostdev.xml",
                ("<hostdev mode='subsystem' type='mdev' model='vfio-ap'><source><address uuid='" + ONE
                                + "'/></source></hostdev>")
                        .getBytes(StandardCharsets.UTF_8));
        daemon.virsh("attach-device", "theirs", device.toString(), "--config");
        assertThat(monitor.stored(PATIENCE).orElseThrow()).containsExactly(ONE);
        monitor.store(ONE, false, PATIENCE);
        assertThat(daemon.virsh("dumpxml", "theirs")).doesNotContain("vfio-ap");
    }

    @Test
    void libvirtLetsTwoBeStoredAndFailsOnlyAtTheStartSoTheLawHasToCountThem() throws IOException {
        DomainMonitor monitor = monitor(daemon.define("two", ""));
        monitor.store(ONE, true, PATIENCE);
        monitor.store(OTHER, true, PATIENCE);
        assertThat(monitor.stored(PATIENCE).orElseThrow()).containsExactly(ONE, OTHER);
        assertThatThrownBy(() -> daemon.virsh("start", "two"))
                .hasMessageContaining("Only one hostdev of model vfio-ap is supported");
    }

    @Test
    void whatLibvirtRefusesToMigrateIsKnownBefore() throws IOException {
        DomainMonitor transientDisk = running("stays", disk(daemon.file("disk", new byte[1 << 20]), "<transient/>"));
        assertThat(transientDisk.migrationRefusals(PATIENCE))
                .singleElement(InstanceOfAssertFactories.STRING)
                .contains("transient disk");
        assertThatThrownBy(() -> daemon.virsh("migrate", "--live", "--unsafe", "stays", daemon.uri()))
                .hasMessageContaining("transient disk");

        DomainMonitor copied = running("copied", disk(daemon.file("original", new byte[1 << 20]), ""));
        assertThat(copied.migrationRefusals(PATIENCE)).isEmpty();
        Path copy = daemon.file("copy", new byte[1 << 20]);
        daemon.virsh(
                "blockcopy",
                "copied",
                "vda",
                copy.toString(),
                "--reuse-external",
                "--format",
                "raw",
                "--transient-job");
        assertThat(copied.migrationRefusals(PATIENCE))
                .singleElement(InstanceOfAssertFactories.STRING)
                .contains("copy-vda");
        assertThatThrownBy(() -> daemon.virsh("migrate", "--live", "--unsafe", "copied", daemon.uri()))
                .hasMessageContaining("domain has active block job");

        DomainMonitor snapshot = running("pictured");
        assertThat(snapshot.migrationRefusals(PATIENCE)).isEmpty();
        daemon.pretendSnapshot("pictured");
        assertThat(snapshot.migrationRefusals(PATIENCE))
                .singleElement(InstanceOfAssertFactories.STRING)
                .contains("snapshots");
        assertThatThrownBy(() -> daemon.virsh("migrate", "--live", "pictured", daemon.uri()))
                .hasMessageContaining("cannot migrate domain with 1 snapshots");
    }

    @Test
    void aLibvirtdThatHangsIsTakenForDeadAndKeepsNobodyWaiting() throws IOException {
        DomainMonitor monitor = running("waits");
        daemon.freeze(true);
        try {
            assertThatThrownBy(() -> monitor.ask(new QmpCommand.QueryStatus(), Duration.ofMillis(300)))
                    .isInstanceOf(QmpException.NoAnswer.class);
            assertThat(monitor.link()).isEqualTo(GuestMonitor.Link.SILENT);
            assertThatThrownBy(() -> monitor.ask(new QmpCommand.QueryStatus(), PATIENCE))
                    .isInstanceOf(QmpException.Unreachable.class)
                    .hasMessageContaining("owes an answer");
            Patience.until(() -> libvirt.status().link() == Libvirt.Link.DOWN);
        } finally {
            daemon.freeze(false);
        }
        Patience.until(() -> monitor.link() == GuestMonitor.Link.READY);
        assertThat(monitor.ask(new QmpCommand.QueryStatus(), PATIENCE).status()).isEqualTo("running");
    }

    @Test
    void libvirtdMayBeStartedAnew() throws IOException {
        DomainMonitor monitor = running("outlives");
        long session = monitor.session();
        daemon.stopDaemon();
        Patience.until(() -> libvirt.status().link() == Libvirt.Link.DOWN);
        assertThat(heard.lost).hasPositiveValue();
        assertThat(monitor.link()).isEqualTo(GuestMonitor.Link.DOWN);
        assertThat(monitor.nobodyListens()).isFalse();
        assertThatThrownBy(() -> monitor.ask(new QmpCommand.QueryStatus(), PATIENCE))
                .isInstanceOf(QmpException.Unreachable.class);

        heard.anotherAfter(() -> {
            try {
                daemon.startDaemon();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        Patience.until(() -> monitor.link() == GuestMonitor.Link.READY);
        assertThat(monitor.ask(new QmpCommand.QueryStatus(), PATIENCE).status()).isEqualTo("running");
        assertThat(monitor.session()).isNotEqualTo(session);
    }
}
