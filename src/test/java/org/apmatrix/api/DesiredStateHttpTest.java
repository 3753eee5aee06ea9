package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.restassured.response.ValidatableResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.Patience;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.beans.factory.annotation.Autowired;

/** Whole documents: shown, applied, taken back, compared with what is, and mended. */
class DesiredStateHttpTest extends HttpTest {
    private static final String ALL_ONES = "0x" + "f".repeat(64);
    private static final String THREE_GUESTS = """
            {'owner': 'demo',
             'masks': {'apmask': '-5,-6', 'aqmask': '-4,-0x47,-0xab,-0xff'},
             'mdevs': [
               {'uuid': '%s', 'adapters': [5, 6], 'domains': [4, 171]},
               {'uuid': '%s', 'adapters': [5], 'domains': [71, 255]},
               {'uuid': '%s', 'adapters': [6], 'domains': [71, 255]}],
             'attachments': [
               {'guest': 'guest1', 'mdev': '%s'}, {'guest': 'guest2', 'mdev': '%s'}, {'guest': 'guest3', 'mdev': '%s'}]}""".formatted(A, B, C, A, B, C);
    private static final String THREE_GUESTS_IN_YAML = """
            owner: demo
            masks:
              apmask: -5,-6
              aqmask: -4,-0x47,-0xab,-0xff
            mdevs:
              - uuid: %s
                adapters: [5, 6]
                domains: [4, 0xab]
              - {uuid: %s, adapters: [5], domains: [71, 255]}
              - {uuid: %s, adapters: [6], domains: [0x47, 0xff]}
            attachments:
              - {guest: guest1, mdev: %s}
              - {guest: guest2, mdev: %s}
              - {guest: guest3, mdev: %s}
            """.formatted(A, B, C, A, B, C);

    @Autowired
    MdevctlStore definitions;

    private ValidatableResponse apply(String document) {
        return api.put("/desired-state", document);
    }

    private ValidatableResponse dryRun(String document) {
        return api.put("/desired-state?dryRun=true", document);
    }

    private static String one(String mdev, String rest) {
        return "{'owner': 'demo', 'masks': {'apmask': '-5,-6'}, 'mdevs': [" + mdev + "]" + rest + "}";
    }

    private static String device(String uuid, String matrix) {
        return "{'uuid': '" + uuid + "', " + matrix + "}";
    }

    @Nested
    class TheThreeGuests {
        @ParameterizedTest
        @EnumSource
        void areMadeByOneDocumentOnEveryKernelAndGoWithAnEmptyOne(KernelVersion version) {
            boot(version);
            guests.rebooted();
            apply(THREE_GUESTS).statusCode(200).body("applied", is(true)).body("changed", is(true));
            api.get("/guests").body("items.apDevice.mdev", contains(A, B, C));
            api.get("/mdevs/" + A).body("matrix", contains("05.0004", "05.00ab", "06.0004", "06.00ab"));
            api.get("/mdevs/" + B).body("matrix", contains("05.0047", "05.00ff"));
            api.get("/mdevs/" + C).body("matrix", contains("06.0047", "06.00ff"));
            apply(THREE_GUESTS)
                    .statusCode(200)
                    .body("applied", is(true))
                    .body("changed", is(false))
                    .body("steps", empty());
            api.get("/desired-state/drift").body("drifted", is(false)).body("differences", empty());

            apply("{'owner': 'demo'}").statusCode(200).body("changed", is(true));
            api.get("/guests").body("items.apDevice", contains(nullValue(), nullValue(), nullValue()));
            api.get("/mdevs").body("items", empty());
            api.get("/masks").body("apmask", is(ALL_ONES)).body("aqmask", is(ALL_ONES));
            api.get("/desired-state").body("items", empty());
        }

