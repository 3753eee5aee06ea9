package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;

import io.restassured.response.ValidatableResponse;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code dryRun=true}: tells what would happen, and nothing does. */
class DryRunHttpTest extends HttpTest {
    /** A write on the host of {@link #host}: A has 05.0004, B has 06.0004 and a guest; on 7.2 also with whole masks. */
    record Write(String method, String path, String body) {
        @Override
        public String toString() {
            return method + " " + path + " " + body;
        }
    }

    private static final List<Write> ALLOWED = List.of(
            new Write("PATCH", "/masks", "{'apmask': '-7', 'aqmask': '-9'}"),
            new Write("POST", "/mdevs", "{'uuid': '" + C + "', 'adapters': [5], 'domains': [71]}"),
            new Write("PUT", "/mdevs/" + C, "{'adapters': [5], 'domains': [71]}"),
            new Write("PUT", "/mdevs/" + A, "{'adapters': [6], 'domains': [71]}"),
            new Write("PUT", "/mdevs/" + A + "/matrix", "{'adapters': [6], 'domains': [71], 'controlDomains': [4]}"),
            new Write("PUT", "/mdevs/" + A + "/domains/71", ""),
            new Write("DELETE", "/mdevs/" + A + "/domains/4", ""),
            new Write("DELETE", "/mdevs/" + A + "/adapters/5", ""),
            new Write("PUT", "/mdevs/" + A + "/control-domains/4", ""),
            new Write("DELETE", "/mdevs/" + A, ""),
            new Write("DELETE", "/mdevs/" + C, ""));

    private static final List<Write> REFUSED = List.of(
            new Write("PATCH", "/masks", "{'apmask': '+5'}"),
            new Write("POST", "/mdevs", "{'uuid': '" + A + "'}"),
            new Write("POST", "/mdevs", "{'uuid': '" + C + "', 'adapters': [5, 6], 'domains': [4]}"),
            new Write("POST", "/mdevs", "{'uuid': '" + C + "', 'adapters': [7], 'domains': [4]}"),
            new Write("PUT", "/mdevs/" + C, "{'adapters': [5, 6], 'domains': [4]}"),
            new Write("PUT", "/mdevs/" + C + "/matrix", "{'adapters': [], 'domains': [], 'controlDomains': []}"),
            new Write("PUT", "/mdevs/" + A + "/matrix", "{'adapters': [5, 6], 'domains': [4], 'controlDomains': []}"),
            new Write("PUT", "/mdevs/" + A + "/adapters/6", ""),
            new Write("PUT", "/mdevs/" + B + "/adapters/5", ""),
            new Write("DELETE", "/mdevs/" + B + "/adapters/6", ""),
            new Write("PUT", "/mdevs/" + B + "/control-domains/4", ""),
            new Write("PUT", "/mdevs/" + A + "/domains/71?live=true", ""),
            new Write("DELETE", "/mdevs/" + B, ""),
            new Write("PUT", "/queues/05.0004/driver", "{'driver': 'vfio_ap'}"));

    static Stream<Arguments> allowed() {
        return onKernelsOfEachKind(ALLOWED);
    }

    static Stream<Arguments> refused() {
        return onKernelsOfEachKind(REFUSED);
    }

