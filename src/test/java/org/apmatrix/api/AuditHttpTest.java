package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.restassured.RestAssured;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.apmatrix.Patience;
import org.apmatrix.audit.Actor;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.apmatrix.audit.AuditVerification;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Every attempt to change something leaves what it was, who it was and how it ended. */
@ExtendWith(OutputCaptureExtension.class)
class AuditHttpTest extends HttpTest {
    private static final Path JOURNAL = Path.of("target/http-tests/state/audit");

    @Autowired
    AuditJournal journal;

    private final String request = "test-" + UUID.randomUUID();
    private Api asked;

    @BeforeEach
    void asOneRequest() {
        free();
        asked = api.with("X-Request-Id", request);
    }

    @Test
    void aWriteLeavesItsIntentAndItsOutcomeWithTheMatrixBeforeAndAfter() {
        mdev(A, List.of(5), List.of(4));
        asked.put("/mdevs/" + A + "/adapters/6").statusCode(200);
        assertThat(records())
                .extracting(AuditRecord::kind)
                .containsExactly(AuditRecord.Kind.INTENT, AuditRecord.Kind.OUTCOME);
        AuditRecord intent = records().get(0);
        AuditRecord outcome = records().get(1);
        assertThat(intent.steps()).containsExactly(directory(A) + "/assign_adapter <- 6");
        assertThat(intent.after()).isNull();
        assertThat(outcome.attempt()).isEqualTo(intent.attempt());
        assertThat(outcome.actor()).isEqualTo(Actor.ANONYMOUS);
        assertThat(outcome.sourceAddress()).isIn("127.0.0.1", "0:0:0:0:0:0:0:1");
        assertThat(outcome.operation()).isEqualTo(operation("PUT", "/api/v1/mdevs/{uuid}/adapters/{adapter}"));
        assertThat(outcome.target().method()).isEqualTo("PUT");
        assertThat(outcome.target().path()).isEqualTo("/api/v1/mdevs/" + A + "/adapters/6");
        assertThat(outcome.target().mdev()).isEqualTo(A);
        assertThat(outcome.before().adapters()).containsExactly(5);
        assertThat(outcome.after().adapters()).containsExactly(5, 6);
        assertThat(outcome.after().domains()).containsExactly(4);
        assertThat(outcome.code()).isEqualTo("OK");
        assertThat(outcome.status()).isEqualTo(200);
    }

    @Test
    void aRefusedWriteLeavesItsCodeAndTheKernelsErrno() {
        mdev(A, List.of(5), List.of(4));
        start(A);
        asked.delete("/mdevs/" + A).statusCode(409);
        assertThat(records()).singleElement().satisfies(record -> {
            assertThat(record.kind()).isEqualTo(AuditRecord.Kind.OUTCOME);
            assertThat(record.code()).isEqualTo("MDEV_IN_USE");
            assertThat(record.errno()).isEqualTo("EBUSY");
            assertThat(record.status()).isEqualTo(409);
            assertThat(record.before().adapters()).containsExactly(5);
            assertThat(record.after()).isNull();
        });
        stop(A);
    }

    @ParameterizedTest
    @CsvSource({
        "DELETE, /mdevs/no-uuid, 400, INVALID_VALUE",
        "DELETE, /mdevs/11111111-2222-4333-8444-555555555555?dryrun=true, 400, INVALID_VALUE",
        "PUT, /mdevs/11111111-2222-4333-8444-555555555555/adapters/5, 404, MDEV_NOT_FOUND",
        "DELETE, /nothing-here, 404, NOT_FOUND",
        "DELETE, /masks, 405, METHOD_NOT_ALLOWED"
    })
    void whatIsRefusedBeforeAnythingIsLookedAtIsRecordedToo(String method, String path, int status, String code) {
        asked.ask(method, Api.BASE + path).statusCode(status);
        assertThat(records()).singleElement().satisfies(record -> {
            assertThat(record.code()).isEqualTo(code);
            assertThat(record.status()).isEqualTo(status);
            assertThat(record.target().path()).isEqualTo(Api.BASE + path.replaceFirst("\\?.*", ""));
        });
    }

    @Test
    void brokenJsonIsRecordedWithoutItsText() {
        asked.sendRaw("POST", "/mdevs", "application/json", "{\"adapters\": [5], \"passw0rd\"")
                .statusCode(400);
        assertThat(records()).singleElement().satisfies(record -> {
            assertThat(record.code()).isEqualTo("INVALID_VALUE");
            assertThat(record.toString()).doesNotContain("passw0rd");
        });
    }

    @Test
    void aDeviceThatGetsItsNameFromTheServiceHasItInTheIntent() {
        String uuid = asked.post("/mdevs", "{'adapters': [5], 'domains': [4]}")
                .statusCode(201)
                .extract()
                .path("uuid");
        assertThat(records()).hasSize(2).allSatisfy(record -> {
            assertThat(record.target().mdev()).isEqualTo(uuid);
            assertThat(record.before()).isEqualTo(Snapshot.NOTHING);
            assertThat(record.parameters().toString()).contains("adapters=[5], domains=[4]");
        });
        assertThat(records().get(1).code()).isEqualTo("CREATED");
    }