        @Test
        void areShownBeforeWithEachStepAndEachQueuesHolder() {
            List<Map<String, String>> steps = dryRun(THREE_GUESTS)
                    .statusCode(200)
                    .body("dryRun", is(true))
                    .body("problems", empty())
                    .body("guestsAffected", contains("guest1", "guest2", "guest3"))
                    .body("apqnsAdded", hasItems("05.0004", "05.00ab", "06.0004", "06.00ff"))
                    .body("apqnsRemoved", empty())
                    .body("moves.find { it.apqn == '05.0004' }.from.holderKind", is("host"))
                    .body("moves.find { it.apqn == '05.0004' }.from.holder", is("cex4queue"))
                    .body("moves.find { it.apqn == '05.0004' }.to.holderKind", is("mdev"))
                    .body("moves.find { it.apqn == '05.0004' }.to.holder", is(A))
                    .extract()
                    .path("steps");
            assertThat(steps.stream().map(step -> step.get("action")))
                    .as("one write a mask, one ap_config a device")
                    .containsExactly(
                            "apmask",
                            "aqmask",
                            "create",
                            "ap_config",
                            "create",
                            "ap_config",
                            "create",
                            "ap_config",
                            "device_add",
                            "device_add",
                            "device_add");
            api.get("/mdevs").body("items", empty());
            api.get("/masks").body("apmask", is(ALL_ONES));
            apply(THREE_GUESTS).body("steps", equalTo(steps));
        }

        @Test
        void areWarnedOfWhatIsMixed() {
            apply(THREE_GUESTS).body("warnings.code", contains("MIXED_MODES"));
            dryRun("{'owner': 'demo'}").body("warnings.code", hasItem("SECURE_KEYS"));
        }

        @Test
        void areTheSameInYaml() {
            api.sendRaw("PUT", "/desired-state", "application/yaml", THREE_GUESTS_IN_YAML)
                    .statusCode(200)
                    .body("changed", is(true));
            apply(THREE_GUESTS).body("changed", is(false));
        }

        @Test
        void areListedAsTheyWereApplied() {
            apply(THREE_GUESTS);
            api.get("/desired-state")
                    .body("items.owner", contains("demo"))
                    .body("items[0].masks.aqmask", is("-4,-0x47,-0xab,-0xff"))
                    .body("items[0].mdevs.uuid", contains(A, B, C))
                    .body("items[0].mdevs[0].autostart", nullValue())
                    .body("items[0].attachments.guest", contains("guest1", "guest2", "guest3"));
        }

        @Test
        void areToldAsTheyCome() {
            try (EventStream events = api.events("?types=plan.progress")) {
                apply(THREE_GUESTS);
                assertThat(events.await("plan.progress").data().getString("after.owner"))
                        .isEqualTo("demo");
                Patience.until(() -> events.messages().stream()
                        .anyMatch(message -> message.text().contains("APPLIED")));
                assertThat(events.messages())
                        .anyMatch(message -> message.text().contains("plug " + B + " into guest2"));
            }
        }
    }

    @Nested
    class Changes {
        @Test
        void exchangeQueuesBetweenTwoDevices() {
            apply(one(
                            device(A, "'adapters': [5], 'domains': [4]") + ","
                                    + device(B, "'adapters': [6], 'domains': [4]"),
                            ""))
                    .statusCode(200);
            List<String> actions = apply(one(
                            device(A, "'adapters': [6], 'domains': [4]") + ","
                                    + device(B, "'adapters': [5], 'domains': [4]"),
                            ""))
                    .statusCode(200)
                    .extract()
                    .path("steps.action");
            assertThat(actions)
                    .as("one gives up, then each gets its own")
                    .containsOnly("ap_config")
                    .hasSize(3);
            api.get("/mdevs/" + A).body("matrix", contains("06.0004"));
            api.get("/mdevs/" + B).body("matrix", contains("05.0004"));
        }

