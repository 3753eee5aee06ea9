package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import java.util.Map;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.sim.KernelVersion;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mediated devices that nobody uses: make, change, remove. */
class MdevHttpTest extends HttpTest {
    private static final String UPPER = "ABCDEF01-2345-4789-8BCD-EF0123456789";
    private static final String LOWER = "abcdef01-2345-4789-8bcd-ef0123456789";

    // make

    @ParameterizedTest
    @EnumSource
    void makesADeviceWithAMatrix(KernelVersion version) {
        bootAndFree(version);
        api.post("/mdevs", "{'uuid': '" + A + "', 'adapters': [5, 6], 'domains': [4, 171], 'controlDomains': [4, 71]}")
                .statusCode(201)
                .header("Location", endsWith("/api/v1/mdevs/" + A))
                .body("uuid", is(A))
                .body("path", is(directory(A)))
                .body("adapters", contains(5, 6))
                .body("domains", contains(4, 171))
                .body("controlDomains", contains(4, 71))
                .body("matrix", contains("05.0004", "05.00ab", "06.0004", "06.00ab"))
                .body("inUse", is(false))
                .body("guest", nullValue());
        api.get("/mdevs/" + A).statusCode(200).body("matrix", contains("05.0004", "05.00ab", "06.0004", "06.00ab"));
    }

    @Test
    void theStaticKernelDoesNotTellWhatTheGuestHas() {
        bootAndFree(KernelVersion.V5_10);
        mdev(A, List.of(5), List.of(4));
        api.get("/mdevs/" + A).body("guestMatrix", nullValue()).body("hidden", nullValue());
    }

    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void theDynamicKernelTellsWhatTheGuestHas(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.get("/mdevs/" + A).body("guestMatrix", contains("05.0004")).body("hidden", empty());
    }

    @Test
    void makesADeviceWithARandomUuidWithoutAMatrix() {
        api.post("/mdevs", "{}")
                .statusCode(201)
                .body("uuid", matchesPattern("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"))
                .body("matrix", empty())
                .body("adapters", empty());
    }

    @Test
    void answersAUuidInLowerCase() {
        api.post("/mdevs", "{'uuid': '" + UPPER + "'}")
                .statusCode(201)
                .header("Location", endsWith("/" + LOWER))
                .body("uuid", is(LOWER));
        api.get("/mdevs/" + UPPER).statusCode(200).body("uuid", is(LOWER));
    }

    @Test
    void locationLeadsToTheDevice() {
        String location = api.post("/mdevs", "{}").statusCode(201).extract().header("Location");
        api.ask("GET", location.substring(location.indexOf(Api.BASE))).statusCode(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "11111111-2222-4333-8444-55555555555",
                "11111111-2222-4333-8444-5555555555555",
                "1-1-1-1-1",
                "{11111111-2222-4333-8444-555555555555}",
                "11111111222243338444555555555555",
                "11111111-2222-4333-8444-55555555555g",
                " 11111111-2222-4333-8444-555555555555",
                "11111111-2222-4333-8444-555555555555\\n"
            })
    void refusesAUuidThatIsNone(String uuid) {
        api.post("/mdevs", "{'uuid': '" + uuid + "'}").spec(invalid("uuid"));
    }

    @Test
    void refusesAUuidThatIsNoneInAPath() {
        api.get("/mdevs/1-1-1-1-1").spec(invalid("uuid"));
        api.delete("/mdevs/1-1-1-1-1").spec(invalid("uuid"));
        api.put("/mdevs/11111111222243338444555555555555", "{}").spec(invalid("uuid"));
    }

    @ParameterizedTest
    @EnumSource
    void refusesADeviceThatStands(KernelVersion version) {
        boot(version);
        mdev(A, List.of(), List.of());
        api.post("/mdevs", "{'uuid': '" + A + "'}").spec(refused(409, "MDEV_EXISTS", "EEXIST"));
    }

    @ParameterizedTest
    @EnumSource
    void aRefusedDeviceIsNotThere(KernelVersion version) {
        bootAndFree(version);
        mdev(B, List.of(6), List.of(171));
        api.post("/mdevs", "{'uuid': '" + A + "', 'adapters': [5, 6], 'domains': [4, 171]}")
                .spec(refused(409, "APQN_IN_USE", "EADDRINUSE", held("mdev", B, "06.00ab")));
        api.get("/mdevs/" + A).spec(refused(404, "MDEV_NOT_FOUND", null));
    }

    @Test
    void listsTheDevicesByUuid() {
        mdev(B, List.of(), List.of());
        mdev(A, List.of(), List.of());
        api.get("/mdevs").statusCode(200).body("items.uuid", contains(A, B));
    }

