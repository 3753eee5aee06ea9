package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import io.restassured.response.ValidatableResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apmatrix.Patience;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Queues by wish, over HTTP: what is chosen, what is refused and why, and how it goes back. */
class AllocationHttpTest extends HttpTest {
    private static final String ALL_ONES = "0x" + "f".repeat(64);

    /** {@code rest} begins with a comma. */
    private static String wish(String mode, int queues, String rest) {
        return "{'owner': 'demo', 'mode': '" + mode + "', 'queues': " + queues + rest + "}";
    }

    private ValidatableResponse allocate(String wish) {
        return api.post("/allocations", wish);
    }

    private String allocated(String wish) {
        return allocate(wish).statusCode(201).extract().path("id");
    }

    private void temper(String guest, SimulatedQemu.Temper temper) {
        guest(guest).apply(guest(guest).settings().withTemper(temper));
    }

    private void asBefore() {
        api.get("/allocations").statusCode(200).body("items", empty());
        api.get("/mdevs").body("items", empty());
        api.get("/masks").body("apmask", is(ALL_ONES)).body("aqmask", is(ALL_ONES));
        api.get("/guests").body("items.apDevice", contains(nullValue(), nullValue(), nullValue()));
    }

    @Nested
    class AWish {
        @ParameterizedTest
        @EnumSource
        void isGrantedPluggedInAndGivenBackOnEveryKernel(KernelVersion version) {
            boot(version);
            guests.rebooted();
            Instant before = Instant.now();
            String id = allocate(wish("CCA", 2, ", 'guest': 'guest1', 'mayTakeFromHost': true, 'ttl': 'PT4H'"))
                    .statusCode(201)
                    .header("Location", startsWith("/api/v1/allocations/"))
                    .body("owner", is("demo"))
                    .body("mode", is("CCA"))
                    .body("queues", contains("05.0004", "05.0047"))
                    .body("adapters", contains(5))
                    .body("domains", contains(4, 0x47))
                    .body("controlDomains", empty())
                    .body("guest", is("guest1"))
                    .body("state", is("ACTIVE"))
                    .body("ttl", is("PT4H"))
                    .body("onExpiry", is("keep"))
                    .body("fromHost", contains("05.0004", "05.0047"))
                    .body("explanation", not(empty()))
                    .extract()
                    .path("id");
            ValidatableResponse shown = api.get("/allocations/" + id).statusCode(200);
            String mdev = shown.extract().path("mdev");
            assertThat(Instant.parse(shown.extract().path("expiresAt")))
                    .isBetween(before.plus(Duration.ofHours(4)), Instant.now().plus(Duration.ofHours(4)));
            api.get("/mdevs/" + mdev)
                    .body("matrix", contains("05.0004", "05.0047"))
                    .body("guest.name", is("guest1"));
            assertThat(guest("guest1").plugged()).isEqualTo(Optional.of(id(mdev)));
            api.get("/masks").body("hostAdapters", hasItem(6));

            api.delete("/allocations/" + id).statusCode(204);
            api.get("/allocations/" + id).spec(refused(404, "ALLOCATION_NOT_FOUND", null));
            api.delete("/allocations/" + id).statusCode(204);
            asBefore();
        }

        @Test
        void takesWhatIsFreeAndNothingFromTheHostUnlessItSaysSo() {
            allocate(wish("CCA", 1, ""))
                    .spec(refused(409, "ALLOCATION_IMPOSSIBLE", null))
                    .body("missing[0]", is("There is no product of 1 CCA queue, free now."))
                    .body("wouldHelp.findAll { it.contains('mayTakeFromHost') }", not(empty()));
            store("/sys/bus/ap/apmask", "-5");
            allocate(wish("CCA", 1, ", 'mayTakeFromHost': true"))
                    .statusCode(201)
                    .body("fromHost", empty())
                    .body("guest", nullValue())
                    .body("ttl", nullValue())
                    .body("expiresAt", nullValue());
            api.get("/masks").body("hostAdapters", not(hasItem(5)));
        }