        @Test
        void ofADeviceThatItsDocumentHasPluggedInGoByWayOfItsGuest() {
            String plugged = ", 'attachments': [{'guest': 'guest1', 'mdev': '" + A + "'}]";
            apply(one(device(A, "'adapters': [5], 'domains': [4]"), plugged)).statusCode(200);
            apply(one(device(A, "'adapters': [5], 'domains': [4, 171]"), plugged))
                    .statusCode(200)
                    .body("steps.action", contains("device_del", "ap_config", "device_add"))
                    .body("steps.target", hasItem("guest1"));
            api.get("/guests/guest1/ap-device").body("mdev", is(A));
            api.get("/mdevs/" + A).body("guestMatrix", contains("05.0004", "05.00ab"));
        }

        @Test
        void doNotUnplugWhatADocumentThatSaysNothingOfAttachmentsHasNotPluggedIn() {
            apply(one(device(A, "'adapters': [5], 'domains': [4]"), "")).statusCode(200);
            api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
            apply(one(device(A, "'adapters': [5], 'domains': [4]"), ""))
                    .statusCode(200)
                    .body("changed", is(false));
            apply(one(device(A, "'adapters': [5], 'domains': [4, 171]"), ""))
                    .spec(refused(409, "MDEV_IN_USE", "EBUSY", held("guest", "guest1", "05.0004")));
            assertThat(guest("guest1").plugged()).isEqualTo(Optional.of(id(A)));
        }

        @Test
        void moveADeviceFromOneGuestToAnother() {
            apply(one(
                    device(A, "'adapters': [5], 'domains': [4]"),
                    ", 'attachments': [{'guest': 'guest1', 'mdev': '" + A + "'}]"));
            apply(one(
                            device(A, "'adapters': [5], 'domains': [4]"),
                            ", 'attachments': [{'guest': 'guest2', 'mdev': '" + A + "'}]"))
                    .statusCode(200)
                    .body("steps.action", contains("device_del", "device_add"));
            api.get("/guests").body("items[0].apDevice", nullValue()).body("items[1].apDevice.mdev", is(A));
        }

        @Test
        void giveBackOnlyTheBitsThatTheOwnersDocumentsHaveCleared() {
            store("/sys/bus/ap/apmask", "-6");
            apply("{'owner': 'demo', 'masks': {'apmask': '-5,-6'}}").statusCode(200);
            apply("{'owner': 'demo'}").statusCode(200);
            api.get("/masks").body("hostAdapters", hasItem(5)).body("hostAdapters", not(hasItem(6)));
        }

        @Test
        void doNotGiveBackABitThatCameBackMeanwhileAndWasClearedBySomebodyElse() {
            apply("{'owner': 'demo', 'masks': {'apmask': '-6'}}").statusCode(200);
            api.patch("/masks", "{'apmask': '+6'}").statusCode(200);
            api.patch("/masks", "{'apmask': '-6'}").statusCode(200);
            apply("{'owner': 'demo'}").statusCode(200);
            api.get("/masks").body("hostAdapters", not(hasItem(6)));
        }

        @Test
        void ofAnotherOwnerThatWantTheOppositeAreRefused() {
            apply("{'owner': 'one', 'masks': {'apmask': '-6'}}").statusCode(200);
            apply("{'owner': 'two', 'masks': {'apmask': '+6'}}")
                    .spec(refused(409, "MASKS_CLAIMED", null))
                    .body("owner", is("one"))
                    .body("apmask", contains(6));
            api.get("/masks").body("hostAdapters", not(hasItem(6)));
        }

        @Test
        void leaveABitClearedThatAnotherOwnerWantsToo() {
            apply("{'owner': 'one', 'masks': {'apmask': '-5'}}").statusCode(200);
            apply("{'owner': 'two', 'masks': {'apmask': '-5,-6'}}").statusCode(200);
            apply("{'owner': 'one'}").statusCode(200);
            api.get("/masks").body("hostAdapters", not(hasItem(5)));
            apply("{'owner': 'two'}").statusCode(200);
            api.get("/masks").body("apmask", is(ALL_ONES));
        }
    }

