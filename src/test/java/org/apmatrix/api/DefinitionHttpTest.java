package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

/** Definitions, which outlive a boot. */
class DefinitionHttpTest extends HttpTest {
    private static final String OF_A = "/mdevs/" + A + "/definition";
    private static final String OF_B = "/mdevs/" + B + "/definition";

    @Autowired
    MdevctlStore store;

    @Autowired
    AuditJournal journal;

    /** A definition of somebody else, or of a test that is about something later. */
    private void defined(String uuid, MdevDefinition.Start start, Matrix matrix) {
        store.write(MdevDefinition.of(id(uuid), start, matrix));
    }

    private String file(String uuid) {
        return store.read(id(uuid)).orElseThrow().text();
    }

    private static Matrix matrix(List<Integer> adapters, List<Integer> domains, List<Integer> controlDomains) {
        return new Matrix(ApMask.of(adapters), ApMask.of(domains), ApMask.of(controlDomains));
    }

    private static final Matrix FOUR = matrix(List.of(5), List.of(4), List.of());

    @Nested
    class Shown {
        @Test
        void isTheFileByteForByte() throws IOException {
            String odd = " {\"start\":\"auto\", \"x\": \"ü\",\"mdev_type\":\"vfio_ap-passthrough\" }\n";
            defined(A, MdevDefinition.Start.AUTO, FOUR);
            Files.writeString(store.file(id(A)), odd);
            assertThat(api.get(OF_A)
                            .statusCode(200)
                            .contentType("application/json")
                            .header("Vary", containsString("Accept"))
                            .extract()
                            .asString())
                    .isEqualTo(odd);
        }

        @Test
        void isANodeDeviceWhereXmlIsPreferred() {
            defined(A, MdevDefinition.Start.AUTO, FOUR);
            for (String accept : List.of(
                    "application/xml", "application/json;q=0.5, application/xml", "application/xml, */*;q=0.1")) {
                api.with("Accept", accept)
                        .get(OF_A)
                        .statusCode(200)
                        .contentType("application/xml")
                        .body(allOf(containsString("<uuid>" + A + "</uuid>"), containsString("value='0x0004'")));
            }
            for (String accept : List.of("*/*", "application/json, application/xml", "application/xml;q=0, */*")) {
                api.with("Accept", accept).get(OF_A).statusCode(200).contentType("application/json");
            }
        }

        @Test
        void isNotFoundWhereThereIsNone() {
            api.get(OF_A).spec(refused(404, "DEFINITION_NOT_FOUND", null));
            api.with("Accept", "application/xml").get(OF_A).spec(refused(404, "DEFINITION_NOT_FOUND", null));
            api.with("Accept", "text/html").get(OF_A).spec(refused(406, "NOT_ACCEPTABLE", null));
        }

        @Test
        void isAFailureWhereTheFileIsNone() throws IOException {
            defined(A, MdevDefinition.Start.AUTO, FOUR);
            Files.writeString(store.file(id(A)), "{ torn");
            api.get(OF_A).spec(refused(500, "HOST_REFUSED", null));
            api.get("/definitions").statusCode(200).body("unreadable.name", equalTo(List.of(A)));
            api.put(OF_A, "{'attrs': []}").statusCode(200);
            assertThat(file(A)).contains("\"attrs\": []");
        }

        @Test
        void isInEveryAnswerAboutTheDevice() {
            free();
            mdev(A, List.of(5), List.of(4));
            mdev(B, List.of(6), List.of(4));
            mdev(C, List.of(), List.of());
            defined(A, MdevDefinition.Start.AUTO, FOUR);
            defined(B, MdevDefinition.Start.MANUAL, FOUR);
            api.get("/mdevs/" + A).body("definition", is("auto"));
            api.get("/mdevs/" + C).body("definition", nullValue());
            api.get("/mdevs").body("items.definition", equalTo(Arrays.asList("auto", "manual", null)));
            api.put("/mdevs/" + B + "/domains/4").body("definition", is("manual"));
        }