        @Test
        void givesControlDomainsOnlyWhenItSaysSo() {
            free();
            allocate(wish("CCA", 2, ", 'controlDomains': 'none'"))
                    .statusCode(201)
                    .body("controlDomains", empty());
            String mdev = allocate(wish("CCA", 2, ", 'controlDomains': 'usage'"))
                    .statusCode(201)
                    .body("domains", contains(171, 255))
                    .body("controlDomains", contains(171, 255))
                    .extract()
                    .path("mdev");
            api.get("/mdevs/" + mdev).body("controlDomains", contains(171, 255));
        }

        @Test
        void isToldWhatIsMissingAndWhatWouldHelp() {
            free();
            String first =
                    allocate(wish("CCA", 4, "")).statusCode(201).extract().path("mdev");
            allocate(wish("CCA", 1, ""))
                    .spec(refused(409, "ALLOCATION_IMPOSSIBLE", null))
                    .body("missing", not(empty()))
                    .body("wouldHelp.findAll { it.contains('" + first + "') }", not(empty()));
            allocate(wish("EP11", 1, ""))
                    .spec(refused(409, "ALLOCATION_IMPOSSIBLE", null))
                    .body("missing", hasItem("This host has 0 EP11 queues."))
                    .body("wouldHelp", empty());
            allocate(wish("ACCELERATOR", 1, ", 'minHwType': 14"))
                    .spec(refused(409, "ALLOCATION_IMPOSSIBLE", null))
                    .body("detail", containsString("no product"));
            allocate(wish("ACCELERATOR", 2, ", 'distinctAdapters': true"))
                    .spec(refused(409, "ALLOCATION_IMPOSSIBLE", null));
        }

        @Test
        void isMetOnlyByQueuesWithOneKnownMasterKeyWhenItSaysSo() {
            api.put("/simulation/queues/05.0047/master-keys", "{'pattern': '0x0123456789abcdef'}")
                    .statusCode(200);
            api.put("/simulation/queues/05.00ff/master-keys", "{'pattern': '0x0123456789abcdef'}")
                    .statusCode(200);
            api.put("/simulation/queues/05.0004/master-keys", "{'pattern': '0x1111111111111111'}")
                    .statusCode(200);
            allocate(wish("CCA", 2, ", 'sameMasterKey': true, 'mayTakeFromHost': true"))
                    .statusCode(201)
                    .body("queues", contains("05.0047", "05.00ff"));
        }

        @Test
        void neverGetsAQueueThatIsNotBoundToVfioAp() {
            free();
            api.delete("/simulation/queues/05.0004/binding").statusCode(200);
            allocate(wish("CCA", 4, ""))
                    .spec(refused(409, "ALLOCATION_IMPOSSIBLE", null))
                    .body("missing", hasItem("Not usable: 05.0004 (not bound to vfio_ap)."));
            allocate(wish("CCA", 3, "")).statusCode(201).body("queues", contains("05.0047", "05.00ab", "05.00ff"));
        }

        @Test
        void doesNotTakeQueuesWhereDriverOverridesDivideThem() {
            boot(KernelVersion.V7_2);
            api.put("/queues/05.0004/driver", "{'driver': 'vfio_ap'}").statusCode(200);
            allocate(wish("CCA", 1, ", 'mayTakeFromHost': true"))
                    .statusCode(201)
                    .body("queues", contains("05.0004"));
            allocate(wish("CCA", 1, ", 'mayTakeFromHost': true"))
                    .spec(refused(409, "ALLOCATION_IMPOSSIBLE", null))
                    .body("detail", containsString("overrides"));
        }

        @Test
        void isShownBeforeAndChangesNothing() {
            String wish = wish("CCA", 2, ", 'guest': 'guest1', 'mayTakeFromHost': true");
            List<String> actions = api.post("/allocations?dryRun=true", wish)
                    .statusCode(200)
                    .body("dryRun", is(true))
                    .body("apqnsAdded", contains("05.0004", "05.0047", "05.00ab", "05.00ff"))
                    .body("guestsAffected", contains("guest1"))
                    .body("problems", empty())
                    .extract()
                    .path("steps.action");
            assertThat(actions)
                    .startsWith("apmask")
                    .contains("create", "ap_config")
                    .endsWith("device_add");
            api.post("/allocations?dryRun=true", wish("EP11", 1, ""))
                    .statusCode(200)
                    .body("problems.code", contains("ALLOCATION_IMPOSSIBLE"));
            api.post("/allocations?dryRun=true", wish("CCA", 1, ", 'guest': 'nobody', 'mayTakeFromHost': true"))
                    .statusCode(200)
                    .body("problems.code", contains("GUEST_NOT_FOUND"));
            asBefore();
        }

