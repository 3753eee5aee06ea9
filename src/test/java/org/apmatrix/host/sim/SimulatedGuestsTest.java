package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.apmatrix.host.sim.SimulatedQemu.Settings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The guests of a simulated host. */
final class SimulatedGuestsTest {
    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());

    @TempDir
    private Path temporary;

    private SimulatedGuests guests;

    @BeforeEach
    void open() {
        guests = new SimulatedGuests(kernel, temporary.resolve("run/qmp"));
    }

    @AfterEach
    void close() {
        guests.close();
    }

    @Test
    void makesTheDirectoryForItsOwnerOnly() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(guests.directory())))
                .isEqualTo("rwx------");
    }

    @Test
    void startsGuestsWithASocketAndAProcessEach() {
        SimulatedQemu first = guests.start("guest1", Settings.DEFAULT);
        SimulatedQemu second = guests.start("guest2", Settings.DEFAULT.withRunState("paused"));
        assertThat(guests.all()).containsExactly(first, second);
        assertThat(guests.find("guest2")).contains(second);
        assertThat(first.pid()).isEqualTo(4001);
        assertThat(second.pid()).isEqualTo(4002);
        assertThat(second.socket()).isEqualTo(guests.directory().resolve("guest2.sock"));
        try (QmpClient client = QmpClient.negotiate(second.socket())) {
            assertThat(client.call("{'execute':'query-name'}")
                            .path("return")
                            .path("name")
                            .stringValue())
                    .isEqualTo("guest2");
            assertThat(client.call("{'execute':'query-uuid'}")
                            .path("return")
                            .path("UUID")
                            .stringValue())
                    .isEqualTo(second.uuid().toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "-x", "a b"})
    void refusesANameThatIsNoFiles(String name) {
        assertThatThrownBy(() -> guests.start(name, Settings.DEFAULT)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesANameThatAGuestHas() {
        guests.start("guest1", Settings.DEFAULT);
        assertThatThrownBy(() -> guests.start("guest1", Settings.DEFAULT)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void removesTheSocketOfAGuestThatItKills() {
        SimulatedQemu guest = guests.start("guest1", Settings.DEFAULT);
        guests.kill("guest1");
        assertThat(guest.isRunning()).isFalse();
        assertThat(guest.socket()).doesNotExist();
        assertThat(guests.find("guest1")).isEmpty();
        guests.kill("guest1");
    }

    @Test
    void forgetsAGuestThatQuitAndStartsItAgain() {
        guests.start("guest1", Settings.DEFAULT).quit();
        assertThat(guests.all()).isEmpty();
        guests.start("guest1", Settings.DEFAULT);
        assertThat(guests.all()).hasSize(1);
    }

    @Test
    void startsInPlaceOfASocketThatWasLeftBehind() {
        guests.start("guest1", Settings.DEFAULT).kill();
        assertThat(guests.directory().resolve("guest1.sock")).exists();
        SimulatedQemu guest = guests.start("guest1", Settings.DEFAULT);
        QmpClient.negotiate(guest.socket()).close();
    }

    @Test
    void startsEachGuestAnewAfterABoot() {
        Settings paused = Settings.DEFAULT.withRunState("paused");
        int before = guests.start("guest1", paused).pid();
        kernel.boot(KernelVersion.V7_2, SimulatedMachine.example());
        guests.rebooted();
        SimulatedQemu anew = guests.find("guest1").orElseThrow();
        assertThat(anew.settings()).isEqualTo(paused);
        assertThat(anew.pid()).isNotEqualTo(before);
        QmpClient.negotiate(anew.socket()).close();
    }
}
