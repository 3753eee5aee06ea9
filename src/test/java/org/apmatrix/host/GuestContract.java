package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apmatrix.Patience;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.libvirt.Libvirt;
import org.apmatrix.host.qmp.QmpException;
import org.apmatrix.host.qmp.QmpProperties;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;

/** What a guest is to this service, whoever owns it. The guest is called {@code one} and runs, on a CPU model without AP. */
abstract class GuestContract {
    static final GuestName ONE = new GuestName("one");

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final MdevId MDEV =
            MdevId.parse("62177883-f1bb-47f0-914d-32a22e3a8804").orElseThrow();
    private static final Path SYSFSDEV = Path.of("/sys/devices/vfio_ap/matrix/" + MDEV);

    /** Those of the host that the guest is on. */
    abstract Guests guests();

    abstract GuestSource source();

    /** An administrator pauses it. */
    abstract void pause();

    /** Its QEMU says nothing any more, or goes on with what it was about to say. */
    abstract void silence(boolean isSilent);

    /** Its QEMU ends. */
    abstract void end();

    /** Another QEMU takes its place. */
    abstract void startAnew() throws IOException;

    /** The process of its QEMU. */
    abstract int pid();

    static Guests guests(String sockets, Procfs procfs, @Nullable Path simulated, @Nullable Libvirt libvirt) {
        return new Guests(
                new QmpProperties(
                        sockets.isEmpty() ? List.of() : List.of(sockets),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(5),
                        Duration.ofMillis(20),
                        Duration.ofMillis(200),
                        DataSize.ofMegabytes(16)),
                procfs,
                simulated,
                new SimpleMeterRegistry(),
                libvirt);
    }

    private Guest one() {
        Patience.until(() -> guests().find(ONE).isPresent());
        return guests().find(ONE).orElseThrow();
    }

    @Test
    void isFoundByItsNameAndTellsWhatItIs() {
        Guest guest = one();
        GuestState state = guest.look(PATIENCE);
        assertThat(guest.source()).isEqualTo(source());
        assertThat(state.runState()).isEqualTo("running");
        assertThat(state.takesDevices()).isTrue();
        assertThat(state.uuid()).isNotNull();
        assertThat(state.pid()).isEqualTo(pid());
        assertThat(state.device()).isNull();
        assertThat(state.cpuFeatures().missing()).contains("ap");
        assertThat(guests().at(guest.address())).contains(ONE);
        assertThat(guest.nobodyListens()).isFalse();
    }

    @Test
    void aPauseIsASignAndIsSeen() {
        Guest guest = one();
        guest.look(PATIENCE);
        long before = guest.changes();
        pause();
        guest.awaitChange(before, PATIENCE);
        assertThat(guest.changes()).isGreaterThan(before);
        Patience.until(() -> "paused".equals(guest.look(PATIENCE).runState()));
        assertThat(guest.lastSeen().takesDevices()).isTrue();
    }

    @Test
    void refusesAVfioApDeviceInWordsOfItsOwnAndHasNone() {
        Guest guest = one();
        assertThatThrownBy(() -> guest.plug(MDEV, "vfio-ap-" + MDEV, SYSFSDEV, false, PATIENCE))
                .isInstanceOfSatisfying(
                        QmpException.Refused.class,
                        refused -> assertThat(refused.description()).isNotBlank());
        assertThat(guest.look(PATIENCE).device()).isNull();
    }

    @Test
    void aDeviceThatIsOutAlreadyIsNotFound() {
        Guest guest = one();
        ApDevice gone =
                new ApDevice("/machine/ap-bridge/ap-bus/child[7]", "/machine/peripheral/x", SYSFSDEV.toString());
        assertThatThrownBy(() -> guest.unplug(gone, PATIENCE))
                .isInstanceOfSatisfying(
                        QmpException.Refused.class,
                        refused -> assertThat(refused.isDeviceNotFound()).isTrue());
    }

    @Test
    void whileItIsSilentItIsUnreachableAndNotGone() {
        Guest guest = one();
        guest.look(PATIENCE);
        silence(true);
        try {
            GuestState silent = guest.look(Duration.ofMillis(500));
            assertThat(silent.isReachable()).isFalse();
            assertThat(silent.silence()).isNotBlank();
            assertThat(silent.uuid()).isNotNull();
            assertThat(guest.nobodyListens()).isFalse();
            assertThat(guests().all()).containsKey(ONE);
        } finally {
            silence(false);
        }
        Patience.until(() -> guest.look(PATIENCE).isReachable());
        assertThat(guest.lastSeen().runState()).isEqualTo("running");
    }

    @Test
    void startedAnewItIsAnotherSession() throws IOException {
        Guest before = one();
        before.look(PATIENCE);
        long session = before.session();
        int pid = pid();
        end();
        startAnew();
        Patience.until(() -> guests().find(ONE)
                .map(guest -> guest.look(PATIENCE))
                .filter(state -> state.isReachable() && state.takesDevices())
                .isPresent());
        assertThat(one().lastSeen().pid()).isEqualTo(pid()).isNotEqualTo(pid);
        // a socket that is made anew is another guest's
        assertThat(one() != before || before.session() != session).isTrue();
    }

    @Test
    void itsEndIsKnownForCertain() {
        Guest guest = one();
        guest.look(PATIENCE);
        end();
        Patience.until(() -> guests().find(ONE).isEmpty() || guest.nobodyListens());
        Optional<Guest> left = guests().find(ONE);
        left.ifPresent(
                shutOff -> assertThat(shutOff.look(PATIENCE).takesDevices()).isFalse());
    }
}