    @Nested
    class OfOthers {
        @Test
        void clashAndStayAsTheyAre() {
            free();
            mdev(A, List.of(5), List.of(4));
            apply(one(device(A, "'adapters': [5], 'domains': [4]"), ""))
                    .spec(refused(409, "FOREIGN_MDEV", null))
                    .body("mdev", is(A))
                    .body("owner", nullValue());
            apply("{'owner': 'demo'}").statusCode(200);
            api.get("/mdevs/" + A).statusCode(200).body("matrix", contains("05.0004"));
        }

        @Test
        void areNamedWithTheirOwner() {
            apply(one(device(A, "'adapters': [5]"), "")).statusCode(200);
            apply("{'owner': 'other', 'mdevs': [" + device(A, "'adapters': [5]") + "]}")
                    .spec(refused(409, "FOREIGN_MDEV", null))
                    .body("owner", is("demo"));
        }

        @Test
        void areAllToldAtOnceBesideEveryOtherReason() {
            free();
            mdev(A, List.of(5), List.of(4));
            String document = "{'owner': 'demo', 'mdevs': [" + device(B, "'adapters': [5, 6], 'domains': [4, 71]") + ","
                    + device(C, "'adapters': [6, 7], 'domains': [71]") + "],"
                    + " 'attachments': [{'guest': 'nobody', 'mdev': '" + C + "'}]}";
            apply(document)
                    .statusCode(409)
                    .body("code", is("APQN_IN_USE"))
                    .body("problems.code", contains("APQN_IN_USE", "APQN_RESERVED", "APQN_IN_USE", "GUEST_NOT_FOUND"))
                    .body(
                            "conflicts.findAll { it.holderKind == 'mdev' }.apqn",
                            containsInAnyOrder("05.0004", "06.0047", "06.0047"));
            dryRun(document)
                    .statusCode(200)
                    .body(
                            "problems.code",
                            containsInAnyOrder("APQN_RESERVED", "APQN_IN_USE", "APQN_IN_USE", "GUEST_NOT_FOUND"));
            api.get("/mdevs").body("items.uuid", contains(A));
        }

        @Test
        void keepAGuestThatHasAnotherDevice() {
            free();
            mdev(B, List.of(6), List.of(4));
            api.put("/guests/guest1/ap-device", "{'mdev': '" + B + "'}").statusCode(201);
            apply(one(
                            device(A, "'adapters': [5], 'domains': [4]"),
                            ", 'attachments': [{'guest': 'guest1', 'mdev': '" + A + "'}]"))
                    .spec(refused(409, "GUEST_HAS_AP_DEVICE", null))
                    .body("attached", is(B));
            api.get("/mdevs").body("items.uuid", contains(B));
        }

        @Test
        void thatHoldADeviceKeepItAsItIs() {
            apply(one(device(A, "'adapters': [5], 'domains': [4]"), "")).statusCode(200);
            start(A);
            apply("{'owner': 'demo'}").statusCode(409).body("code", is("MDEV_IN_USE"));
            api.get("/mdevs/" + A).body("matrix", contains("05.0004"));
            stop(A);
            apply("{'owner': 'demo'}").statusCode(200).body("changed", is(true));
        }
    }

    @Nested
    class WhatFails {
        private static final String TWO = one(
                device(A, "'adapters': [5], 'domains': [4]") + "," + device(B, "'adapters': [6], 'domains': [4]"),
                ", 'attachments': [{'guest': 'guest1', 'mdev': '" + A + "'}, {'guest': 'guest2', 'mdev': '" + B
                        + "'}]");

        @Test
        void isTakenBackWhenAGuestRefuses() {
            guest("guest2").apply(guest("guest2").settings().withTemper(SimulatedQemu.Temper.REFUSES));
            apply(TWO).statusCode(409).body("code", is("QEMU_REFUSED")).body("notUndone", nullValue());
            api.get("/mdevs").body("items", empty());
            api.get("/masks").body("apmask", is(ALL_ONES));
            api.get("/guests/guest1").body("apDevice", nullValue());
            api.get("/desired-state").body("items", empty());
        }

