package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import java.util.Optional;
import org.apmatrix.Patience;
import org.apmatrix.host.sim.SimulatedQemu;
import org.apmatrix.host.sim.SimulatedQemu.Temper;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hot unplug: only the device that is meant, only once, and in use until it is certain. */
class UnplugHttpTest extends HttpTest {
    private static final String DEVICE = "/guests/guest1/ap-device";
    private static final String PLUG_A = "{'mdev': '" + A + "'}";
    private static final String PLUG_B = "{'mdev': '" + B + "'}";

    @BeforeEach
    void aGuestWithADevice() {
        free();
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(6), List.of(4));
        api.put(DEVICE, PLUG_A).statusCode(201);
    }

    @Test
    void takesTheDeviceOutAndFreesIt() {
        api.delete(DEVICE).statusCode(204);
        api.get(DEVICE).spec(refused(404, "AP_DEVICE_NOT_FOUND", null));
        api.get("/mdevs/" + A).body("inUse", is(false)).body("guest", nullValue());
        api.delete("/mdevs/" + A).statusCode(204);
    }

    @Test
    void nothingAttachedIsDone() {
        api.delete(DEVICE).statusCode(204);
        api.delete(DEVICE).statusCode(204);
        api.delete(DEVICE + "?mdev=" + B).statusCode(204);
    }

    @Test
    void takesOnlyTheDeviceThatIsNamed() {
        api.delete(DEVICE + "?mdev=" + B)
                .spec(refused(409, "AP_DEVICE_MISMATCH", null))
                .body("attached", is(A));
        api.delete(DEVICE + "?mdev=nonsense").spec(invalid("mdev"));
        assertThat(guest("guest1").plugged()).isEqualTo(Optional.of(id(A)));
        api.delete(DEVICE + "?mdev=" + A.toUpperCase()).statusCode(204);
    }

    @Test
    void aRefusalOfQemuLeavesTheDeviceWhereItIs() {
        temper(Temper.REFUSES);
        api.delete(DEVICE).spec(refused(409, "QEMU_REFUSED", null)).body("qemuClass", is("GenericError"));
        api.get(DEVICE).body("state", is("ATTACHED"));
        temper(Temper.ANSWERS);
        api.delete(DEVICE).statusCode(204);
    }

    @Test
    void aMigrationUnderWayKeepsTheDevice() {
        guest("guest1").beginMigration();
        api.delete(DEVICE).spec(refused(409, "QEMU_REFUSED", null));
        guest("guest1").endMigration();
        api.delete(DEVICE).statusCode(204);
    }

    @Test
    void silenceIsAState() {
        temper(Temper.SILENT);
        impatient()
                .delete(DEVICE)
                .statusCode(202)
                .header("Location", "/api/v1" + DEVICE)
                .body("state", is("DETACHING"))
                .body("mdev", is(A));
        api.get(DEVICE).statusCode(200).body("state", is("DETACHING"));
        api.get("/guests/guest1").body("state", is("unreachable")).body("apDevice.state", is("DETACHING"));
        api.get("/mdevs/" + A).body("inUse", is(true)).body("guest.state", is("DETACHING"));
        api.put("/mdevs/" + A + "/adapters/6")
                .spec(refused(409, "MDEV_IN_USE", "EBUSY", held("guest", "guest1", "05.0004")));
        api.delete("/mdevs/" + A).body("code", is("MDEV_IN_USE"));
        api.put("/guests/guest2/ap-device", PLUG_A)
                .spec(refused(409, "MDEV_ATTACHED_ELSEWHERE", null))
                .body("guest", is("guest1"));
        // again: the same unplug, not a second one
        impatient().delete(DEVICE).statusCode(202).body("state", is("DETACHING"));
        impatient().delete(DEVICE + "?mdev=" + B).spec(refused(409, "AP_DEVICE_MISMATCH", null));
        temper(Temper.ANSWERS);
        Patience.until(() -> api.get(DEVICE).extract().statusCode() == 404);
        assertThat(guest("guest1").plugged()).isEmpty();
        api.put("/guests/guest2/ap-device", PLUG_A).statusCode(201);
    }

    @Test
    void aCallerWhoWaitsLongEnoughGetsItsEnd() throws InterruptedException {
        temper(Temper.SILENT);
        int[] status = new int[1];
        Thread caller = new Thread(() -> status[0] =
                api.with("Prefer", "wait=60").delete(DEVICE).extract().statusCode());
        caller.start();
        Patience.until(() -> "DETACHING".equals(api.get("/mdevs/" + A).extract().path("guest.state")));
        temper(Temper.ANSWERS);
        caller.join();
        assertThat(status[0]).isEqualTo(204);
    }

    @Test
    void aDeviceThatWasPluggedInMeanwhileByOthersIsNotTaken() {
        temper(Temper.SILENT);
        impatient().delete(DEVICE).statusCode(202);
        // while we cannot talk to it, somebody at another monitor replaces the device
        guest("guest1").kill();
        guests.kill("guest1");
        SimulatedQemu anew = guests.start("guest1", SimulatedQemu.Settings.DEFAULT);
        anew.coldPlug(id(B), "other");
        Patience.until(() -> "ATTACHED".equals(api.get(DEVICE).extract().path("state")));
        api.get(DEVICE).body("mdev", is(B));
        Patience.until(
                () -> Boolean.FALSE.equals(api.get("/mdevs/" + A).extract().path("inUse")));
        assertThat(anew.plugged()).isEqualTo(Optional.of(id(B)));
    }

    @Test
    void aGuestThatWasStartedAnewWithTheSameDeviceKeepsIt() {
        temper(Temper.SILENT);
        impatient().delete(DEVICE).statusCode(202);
        guests.kill("guest1");
        guests.start("guest1", SimulatedQemu.Settings.DEFAULT).coldPlug(id(A), "ap0");
        Patience.until(() -> "ATTACHED".equals(api.get(DEVICE).extract().path("state")));
        api.get(DEVICE).body("id", is("ap0")).body("mdev", is(A));
        api.get("/mdevs/" + A).body("guest.state", is("ATTACHED"));
    }

    @Test
    void anotherDeviceAtTheSameLinkOfAGuestThatWasStartedAnewStays() {
        api.put("/guests/guest2/ap-device", PLUG_B).statusCode(201);
        temper(Temper.SILENT);
        impatient().delete(DEVICE).statusCode(202);
        guests.kill("guest1");
        // started anew, with another device at the very same link
        api.delete("/guests/guest2/ap-device").statusCode(204);
        SimulatedQemu anew = guests.start("guest1", SimulatedQemu.Settings.DEFAULT);
        anew.coldPlug(id(B), "ap0");
        Patience.until(
                () -> Boolean.FALSE.equals(api.get("/mdevs/" + A).extract().path("inUse")));
        api.get(DEVICE).body("mdev", is(B)).body("state", is("ATTACHED"));
        assertThat(anew.plugged()).isEqualTo(Optional.of(id(B)));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConnectionThatBreaksIsReadAgain(boolean executed) {
        guest("guest1")
                .apply(guest("guest1").settings().withTemper(Temper.HANGS_UP).withExecutesBeforeHangingUp(executed));
        if (executed) {
            api.delete(DEVICE).statusCode(204);
        } else {
            impatient().delete(DEVICE).statusCode(202);
            temper(Temper.ANSWERS);
            Patience.until(() -> api.get(DEVICE).extract().statusCode() == 404);
        }
        assertThat(guest("guest1").plugged()).isEmpty();
    }

    @Test
    void theKernelTellsWhenQemuIsKilledInTheMiddle() {
        temper(Temper.SILENT);
        impatient().delete(DEVICE).statusCode(202);
        guest("guest1").kill();
        Patience.until(
                () -> Boolean.FALSE.equals(api.get("/mdevs/" + A).extract().path("inUse")));
        api.put("/guests/guest2/ap-device", PLUG_A).statusCode(201);
    }

    @Test
    void aGuestThatIsKilledLosesItsDevice() {
        guest("guest1").kill();
        Patience.until(
                () -> "unreachable".equals(api.get("/guests/guest1").extract().path("state")));
        api.get("/guests/guest1").body("apDevice", nullValue());
        api.get("/mdevs/" + A).body("inUse", is(false));
        api.delete(DEVICE).statusCode(204);
        api.put(DEVICE, PLUG_B).spec(refused(503, "QEMU_UNREACHABLE", null));
    }

    @Test
    void anotherDeviceIsPluggedInAtOnce() {
        for (int round = 0; round < 20; round++) {
            // the late DEVICE_DELETED of the older device comes while the newer one is in
            api.delete(DEVICE + "?mdev=" + (round % 2 == 0 ? A : B)).statusCode(204);
            api.put(DEVICE, round % 2 == 0 ? PLUG_B : PLUG_A).statusCode(201);
            api.get(DEVICE).body("mdev", is(round % 2 == 0 ? B : A)).body("state", is("ATTACHED"));
        }
    }

    @Test
    void aPausedGuestGivesItsDeviceBack() {
        guest("guest1").apply(guest("guest1").settings().withRunState("paused"));
        api.delete("/mdevs/" + A).body("code", is("MDEV_IN_USE"));
        api.delete(DEVICE).statusCode(204);
    }

    @Test
    void aDryRunTellsTheCommandAndTakesNothing() {
        api.delete(DEVICE + "?dryRun=true")
                .statusCode(200)
                .body("steps.action", contains("device_del"))
                .body("steps.target", contains("guest1"))
                .body("apqnsRemoved", contains("05.0004"))
                .body("problems", empty());
        api.delete(DEVICE + "?dryRun=true&mdev=" + B).body("problems.code", contains("AP_DEVICE_MISMATCH"));
        api.get(DEVICE).body("state", is("ATTACHED"));
    }

    private Api impatient() {
        return api.with("Prefer", "wait=0");
    }

    private void temper(Temper temper) {
        guest("guest1").apply(guest("guest1").settings().withTemper(temper));
    }
}