        @Test
        void withTheSameKeyIsTheSameAllocation() {
            free();
            String id = api.with("Idempotency-Key", "one")
                    .post("/allocations", wish("CCA", 1, ""))
                    .statusCode(201)
                    .extract()
                    .path("id");
            api.with("Idempotency-Key", "one")
                    .post("/allocations", wish("CCA", 1, ""))
                    .statusCode(201)
                    .body("id", is(id));
            api.with("Idempotency-Key", "one")
                    .post("/allocations", wish("CCA", 2, ""))
                    .spec(refused(422, "IDEMPOTENCY_KEY_REUSED", null));
            api.with("Idempotency-Key", "with blanks")
                    .post("/allocations", wish("CCA", 2, ""))
                    .spec(invalid("Idempotency-Key"));
            api.get("/allocations").body("items.id", contains(id));
        }

        @ParameterizedTest
        @CsvSource(quoteCharacter = '`', delimiter = '|', textBlock = """
                        {'mode': 'CCA', 'queues': 1} | owner
                        {'owner': '-x', 'mode': 'CCA', 'queues': 1} | owner
                        {'owner': 'demo', 'queues': 1} | mode
                        {'owner': 'demo', 'mode': 'DES', 'queues': 1} | mode
                        {'owner': 'demo', 'mode': 'CCA'} | queues
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 0} | queues
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 512} | queues
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'minHwType': 9} | minHwType
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'minHwType': 15} | minHwType
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'controlDomains': 'all'} | controlDomains
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'ttl': '4h'} | ttl
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'ttl': 'PT0.5S'} | ttl
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'ttl': 'PT-4H'} | ttl
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'ttl': 'P366D'} | ttl
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'onExpiry': 'KEEP'} | onExpiry
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'guest': 'a/b'} | guest
                        {'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'queue': 1} | queue
                        """)
        void thatMakesNoSenseIsRefusedByItsField(String body, String field) {
            free();
            allocate(body).spec(invalid(field));
            api.get("/allocations").body("items", empty());
        }

        @Test
        void isToldToListenersAndCounted() {
            free();
            try (EventStream events = api.events("?types=allocation.changed")) {
                String id = allocated(wish("CCA", 1, ""));
                Patience.until(() -> events.messages().stream()
                        .anyMatch(message -> message.text().contains("ACTIVE")
                                && message.text().contains(id)));
                Patience.until(() -> api.ask("GET", "/actuator/prometheus")
                        .extract()
                        .asString()
                        .contains("apmatrix_allocations{state=\"active\"} 1.0"));
                api.delete("/allocations/" + id).statusCode(204);
                Patience.until(() -> events.messages().stream()
                        .anyMatch(message -> message.text().contains("RELEASING")));
            }
        }

        @Test
        void isInTheAuditJournalWithItsDevice() {
            String mdev = allocate(wish("CCA", 1, ", 'mayTakeFromHost': true"))
                    .statusCode(201)
                    .extract()
                    .path("mdev");
            api.get("/audit?operation=allocate&target=" + mdev)
                    .body("items.kind", contains("INTENT", "OUTCOME"))
                    .body("items[1].steps.findAll { it.contains('create') }", not(empty()))
                    .body("items[1].before.apmask", is(ALL_ONES))
                    .body("items[1].after.aqmask", not(is(ALL_ONES)));
        }
    }

    @Nested
    class AGuest {
        private static final String WISH = wish("CCA", 2, ", 'guest': 'guest1', 'mayTakeFromHost': true");

        @Test
        void thatRefusesLeavesAllAsItWas() {
            temper("guest1", SimulatedQemu.Temper.REFUSES);
            allocate(WISH).spec(refused(409, "QEMU_REFUSED", null)).body("qemuClass", notNullValue());
            asBefore();
        }

