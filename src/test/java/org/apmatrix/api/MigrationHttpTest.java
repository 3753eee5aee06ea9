package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import java.util.Optional;
import org.apmatrix.Patience;
import org.apmatrix.host.sim.SimulatedQemu.Temper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A guest that is to migrate is unplugged first, and gets its device back when it stays. */
class MigrationHttpTest extends HttpTest {
    private static final String DEVICE = "/guests/guest1/ap-device";
    private static final String PREPARATION = "/guests/guest1/migration-preparation";
    private static final String READINESS = "/guests/guest1/migration-readiness";
    private static final String PLUG_A = "{'mdev': '" + A + "'}";

    @BeforeEach
    void aGuestWithADevice() {
        free();
        mdev(A, List.of(5), List.of(4));
        api.put(DEVICE, PLUG_A).statusCode(201);
    }

    @AfterEach
    void forget() {
        api.delete(PREPARATION + "?plug=false");
    }

    @Test
    void namesTheDeviceAndQemusOwnReason() {
        api.get(READINESS)
                .statusCode(200)
                .body("ready", is(false))
                .body("blockers.kind", contains("AP_DEVICE_ATTACHED"))
                .body("blockers.mdev", contains(A))
                .body("blockers.reason", contains("non-migratable device: /1/vfio-ap"));
        api.get("/guests/guest2/migration-readiness").body("ready", is(true)).body("blockers", empty());
    }

    @Test
    void namesEverythingElseInTheWay() {
        guest("guest2").apply(guest("guest2").settings().withRunState("shutdown"));
        api.get("/guests/guest2/migration-readiness")
                .body("blockers.kind", contains("GUEST_NOT_RUNNING"))
                .body("blockers.reason", contains("shutdown"));
        guest("guest3").beginMigration();
        api.get("/guests/guest3/migration-readiness").body("blockers.kind", contains("MIGRATION_ACTIVE"));
        temper(Temper.SILENT);
        api.get(READINESS)
                .statusCode(200)
                .body("ready", is(false))
                .body("blockers.kind", contains("AP_DEVICE_ATTACHED", "QEMU_UNREACHABLE"))
                .body("blockers[0].mdev", is(A));
        api.get("/guests/nobody/migration-readiness").statusCode(404);
    }

    @Test
    void unplugsRemembersAndPlugsInAgain() {
        api.get(PREPARATION).spec(refused(404, "NOT_FOUND", null));
        api.send("POST", PREPARATION, "{}")
                .statusCode(200)
                .body("state", is("PREPARED"))
                .body("mdev", is(A));
        assertThat(guest("guest1").plugged()).isEmpty();
        api.get(READINESS).body("ready", is(true)).body("blockers", empty());
        api.ask("POST", Api.BASE + PREPARATION)
                .statusCode(200)
                .body("state", is("PREPARED"))
                .body("mdev", is(A));
        api.get(PREPARATION).statusCode(200).body("mdev", is(A));
        api.delete(PREPARATION).statusCode(200).body("mdev", is(A)).body("state", is("ATTACHED"));
        assertThat(guest("guest1").plugged()).isEqualTo(Optional.of(id(A)));
        api.get(PREPARATION).statusCode(404);
        api.delete(PREPARATION).statusCode(204);
        api.get(DEVICE).body("mdev", is(A));
    }

    @Test
    void refusesToPlugInWhatWasGivenAwayMeanwhile() {
        api.ask("POST", Api.BASE + PREPARATION).statusCode(200);
        api.put("/guests/guest2/ap-device", PLUG_A).statusCode(201);
        api.delete(PREPARATION)
                .spec(refused(409, "MDEV_ATTACHED_ELSEWHERE", null))
                .body("guest", is("guest2"));
        api.get(PREPARATION).body("state", is("PREPARED")).body("mdev", is(A));
        api.delete("/guests/guest2/ap-device").statusCode(204);
        api.delete("/mdevs/" + A).statusCode(204);
        api.delete(PREPARATION).spec(refused(404, "MDEV_NOT_FOUND", null));
        api.delete(PREPARATION + "?plug=false").statusCode(204);
        api.get(PREPARATION).statusCode(404);
    }

    @Test
    void aGuestWithoutADeviceIsPreparedAtOnce() {
        api.delete(DEVICE).statusCode(204);
        api.ask("POST", Api.BASE + PREPARATION)
                .statusCode(200)
                .body("state", is("PREPARED"))
                .body("mdev", nullValue());
        api.delete(PREPARATION).statusCode(204);
    }

    @Test
    void aSilentGuestIsPreparedWhenItAnswers() {
        temper(Temper.SILENT);
        api.with("Prefer", "wait=0")
                .ask("POST", Api.BASE + PREPARATION)
                .statusCode(202)
                .header("Location", "/api/v1" + PREPARATION)
                .body("state", is("DETACHING"))
                .body("mdev", is(A));
        temper(Temper.ANSWERS);
        Patience.until(() -> "PREPARED".equals(api.get(PREPARATION).extract().path("state")));
        api.get(PREPARATION).body("mdev", is(A));
        api.delete(PREPARATION).statusCode(200);
    }

    @Test
    void aRefusalOfQemuPreparesNothing() {
        temper(Temper.REFUSES);
        api.ask("POST", Api.BASE + PREPARATION).spec(refused(409, "QEMU_REFUSED", null));
        api.get(PREPARATION).statusCode(404);
        api.get(DEVICE).body("state", is("ATTACHED"));
    }

    @Test
    void aDryRunTellsBothWays() {
        api.ask("POST", Api.BASE + PREPARATION + "?dryRun=true")
                .statusCode(200)
                .body("steps.action", contains("device_del"));
        api.get(PREPARATION).statusCode(404);
        api.ask("POST", Api.BASE + PREPARATION).statusCode(200);
        api.delete(PREPARATION + "?dryRun=true").statusCode(200).body("steps.action", contains("device_add"));
        assertThat(guest("guest1").plugged()).isEmpty();
    }

    private void temper(Temper temper) {
        guest("guest1").apply(guest("guest1").settings().withTemper(temper));
    }
}
