package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import java.util.List;
import java.util.Map;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelParameters;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** POST /host/self-test, and what health tells of VFIO. */
class SelfTestHttpTest extends HttpTest {
    private static final String SELF_TEST = "/host/self-test";

    @ParameterizedTest
    @EnumSource
    void passesOnEveryKernelAndLeavesNoDevice(KernelVersion version) {
        boot(version);
        api.ask("POST", Api.BASE + SELF_TEST)
                .statusCode(200)
                .body("passed", is(true))
                .body("checks.passed", everyItem(is(true)))
                .body("checks.name", hasItems("the group opens", "the device after its removal"));
        api.get("/mdevs").body("items", empty());
        api.get("/host").body("unfinished", empty());
    }

    @Test
    void tellsWhatWasExpectedAndAnswered() {
        api.ask("POST", Api.BASE + SELF_TEST)
                .body(
                        "checks",
                        hasItem(Map.of(
                                "name",
                                "the device without a virtual machine",
                                "expected",
                                "EINVAL",
                                "answered",
                                "EINVAL",
                                "passed",
                                true)));
    }

    @Test
    void touchesNoGuest() {
        free();
        mdev(A, List.of(5), List.of(4));
        start(A);
        api.ask("POST", Api.BASE + SELF_TEST).statusCode(200).body("passed", is(true));
        api.get("/mdevs/" + A).body("inUse", is(true)).body("matrix", contains("05.0004"));
        api.get("/queues/05.0004").body("status", is("in use"));
    }

    @Test
    void isNotPassedWhereVfioAnswersOtherwise() {
        kernel.unloadModule(KernelModule.VFIO_IOMMU_TYPE1);
        api.ask("POST", Api.BASE + SELF_TEST)
                .statusCode(200)
                .body("passed", is(false))
                .body("checks.find { it.name == 'an IOMMU for the container' }.answered", is("ENODEV"));
        api.get("/mdevs").body("items", empty());
    }

    @Test
    void aDryRunTellsTheDeviceThatWouldComeAndGo() {
        api.ask("POST", Api.BASE + SELF_TEST + "?dryRun=true")
                .statusCode(200)
                .body("dryRun", is(true))
                .body("steps.action", contains("create", "remove"))
                .body("steps[1].target", matchesPattern("/sys/devices/vfio_ap/matrix/[0-9a-f-]{36}/remove"))
                .body("problems", empty());
        api.get("/mdevs").body("items", empty());
    }

    @ParameterizedTest
    @EnumSource
    void isUnavailableWithoutVfioAp(KernelVersion version) {
        boot(version);
        kernel.unloadModule(KernelModule.VFIO_AP);
        api.ask("POST", Api.BASE + SELF_TEST).spec(refused(503, "AP_UNAVAILABLE", null));
        api.ask("POST", Api.BASE + SELF_TEST + "?dryRun=true").spec(refused(503, "AP_UNAVAILABLE", null));
    }

    @Test
    void knowsNoOtherParameter() {
        api.ask("POST", Api.BASE + SELF_TEST + "?dryrun=true").spec(invalid("dryrun"));
    }

    @Test
    void healthTellsVfio() {
        api.ask("GET", "/actuator/health")
                .statusCode(200)
                .body("components.vfio.status", is("UP"))
                .body("components.vfio.details.simulated", is(true))
                .body("components.vfio.details.apiVersion", is(0))
                .body("components.vfio.details.extensions", contains("TYPE1", "TYPE1V2"));
    }

    @Test
    void healthTellsWhyThereIsNoVfio() {
        kernel.bootWithoutModules(KernelVersion.V6_12, SimulatedMachine.example(), KernelParameters.NONE);
        api.ask("GET", "/actuator/health/vfio")
                .statusCode(200)
                .body("status", is("UNKNOWN"))
                .body("details.apiVersion", nullValue())
                .body("details.reason", startsWith("open /dev/vfio/vfio: ENOENT"));
    }

    /** Only the self-test needs VFIO's nodes. */
    @Test
    void readinessDoesNotAskForVfio() {
        api.ask("GET", "/actuator/health/readiness")
                .statusCode(200)
                .body("components.ap.status", is("UP"))
                .body("components.vfio", nullValue());
    }
}