        @Test
        void leavesTheTagOfTheDeviceWhichIsOverWhatTheKernelHolds() {
            mdev(A, List.of(), List.of());
            String before = api.etag("/mdevs/" + A);
            api.put(OF_A).statusCode(201);
            assertThat(api.etag("/mdevs/" + A)).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/etc/hostname", "../../../../bus/ap/apmask", "remove", "", "ap_config", "unassign_adapter"})
    void takesNoAttributeThatWouldBeWrittenElsewhere(String name) {
        api.put(OF_A, "{'start': 'auto', 'attrs': [{'assign_adapter': '5'}, {'" + name + "': '1'}]}")
                .spec(invalid("attrs"));
        assertThat(store.all()).isEmpty();
    }

    @Nested
    class Kept {
        @Test
        void isKeptAsItIsSent() {
            String odd = "{ \"owner\" : \"me\", \"start\":\"auto\", \"mdev_type\":\"vfio_ap-passthrough\",\n"
                    + " \"attrs\":[{\"assign_adapter\":\"5\"},{\"assign_adapter\":\"0x05\"},{\"assign_domain\":\"04\"}] }\n";
            api.sendRaw("PUT", OF_A, "application/json", odd)
                    .statusCode(201)
                    .header("Location", endsWith(OF_A))
                    .body("uuid", is(A))
                    .body("start", is("auto"))
                    .body("adapters", equalTo(List.of(5)))
                    .body("domains", equalTo(List.of(4)))
                    .body("controlDomains", empty())
                    .body("path", is(store.file(id(A)).toString()));
            assertThat(file(A)).isEqualTo(odd);
            api.sendRaw("PUT", OF_A, "application/json", odd).statusCode(200);
        }

        @Test
        void whatStandsComesBackAtBoot() {
            free();
            mdev(A, List.of(5), List.of(4));
            api.put(OF_A, "{'start': 'auto'}").statusCode(201).body("start", is("auto"));
            assertThat(file(A))
                    .isEqualTo(MdevDefinition.of(id(A), MdevDefinition.Start.AUTO, FOUR)
                            .text());
            api.put(OF_A, "{'autostart': false}").statusCode(200).body("start", is("manual"));
            assertThat(file(A)).doesNotContain("autostart");
        }

        @Test
        void withoutABodyWhatStandsIsKept() {
            free();
            mdev(A, List.of(5), List.of(4));
            api.put(OF_A).statusCode(201).body("start", is("manual")).body("domains", equalTo(List.of(4)));
            api.put(OF_A).statusCode(200);
        }

        @Test
        void aDefinitionIsChangedAndNotTheDevice() {
            free();
            mdev(A, List.of(5), List.of(4));
            defined(A, MdevDefinition.Start.MANUAL, matrix(List.of(6), List.of(71), List.of()));
            api.put(OF_A, "{'start': 'auto'}").statusCode(200).body("adapters", equalTo(List.of(6)));
            api.get("/mdevs/" + A).body("adapters", equalTo(List.of(5)));
        }

        @Test
        void aNodeDeviceIsKept() {
            defined(B, MdevDefinition.Start.AUTO, FOUR);
            String xml =
                    api.with("Accept", "application/xml").get(OF_B).extract().asString();
            api.sendRaw("PUT", OF_A, "application/xml", xml).spec(invalid("uuid"));
            api.sendRaw("PUT", OF_A, "application/xml", xml.replace(B, A.toUpperCase(Locale.ROOT)))
                    .statusCode(201)
                    .body("start", is("manual"))
                    .body("adapters", equalTo(List.of(5)));
            String before = file(B);
            api.sendRaw("PUT", OF_B, "application/xml; charset=utf-8", xml)
                    .statusCode(200)
                    .body("start", is("auto"));
            assertThat(file(B)).isEqualTo(before);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "<device/>",
                    "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><device>&x;</device>",
                    "<!DOCTYPE d [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><device>&b;</device>"
                })
        void aHostileNodeDeviceIsRefused(String xml) {
            mdev(A, List.of(), List.of());
            if (!xml.isEmpty()) {
                api.sendRaw("PUT", OF_A, "application/xml", xml)
                        .statusCode(400)
                        .body("code", is("INVALID_VALUE"))
                        .body("detail", not(containsString("root:")));
            }
            assertThat(store.all()).isEmpty();
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "{'start': 'auto'} | attrs",
                    "{} | attrs",
                    "[] | body",
                    "{'attrs': [] | body",
                    "{'attrs': [{'assign_adapter': '256'}]} | attrs",
                    "{'attrs': [{'assign_adapter': 5}]} | attrs[0]",
                    "{'attrs': [{'a': '5', 'b': '5'}]} | attrs[0]",
                    "{'attrs': [5]} | attrs[0]",
                    "{'attrs': {}} | attrs",
                    "{'attrs': [], 'start': 'Auto'} | start",
                    "{'attrs': [], 'autostart': 'yes'} | autostart",
                    "{'attrs': [], 'autostart': true, 'start': 'manual'} | autostart",
                    "{'attrs': [], 'mdev_type': 'i915-GVTg_V5_4'} | mdev_type"
                })
        void whatIsNoDefinitionIsRefused(String body, String field) {
            api.put(OF_A, body).spec(invalid(field));
            assertThat(store.all()).isEmpty();
        }

