package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.Patience;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hot plug: the second law in its order, and what a plug leaves behind. */
class HotplugHttpTest extends HttpTest {
    private static final String PLUG_A = "{'mdev': '" + A + "'}";
    private static final String PLUG_B = "{'mdev': '" + B + "'}";

    @BeforeEach
    void twoDevices() {
        free();
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(6), List.of(4));
    }

    @ParameterizedTest
    @EnumSource
    void plugsADeviceInOnEveryKernel(KernelVersion version) {
        bootAndFree(version);
        guests.rebooted();
        mdev(A, List.of(5), List.of(4));
        Instant before = Instant.now();
        String answer = api.put("/guests/guest1/ap-device", PLUG_A)
                .statusCode(201)
                .header("Location", "/api/v1/guests/guest1/ap-device")
                .body("mdev", is(A))
                .body("sysfsdev", is("/sys/devices/vfio_ap/matrix/" + A))
                .body("state", is("ATTACHED"))
                .body("id", startsWith("vfio-ap-"))
                .extract()
                .path("guestVisibleBy");
        assertThat(Instant.parse(answer)).isAfterOrEqualTo(before.plus(Duration.ofSeconds(30)));
        assertThat(guest("guest1").plugged()).isEqualTo(Optional.of(id(A)));
        api.get("/mdevs/" + A)
                .body("inUse", is(true))
                .body("guest.name", is("guest1"))
                .body("guest.pid", is(guest("guest1").pid()))
                .body("guest.state", is("ATTACHED"));
        api.get("/queues/05.0004").body("guest", is("guest1"));
        api.get("/queues?guest=guest1").body("items.apqn", contains("05.0004"));
        api.get("/guests/guest1")
                .body("apDevice.mdev", is(A))
                .body("pid", is(guest("guest1").pid()));
        api.put("/mdevs/" + A + "/adapters/6")
                .spec(refused(409, "MDEV_IN_USE", "EBUSY", held("guest", "guest1", "05.0004")));
        api.delete("/mdevs/" + A).spec(refused(409, "MDEV_IN_USE", "EBUSY", held("guest", "guest1", "05.0004")));
    }

    @Test
    void listsTheGuests() {
        api.get("/guests")
                .statusCode(200)
                .body("items.name", contains("guest1", "guest2", "guest3"))
                .body("items.source", contains("simulated", "simulated", "simulated"))
                .body("items.state", contains("running", "running", "running"))
                .body("items.cpuFeatures.ap", contains(true, true, true))
                .body("items.apDevice", contains(nullValue(), nullValue(), nullValue()));
        api.get("/guests/guest2")
                .statusCode(200)
                .body("uuid", is(guest("guest2").uuid().toString()))
                .body("cpuFeatures", is(Map.of("ap", true, "apqci", true, "apft", true)));
    }

    @Test
    void theSameDeviceAgainIsDoneAlready() {
        String since = api.put("/guests/guest1/ap-device", PLUG_A)
                .statusCode(201)
                .extract()
                .path("since");
        api.put("/guests/guest1/ap-device", PLUG_A).statusCode(200).body("since", is(since));
        api.get("/guests/guest1/ap-device").statusCode(200).body("since", is(since));
    }

    @Nested
    class RefusesInThisOrder {
        @Test
        void anUnknownGuest() {
            api.put("/guests/nobody/ap-device", "{'mdev': '" + C + "'}").spec(refused(404, "GUEST_NOT_FOUND", null));
            api.get("/guests/nobody").spec(refused(404, "GUEST_NOT_FOUND", null));
            api.get("/guests/nobody/ap-device").spec(refused(404, "GUEST_NOT_FOUND", null));
            api.delete("/guests/nobody/ap-device").spec(refused(404, "GUEST_NOT_FOUND", null));
        }

        @Test
        void anUnknownDevice() {
            apply("guest1", settings("guest1").withRunState("shutdown"));
            api.put("/guests/guest1/ap-device", "{'mdev': '" + C + "'}").spec(refused(404, "MDEV_NOT_FOUND", null));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "shutdown",
                    "guest-panicked",
                    "inmigrate",
                    "postmigrate",
                    "finish-migrate",
                    "save-vm",
                    "restore-vm",
                    "internal-error",
                    "io-error",
                    "watchdog"
                })
        void aGuestThatDoesNotRun(String runState) {
            api.put("/guests/guest1/ap-device", PLUG_B).statusCode(201);
            apply("guest1", settings("guest1").withRunState(runState));
            api.put("/guests/guest1/ap-device", PLUG_A)
                    .spec(refused(409, "GUEST_NOT_RUNNING", null))
                    .body("state", is(runState));
        }

        @Test
        void aGuestThatIsMigrating() {
            guest("guest1").beginMigration();
            api.put("/guests/guest1/ap-device", PLUG_A).spec(refused(409, "GUEST_NOT_RUNNING", null));
            guest("guest1").endMigration();
            api.put("/guests/guest1/ap-device", PLUG_A).statusCode(201);
        }

        @Test
        void aGuestThatHasAnother() {
            api.put("/guests/guest1/ap-device", PLUG_A).statusCode(201);
            api.put("/guests/guest2/ap-device", PLUG_B).statusCode(201);
            api.put("/guests/guest1/ap-device", PLUG_B)
                    .spec(refused(409, "GUEST_HAS_AP_DEVICE", null))
                    .body("attached", is(A));
        }

        @Test
        void aDeviceThatIsWithAnother() {
            api.put("/guests/guest1/ap-device", PLUG_A).statusCode(201);
            apply("guest2", settings("guest2").withCpuFeatures(SimulatedQemu.CpuFeatures.NONE));
            api.put("/guests/guest2/ap-device", PLUG_A)
                    .spec(refused(409, "MDEV_ATTACHED_ELSEWHERE", null))
                    .body("guest", is("guest1"));
        }

        @Test
        void aDeviceThatIsWithAProcessThatNobodyKnows() {
            start(A);
            api.put("/guests/guest2/ap-device", PLUG_A)
                    .spec(refused(409, "MDEV_ATTACHED_ELSEWHERE", null))
                    .body("guest", nullValue())
                    .body("pid", is(QEMU));
        }

        @Test
        void aGuestWithoutTheFeatures() {
            mdev(C, List.of(), List.of());
            apply("guest1", settings("guest1").withCpuFeatures(new SimulatedQemu.CpuFeatures(true, true, false)));
            api.put("/guests/guest1/ap-device", "{'mdev': '" + C + "'}")
                    .spec(refused(409, "CPU_FEATURE_MISSING", null))
                    .body("missing", contains("apft"));
            apply("guest1", settings("guest1").withCpuFeatures(SimulatedQemu.CpuFeatures.NONE));
            api.put("/guests/guest1/ap-device", PLUG_A).body("missing", contains("ap", "apft"));
            api.get("/guests/guest1").body("cpuFeatures", is(Map.of("ap", false, "apqci", false, "apft", false)));
        }

        @Test
        void aMatrixWithoutQueues() {
            mdev(C, List.of(5), List.of());
            apply("guest1", settings("guest1").withTemper(SimulatedQemu.Temper.REFUSES));
            api.put("/guests/guest1/ap-device", "{'mdev': '" + C + "'}").spec(refused(409, "MATRIX_EMPTY", null));
        }

        @Test
        void whatQemuRefuses() {
            apply("guest1", settings("guest1").withTemper(SimulatedQemu.Temper.REFUSES));
            api.put("/guests/guest1/ap-device", PLUG_A)
                    .spec(refused(409, "QEMU_REFUSED", null))
                    .body("qemuClass", is("GenericError"))
                    .body("qemuDesc", notNullValue());
            api.get("/mdevs/" + A).body("inUse", is(false)).body("guest", nullValue());
        }

        @Test
        void aGuestThatIsSilent() {
            mdev(C, List.of(), List.of());
            apply("guest1", settings("guest1").withTemper(SimulatedQemu.Temper.SILENT));
            api.put("/guests/guest1/ap-device", "{'mdev': '" + C + "'}").spec(refused(409, "MATRIX_EMPTY", null));
            api.put("/guests/guest1/ap-device", PLUG_A)
                    .spec(refused(503, "QEMU_UNREACHABLE", null))
                    .header("Retry-After", notNullValue());
            api.get("/guests/guest1").body("state", is("unreachable")).body("name", is("guest1"));
            api.get("/mdevs/" + A).body("inUse", is(false));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"running", "paused", "prelaunch"})
    void plugsIntoAGuestThatRunsOrCould(String runState) {
        apply("guest1", settings("guest1").withRunState(runState));
        api.put("/guests/guest1/ap-device", PLUG_A).statusCode(201);
        api.get("/guests/guest1").body("state", is(runState)).body("apDevice.mdev", is(A));
        api.put("/mdevs/" + A + "/adapters/6").body("code", is("MDEV_IN_USE"));
        api.delete("/guests/guest1/ap-device").statusCode(204);
    }

    @Test
    void aGuestWithoutApqciIsPluggedAllTheSame() {
        apply("guest1", settings("guest1").withCpuFeatures(new SimulatedQemu.CpuFeatures(true, false, true)));
        api.put("/guests/guest1/ap-device", PLUG_A).statusCode(201);
    }

    @Test
    void aDeviceFromTheCommandLineIsSeen() {
        guest("guest1").coldPlug(id(A), "ap0");
        api.get("/guests/guest1/ap-device")
                .body("id", is("ap0"))
                .body("mdev", is(A))
                .body("state", is("ATTACHED"))
                .body("since", nullValue())
                .body("guestVisibleBy", nullValue());
        api.get("/mdevs/" + A).body("guest.name", is("guest1"));
        api.put("/guests/guest1/ap-device", PLUG_A).statusCode(200);
        api.put("/guests/guest1/ap-device", PLUG_B).body("attached", is(A));
        api.delete("/guests/guest1/ap-device?mdev=" + A).statusCode(204);
        assertThat(guest("guest1").plugged()).isEmpty();
    }

    @Test
    void anAnonymousDeviceIsSeenAndUnplugged() {
        guest("guest1").coldPlug(id(A), null);
        api.get("/guests/guest1/ap-device").body("id", nullValue()).body("mdev", is(A));
        api.put("/guests/guest2/ap-device", PLUG_A)
                .spec(refused(409, "MDEV_ATTACHED_ELSEWHERE", null))
                .body("guest", is("guest1"));
        api.delete("/guests/guest1/ap-device").statusCode(204);
        api.get("/guests/guest1/ap-device").spec(refused(404, "AP_DEVICE_NOT_FOUND", null));
        api.put("/guests/guest2/ap-device", PLUG_A).statusCode(201);
    }

    @Test
    void anAnswerOfASilentGuestComesLate() {
        api.get("/guests/guest1").body("state", is("running"));
        apply("guest1", settings("guest1").withTemper(SimulatedQemu.Temper.SILENT));
        api.get("/guests").body("items.state", contains("unreachable", "running", "running"));
        apply("guest1", settings("guest1").withTemper(SimulatedQemu.Temper.ANSWERS));
        Patience.until(
                () -> "running".equals(api.get("/guests/guest1").extract().path("state")));
        api.put("/guests/guest1/ap-device", PLUG_A).statusCode(201);
    }

    @Test
    void aConnectionThatBreaksLeavesNothingBehindWhenQemuDidNotDoIt() {
        apply("guest1", settings("guest1").withTemper(SimulatedQemu.Temper.HANGS_UP));
        api.put("/guests/guest1/ap-device", PLUG_A).spec(refused(503, "QEMU_UNREACHABLE", null));
        api.get("/mdevs/" + A).body("inUse", is(false)).body("guest", nullValue());
        api.get("/guests/guest1/ap-device").statusCode(404);
    }

    @Test
    void aConnectionThatBreaksIsASuccessWhenQemuDidIt() {
        apply(
                "guest1",
                settings("guest1").withTemper(SimulatedQemu.Temper.HANGS_UP).withExecutesBeforeHangingUp(true));
        api.put("/guests/guest1/ap-device", PLUG_A).statusCode(201).body("state", is("ATTACHED"));
        api.delete("/guests/guest1/ap-device").statusCode(204);
        assertThat(guest("guest1").plugged()).isEmpty();
    }

    @Test
    void aDryRunTellsTheCommandAndPlugsNothing() {
        api.put("/guests/guest1/ap-device?dryRun=true", PLUG_A)
                .statusCode(200)
                .body("steps.action", contains("device_add"))
                .body("steps[0].target", is("guest1"))
                .body("steps[0].value", endsWith("sysfsdev=/sys/devices/vfio_ap/matrix/" + A))
                .body("apqnsAdded", contains("05.0004"))
                .body("guestsAffected", contains("guest1"))
                .body("problems", empty());
        assertThat(guest("guest1").plugged()).isEmpty();
        apply("guest1", settings("guest1").withRunState("shutdown"));
        api.put("/guests/guest1/ap-device?dryRun=true", PLUG_A)
                .statusCode(200)
                .body("problems.code", contains("GUEST_NOT_RUNNING"));
        mdev(C, List.of(5), List.of());
        api.put("/guests/guest2/ap-device", PLUG_B).statusCode(201);
        apply(
                "guest2",
                settings("guest2")
                        .withRunState("guest-panicked")
                        .withCpuFeatures(new SimulatedQemu.CpuFeatures(true, true, false)));
        api.put("/guests/guest2/ap-device?dryRun=true", "{'mdev': '" + C + "'}")
                .body(
                        "problems.code",
                        contains("GUEST_NOT_RUNNING", "GUEST_HAS_AP_DEVICE", "CPU_FEATURE_MISSING", "MATRIX_EMPTY"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{'mdev': null}", "{'mdev': ''}", "{'mdev': '1-1-1-1-1'}"})
    void refusesABodyWithoutADevice(String body) {
        api.put("/guests/guest1/ap-device", body).spec(invalid("mdev"));
    }

    private SimulatedQemu.Settings settings(String name) {
        return guest(name).settings();
    }

    private void apply(String name, SimulatedQemu.Settings settings) {
        guest(name).apply(settings);
    }
}