        @Test
        void isToldAsFarAsItCannotBeTakenBackAndEndsWhenTheGuestAnswers() {
            guest("guest2").apply(guest("guest2").settings().withTemper(SimulatedQemu.Temper.SILENT));
            api.with("Prefer", "wait=1").put("/desired-state", TWO).statusCode(503);
            api.get("/mdevs").body("items", empty());

            SimulatedQemu silent = guest("guest2");
            silent.apply(silent.settings().withTemper(SimulatedQemu.Temper.ANSWERS));
            Patience.until(
                    () -> api.get("/guests/guest2").extract().path("state").equals("running"));
            apply(TWO).statusCode(200);
            silent.apply(silent.settings().withTemper(SimulatedQemu.Temper.SILENT));
            api.with("Prefer", "wait=1")
                    .put("/desired-state", "{'owner': 'demo'}")
                    .statusCode(503)
                    .body("code", is("QEMU_UNREACHABLE"))
                    .body("guest", is("guest2"));
            String state = api.get("/mdevs/" + B).statusCode(200).extract().path("guest.state");
            assertThat(state).isIn("ATTACHED", "DETACHING");
            silent.apply(silent.settings().withTemper(SimulatedQemu.Temper.ANSWERS));
            Patience.until(
                    () -> api.get("/guests/guest2").extract().path("state").equals("running"));
            apply("{'owner': 'demo'}").statusCode(200);
            api.get("/mdevs").body("items", empty());
        }
    }

    @Nested
    class Drift {
        @Test
        void isWhatOthersChangeAndIsMended() {
            apply(THREE_GUESTS);
            api.delete("/guests/guest3/ap-device").statusCode(204);
            store(directory(C) + "/unassign_domain", "255");
            store("/sys/bus/ap/apmask", "-7");
            api.get("/desired-state/drift")
                    .body("drifted", is(true))
                    .body("differences.owner", contains("demo", "demo"))
                    .body("differences.kind", contains("MDEV", "ATTACHMENT"))
                    .body("differences.target", contains(C, C))
                    .body("differences[0].expected", is("adapters [6], domains [71, 255], control domains []"))
                    .body("differences[0].actual", is("adapters [6], domains [71], control domains []"))
                    .body("differences[1].expected", is("guest3"))
                    .body("differences[1].actual", nullValue())
                    .body("interrupted", empty());
            api.ask("POST", Api.BASE + "/desired-state/reconcile?dryRun=true")
                    .statusCode(200)
                    .body("steps.action", contains("ap_config", "device_add"));
            api.ask("POST", Api.BASE + "/desired-state/reconcile?owner=demo")
                    .statusCode(200)
                    .body("changed", is(true));
            api.get("/desired-state/drift?owner=demo").body("drifted", is(false));
            api.ask("POST", Api.BASE + "/desired-state/reconcile")
                    .statusCode(200)
                    .body("changed", is(false));
        }

        @Test
        void isADeviceThatIsGone() {
            apply(one(device(A, "'adapters': [5], 'domains': [4]"), ""));
            store(directory(A) + "/remove", "1");
            api.get("/desired-state/drift")
                    .body("differences[0].target", is(A))
                    .body("differences[0].expected", notNullValue())
                    .body("differences[0].actual", nullValue());
            api.ask("POST", Api.BASE + "/desired-state/reconcile").statusCode(200);
            api.get("/mdevs/" + A).body("matrix", contains("05.0004"));
        }

        @Test
        void ofNobodyIsNone() {
            api.get("/desired-state/drift?owner=nobody").statusCode(200).body("drifted", is(false));
            api.ask("POST", Api.BASE + "/desired-state/reconcile?owner=nobody")
                    .statusCode(200)
                    .body("changed", is(false));
        }
    }