        @Test
        void otherEncodingsAndTypesAreRefused() {
            api.sendRaw("PUT", OF_A, "application/json; charset=iso-8859-1", "{\"attrs\": [], \"x\": \"\u00fc\"}")
                    .spec(invalid("body"));
            api.sendRaw("PUT", OF_A, "text/plain", "{}").spec(refused(415, "UNSUPPORTED_MEDIA_TYPE", null));
        }

        @Test
        void idsAboveTheMaximumAreRefused() {
            boot(KernelVersion.V6_12);
            api.put("/simulation/host", "{'maxAdapterId': 63, 'maxDomainId': 84}")
                    .statusCode(200);
            api.put(OF_A, "{'attrs': [{'assign_adapter': '64'}]}").spec(refused(409, "ID_ABOVE_MAXIMUM", "ENODEV"));
            api.put(OF_A, "{'attrs': [{'assign_control_domain': '85'}]}")
                    .spec(refused(409, "ID_ABOVE_MAXIMUM", "ENODEV"));
            defined(A, MdevDefinition.Start.AUTO, matrix(List.of(64), List.of(4), List.of()));
            api.put(OF_A, "{'start': 'manual'}").statusCode(200);
            api.put(OF_A, "{'start': 'auto'}").spec(refused(409, "ID_ABOVE_MAXIMUM", "ENODEV"));
        }

        @Test
        void aMatrixThatIsTooLargeIsRefused() {
            String attrs = MdevDefinition.of(
                            id(A), MdevDefinition.Start.MANUAL, Matrix.of(ApMask.upTo(15), ApMask.upTo(31)))
                    .text();
            api.sendRaw("PUT", OF_A, "application/json", attrs).spec(refused(409, "MATRIX_TOO_LARGE", null));
            api.sendRaw("PUT", OF_A + "?dryRun=true", "application/json", attrs)
                    .statusCode(200)
                    .body("problems.code", equalTo(List.of("MATRIX_TOO_LARGE")))
                    .body("apqnsAdded", empty());
        }

        @Test
        void controlDomainsAloneDoNotStartAtBoot() {
            String attrs = "'attrs': [{'assign_adapter': '5'}, {'assign_control_domain': '4'}]";
            api.put(OF_A, "{'start': 'auto', " + attrs + "}").spec(refused(409, "DEFINITION_NOT_STARTABLE", null));
            api.put(OF_A, "{'start': 'manual', " + attrs + "}").statusCode(201);
            api.put(OF_A, "{'start': 'auto'}").spec(refused(409, "DEFINITION_NOT_STARTABLE", null));
        }
    }

