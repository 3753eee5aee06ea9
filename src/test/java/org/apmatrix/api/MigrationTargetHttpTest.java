package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import io.restassured.response.ValidatableResponse;
import java.util.List;
import java.util.UUID;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

/** A guest's queues are compared with those of the host that it is to migrate to. */
class MigrationTargetHttpTest extends HttpTest {
    private static final String READINESS = "/guests/guest1/migration-readiness";
    private static final String PREPARATION = "/guests/guest1/migration-preparation";
    private static final String PATTERN = "0x0123456789abcdef";
    private static final String OTHER = "0xfedcba9876543210";

    @Autowired
    AuditJournal journal;

    @BeforeEach
    void aGuestWithKeys() {
        api.put("/simulation/queues/05.0004/master-keys", "{'pattern': '" + PATTERN + "'}")
                .statusCode(200);
        api.patch("/masks", "{'apmask': '-5,-6'}").statusCode(200);
        mdev(A, List.of(5), List.of(4));
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
    }

    @AfterEach
    void forget() {
        api.delete(PREPARATION + "?plug=false");
    }

    /** A target that suits, with more members in its queue. */
    private static String target(String more) {
        return target(more, PATTERN);
    }

    private static String target(String more, String pattern) {
        return "{'items': [{'apqn': '05.0004', 'driver': 'vfio_ap', 'reservedForHost': false, 'mdev': null, 'guest': null, 'mode': 'CCA',"
                + " 'hwType': 11, 'masterKeys': {'state': 'known', 'keys': [{'type': 'AES', 'register': 'CUR', 'state': 'valid', 'pattern': '"
                + pattern + "'}, {'type': 'APKA', 'register': 'CUR', 'state': 'valid', 'pattern': '" + pattern + "'}]}"
                + more + "}]}";
    }

    /** Strict JSON takes no member twice. */
    private static String replaced(String member, String value) {
        return target("").replaceFirst("'" + member + "': [^,}]+", "'" + member + "': " + value);
    }

    private ValidatableResponse compare(String body) {
        return api.send("POST", READINESS, body).statusCode(200);
    }

    @Test
    void aHostWithTheSameQueuesSuits() {
        compare(target(""))
                .body("ready", is(false))
                .body("blockers.kind", contains("AP_DEVICE_ATTACHED"))
                .body("mdev", is(A))
                .body("compatible", is(true))
                .body("differences", empty())
                .body("target.apqn", contains("05.0004"))
                .body("target[0].present", is(true))
                .body("target[0].pattern", is("AES:" + PATTERN + ",APKA:" + PATTERN));
    }

    @Test
    void takesWhatAnotherApmatrixAnswersAsItIs() {
        String inventory = api.get("/queues").extract().asString();
        compare(inventory.replace("\"guest1\"", "null"))
                .body("compatible", is(true))
                .body("differences", empty());
        compare(inventory)
                .body("compatible", is(false))
                .body("differences.what", contains("TAKEN"))
                .body("differences[0].target", is("guest guest1"));
    }

