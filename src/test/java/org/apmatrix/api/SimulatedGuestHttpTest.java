package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.is;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a newcomer can do with simulated guests over HTTP. */
class SimulatedGuestHttpTest extends HttpTest {
    @Test
    void makesAGuest() {
        api.put("/simulation/guests/db2", "{}")
                .statusCode(201)
                .header("Location", "/api/v1/guests/db2")
                .body("name", is("db2"))
                .body("state", is("running"))
                .body("temper", is("ANSWERS"))
                .body("cpuFeatures", is(Map.of("ap", true, "apqci", true, "apft", true)));
        api.get("/guests").body("items.name", contains("db2", "guest1", "guest2", "guest3"));
        api.get("/guests/db2").body("state", is("running"));
    }

    @Test
    void changesOnlyWhatIsNamed() {
        api.put("/simulation/guests/guest1", "{'state': 'paused'}")
                .statusCode(200)
                .body("state", is("paused"));
        api.put("/simulation/guests/guest1", "{'cpuFeatures': {'apft': false}}")
                .statusCode(200)
                .body("state", is("paused"))
                .body("cpuFeatures", is(Map.of("ap", true, "apqci", true, "apft", false)));
        api.get("/guests/guest1")
                .body("state", is("paused"))
                .body("cpuFeatures", is(Map.of("ap", true, "apqci", true, "apft", false)));
    }

    @Test
    void aSilentGuestIsUnreachableAndDelaysNoOther() {
        api.put("/simulation/guests/guest2", "{'temper': 'SILENT'}").statusCode(200);
        api.get("/guests").body("items.state", contains("running", "unreachable", "running"));
    }

    @Test
    void killsAGuest() {
        free();
        mdev(A, List.of(5), List.of(4));
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        api.delete("/simulation/guests/guest1").statusCode(204);
        api.delete("/simulation/guests/guest1").statusCode(204);
        api.get("/guests").body("items.name", contains("guest2", "guest3"));
        api.get("/mdevs/" + A).body("inUse", is(false));
    }

    @Test
    void guestsOutliveARebuildOfTheHost() {
        api.put("/simulation/guests/guest3", "{'state': 'paused'}").statusCode(200);
        api.put("/simulation/host", "{'kernel': '5.10'}").statusCode(200);
        api.get("/guests").body("items.state", contains("running", "running", "paused"));
        free();
        mdev(A, List.of(5), List.of(4));
        api.put("/guests/guest3/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
    }

    @Test
    void aGuestWithADeviceKeepsItsAp() {
        free();
        mdev(A, List.of(5), List.of(4));
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        api.put("/simulation/guests/guest1", "{'cpuFeatures': {'ap': false}}")
                .spec(refused(409, "SIMULATION_IN_USE", null))
                .body("mdevs", contains(A));
    }

    @Test
    void aDryRunChangesNothing() {
        free();
        api.put("/simulation/guests/guest1?dryRun=true", "{'state': 'paused'}")
                .statusCode(200)
                .body("dryRun", is(true))
                .body("steps.action", contains("change"))
                .body("steps.target", contains("guest1"));
        api.put("/simulation/guests/db2?dryRun=true", "{}").body("steps.action", contains("start"));
        api.delete("/simulation/guests/guest1?dryRun=true").statusCode(200).body("steps.action", contains("kill"));
        api.put("/simulation/host?dryRun=true", "{'kernel': '5.10'}").body("steps.action", contains("boot"));
        api.delete("/simulation/queues/05.0004/binding?dryRun=true").body("steps.action", contains("unbind"));
        api.put("/simulation/queues/05.0004/binding?dryRun=true").body("steps", empty());
        api.get("/guests")
                .body("items.name", contains("guest1", "guest2", "guest3"))
                .body("items.state", contains("running", "running", "running"));
        api.get("/queues/05.0004").body("driver", is("vfio_ap"));
        mdev(A, List.of(5), List.of(4));
        api.put("/simulation/host?dryRun=true", "{'kernel': '5.10'}")
                .statusCode(200)
                .body("problems.code", contains("SIMULATION_IN_USE"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'state': 'asleep'} | state",
                "{'temper': 'MOODY'} | temper",
                "{'temper': 'silent'} | temper",
                "{'colour': 'red'} | colour",
                "{'cpuFeatures': {'apft': 1}} | cpuFeatures.apft",
                "{'cpuFeatures': 'all'} | cpuFeatures"
            })
    void refusesWhatNoGuestCanBe(String body, String field) {
        api.put("/simulation/guests/guest1", body).spec(invalid(field));
    }

    @ParameterizedTest
    @ValueSource(strings = {".hidden", "-rf", "a%20b"})
    void refusesANameThatIsNoFileName(String name) {
        api.put("/simulation/guests/" + name, "{}").spec(invalid("guest"));
    }
}