    @Test
    void aDryRunIsRecordedAsOne() {
        asked.put("/mdevs/" + A + "?dryRun=true", "{'adapters': [5]}").statusCode(200);
        assertThat(records()).singleElement().satisfies(record -> {
            assertThat(record.dryRun()).isTrue();
            assertThat(record.before()).isEqualTo(Snapshot.NOTHING);
        });
    }

    @Test
    void masksAreRecordedBeforeAndAfter() {
        asked.patch("/masks", "{'aqmask': '-4'}").statusCode(200);
        AuditRecord outcome = records().get(1);
        assertThat(outcome.before().aqmask()).isEqualTo("0x" + "f".repeat(64));
        assertThat(outcome.after().aqmask()).isEqualTo("0xf7" + "f".repeat(62));
    }

    @Test
    void aPlugAndAnUnplugNameGuestAndDevice() {
        mdev(A, List.of(5), List.of(4));
        asked.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        asked.delete("/guests/guest1/ap-device").statusCode(204);
        assertThat(records()).hasSize(4).allSatisfy(record -> {
            assertThat(record.target().guest()).isEqualTo("guest1");
            assertThat(record.target().mdev()).isEqualTo(A);
        });
        assertThat(records().get(1).before()).isEqualTo(Snapshot.NOTHING);
        assertThat(records().get(1).after()).isEqualTo(Snapshot.plugged(A, "ATTACHED"));
        assertThat(records().get(3).before()).isEqualTo(Snapshot.plugged(A, "ATTACHED"));
        assertThat(records().get(3).after()).isEqualTo(Snapshot.NOTHING);
        assertThat(records().get(3).code()).isEqualTo("NO_CONTENT");
    }

    @Test
    void anUnplugThatEndsAfterItsRequestIsRecordedByTheServiceItself() {
        mdev(A, List.of(5), List.of(4));
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        guest("guest1").pause();
        asked.with("Prefer", "wait=0").delete("/guests/guest1/ap-device").statusCode(202);
        assertThat(records()).hasSize(2).last().satisfies(accepted -> {
            assertThat(accepted.code()).isEqualTo("ACCEPTED");
            assertThat(accepted.after()).isEqualTo(Snapshot.plugged(A, "DETACHING"));
        });
        guest("guest1").apply(SimulatedQemu.Settings.DEFAULT);
        String attempt = records().get(0).attempt();
        Patience.until(() -> recordsOf(attempt).size() == 3);
        assertThat(recordsOf(attempt)).last().satisfies(settled -> {
            assertThat(settled.actor()).isEqualTo(Actor.APMATRIX);
            assertThat(settled.code()).isEqualTo("SETTLED");
            assertThat(settled.reason()).isEqualTo("DETACHING -> FREE");
            assertThat(settled.target().guest()).isEqualTo("guest1");
            assertThat(settled.after()).isEqualTo(Snapshot.NOTHING);
        });
    }

    @Test
    void aSelfTestAndTheSimulationLeaveIntentsToo() {
        asked.ask("POST", Api.BASE + "/host/self-test").statusCode(200);
        asked.put("/simulation/guests/guest1", "{'state': 'paused'}").statusCode(200);
        assertThat(records())
                .extracting(AuditRecord::kind)
                .containsExactly(
                        AuditRecord.Kind.INTENT,
                        AuditRecord.Kind.OUTCOME,
                        AuditRecord.Kind.INTENT,
                        AuditRecord.Kind.OUTCOME);
    }

    @Test
    void whatNeedsNoWriteAndReadsLeaveNoIntent() {
        asked.get("/mdevs").statusCode(200);
        asked.delete("/mdevs/" + A).statusCode(204);
        assertThat(records())
                .singleElement()
                .satisfies(record -> assertThat(record.code()).isEqualTo("NO_CONTENT"));
    }

    @Test
    void theOutcomeIsThereBeforeTheAnswer() {
        for (int i = 0; i < 20; i++) {
            asked.delete("/mdevs/" + A).statusCode(204);
            assertThat(records()).hasSize(i + 1);
        }
    }

    @Test
    void aHeaderNeverReachesTheJournalOrTheLog(CapturedOutput output) throws Exception {
        String secret = "s3cret-" + UUID.randomUUID();
        asked.with("Authorization", "Basic " + secret)
                .with("Idempotency-Key", secret)
                .post("/mdevs", "{}");
        RestAssured.given()
                .header("Authorization", "Bearer " + secret)
                .delete("http://localhost:" + port + "/api/v1/mdevs/" + A + "?token=" + secret);
        assertThat(records()).isNotEmpty();
        assertThat(output.getAll()).doesNotContain(secret);
        try (var files = Files.list(JOURNAL)) {
            for (Path file : files.toList()) {
                assertThat(Files.readString(file)).doesNotContain(secret);
            }
        }
    }