    @Test
    void membersOfANewerApmatrixArePassedOver() {
        compare(target(", 'colour': 'blue', 'lease': {'holder': ['x']}")).body("compatible", is(true));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "driver, 'cex4queue', RESERVED, false",
                "driver, null, RESERVED, false",
                "reservedForHost, true, RESERVED, false",
                "guest, 'other', TAKEN, false",
                "mdev, '" + B + "', TAKEN, false",
                "mode, 'EP11', MODE, false",
                "mode, null, MODE, false",
                "hwType, 13, HW_TYPE, true",
                "hwType, 10, HW_TYPE, false",
                "hwType, null, HW_TYPE, true",
                "apqn, '05.0047', MISSING, false"
            })
    void tellsWhatDiffers(String member, String value, String what, boolean compatible) {
        compare(replaced(member, value))
                .body("differences.what", contains(what))
                .body("differences.apqn", contains("05.0004"))
                .body("compatible", is(compatible));
    }

    @Test
    void otherMasterKeysDoNotSuit() {
        compare(target("", OTHER))
                .body("compatible", is(false))
                .body("differences.what", contains("MASTER_KEYS"))
                .body("differences[0].source", containsString(PATTERN))
                .body("differences[0].target", containsString(OTHER));
    }

    @Test
    void masterKeysThatNobodyKnowsAreToldAndNoReason() {
        compare(target("").replace("'keys': [{'type': 'AES'", "'keys': null, 'old': [{'type': 'AES'"))
                .body("compatible", is(true))
                .body("differences.what", contains("MASTER_KEYS_UNKNOWN"))
                .body("differences[0].target", nullValue());
    }

    @Test
    void theDeviceThatIsMeantMayHaveAnotherName() {
        String taken = replaced("mdev", "'" + B + "'");
        compare(taken.substring(0, taken.length() - 1) + ", 'mdev': '" + B + "'}")
                .body("compatible", is(true))
                .body("differences", empty());
        compare(replaced("mdev", "'" + A + "'")).body("compatible", is(true));
    }

    @Test
    void aQueueThatIsNotThereIsShownAsSuch() {
        compare("{'items': []}")
                .body("compatible", is(false))
                .body("target[0].present", is(false))
                .body("target[0].driver", nullValue())
                .body("differences.what", contains("MISSING"));
    }

    @Test
    void comparesWhatAPreparedMigrationTookOut() {
        api.ask("POST", Api.BASE + PREPARATION).statusCode(200);
        compare(target(""))
                .body("ready", is(true))
                .body("blockers", empty())
                .body("mdev", is(A))
                .body("compatible", is(true));
        api.delete("/mdevs/" + A).statusCode(204);
        api.send("POST", READINESS, target("")).spec(refused(404, "MDEV_NOT_FOUND", null));
    }

    @Test
    void aGuestWithoutADeviceHasNothingToCompare() {
        api.send("POST", "/guests/guest2/migration-readiness", target(""))
                .statusCode(200)
                .body("ready", is(true))
                .body("mdev", nullValue())
                .body("compatible", is(true))
                .body("target", empty());
        api.send("POST", "/guests/nobody/migration-readiness", target("")).spec(refused(404, "GUEST_NOT_FOUND", null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{'items': null}"})
    void wantsAnInventory(String body) {
        api.send("POST", READINESS, body).spec(invalid("items"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{'items': [null]}", "{'items': [{}]}", "{'items': [{'apqn': '5.4'}]}"})
    void wantsApqns(String body) {
        api.send("POST", READINESS, body).spec(invalid("items[0].apqn"));
    }

    @Test
    void wantsEachQueueOnce() {
        api.send("POST", READINESS, "{'items': [{'apqn': '05.0004'}, {'apqn': '05.0004'}]}")
                .spec(invalid("items[1].apqn"));
        api.send("POST", READINESS, "{'items': [], 'mdev': 'x'}").spec(invalid("mdev"));
    }

    @Test
    void isRecordedAndChangesNothing() {
        String before = api.get("/queues").extract().asString();
        String request = "test-" + UUID.randomUUID();
        api.with("X-Request-Id", request)
                .send("POST", READINESS, target("", OTHER))
                .statusCode(200);
        assertThat(api.get("/queues").extract().asString()).isEqualTo(before);
        assertThat(journal.read(0, Integer.MAX_VALUE, record -> request.equals(record.requestId()))
                        .items())
                .singleElement()
                .satisfies(record -> {
                    assertThat(record.kind()).isEqualTo(AuditRecord.Kind.OUTCOME);
                    assertThat(record.operation()).isEqualTo("compareMigrationTarget");
                    assertThat(record.status()).isEqualTo(200);
                    assertThat(record.steps()).isEmpty();
                    assertThat(record.target().guest()).isEqualTo("guest1");
                    assertThat(record.target().mdev()).isEqualTo(A);
                });
    }
}