    @Nested
    class BesideOthers {
        @Test
        void twoThatStartAtBootDoNotShareAQueue() {
            defined(A, MdevDefinition.Start.AUTO, matrix(List.of(5, 6), List.of(4, 71), List.of(4)));
            String body =
                    "{'start': 'auto', 'attrs': [{'assign_adapter': '5'}, {'assign_domain': '4'}, {'assign_domain': '0x47'}, {'assign_domain': '255'}]}";
            api.put(OF_B, body)
                    .spec(refused(409, "DEFINITION_CONFLICT", "EADDRINUSE", held("mdev", A, "05.0004", "05.0047")))
                    .body("detail", allOf(containsString(A), containsString(B)));
            api.put(OF_B + "?dryRun=true", body)
                    .statusCode(200)
                    .body("problems.code", equalTo(List.of("DEFINITION_CONFLICT")));
            api.get(OF_B).statusCode(404);
            api.put(OF_B, body.replace("auto", "manual")).statusCode(201);
            api.put(OF_B, "{'start': 'auto'}").statusCode(409);
            api.delete(OF_A).statusCode(204);
            api.put(OF_B, "{'start': 'auto'}").statusCode(200);
        }

        @Test
        void areComparedWithWhatStands() {
            free();
            mdev(A, List.of(5), List.of(4));
            defined(A, MdevDefinition.Start.AUTO, FOUR);
            mdev(B, List.of(6), List.of(4));
            defined(B, MdevDefinition.Start.MANUAL, FOUR);
            mdev(C, List.of(), List.of());
            String d = "44444444-5555-4666-8777-888888888888";
            defined(d, MdevDefinition.Start.AUTO, Matrix.EMPTY);
            api.get("/definitions")
                    .statusCode(200)
                    .body("items.uuid", equalTo(List.of(A, B, C, d)))
                    .body("items.start", equalTo(Arrays.asList("auto", "manual", null, "auto")))
                    .body("items.state", equalTo(List.of("IN_SYNC", "DIFFERENT", "TRANSIENT", "DEFINED_ONLY")))
                    .body("items[1].defined.adapters", equalTo(List.of(5)))
                    .body("items[1].active.adapters", equalTo(List.of(6)))
                    .body("items[2].defined", nullValue())
                    .body("items[3].active", nullValue())
                    .body("unreadable", empty());
        }
    }

    @Nested
    class TakenAway {
        @Test
        void isGoneAndTheDeviceStands() {
            mdev(A, List.of(), List.of());
            defined(A, MdevDefinition.Start.AUTO, FOUR);
            api.delete(OF_A + "?dryRun=true")
                    .statusCode(200)
                    .body("steps.action", equalTo(List.of("remove")))
                    .body("apqnsRemoved", equalTo(List.of("05.0004")));
            assertThat(store.all()).hasSize(1);
            api.delete(OF_A).statusCode(204);
            api.delete(OF_A).statusCode(204);
            api.delete(OF_A + "?dryRun=true").statusCode(200).body("steps", empty());
            api.get(OF_A).statusCode(404);
            api.get("/mdevs/" + A).statusCode(200).body("definition", nullValue());
        }
    }

    @Test
    void aDryRunTellsTheFileAndKeepsNothing() {
        api.put(OF_A + "?dryRun=true", "{'start': 'auto', 'attrs': [{'assign_adapter': '5'}, {'assign_domain': '4'}]}")
                .statusCode(200)
                .body("steps.action", equalTo(List.of("write")))
                .body("steps.target", equalTo(List.of(store.file(id(A)).toString())))
                .body("apqnsAdded", equalTo(List.of("05.0004")))
                .body("problems", empty());
        assertThat(store.all()).isEmpty();
    }

    @Test
    void aTagThatIsOldIsRefused() {
        defined(A, MdevDefinition.Start.MANUAL, FOUR);
        String tag = api.etag(OF_A);
        api.with("If-Match", tag).put(OF_A, "{'start': 'auto'}").statusCode(200).header("ETag", not(tag));
        api.with("If-Match", tag).put(OF_A, "{'start': 'manual'}").spec(refused(412, "STATE_CHANGED", null));
        api.with("If-Match", tag).delete(OF_A).spec(refused(412, "STATE_CHANGED", null));
        api.with("If-Match", api.etag(OF_A)).delete(OF_A).statusCode(204);
    }