    @Test
    void aTokenInTheWrongPlaceDoesNotReachTheJournalEither() throws Exception {
        String secret = "5QRYvp6skpq0GlcaeblRMAcV9o3ke1";
        String jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9." + secret;
        asked.delete("/mdevs/apm_ci_" + secret);
        asked.patch("/masks", "{'apmask': 'apm_ci_" + secret + "', 'aqmask': '" + jwt + "'}");
        asked.post("/mdevs?dryRun=apm_ci_" + secret, "{}");
        assertThat(records()).hasSizeGreaterThanOrEqualTo(3);
        try (var files = Files.list(JOURNAL)) {
            for (Path file : files.toList()) {
                assertThat(Files.readString(file)).doesNotContain(secret).doesNotContain("eyJzdWIiOiJtZSJ9");
            }
        }
    }

    @Test
    void theJournalOfTheRunningServiceIsWhole() throws Exception {
        asked.delete("/mdevs/" + A).statusCode(204);
        assertThat(AuditVerification.verify(JOURNAL))
                .satisfies(found ->
                        assertThat(found.isWhole()).as(found.sentence()).isTrue());
    }

    @Test
    void theApiPagesThroughIt() {
        mdev(A, List.of(5), List.of(4));
        asked.put("/mdevs/" + A + "/adapters/6").statusCode(200);
        asked.delete("/mdevs/" + A + "/adapters/6").statusCode(200);
        long before = records().get(0).sequence() - 1;
        String from = "/audit?after=" + before;
        Long next = api.get(from + "&limit=3&target=" + A)
                .statusCode(200)
                .body("items.requestId", everyItem(is(request)))
                .body("items.kind", contains("INTENT", "OUTCOME", "INTENT"))
                .body("items[0].sourceAddress", notNullValue())
                .body("items[0].actor.authentication", is("anonymous"))
                .body("items[0].hash", matchesPattern("[0-9a-f]{64}"))
                .body("items[1].before.adapters", contains(5))
                .body("items[1].after.adapters", contains(5, 6))
                .extract()
                .jsonPath()
                .getLong("next");
        api.get("/audit?after=" + next).body("items", hasSize(1)).body("next", nullValue());
        api.get(from + "&code=OK").body("items.kind", contains("OUTCOME", "OUTCOME"));
        api.get(from + "&operation=getHost").body("items", empty());
        api.get(from + "&actor=anonymous").body("items", not(empty()));
        api.get(from + "&actor=somebody").body("items", empty());
    }

    @Test
    void theLastRecordsCanBeAskedForWithoutDryRuns() {
        mdev(A, List.of(5), List.of(4));
        asked.put("/mdevs/" + A + "/adapters/6").statusCode(200);
        asked.put("/mdevs/" + A + "/adapters/6?dryRun=true").statusCode(200);
        api.get("/audit?last=1").body("items.dryRun", contains(true)).body("next", nullValue());
        api.get("/audit?last=2&dryRun=false")
                .body("items.kind", contains("INTENT", "OUTCOME"))
                .body("items.operation", everyItem(is("assignAdapter")))
                .body("items.requestId", everyItem(is(request)));
        api.get("/audit?last=1000&dryRun=true&target=" + A).body("items.dryRun", everyItem(is(true)));
    }

    @Test
    void theLastRecordsAreEitherLastOrBehindOne() {
        api.get("/audit?last=1&after=0").spec(invalid("last"));
        api.get("/audit?last=1&limit=1").spec(invalid("last"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "last=0",
                "last=1001",
                "dryRun=perhaps",
                "limit=0",
                "limit=1001",
                "limit=x",
                "after=-1",
                "after=x"
            })
    void refusesAPageThatIsNone(String query) {
        api.get("/audit?" + query).spec(invalid(query.substring(0, query.indexOf('='))));
    }

    @Test
    void readinessTellsOfTheJournal() {
        RestAssured.get("http://localhost:" + port + "/actuator/health/readiness")
                .then()
                .statusCode(200)
                .body("components.audit.status", is("UP"));
    }

    private List<AuditRecord> records() {
        return journal.read(0, Integer.MAX_VALUE, record -> request.equals(record.requestId()))
                .items();
    }

    private List<AuditRecord> recordsOf(String attempt) {
        return journal.read(0, Integer.MAX_VALUE, record -> attempt.equals(record.attempt()))
                .items();
    }

    private String operation(String method, String path) {
        return RestAssured.get("http://localhost:" + port + "/v3/api-docs")
                .path("paths.'" + path + "'." + method.toLowerCase(java.util.Locale.ROOT) + ".operationId");
    }
}
