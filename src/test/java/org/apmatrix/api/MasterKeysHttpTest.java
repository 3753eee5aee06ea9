package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import org.apmatrix.Patience;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Master keys on queues, what matrices are warned of, and what plug and unplug mean for secure keys. */
class MasterKeysHttpTest extends HttpTest {
    private static final String PATTERN = "0x0123456789abcdef";
    private static final String OTHER = "0xfedcba9876543210";
    private static final String WK = "0x" + "5".repeat(64);
    private static final String DEVICE = "/guests/guest1/ap-device";

    private void load(String apqn, String pattern) {
        api.put("/simulation/queues/" + apqn + "/master-keys", "{'pattern': '" + pattern + "'}")
                .statusCode(200);
    }

    private void freeByMask() {
        api.patch("/masks", "{'apmask': '-5,-6'}").statusCode(200);
    }

    @ParameterizedTest
    @EnumSource
    void showsWhatTheHostsDriverTold(KernelVersion version) {
        boot(version);
        api.put("/simulation/queues/05.0004/master-keys", "{'pattern': '" + PATTERN + "'}")
                .statusCode(200)
                .body("apqn", is("05.0004"))
                .body("hwType", is(11))
                .body("serialNumber", nullValue())
                .body("masterKeys.state", is("known"))
                .body("masterKeys.readAt", notNullValue())
                .body("masterKeys.pattern", is("AES:" + PATTERN + ",APKA:" + PATTERN))
                .body("masterKeys.keys.type", hasItems("AES", "APKA"))
                .body(
                        "masterKeys.keys.findAll { it.register == 'CUR' && it.state == 'valid' }.type",
                        is(List.of("AES", "APKA")))
                .body("masterKeys.operationModes", empty());
        api.get("/queues/05.0047")
                .body("masterKeys.state", is("unknown"))
                .body("masterKeys.readAt", nullValue())
                .body("masterKeys.keys", empty())
                .body("masterKeys.pattern", nullValue());
        api.get("/queues/06.0004").body("masterKeys", nullValue());
    }

    @ParameterizedTest
    @EnumSource
    void showsThemAfterTheQueueWasFreed(KernelVersion version) {
        boot(version);
        load("05.0004", PATTERN);
        String readAt = api.get("/queues/05.0004").extract().path("masterKeys.readAt");
        freeByMask();
        api.get("/queues?driver=vfio_ap&adapter=5&domain=4")
                .body("items.masterKeys.state", contains("cached"))
                .body("items.masterKeys.pattern", contains("AES:" + PATTERN + ",APKA:" + PATTERN))
                .body("items.masterKeys.readAt", everyItem(not(is(nullValue()))));
        assertThat(api.get("/queues/05.0004").extract().<String>path("masterKeys.readAt"))
                .isGreaterThanOrEqualTo(readAt);
        // loaded by somebody while vfio_ap has the queue: nobody here can know
        load("05.0004", OTHER);
        api.get("/queues/05.0004").body("masterKeys.pattern", containsString(PATTERN));
        api.patch("/masks", "{'apmask': '+5,+6'}").statusCode(200);
        Patience.until(() -> "known".equals(api.get("/queues/05.0004").extract().path("masterKeys.state")));
        api.get("/queues/05.0004").body("masterKeys.pattern", containsString(OTHER));
    }

    @Test
    void showsThemAfterTheQueueWasHandedOver() {
        boot(KernelVersion.V7_2);
        load("05.0004", PATTERN);
        api.put("/queues/05.0004/driver", "{'driver': 'vfio_ap'}")
                .statusCode(200)
                .body("masterKeys.state", is("cached"))
                .body("masterKeys.pattern", containsString(PATTERN));
    }