        @Test
        void thatIsNotThereOrHasAnotherDeviceIsAReasonBeforeAnythingIsTouched() {
            allocate(wish("CCA", 1, ", 'guest': 'nobody', 'mayTakeFromHost': true"))
                    .spec(refused(404, "GUEST_NOT_FOUND", null));
            guest("guest2").apply(guest("guest2").settings().withRunState("shutdown"));
            allocate(wish("CCA", 1, ", 'guest': 'guest2', 'mayTakeFromHost': true"))
                    .spec(refused(409, "GUEST_NOT_RUNNING", null));
            asBefore();
            allocate(WISH).statusCode(201);
            allocate(WISH).spec(refused(409, "GUEST_HAS_AP_DEVICE", null)).body("attached", notNullValue());
            api.get("/allocations").body("items.state", contains("ACTIVE"));
        }

        @Test
        void thatIsSilentIsAReasonBeforeAnythingIsTouched() {
            temper("guest1", SimulatedQemu.Temper.SILENT);
            allocate(WISH).spec(refused(503, "QEMU_UNREACHABLE", null));
            asBefore();
        }

        @Test
        void thatHangsUpInTheMiddleGetsNothingInTheEnd() {
            temper("guest1", SimulatedQemu.Temper.HANGS_UP);
            api.with("Prefer", "wait=0").post("/allocations", WISH).spec(refused(503, "QEMU_UNREACHABLE", null));
            temper("guest1", SimulatedQemu.Temper.ANSWERS);
            Patience.until(() ->
                    api.get("/allocations").extract().<List<?>>path("items").isEmpty());
            asBefore();
        }

        @Test
        void thatDoesNotLetGoIsWaitedForAndTheRestFollowsByItself() {
            String id = allocated(WISH);
            temper("guest1", SimulatedQemu.Temper.SILENT);
            api.with("Prefer", "wait=0")
                    .delete("/allocations/" + id)
                    .statusCode(202)
                    .header("Location", "/api/v1/allocations/" + id)
                    .body("state", is("RELEASING"));
            api.put("/allocations/" + id, "{}").spec(refused(404, "ALLOCATION_NOT_FOUND", null));
            temper("guest1", SimulatedQemu.Temper.ANSWERS);
            Patience.until(() ->
                    api.get("/allocations").extract().<List<?>>path("items").isEmpty());
            asBefore();
        }

        @Test
        void thatGotItLaterByAnotherRequestGivesItBackToo() {
            String mdev = allocate(wish("CCA", 1, ", 'mayTakeFromHost': true"))
                    .statusCode(201)
                    .extract()
                    .path("mdev");
            String id = api.get("/allocations").extract().path("items[0].id");
            api.put("/guests/guest2/ap-device", "{'mdev': '" + mdev + "'}").statusCode(201);
            api.delete("/allocations/" + id + "?dryRun=true")
                    .statusCode(200)
                    .body("steps[0].action", is("device_del"))
                    .body("problems", empty());
            api.delete("/allocations/" + id).statusCode(204);
            asBefore();
        }
    }

    @Nested
    class GivingBack {
        @Test
        void isRefusedWhileAProcessThatIsNoGuestHoldsTheDevice() {
            free();
            String mdev = allocate(wish("CCA", 1, "")).statusCode(201).extract().path("mdev");
            String id = api.get("/allocations").extract().path("items[0].id");
            start(mdev);
            api.delete("/allocations/" + id)
                    .spec(refused(409, "MDEV_IN_USE", "EBUSY", held("guest", "pid " + QEMU, "05.0004")));
            api.get("/allocations/" + id).body("state", is("ACTIVE"));
            stop(mdev);
            api.delete("/allocations/" + id).statusCode(204);
        }

        @Test
        void leavesTheBitsThatOthersClearedOrWant() {
            store("/sys/bus/ap/aqmask", "-4");
            String first = allocated(wish("CCA", 3, ", 'mayTakeFromHost': true"));
            String second = allocated(wish("CCA", 1, ", 'mayTakeFromHost': true"));
            api.delete("/allocations/" + first).statusCode(204);
            api.get("/allocations/" + second).body("state", is("ACTIVE"));
            api.delete("/allocations/" + second).statusCode(204);
            api.get("/masks").body("apmask", is(ALL_ONES)).body("hostDomains", not(hasItem(4)));
            api.put("/desired-state", "{'owner': 'other', 'masks': {'apmask': '-5'}}")
                    .statusCode(200);
            String third = allocated(wish("CCA", 1, ", 'mayTakeFromHost': true"));
            api.put("/desired-state", "{'owner': 'other'}").statusCode(200);
            api.get("/allocations/" + third).body("state", is("ACTIVE"));
            api.delete("/allocations/" + third).statusCode(204);
            api.get("/masks").body("apmask", is(ALL_ONES));
        }

