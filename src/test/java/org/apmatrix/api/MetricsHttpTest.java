package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.List;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedQemu.Temper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;

/** What requests leave behind in the metrics. */
class MetricsHttpTest extends HttpTest {
    @Autowired
    MeterRegistry meters;

    private double operations(String operation, String code) {
        Counter counter = meters.find("apmatrix.operations")
                .tags("operation", operation, "code", code)
                .counter();
        return counter == null ? 0 : counter.count();
    }

    private long timed(String name, String outcome) {
        Timer timer = meters.find(name).tags("outcome", outcome).timer();
        return timer == null ? 0 : timer.count();
    }

    private void assertCounted(String operation, String code, Runnable request) {
        double before = operations(operation, code);
        request.run();
        assertThat(operations(operation, code)).isEqualTo(before + 1);
    }

    private void assertTimed(String name, String outcome, Runnable request) {
        long before = timed(name, outcome);
        request.run();
        assertThat(timed(name, outcome)).isEqualTo(before + 1);
    }

    @Test
    void aWriteIsCountedByItsOperationAndOutcome() {
        assertCounted("patchMasks", "OK", () -> api.patch("/masks", "{'apmask': '-5,-6'}"));
        assertCounted("deleteMdev", "OK", () -> api.delete("/mdevs/" + A));
        assertCounted("patchMasks", "INVALID_VALUE", () -> api.patch("/masks", "{'apmask': 'nonsense'}"));
        mdev(A, List.of(5), List.of(4));
        start(A);
        assertCounted("deleteMdev", "MDEV_IN_USE", () -> api.delete("/mdevs/" + A));
    }

    @Test
    void aReadIsCountedOnlyWhenItIsRefused() {
        assertCounted("getMdev", "MDEV_NOT_FOUND", () -> api.get("/mdevs/" + A));
        double before = operations("listMdevs", "OK");
        api.get("/mdevs").statusCode(200);
        assertThat(operations("listMdevs", "OK")).isEqualTo(before);
    }

    @Test
    void noUuidAndNoUnknownPathBecomesALabel() {
        assertCounted("none", "NOT_FOUND", () -> api.get("/nothing/" + A));
        assertCounted("none", "METHOD_NOT_ALLOWED", () -> api.ask("DELETE", Api.BASE + "/masks"));
        assertThat(meters.getMeters().stream()
                        .flatMap(meter -> meter.getId().getTags().stream())
                        .filter(tag -> tag.getValue().contains(A)
                                || tag.getValue().contains("guest1")
                                || tag.getValue().contains("nothing")))
                .isEmpty();
    }

    /** A page of another origin is refused by a filter, before anything knows which operation it is. */
    @Test
    void whatAFilterRefusesIsCountedForItsOperation() {
        assertCounted(
                "patchMasks",
                "FORBIDDEN",
                () -> api.with("Origin", "https://elsewhere.example")
                        .patch("/masks", "{'apmask': '-5'}")
                        .statusCode(403));
    }

    @Test
    void plugsAndUnplugsAreTimedByTheirOutcome() {
        bootAndFree(KernelVersion.V6_12);
        mdev(A, List.of(5), List.of(4));
        String device = "/guests/guest1/ap-device";
        String body = "{'mdev': '" + A + "'}";
        assertTimed("apmatrix.plug", "done", () -> api.put(device, body).statusCode(201));
        assertTimed("apmatrix.plug", "unchanged", () -> api.put(device, body).statusCode(200));
        assertTimed(
                "apmatrix.plug",
                "refused",
                () -> api.put("/guests/guest2/ap-device", body).statusCode(409));
        assertTimed("apmatrix.unplug", "done", () -> api.delete(device).statusCode(204));
        guest("guest1").apply(guest("guest1").settings().withTemper(Temper.SILENT));
        assertTimed(
                "apmatrix.plug",
                "failed",
                () -> api.with("Prefer", "wait=0").put(device, body).statusCode(503));
        long before = timed("apmatrix.plug", "failed");
        api.put(device + "?dryRun=true", body);
        assertThat(timed("apmatrix.plug", "failed")).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({
        "apmatrix_sysfs_write_seconds_bucket, errno=\"none\"",
        "apmatrix_host_lock_wait_seconds_bucket, kind=\"turn\"",
        "apmatrix_host_lock_wait_seconds_bucket, kind=\"file\"",
        "apmatrix_qmp_command_seconds_bucket, command=\"query-status\"",
        "apmatrix_operations_total, operation=\"patchMasks\""
    })
    void isReadByPrometheusWithBuckets(String name, String label) {
        api.patch("/masks", "{'apmask': '-5,-6'}").statusCode(200);
        api.get("/guests").statusCode(200);
        assertThat(api.ask("GET", "/actuator/prometheus").extract().asString().lines())
                .anyMatch(line -> line.startsWith(name + "{") && line.contains(label));
    }
}