    @Test
    void loadsAnEp11QueueToo() {
        api.put("/simulation/host", "{'adapters': [{'id': 7, 'type': 'CEX7P'}]}")
                .statusCode(200);
        api.put("/simulation/queues/07.0004/master-keys", "{'pattern': '" + WK + "'}")
                .statusCode(200)
                .body("mode", is("EP11"))
                .body("masterKeys.pattern", is("WK:" + WK));
        api.put("/simulation/queues/07.0004/master-keys", "{'pattern': '" + WK + "', 'state': 'invalid'}")
                .statusCode(200)
                .body("masterKeys.state", is("known"))
                .body("masterKeys.pattern", nullValue());
        api.put("/simulation/queues/07.0004/master-keys", "{'pattern': '" + PATTERN + "'}")
                .spec(invalid("pattern"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0x0123", "0123456789abcdef", "0x0123456789ABCDEF", "0x0123456789abcdef0", ""})
    void loadsNoPatternThatIsNone(String pattern) {
        api.put("/simulation/queues/05.0004/master-keys", "{'pattern': '" + pattern + "'}")
                .spec(invalid("pattern"));
    }

    @Test
    void loadsOnlyWhatHasMasterKeys() {
        api.put("/simulation/queues/06.0004/master-keys", "{'pattern': '" + PATTERN + "'}")
                .spec(invalid("apqn"));
        api.put("/simulation/queues/05.0004/master-keys", "{'pattern': '" + PATTERN + "', 'state': 'full'}")
                .spec(invalid("state"));
        api.put("/simulation/queues/07.0004/master-keys", "{}").spec(refused(404, "QUEUE_NOT_FOUND", null));
    }

    @Test
    void aDryRunLoadsNothing() {
        api.put("/simulation/queues/05.0004/master-keys?dryRun=true", "{'pattern': '" + PATTERN + "'}")
                .statusCode(200)
                .body("steps.action", contains("load-master-keys"));
        api.get("/queues/05.0004").body("masterKeys.state", is("unknown"));
    }

    @Test
    void warnsOfMixedModesAndDoesItAllTheSame() {
        freeByMask();
        api.post("/mdevs", "{'uuid': '" + A + "', 'adapters': [5], 'domains': [4]}")
                .statusCode(201)
                .body("warnings", empty());
        api.put("/mdevs/" + A + "/adapters/6?dryRun=true")
                .statusCode(200)
                .body("problems", empty())
                .body("warnings.code", contains("MIXED_MODES"));
        api.put("/mdevs/" + A + "/adapters/6")
                .statusCode(200)
                .body("matrix", contains("05.0004", "06.0004"))
                .body("warnings.code", contains("MIXED_MODES"))
                .body("warnings[0].apqns", contains("05.0004", "06.0004"))
                .body("warnings[0].detail", containsString("CCA 05.0004; ACCELERATOR 06.0004"));
        api.get("/mdevs/" + A).body("warnings.code", contains("MIXED_MODES"));
        api.get("/mdevs").body("items[0].warnings.code", contains("MIXED_MODES"));
        api.delete("/mdevs/" + A + "/adapters/6").body("warnings", empty());
    }

    @Test
    void warnsOfDifferentMasterKeys() {
        load("05.0004", PATTERN);
        load("05.0047", OTHER);
        load("05.00ab", PATTERN);
        freeByMask();
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4, 171, 255]}")
                .statusCode(201)
                .body("warnings", empty());
        api.put("/mdevs/" + A + "/matrix", "{'adapters': [5], 'domains': [4, 71, 255], 'controlDomains': []}")
                .statusCode(200)
                .body("warnings.code", contains("DIFFERENT_MASTER_KEYS"))
                .body("warnings[0].apqns", contains("05.0004", "05.0047"))
                .body("warnings[0].detail", containsString(OTHER));
    }

    @Test
    void whatIsRememberedOfMasterKeysDoesNotChangeTheEntityTag() {
        freeByMask();
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4, 71]}").statusCode(201);
        String tag = api.etag("/mdevs/" + A);
        api.patch("/masks", "{'aqmask': '-9'}").statusCode(200);
        api.delete("/mdevs/" + A).statusCode(204);
        api.patch("/masks", "{'apmask': '+5,+6'}").statusCode(200);
        load("05.0004", PATTERN);
        load("05.0047", OTHER);
        freeByMask();
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4, 71]}")
                .statusCode(201)
                .body("warnings.code", contains("DIFFERENT_MASTER_KEYS"));
        assertThat(api.etag("/mdevs/" + A)).isEqualTo(tag);
    }

    @Test
    void plugAndUnplugSayWhatHappensToSecureKeys() {
        free();
        mdev(A, List.of(5, 6), List.of(4));
        api.put(DEVICE + "?dryRun=true", "{'mdev': '" + A + "'}")
                .statusCode(200)
                .body("warnings.code", hasItem("SECURE_KEYS"))
                .body("warnings[0].apqns", contains("05.0004"));
        api.put(DEVICE, "{'mdev': '" + A + "'}")
                .statusCode(201)
                .body("secureKeys.queues", contains("05.0004"))
                .body("secureKeys.facts", hasItem(containsString("the HSM domain's, not the guest's")));
        api.get(DEVICE).body("secureKeys.queues", contains("05.0004"));
        api.get("/guests/guest1").body("apDevice.secureKeys.queues", contains("05.0004"));
        api.delete(DEVICE + "?dryRun=true")
                .statusCode(200)
                .body("warnings.detail", hasItem(containsString("requests in flight fail")));
        api.delete(DEVICE).statusCode(204);
        api.delete(DEVICE + "?dryRun=true").body("warnings", empty());
    }

    @Test
    void acceleratorsHoldNoSecureKeys() {
        free();
        mdev(A, List.of(6), List.of(4));
        api.put(DEVICE, "{'mdev': '" + A + "'}").statusCode(201).body("secureKeys", nullValue());
        api.delete(DEVICE + "?dryRun=true").body("warnings", empty());
        api.delete(DEVICE).statusCode(204);
    }
}