    @Test
    void theJournalTellsWhatWasKeptBeforeAndAfter() {
        defined(A, MdevDefinition.Start.MANUAL, FOUR);
        String request = "test-" + UUID.randomUUID();
        Api asked = api.with("X-Request-Id", request);
        asked.put(OF_A, "{'start': 'auto'}").statusCode(200);
        asked.delete(OF_A).statusCode(204);
        List<AuditRecord> records = journal.read(0, Integer.MAX_VALUE, record -> request.equals(record.requestId()))
                .items();
        assertThat(records)
                .extracting(AuditRecord::operation)
                .containsExactly("putDefinition", "putDefinition", "deleteDefinition", "deleteDefinition");
        AuditRecord kept = records.get(1);
        assertThat(kept.target().mdev()).isEqualTo(A);
        assertThat(kept.steps()).containsExactly("write " + store.file(id(A)));
        assertThat(kept.parameters()).containsEntry("body", "{\"start\": \"auto\"}");
        assertThat(kept.before()).isEqualTo(Snapshot.definition(FOUR, "manual"));
        assertThat(kept.after()).isEqualTo(Snapshot.definition(FOUR, "auto"));
        AuditRecord gone = records.get(3);
        assertThat(gone.steps()).containsExactly("remove " + store.file(id(A)));
        assertThat(gone.before()).isEqualTo(Snapshot.definition(FOUR, "auto"));
        assertThat(gone.after()).isEqualTo(Snapshot.NOTHING);
    }

    @Nested
    class AfterAReboot {
        @Test
        void nothingIsOtherwiseOnAHostThatIsAsItWasBooted() {
            api.get("/host/after-reboot")
                    .statusCode(200)
                    .body("simulated", is(true))
                    .body("masks.apmask", is("0x" + "f".repeat(64)))
                    .body("masks.source", is("default"))
                    .body("mdevs", empty())
                    .body("attachments", empty())
                    .body("differences", empty());
        }

        @Test
        void eachDeviceTellsWhetherItComesBackAndWhy() {
            free();
            mdev(A, List.of(5), List.of(4));
            defined(B, MdevDefinition.Start.AUTO, FOUR);
            defined(C, MdevDefinition.Start.MANUAL, FOUR);
            String d = "44444444-5555-4666-8777-888888888888";
            defined(d, MdevDefinition.Start.AUTO, Matrix.EMPTY);
            api.get("/host/after-reboot")
                    .statusCode(200)
                    .body("mdevs.uuid", equalTo(List.of(A, B, C, d)))
                    .body("mdevs.comesBack", equalTo(List.of(false, false, false, true)))
                    .body("mdevs.reason", equalTo(List.of("NOT_DEFINED", "QUEUES_RESERVED", "MANUAL", "AUTOSTART")))
                    .body("mdevs[1].queues", equalTo(List.of("05.0004")))
                    .body("differences", hasSize(3))
                    .body("differences", hasItem(containsString("apmask is 0xf9")));
        }

        @Test
        void aFileThatStopsMdevctlIsInTheWayOfAll() throws IOException {
            defined(A, MdevDefinition.Start.AUTO, Matrix.EMPTY);
            defined(B, MdevDefinition.Start.AUTO, Matrix.EMPTY);
            Files.writeString(store.file(id(B)), file(B).replace("[]", "[{\"assign_adapter\": \"256\"}]"));
            api.get("/host/after-reboot").body("mdevs.reason", equalTo(List.of("AUTOSTART", "UNREADABLE")));
            Files.writeString(store.file(id(B)), "{ torn");
            api.get("/host/after-reboot")
                    .body("mdevs.reason", equalTo(List.of("UNREADABLE_NEIGHBOUR", "UNREADABLE")))
                    .body("mdevs.comesBack", equalTo(List.of(false, false)));
        }

        @Test
        void whatIsPluggedInDoesNotComeBack() {
            free();
            mdev(A, List.of(5), List.of(4));
            api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
            mdev(B, List.of(6), List.of(4));
            start(B);
            api.get("/host/after-reboot")
                    .statusCode(200)
                    .body("attachments.mdev", equalTo(List.of(A, B)))
                    .body("attachments.guest", equalTo(Arrays.asList("guest1", null)))
                    .body("attachments.comesBack", equalTo(List.of(false, false)))
                    .body("attachments.reason", equalTo(List.of("HOT_PLUG_ENDS_WITH_QEMU", "HOLDER_UNKNOWN")));
        }
    }
}