        @Test
        void keepsWhatADeviceOfSomebodyElseNeedsUntilThatIsGone() {
            String id = allocated(wish("CCA", 1, ", 'mayTakeFromHost': true"));
            assertThat(api.get("/allocations").extract().<List<String>>path("items[0].queues"))
                    .containsExactly("05.0004");
            store("/sys/bus/ap/apmask", "-5");
            mdev(A, List.of(5), List.of(71));
            api.delete("/allocations/" + id).statusCode(204);
            api.get("/mdevs/" + A).body("matrix", contains("05.0047"));
            api.delete("/mdevs/" + A).statusCode(204);
            store("/sys/bus/ap/apmask", "+5");
            Patience.until(() -> api.get("/masks").extract().path("apmask").equals(ALL_ONES)
                    && api.get("/masks").extract().path("aqmask").equals(ALL_ONES));
        }

        @Test
        void isShownBefore() {
            String id = allocated(wish("CCA", 1, ", 'mayTakeFromHost': true"));
            api.delete("/allocations/" + id + "?dryRun=true")
                    .statusCode(200)
                    .body("steps.action", hasItem("remove"))
                    .body("problems", empty());
            api.get("/allocations/" + id).body("state", is("ACTIVE"));
            api.delete("/allocations/nothing?dryRun=true").statusCode(200).body("steps", empty());
        }
    }

    @Nested
    class ALease {
        @Test
        void thatIsOverGoesByItself() {
            allocated(wish("CCA", 1, ", 'mayTakeFromHost': true, 'ttl': 'PT1S'"));
            Patience.until(() ->
                    api.get("/allocations").extract().<List<?>>path("items").isEmpty());
            asBefore();
            api.get("/audit?operation=expireAllocation")
                    .body("items.kind", hasItem("INTENT"))
                    .body("items.code", hasItem("RELEASED"))
                    .body("items.actor.name", hasItem("apmatrix"));
        }

        @Test
        void isRenewedForAsLongAsBeforeOrForAnother() {
            free();
            String id = allocated(wish("CCA", 1, ", 'ttl': 'PT4H'"));
            String first = api.get("/allocations/" + id).extract().path("expiresAt");
            String second = api.put("/allocations/" + id, "{}")
                    .statusCode(200)
                    .body("ttl", is("PT4H"))
                    .extract()
                    .path("expiresAt");
            assertThat(Instant.parse(second)).isAfter(Instant.parse(first));
            api.put("/allocations/" + id + "?dryRun=true", "{'ttl': 'PT9H'}")
                    .statusCode(200)
                    .body("dryRun", is(true));
            api.put("/allocations/" + id, "{'ttl': 'PT8H', 'onExpiry': 'unplug'}")
                    .statusCode(200)
                    .body("ttl", is("PT8H"))
                    .body("onExpiry", is("unplug"));
            api.put("/allocations/" + id, "{'ttl': 'P400D'}").spec(invalid("ttl"));
            api.put("/allocations/" + id, "{'ttl': 'soon'}").spec(invalid("ttl"));
            api.put("/allocations/" + id, "{'onExpiry': 'never'}").spec(invalid("onExpiry"));
            api.put("/allocations/nothing", "{}").spec(refused(404, "ALLOCATION_NOT_FOUND", null));
            api.put("/allocations/nothing?dryRun=true", "{}").spec(refused(404, "ALLOCATION_NOT_FOUND", null));
        }

        @Test
        void isMadeOfAnAllocationThatWasNone() {
            free();
            String id = allocated(wish("CCA", 1, ""));
            api.put("/allocations/" + id, "{}").statusCode(200).body("expiresAt", nullValue());
            api.put("/allocations/" + id, "{'ttl': 'PT1H'}").statusCode(200).body("expiresAt", notNullValue());
        }

