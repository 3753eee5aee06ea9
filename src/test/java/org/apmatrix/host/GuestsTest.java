package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apmatrix.Patience;
import org.apmatrix.ap.GuestName;
import org.apmatrix.host.qmp.QmpProperties;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.apmatrix.host.sim.SimulatedQemu.Temper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

/** Guests are found by their sockets, come and go with them, and never take one another's name. */
class GuestsTest {
    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private final List<AutoCloseable> opened = new ArrayList<>();

    @TempDir
    Path directory;

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : opened) {
            one.close();
        }
    }

    @Test
    void guestsComeAndGoWithTheirSockets() {
        Guests guests = guests(directory + "/*.sock");
        assertThat(guests.all()).isEmpty();
        SimulatedQemu qemu = qemu("a.sock", "guest1");
        assertThat(names(guests)).containsExactly("guest1");
        qemu.close();
        assertThat(names(guests)).isEmpty();
        qemu("a.sock", "guest2");
        assertThat(names(guests)).containsExactly("guest2");
    }

    @Test
    void aSocketWithoutAQemuIsAGuestThatDoesNotAnswer() {
        SimulatedQemu qemu = qemu("a.sock", "guest1");
        Guests guests = guests(directory + "/*.sock");
        assertThat(names(guests)).containsExactly("guest1");
        qemu.kill();
        assertThat(Files.exists(qemu.socket())).isTrue();
        Guest guest = guests.find(new GuestName("guest1")).orElseThrow();
        Patience.until(guest::nobodyListens);
        assertThat(guest.look().isReachable()).isFalse();
        // one that was never heard of goes by its socket
        assertThat(names(guests(directory + "/*.sock"))).containsExactly("a");
    }

    @Test
    void twoOfOneNameGoByTheirSockets() {
        qemu("a.sock", "twin");
        qemu("b.sock", "twin");
        qemu("c.sock", "single");
        Guests guests = guests(directory + "/*.sock");
        assertThat(names(guests)).containsExactly("a", "b", "single");
        assertThat(guests.find(new GuestName("twin"))).isEmpty();
    }

    @Test
    void aSocketsNameIsNotTakenFromAGuestThatIsCalledSo() {
        qemu("guest1.sock", "twin");
        qemu("b.sock", "twin");
        qemu("c.sock", "guest1");
        Guests guests = guests(directory + "/*.sock");
        assertThat(names(guests)).hasSize(3).contains("b", "guest1");
        assertThat(guests.find(new GuestName("guest1")).orElseThrow().address())
                .isEqualTo(directory.resolve("c.sock").toString());
    }

    @Test
    void oneThatIsSilentDelaysNoOther() {
        SimulatedQemu silent = qemu("a.sock", "silent");
        qemu("b.sock", "lively");
        Guests guests = guests(directory + "/*.sock");
        assertThat(names(guests)).containsExactly("lively", "silent");
        silent.apply(silent.settings().withTemper(Temper.SILENT));
        Map<Guest, GuestState> states = guests.looks(guests.all().values());
        assertThat(states.values().stream().filter(GuestState::isReachable)).hasSize(1);
        assertThat(guests.find(new GuestName("silent")).orElseThrow().look().silence())
                .isNotNull();
    }

    @Test
    void aQemuThatWasStartedAnewIsAskedAnew() {
        Guests guests = guests(directory + "/*.sock");
        for (int round = 0; round < 20; round++) {
            SimulatedQemu qemu = qemu("a.sock", "guest1");
            Guest guest = guests.find(new GuestName("guest1")).orElseThrow();
            assertThat(guest.look().pid()).isEqualTo(qemu.pid());
            qemu.kill();
        }
    }

    @Test
    void tellsWhatAGuestIs() {
        SimulatedQemu qemu = qemu("a.sock", "guest1");
        GuestState state = guests(directory + "/*.sock")
                .find(new GuestName("guest1"))
                .orElseThrow()
                .look();
        assertThat(state.uuid()).isEqualTo(qemu.uuid());
        assertThat(state.pid()).isEqualTo(qemu.pid());
        assertThat(state.runState()).isEqualTo("running");
        assertThat(state.cpuFeatures()).isEqualTo(new CpuFeatures(true, true, true));
        assertThat(state.device()).isNull();
        assertThat(state.silence()).isNull();
    }

    @Test
    void findsSocketsInDirectoriesOfTheirOwn() throws IOException {
        Files.createDirectories(directory.resolve("one"));
        Files.createDirectories(directory.resolve("two"));
        Files.createFile(directory.resolve("two/no-socket.sock"));
        qemu("one/monitor.sock", "guest1");
        qemu("two/monitor.sock", "guest2");
        // a monitor serves one client, so each has to leave before the next comes
        try (Guests guests = guests(directory + "/*/*.sock")) {
            assertThat(names(guests)).containsExactly("guest1", "guest2");
        }
        try (Guests guests = guests(directory + "/one/monitor.sock")) {
            assertThat(names(guests)).containsExactly("guest1");
        }
        try (Guests guests = guests(directory + "/{one,three}/*.sock", directory + "/two/m*")) {
            assertThat(names(guests)).containsExactly("guest1", "guest2");
        }
    }

    @Test
    void filesThatComeAndGoBesideTheSocketsDoNoHarm() throws Exception {
        qemu("a.sock", "guest1");
        Guests guests = guests(directory + "/*.sock");
        AtomicBoolean enough = new AtomicBoolean();
        Thread neighbour = new Thread(() -> {
            while (!enough.get()) {
                try {
                    Files.deleteIfExists(Files.createTempFile(directory, "x", ".sock"));
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        });
        neighbour.start();
        for (int round = 0; round < 1000; round++) {
            assertThat(guests.discover()).hasSize(1);
        }
        enough.set(true);
        neighbour.join();
    }

    @Test
    void refusesAPatternThatIsNoAbsolutePath() {
        assertThatIllegalArgumentException().isThrownBy(() -> guests("run/*.sock"));
    }

    @Test
    void closingEndsEveryThread() {
        qemu("a.sock", "guest1");
        Guests guests = guests(directory + "/*.sock");
        guests.all();
        guests.close();
        assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
                .doesNotContain("qmp a.sock");
    }

    private static List<String> names(Guests guests) {
        return guests.all().keySet().stream().map(GuestName::toString).toList();
    }

    private SimulatedQemu qemu(String socket, String name) {
        SimulatedQemu qemu = new SimulatedQemu(kernel, directory.resolve(socket), name, SimulatedQemu.Settings.DEFAULT);
        opened.add(0, qemu);
        return qemu;
    }

    private Guests guests(String... globs) {
        Guests guests = new Guests(
                new QmpProperties(
                        List.of(globs),
                        Duration.ofSeconds(2),
                        Duration.ofMillis(500),
                        Duration.ofMillis(10),
                        Duration.ofMillis(100),
                        DataSize.ofMegabytes(16)),
                kernel.procfs(),
                null,
                new SimpleMeterRegistry());
        opened.add(0, guests);
        return guests;
    }
}
