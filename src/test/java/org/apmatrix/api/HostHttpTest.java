package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** GET /host and /adapters. */
class HostHttpTest extends HttpTest {
    @ParameterizedTest
    @CsvSource({
        "V5_10, 5.10.262-simulated, static",
        "V6_1, 6.1.176-simulated, dynamic",
        "V6_12, 6.12.95-simulated, dynamic",
        "V7_2, 7.2.13-simulated, dynamic"
    })
    void tellsTheKernelAndItsGeneration(KernelVersion version, String release, String generation) {
        boot(version);
        api.get("/host")
                .statusCode(200)
                .body("kernelRelease", is(release))
                .body("generation", is(generation))
                .body("mode", is("simulated"))
                .body("vfioApLoaded", is(true))
                .body("queueAssignment", is("masks"))
                .body("scanIntervalSeconds", is(30))
                .body("unfinished", empty());
    }

    @ParameterizedTest
    @EnumSource(names = {"V5_10", "V6_1"})
    void tellsNoFeaturesWhereTheKernelDoesNot(KernelVersion version) {
        boot(version);
        api.get("/host").body("features", nullValue());
    }

    @ParameterizedTest
    @EnumSource(names = {"V6_12", "V7_2"})
    void tellsTheFeaturesOfTheMatrixDevice(KernelVersion version) {
        boot(version);
        api.get("/host").body("features", hasItems("guest_matrix", "hotplug", "ap_config"));
    }

    @Test
    void tellsTheMaximaOfTheMachine() {
        kernel.boot(KernelVersion.V6_12, smallMachine());
        api.get("/host").body("maxAdapterId", is(63)).body("maxDomainId", is(84));
    }

    @Test
    void tellsTheMachineByTypeAndSequenceCode() {
        api.get("/host").body("machineId", matchesPattern("IBM-[0-9]{4}-[0-9A-Z]{16}"));
    }

    @Test
    void tellsThatVfioApIsNotLoaded() {
        kernel.unloadModule(KernelModule.VFIO_AP);
        api.get("/host").statusCode(200).body("vfioApLoaded", is(false)).body("features", nullValue());
    }

    @Test
    void tellsThatQueuesAreGivenAwayByDriverOverride() {
        boot(KernelVersion.V7_2);
        store("/sys/bus/ap/devices/05.0004/driver_override", "vfio_ap");
        api.get("/host").body("queueAssignment", is("driver_override"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/host", "/adapters", "/adapters/5", "/queues", "/queues/05.0004", "/masks", "/mdevs"})
    void nothingIsAvailableWithoutAnApBus(String path) {
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.withoutAp());
        api.get(path).spec(refused(503, "AP_UNAVAILABLE", null));
    }

    @Test
    void devicesAreUnavailableWithoutVfioAp() {
        kernel.unloadModule(KernelModule.VFIO_AP);
        api.get("/mdevs").spec(refused(503, "AP_UNAVAILABLE", null));
        api.get("/mdevs/" + A).spec(refused(503, "AP_UNAVAILABLE", null));
        api.post("/mdevs", "{}").spec(refused(503, "AP_UNAVAILABLE", null));
        api.delete("/mdevs/" + A).spec(refused(503, "AP_UNAVAILABLE", null));
    }

    @Test
    void listsTheAdapters() {
        api.get("/adapters")
                .statusCode(200)
                .body("items.id", contains(5, 6))
                .body("items.type", contains("CEX5C", "CEX5A"))
                .body("items.hwType", contains(11, 11))
                .body("items.mode", contains("CCA", "ACCELERATOR"))
                .body("items.online", contains(true, true))
                .body("items.configured", contains(true, true));
    }

    @Test
    void tellsAnEp11Adapter() {
        kernel.boot(
                KernelVersion.V6_12,
                SimulatedMachine.of(
                        List.of(SimulatedMachine.Adapter.of(new AdapterId(0x47), "CEX8P")
                                .orElseThrow()),
                        ApMask.of(4),
                        ApMask.of(4)));
        api.get("/adapters/71")
                .statusCode(200)
                .body("id", is(71))
                .body("hwType", is(14))
                .body("type", is("CEX8P"))
                .body("mode", is("EP11"));
    }

    @Test
    void tellsNullWhatTheStaticKernelDoesNotTell() {
        boot(KernelVersion.V5_10);
        api.get("/adapters/5").statusCode(200).body("checkstop", nullValue());
    }

    @Test
    void readsAnAdapterInHex() {
        api.get("/adapters/0x5").statusCode(200).body("id", is(5));
    }

    @Test
    void knowsNoAdapterThatTheBusHasNot() {
        api.get("/adapters/7").spec(refused(404, "ADAPTER_NOT_FOUND", null));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "05",
                "010",
                "00",
                "256",
                "-1",
                "0x100",
                "+5",
                "5.0",
                "five",
                "0x",
                "99999999999999999999",
                "5%20"
            })
    void refusesAnAdapterThatIsNoId(String id) {
        api.get("/adapters/" + id).spec(invalid("adapter"));
    }

    static SimulatedMachine smallMachine() {
        return new SimulatedMachine(
                true, true, SimulatedMachine.example().adapters(), ApMask.of(4, 0x47), ApMask.of(4, 0x47), 63, 84);
    }

    @Test
    void anEmptyBusHasNoAdapters() {
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.of(List.of(), ApMask.NONE, ApMask.NONE));
        api.get("/adapters").statusCode(200).body("items", equalTo(List.of()));
    }
}