        @Test
        void thatARunningGuestHasStaysExpiredUntilItIsRenewedOrLetGo() {
            String id = allocated(wish("CCA", 1, ", 'guest': 'guest1', 'mayTakeFromHost': true, 'ttl': 'PT1S'"));
            Patience.until(() ->
                    "EXPIRED".equals(api.get("/allocations/" + id).extract().path("state")));
            assertThat(guest("guest1").plugged()).isPresent();
            api.put("/allocations/" + id, "{'ttl': 'PT1H'}").statusCode(200).body("state", is("ACTIVE"));
            api.put("/allocations/" + id, "{'ttl': 'PT1S'}").statusCode(200);
            Patience.until(() ->
                    "EXPIRED".equals(api.get("/allocations/" + id).extract().path("state")));
            api.delete("/guests/guest1/ap-device").statusCode(204);
            Patience.until(() ->
                    api.get("/allocations").extract().<List<?>>path("items").isEmpty());
            asBefore();
        }

        @Test
        void thatSaysSoIsUnplugged() {
            allocated(wish(
                    "CCA", 1, ", 'guest': 'guest1', 'mayTakeFromHost': true, 'ttl': 'PT1S', 'onExpiry': 'unplug'"));
            Patience.until(() ->
                    api.get("/allocations").extract().<List<?>>path("items").isEmpty());
            asBefore();
        }
    }

    @Nested
    class TheDevice {
        @Test
        void isLostWhenSomebodyRemovesItOrGivesItAnotherMatrixAndCanStillBeGivenBack() {
            free();
            String mdev = allocate(wish("CCA", 2, "")).statusCode(201).extract().path("mdev");
            String id = api.get("/allocations").extract().path("items[0].id");
            api.delete("/mdevs/" + mdev + "/domains/4").statusCode(200);
            api.get("/allocations/" + id).body("state", is("LOST"));
            api.put("/mdevs/" + mdev + "/domains/4").statusCode(200);
            api.get("/allocations/" + id).body("state", is("ACTIVE"));
            api.delete("/mdevs/" + mdev).statusCode(204);
            api.get("/allocations").body("items.state", contains("LOST"));
            api.delete("/allocations/" + id).statusCode(204);
            assertThat(kernel.list(Path.of("/sys/bus/mdev/devices"))).isEmpty();
        }

        @Test
        void thatSomebodyElseHasMadeOtherwiseIsLeftAloneAlsoInItsGuestWhenTheLeaseIsOver() {
            free();
            String lease = wish("CCA", 1, ", 'ttl': 'PT2S', 'onExpiry': 'unplug'");
            String lost = allocate(lease).statusCode(201).extract().path("mdev");
            api.delete("/mdevs/" + lost).statusCode(204);
            api.put("/mdevs/" + lost, "{'adapters': [6], 'domains': [4]}").statusCode(201);
            api.put("/guests/guest2/ap-device", "{'mdev': '" + lost + "'}").statusCode(201);
            Patience.until(() ->
                    api.get("/allocations").extract().<List<?>>path("items").isEmpty());
            api.get("/guests/guest2/ap-device").statusCode(200).body("mdev", is(lost));
            api.get("/mdevs").body("items.uuid", contains(lost));
        }

        @Test
        void isSomebodysForDocuments() {
            free();
            String mdev = allocate(wish("CCA", 1, "")).statusCode(201).extract().path("mdev");
            String id = api.get("/allocations").extract().path("items[0].id");
            api.put("/desired-state", "{'owner': 'other', 'mdevs': [{'uuid': '" + mdev + "', 'adapters': [5]}]}")
                    .spec(refused(409, "FOREIGN_MDEV", null))
                    .body("owner", is("allocation " + id));
        }
    }

    @Test
    void areListedByOwner() {
        free();
        allocated(wish("CCA", 1, ""));
        allocated("{'owner': 'other', 'mode': 'ACCELERATOR', 'queues': 2}");
        api.get("/allocations").body("items.owner", contains("demo", "other"));
        api.get("/allocations?owner=other").body("items.mode", contains("ACCELERATOR"));
        api.get("/allocations?owner=nobody").body("items", empty());
        api.get("/allocations?owner=-").spec(invalid("owner"));
    }
}