    @Nested
    class Definitions {
        @Test
        void comeAndGoWithTheirDevice() {
            apply(one(device(A, "'adapters': [5], 'domains': [4], 'autostart': true"), ""))
                    .statusCode(200)
                    .body("steps[-1].action", is("define"))
                    .body("steps[-1].value", is("auto"));
            api.get("/mdevs/" + A).body("definition", is("auto"));
            apply(one(device(A, "'adapters': [5], 'domains': [4], 'autostart': true"), ""))
                    .body("changed", is(false));
            apply(one(device(A, "'adapters': [5], 'domains': [4], 'autostart': false"), ""))
                    .statusCode(200);
            api.get("/mdevs/" + A).body("definition", is("manual"));
            apply(one(device(A, "'adapters': [5], 'domains': [4], 'autostart': true"), ""));
            apply("{'owner': 'demo'}").statusCode(200).body("steps.action", hasItem("undefine"));
            assertThat(definitions.all()).isEmpty();
        }

        @Test
        void ofTwoDevicesThatStartAtBootDoNotClash() {
            free();
            mdev(A, List.of(5), List.of(4));
            api.put("/mdevs/" + A + "/definition", "{'start': 'auto'}").statusCode(201);
            store(directory(A) + "/remove", "1");
            apply(one(device(B, "'adapters': [5], 'domains': [4], 'autostart': true"), ""))
                    .statusCode(409)
                    .body("code", is("DEFINITION_CONFLICT"));
            api.get("/mdevs").body("items", empty());
        }

        @Test
        void ofOthersStayAsTheyAre() {
            free();
            mdev(A, List.of(5), List.of(4));
            api.put("/mdevs/" + A + "/definition", "{'start': 'manual'}").statusCode(201);
            store(directory(A) + "/remove", "1");
            apply(one(device(A, "'adapters': [5], 'domains': [4], 'autostart': true"), ""))
                    .spec(refused(409, "FOREIGN_MDEV", null));
        }
    }