    private static Stream<Arguments> onKernelsOfEachKind(List<Write> writes) {
        return Stream.of(KernelVersion.V5_10, KernelVersion.V6_1, KernelVersion.V7_2)
                .flatMap(version -> writes.stream().map(write -> Arguments.of(version, write)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("allowed")
    void changesNothingAndThenTheWriteGoesThrough(KernelVersion version, Write write) {
        host(version);
        String before = state();
        dryRun(write).body("dryRun", is(true)).body("problems", empty());
        assertThat(state()).isEqualTo(before);
        int status = send(write, "").extract().statusCode();
        assertThat(status).isBetween(200, 204);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("refused")
    void foretellsTheRefusal(KernelVersion version, Write write) {
        host(version);
        String before = state();
        Map<String, Object> foretold = dryRun(write).extract().path("problems[0]");
        Map<String, Object> told = send(write, "").extract().path("$");
        assertThat(foretold).isNotNull().isEqualTo(told);
        assertThat(state()).isEqualTo(before);
    }

    @Test
    void tellsTheStepsInTheirOrder() {
        host(KernelVersion.V6_1);
        dryRun(new Write(
                        "POST",
                        "/mdevs",
                        "{'uuid': '" + C + "', 'adapters': [5], 'domains': [71, 171], 'controlDomains': [4]}"))
                .body(
                        "steps.action",
                        contains("create", "assign_adapter", "assign_domain", "assign_domain", "assign_control_domain"))
                .body("steps.value", contains(C, "5", "71", "171", "4"))
                .body("steps[1].target", is(directory(C) + "/assign_adapter"))
                .body("apqnsAdded", contains("05.0047", "05.00ab"))
                .body("apqnsRemoved", empty());
    }

    @Test
    void takesAwayBeforeItAdds() {
        host(KernelVersion.V5_10);
        dryRun(new Write("PUT", "/mdevs/" + A + "/matrix", "{'adapters': [6], 'domains': [71], 'controlDomains': []}"))
                .body(
                        "steps.action",
                        contains("unassign_adapter", "unassign_domain", "assign_adapter", "assign_domain"))
                .body("apqnsAdded", contains("06.0047"))
                .body("apqnsRemoved", contains("05.0004"));
    }

    @Test
    void writesTheWholeMatrixAtOnce() {
        host(KernelVersion.V6_12);
        dryRun(new Write("PUT", "/mdevs/" + A + "/matrix", "{'adapters': [6], 'domains': [71], 'controlDomains': []}"))
                .body("steps.action", contains("ap_config"));
    }

    @ParameterizedTest
    @EnumSource
    void tellsTheGuestsThatAreConcerned(KernelVersion version) {
        host(version);
        dryRun(new Write("DELETE", "/mdevs/" + B, ""))
                .body("guestsAffected", contains("pid 4711"))
                .body("apqnsRemoved", contains("06.0004"))
                .body("problems.code", contains("MDEV_IN_USE"));
    }

    @Test
    void tellsEveryProblemAtOnce() {
        host(KernelVersion.V6_12);
        dryRun(new Write(
                        "PUT", "/mdevs/" + B + "/matrix", "{'adapters': [5, 7], 'domains': [4], 'controlDomains': []}"))
                .body("problems.code", contains("MDEV_IN_USE", "APQN_RESERVED", "APQN_IN_USE"));
    }

    @ParameterizedTest
    @EnumSource
    void tellsTheQueuesThatTheMasksMove(KernelVersion version) {
        host(version);
        dryRun(new Write("PATCH", "/masks", "{'apmask': '+6'}"))
                .body(
                        "steps",
                        equalTo(List.of(Map.of(
                                "action", "apmask", "target", "/sys/bus/ap/apmask", "value", "0xfb" + "f".repeat(62)))))
                .body("apqnsAdded", empty())
                .body("apqnsRemoved", contains("06.0004", "06.0047", "06.00ab", "06.00ff"));
    }

    @Test
    void handsOverNoQueue() {
        boot(KernelVersion.V7_2);
        dryRun(new Write("PUT", "/queues/05.0004/driver", "{'driver': 'vfio_ap'}"))
                .body("steps.action", contains("unbind", "driver_override", "drivers_probe"))
                .body("steps.value", contains("05.0004", "vfio_ap", "05.0004"))
                .body("apqnsAdded", contains("05.0004"))
                .body("problems", empty());
        api.get("/queues/05.0004").body("driver", is("cex4queue"));
        api.get("/host").body("queueAssignment", is("masks"));
    }

    @Test
    void takesNoIdempotencyKey() {
        Api once = api.with("Idempotency-Key", "dry-" + C);
        once.post("/mdevs?dryRun=true", "{'uuid': '" + C + "'}").statusCode(200);
        once.post("/mdevs", "{'uuid': '" + C + "'}").statusCode(201);
    }

    @Test
    void dryRunFalseWrites() {
        api.post("/mdevs?dryRun=false", "{}").statusCode(201);
    }

    private void host(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(6), List.of(4));
        start(B);
    }

    private ValidatableResponse dryRun(Write write) {
        return send(write, (write.path().contains("?") ? "&" : "?") + "dryRun=true")
                .statusCode(200);
    }

    private ValidatableResponse send(Write write, String query) {
        String path = write.path() + query;
        return write.body().isEmpty()
                ? api.ask(write.method(), Api.BASE + path)
                : api.send(write.method(), path, write.body());
    }

    private String state() {
        return Stream.of("/masks", "/mdevs", "/queues")
                .map(path -> api.get(path).statusCode(200).extract().body().asString())
                .toList()
                .toString();
    }
}