    @Test
    void knowsNoDeviceThatIsNotThere() {
        api.get("/mdevs/" + A).spec(refused(404, "MDEV_NOT_FOUND", null));
        api.put("/mdevs/" + A + "/matrix", "{'adapters': [], 'domains': [], 'controlDomains': []}")
                .spec(refused(404, "MDEV_NOT_FOUND", null));
        for (String dimension : List.of("adapters", "domains", "control-domains")) {
            api.put("/mdevs/" + A + "/" + dimension + "/5").spec(refused(404, "MDEV_NOT_FOUND", null));
            api.delete("/mdevs/" + A + "/" + dimension + "/5").spec(refused(404, "MDEV_NOT_FOUND", null));
        }
    }

    // put

    @ParameterizedTest
    @EnumSource
    void putMakesADeviceAndThenChangesIt(KernelVersion version) {
        bootAndFree(version);
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4]}")
                .statusCode(201)
                .header("Location", endsWith("/api/v1/mdevs/" + A))
                .body("matrix", contains("05.0004"));
        api.put("/mdevs/" + A, "{'adapters': [6], 'domains': [71], 'controlDomains': [4]}")
                .statusCode(200)
                .body("matrix", contains("06.0047"))
                .body("controlDomains", contains(4));
        api.put("/mdevs/" + A, "{'adapters': [6], 'domains': [71], 'controlDomains': [4]}")
                .statusCode(200);
    }

    @Test
    void putTakesAListThatIsLeftOutForEmpty() {
        free();
        mdev(A, List.of(5), List.of(4));
        api.put("/mdevs/" + A, "{'adapters': [5]}").statusCode(200).body("domains", empty());
    }

    @Test
    void putTakesTheUuidOfThePathInTheBody() {
        api.put("/mdevs/" + LOWER, "{'uuid': '" + UPPER + "'}").statusCode(201);
    }

    @Test
    void putRefusesAnotherUuidInTheBody() {
        api.put("/mdevs/" + A, "{'uuid': '" + B + "'}").spec(invalid("uuid"));
    }

    @ParameterizedTest
    @EnumSource
    void aRefusedPutMakesNothing(KernelVersion version) {
        boot(version);
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4]}")
                .spec(refused(409, "APQN_RESERVED", "EADDRNOTAVAIL", held("host", "cex4queue", "05.0004")));
        api.get("/mdevs/" + A).statusCode(404);
    }

    // the whole matrix

    @ParameterizedTest
    @EnumSource
    void replacesTheWholeMatrix(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4, 71));
        api.put("/mdevs/" + A + "/matrix", "{'adapters': [6], 'domains': [71, 171], 'controlDomains': [255]}")
                .statusCode(200)
                .body("matrix", contains("06.0047", "06.00ab"))
                .body("controlDomains", contains(255));
    }

    @ParameterizedTest
    @EnumSource
    void emptiesTheMatrix(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.put("/mdevs/" + A + "/matrix", "{'adapters': [], 'domains': [], 'controlDomains': []}")
                .statusCode(200)
                .body("adapters", empty())
                .body("matrix", empty());
    }

    @ParameterizedTest
    @CsvSource({"V5_10, 5", "V6_1, 5", "V6_12, 1", "V7_2, 1"})
    void replacesInOneWriteWhereTheKernelCanElseByTheFewest(KernelVersion version, int writes) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4, 71));
        api.put(
                        "/mdevs/" + A + "/matrix?dryRun=true",
                        "{'adapters': [6], 'domains': [71, 171], 'controlDomains': [255]}")
                .statusCode(200)
                .body("problems", empty())
                .body("steps.size()", is(writes));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "adapters | {'domains': [], 'controlDomains': []}",
                "domains | {'adapters': [], 'controlDomains': []}",
                "controlDomains | {'adapters': [], 'domains': []}",
                "adapters | {'adapters': null, 'domains': [], 'controlDomains': []}",
                "adapters | {}"
            })
    void theWholeMatrixNamesAllThreeLists(String field, String body) {
        mdev(A, List.of(), List.of());
        api.put("/mdevs/" + A + "/matrix", body).spec(invalid(field));
    }

    @ParameterizedTest
    @EnumSource
    void aRefusedMatrixLeavesTheOldOne(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(6), List.of(4));
        api.put("/mdevs/" + A + "/matrix", "{'adapters': [5, 6], 'domains': [4, 71], 'controlDomains': [4]}")
                .spec(refused(409, "APQN_IN_USE", "EADDRINUSE", held("mdev", B, "06.0004")));
        api.get("/mdevs/" + A).body("matrix", contains("05.0004")).body("controlDomains", empty());
    }

    // one at a time

    @ParameterizedTest
    @EnumSource
    void assignsAndUnassignsAnAdapter(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.put("/mdevs/" + A + "/adapters/6").statusCode(200).body("matrix", contains("05.0004", "06.0004"));
        api.delete("/mdevs/" + A + "/adapters/0x5").statusCode(200).body("matrix", contains("06.0004"));
    }

    @ParameterizedTest
    @EnumSource
    void assignsAndUnassignsADomain(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.put("/mdevs/" + A + "/domains/0xab").statusCode(200).body("matrix", contains("05.0004", "05.00ab"));
        api.delete("/mdevs/" + A + "/domains/4").statusCode(200).body("matrix", contains("05.00ab"));
    }

    @ParameterizedTest
    @EnumSource
    void assignsAndUnassignsAControlDomain(KernelVersion version) {
        boot(version);
        mdev(A, List.of(), List.of());
        api.put("/mdevs/" + A + "/control-domains/71").statusCode(200).body("controlDomains", contains(71));
        api.delete("/mdevs/" + A + "/control-domains/71").statusCode(200).body("controlDomains", empty());
    }

    @ParameterizedTest
    @EnumSource
    void adaptersAloneMakeNoQueue(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(), List.of());
        api.put("/mdevs/" + A + "/adapters/5")
                .statusCode(200)
                .body("adapters", contains(5))
                .body("matrix", empty());
    }

    @ParameterizedTest
    @CsvSource({
        "V5_10, PUT, adapters/5", "V5_10, PUT, domains/4", "V5_10, PUT, control-domains/4",
        "V5_10, DELETE, adapters/6", "V5_10, DELETE, domains/5", "V5_10, DELETE, control-domains/5",
        "V6_12, PUT, adapters/5", "V6_12, PUT, domains/4", "V6_12, PUT, control-domains/4",
        "V6_12, DELETE, adapters/6", "V6_12, DELETE, domains/5", "V6_12, DELETE, control-domains/5",
    })
    void whatIsSoAlreadyIsNotWritten(KernelVersion version, String method, String path) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        store(directory(A) + "/assign_control_domain", "4");
        String before = api.etag("/mdevs/" + A);
        api.ask(method, "/api/v1/mdevs/" + A + "/" + path + "?dryRun=true")
                .statusCode(200)
                .body("steps", empty());
        api.ask(method, "/api/v1/mdevs/" + A + "/" + path).statusCode(200).header("ETag", before);
    }

    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void namesEveryQueueOfTheHost(KernelVersion version) {
        boot(version);
        mdev(A, List.of(5, 6), List.of());
        api.put("/mdevs/" + A + "/domains/4")
                .spec(refused(409, "APQN_RESERVED", "EADDRNOTAVAIL", held("host", "cex4queue", "05.0004", "06.0004")));
    }

    @Test
    void theStaticKernelTakesNoAdapterOfWhichNoQueueIsFree() {
        boot(KernelVersion.V5_10);
        mdev(A, List.of(), List.of());
        api.put("/mdevs/" + A + "/adapters/5")
                .spec(refused(
                        409,
                        "APQN_RESERVED",
                        "EADDRNOTAVAIL",
                        held("host", "cex4queue", "05.0004", "05.0047", "05.00ab", "05.00ff")));
    }

    @Test
    void theStaticKernelTakesNoQueueThatIsNotBound() {
        bootAndFree(KernelVersion.V5_10);
        store("/sys/bus/ap/drivers/vfio_ap/unbind", "05.0004");
        mdev(A, List.of(5), List.of());
        api.put("/mdevs/" + A + "/domains/4")
                .spec(refused(409, "APQN_RESERVED", "EADDRNOTAVAIL", held("host", null, "05.0004")));
    }

    @Test
    void theStaticKernelTakesNoAdapterThatIsNotThere() {
        bootAndFree(KernelVersion.V5_10);
        mdev(A, List.of(), List.of());
        api.put("/mdevs/" + A + "/adapters/7").spec(refused(409, "APQN_RESERVED", "EADDRNOTAVAIL"));
    }

    @Test
    void theDynamicKernelTakesAnAdapterThatIsNotThereYet() {
        store("/sys/bus/ap/apmask", "-7");
        mdev(A, List.of(), List.of(4));
        api.put("/mdevs/" + A + "/adapters/7").statusCode(200).body("matrix", contains("07.0004"));
    }

    @ParameterizedTest
    @EnumSource
    void namesEveryOtherHolder(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(6), List.of(4));
        mdev(C, List.of(5, 6), List.of());
        List<Map<String, @Nullable Object>> holders = List.of(clash("05.0004", "mdev", A), clash("06.0004", "mdev", B));
        api.put("/mdevs/" + C + "/domains/4").spec(refused(409, "APQN_IN_USE", "EADDRINUSE", holders));
    }

    @ParameterizedTest
    @EnumSource
    void commonAdaptersAloneDoNotClash(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(), List.of(71));
        api.put("/mdevs/" + B + "/adapters/5").statusCode(200);
    }

    @ParameterizedTest
    @CsvSource({
        "V5_10, adapters/64", "V5_10, domains/85", "V5_10, control-domains/85",
        "V6_1, adapters/64", "V6_1, domains/85", "V6_1, control-domains/85",
        "V6_12, adapters/64", "V6_12, domains/85", "V6_12, control-domains/85",
        "V7_2, adapters/255", "V7_2, domains/255", "V7_2, control-domains/255"
    })
    void refusesAnIdAboveTheMaximum(KernelVersion version, String path) {
        kernel.boot(version, HostHttpTest.smallMachine());
        free();
        mdev(A, List.of(), List.of());
        api.put("/mdevs/" + A + "/" + path).spec(refused(409, "ID_ABOVE_MAXIMUM", "ENODEV"));
    }

    @ParameterizedTest
    @EnumSource
    void refusesAMatrixWithAnIdAboveTheMaximum(KernelVersion version) {
        kernel.boot(version, HostHttpTest.smallMachine());
        free();
        api.post("/mdevs", "{'adapters': [5], 'controlDomains': [84, 85]}")
                .spec(refused(409, "ID_ABOVE_MAXIMUM", "ENODEV"));
        api.get("/mdevs").body("items", empty());
    }

    @ParameterizedTest
    @CsvSource({"adapters, [256]", "domains, [-1]", "controlDomains, [1000]", "adapters, [null]"})
    void refusesWhatIsNoId(String field, String ids) {
        api.post("/mdevs", "{'" + field + "': " + ids + "}").spec(invalid(field + "[0]"));
    }

    // size

    @Test
    void refusesAMatrixThatKernelsCannotPrint() {
        store("/sys/bus/ap/apmask", "-0-255");
        api.post("/mdevs", "{'adapters': " + first(16) + ", 'domains': " + first(32) + "}")
                .spec(refused(409, "MATRIX_TOO_LARGE", null));
        api.get("/mdevs").body("items", empty());
    }

    @Test
    void takesAMatrixOf511Queues() {
        store("/sys/bus/ap/apmask", "-0-255");
        api.post("/mdevs", "{'adapters': " + first(7) + ", 'domains': " + first(73) + "}")
                .statusCode(201)
                .body("matrix.size()", is(511));
    }

    @Test
    void refusesTheAdapterThatMakesAMatrixTooLarge() {
        store("/sys/bus/ap/apmask", "-0-255");
        api.put("/mdevs/" + A, "{'adapters': " + first(2) + ", 'domains': " + first(255) + "}")
                .statusCode(201);
        api.put("/mdevs/" + A + "/adapters/2").spec(refused(409, "MATRIX_TOO_LARGE", null));
    }

    @Test
    void aForeignDeviceThatIsTooLargeIsShownWithoutItsGuestMatrix() {
        tooLarge(A);
        api.get("/mdevs/" + A)
                .statusCode(200)
                .body("matrix.size()", is(1024))
                .body("guestMatrix", nullValue())
                .body("hidden", nullValue())
                .body("inUse", is(false));
    }

    @Test
    void aForeignDeviceThatIsTooLargeCanBeMadeSmall() {
        tooLarge(A);
        api.put("/mdevs/" + A + "/matrix", "{'adapters': [5], 'domains': [4], 'controlDomains': []}")
                .statusCode(200)
                .body("matrix", contains("05.0004"));
    }

    @Test
    void aForeignDeviceThatIsTooLargeCanBeRemoved() {
        tooLarge(A);
        api.delete("/mdevs/" + A).statusCode(204);
    }

    @Test
    void aForeignDeviceThatIsTooLargeMayShrinkStepByStep() {
        tooLarge(A);
        api.delete("/mdevs/" + A + "/adapters/0").statusCode(200).body("matrix.size()", is(992));
    }

    private void tooLarge(String uuid) {
        store("/sys/bus/ap/apmask", "-0-255");
        mdev(uuid, List.of(), List.of());
        store(
                directory(uuid) + "/ap_config",
                Matrix.of(ApMask.upTo(31), ApMask.upTo(31)).toApConfig());
    }

    private static String first(int count) {
        return ApMask.upTo(count - 1).ids().toString();
    }

    // remove

    @ParameterizedTest
    @EnumSource
    void removesADevice(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.delete("/mdevs/" + A).statusCode(204);
        api.get("/mdevs").body("items", equalTo(List.of()));
        api.delete("/mdevs/" + A).statusCode(204);
    }

    @Test
    void theQueuesOfARemovedDeviceAreFree() {
        free();
        mdev(A, List.of(5), List.of(4));
        api.delete("/mdevs/" + A).statusCode(204);
        api.post("/mdevs", "{'adapters': [5], 'domains': [4]}").statusCode(201);
    }
}