    @Nested
    class Names {
        @Test
        void giveTheSameDeviceEachTime() {
            String document =
                    "{'owner': 'demo', 'masks': {'apmask': '-5'}, 'mdevs': [{'name': 'payments', 'adapters': [5], 'domains': [4]}],"
                            + " 'attachments': [{'guest': 'guest1', 'mdev': 'payments'}]}";
            apply(document).statusCode(200);
            // from uuidgen --sha1 --namespace 9a1c7c52-6d0e-5b0b-8c4f-3d1e5f7a9b20 --name demo/payments
            String uuid = "88348506-4634-52b5-af8e-bb92a2666382";
            api.get("/mdevs/" + uuid).statusCode(200);
            api.get("/guests/guest1/ap-device").body("mdev", is(uuid));
            apply(document).body("changed", is(false));
            api.get("/desired-state").body("items[0].mdevs[0].name", is("payments"));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {}                                                                                    | owner
            {'owner': ''}                                                                         | owner
            {'owner': '../x'}                                                                     | owner
            {'owner': 'a', 'masks': {'apmask': '5'}}                                              | masks.apmask
            {'owner': 'a', 'masks': {'aqmask': '-256'}}                                           | masks.aqmask
            {'owner': 'a', 'mdevs': [{}]}                                                         | mdevs[0]
            {'owner': 'a', 'mdevs': [null]}                                                       | mdevs[0]
            {'owner': 'a', 'mdevs': [{'uuid': 'x'}]}                                              | mdevs[0].uuid
            {'owner': 'a', 'mdevs': [{'name': '/'}]}                                              | mdevs[0].name
            {'owner': 'a', 'mdevs': [{'name': 'n', 'adapters': [256]}]}                           | mdevs[0].adapters[0]
            {'owner': 'a', 'mdevs': [{'name': 'n'}, {'name': 'n'}]}                               | mdevs[1]
            {'owner': 'a', 'mdevs': [{'name': 'n'}], 'attachments': [{'guest': 'g'}]}             | attachments[0].mdev
            {'owner': 'a', 'mdevs': [{'name': 'n'}], 'attachments': [{'mdev': 'n'}]}              | attachments[0].guest
            {'owner': 'a', 'attachments': [{'guest': 'g', 'mdev': '11111111-2222-4333-8444-555555555555'}]} | attachments[0].mdev
            {'owner': 'a', 'mdevs': [{'name': 'n'}, {'name': 'm'}], 'attachments': [{'guest': 'g', 'mdev': 'n'}, {'guest': 'g', 'mdev': 'm'}]} | attachments[1].guest
            {'owner': 'a', 'mdevs': [{'name': 'n'}], 'attachments': [{'guest': 'g', 'mdev': 'n'}, {'guest': 'h', 'mdev': 'n'}]} | attachments[1].mdev
            {'owner': 'a', 'whatever': 1}                                                         | whatever
            {'owner': 'a', 'mdevs': [{'name': 'n', 'autostart': 'yes'}]}                          | mdevs[0].autostart
            """)
    void namesWhatIsWrongWithADocument(String document, String field) {
        apply(document.replaceAll("^'|'$", "")).spec(invalid(field));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            owner: [                              | owner
            owner: a\\nmdevs: [{name: n, adapters: [010]}]    | mdevs[0].adapters[0]
            owner: a\\nmdevs: [{name: n, adapters: ['5']}]    | mdevs[0].adapters[0]
            owner: a\\nmdevs: [{name: n, adapters: [5.0]}]    | mdevs[0].adapters[0]
            owner: a\\nmdevs: [{name: n, adapters: [0x100]}]  | mdevs[0].adapters[0]
            owner: a\\nmdevs: [{name: n, adapters: [yes]}]    | mdevs[0].adapters[0]
            owner: a\\nowner: b                   | body
            owner: a\\nmdevs: {}                  | mdevs
            owner: a\\nfoo: 1                     | foo
            --- {owner: a}\\n--- {owner: b}       | body
            """)
    void namesWhatIsWrongWithADocumentInYaml(String document, String field) {
        api.sendRaw("PUT", "/desired-state", "application/yaml", document.replace("\\n", "\n"))
                .spec(invalid(field));
    }

    @Test
    void takesAMaskThatLooksLikeANumberInYaml() {
        api.sendRaw("PUT", "/desired-state", "application/yaml", "owner: demo\nmasks:\n  apmask: -5\n")
                .statusCode(200);
        api.get("/masks").body("hostAdapters", not(hasItem(5))).body("hostAdapters", hasItem(6));
    }

    @Test
    void isNotRestoredAtAStartUnlessTheSiteWantsIt() {
        api.get("/host/boot-report")
                .statusCode(200)
                .body("restoreOnStart", is(false))
                .body("finished", is(true))
                .body("owners", empty())
                .body("allocations", empty());
    }

    @Test
    void namesTheMediaTypesThatItTakes() {
        api.sendRaw("PUT", "/desired-state", "text/plain", "owner: demo")
                .statusCode(415)
                .body("detail", is("This path takes application/json or application/yaml."));
    }

    @Test
    void servesAHostOfManyAdaptersAndDevices() {
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.example());
        StringBuilder devices = new StringBuilder();
        for (int domain = 0; domain < 60; domain++) {
            devices.append(domain == 0 ? "" : ",")
                    .append("{'name': 'd")
                    .append(domain)
                    .append("', 'adapters': [5], 'domains': [")
                    .append(domain)
                    .append("]}");
        }
        String document = "{'owner': 'many', 'masks': {'apmask': '-5'}, 'mdevs': [" + devices + "]}";
        apply(document).statusCode(200).body("changed", is(true));
        apply(document).body("changed", is(false));
        apply("{'owner': 'many'}").statusCode(200);
        api.get("/mdevs").body("items", empty());
    }
}
