package org.apmatrix.host.libvirt;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apmatrix.Patience;
import org.apmatrix.ap.GuestName;
import org.apmatrix.host.Guests;
import org.apmatrix.host.qmp.QmpProperties;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

/** libvirt is optional: without its library, and without a libvirtd, guests of bare QEMU are as they are. */
@Timeout(60)
class LibvirtAbsentTest {
    private static final GuestName ONE = new GuestName("one");

    @TempDir
    private Path directory;

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private SimulatedGuests qemus;

    @BeforeEach
    void start() {
        qemus = new SimulatedGuests(kernel, directory);
        qemus.start("one", SimulatedQemu.Settings.DEFAULT);
    }

    @AfterEach
    void end() {
        qemus.close();
    }

    private Guests guests(Libvirt libvirt) {
        return new Guests(
                new QmpProperties(
                        List.of(directory + "/*.sock"),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(2),
                        Duration.ofMillis(10),
                        Duration.ofMillis(100),
                        DataSize.ofMegabytes(16)),
                kernel.procfs(),
                directory,
                new SimpleMeterRegistry(),
                libvirt);
    }

    private void assertTheOthersAreThere(Guests guests) {
        assertThat(guests.all().keySet()).containsExactly(ONE);
        assertThat(guests.find(ONE).orElseThrow().look().runState()).isEqualTo("running");
    }

    @Test
    void withoutItsLibraryNothingElseChanges() {
        Libvirt libvirt = new Libvirt("qemu:///system", Libvirt.connector("no-libvirt.so.0", "no-libvirt-qemu.so.0"));
        libvirt.start();
        // nobody who asks at the start waits longer than for this
        assertThat(libvirt.awaitFirst(Duration.ofDays(1)).link()).isEqualTo(Libvirt.Link.LIBRARY_ABSENT);
        assertThat(libvirt.status().detail()).contains("libvirt.so.0");
        try (Guests guests = guests(libvirt)) {
            assertTheOthersAreThere(guests);
            assertThat(guests.libvirt().orElseThrow().link()).isEqualTo(Libvirt.Link.LIBRARY_ABSENT);
        }
    }

    @Test
    void withoutALibvirtdNothingElseChangesAndItIsTriedAgain() {
        FakeLibvirt daemon = new FakeLibvirt(new SimulatedGuests(kernel, directory.resolve("domains")));
        daemon.define("later");
        daemon.stop();
        Libvirt libvirt = daemon.connect();
        Patience.until(() -> libvirt.status().link() == Libvirt.Link.DOWN);
        try (Guests guests = guests(libvirt)) {
            assertTheOthersAreThere(guests);
            daemon.startAgain();
            Patience.until(() -> guests.all().containsKey(new GuestName("later")));
            assertThat(guests.all()).containsKey(ONE);
        }
    }

    @Test
    void withoutAUriThereIsNone() {
        assertThat(Libvirt.of(bind(Map.of()))).isNull();
        assertThat(bind(Map.of("apmatrix.guests.libvirt.uri", " "))).isEqualTo(new LibvirtProperties(null));
        assertThat(bind(Map.of("apmatrix.guests.libvirt.uri", "qemu+ssh://zhost/system"))
                        .uri())
                .isEqualTo("qemu+ssh://zhost/system");
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(LibvirtProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly("uri");
    }

    private static LibvirtProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.guests.libvirt", LibvirtProperties.class);
    }
}
