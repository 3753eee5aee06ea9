package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;

import java.util.List;
import java.util.Map;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** GET and PATCH /masks. */
class MaskHttpTest extends HttpTest {
    private static final String ALL = "0x" + "f".repeat(64);
    private static final String WITHOUT_5_AND_6 = "0xf9" + "f".repeat(62);

    @ParameterizedTest
    @EnumSource
    void keepsEveryQueueForTheHostAtFirst(KernelVersion version) {
        boot(version);
        api.get("/masks")
                .statusCode(200)
                .body("apmask", is(ALL))
                .body("aqmask", is(ALL))
                .body("hostAdapters", hasSize(256))
                .body("hostDomains", hasSize(256));
    }

    @ParameterizedTest
    @EnumSource
    void freesAdaptersAndDomains(KernelVersion version) {
        boot(version);
        api.patch("/masks", "{'apmask': '-5,-6', 'aqmask': '-4,-0x47,-0xab,-0xff'}")
                .statusCode(200)
                .body("apmask", is(WITHOUT_5_AND_6))
                .body("aqmask", is("0xf7fffffffffffffffeffffffffffffffffffffffffeffffffffffffffffffffe"))
                .body("hostAdapters", not(hasItem(5)))
                .body("hostDomains", not(hasItem(0x47)))
                .body("moved", hasSize(8));
        api.get("/masks").body("apmask", is(WITHOUT_5_AND_6));
    }

    @ParameterizedTest
    @EnumSource
    void tellsEachQueueThatMoved(KernelVersion version) {
        boot(version);
        api.patch("/masks", "{'aqmask': '-4'}")
                .statusCode(200)
                .body(
                        "moved",
                        equalTo(List.of(
                                Map.of("apqn", "05.0004", "from", "cex4queue", "to", "vfio_ap"),
                                Map.of("apqn", "06.0004", "from", "cex4queue", "to", "vfio_ap"))));
    }

    @ParameterizedTest
    @EnumSource
    void givesQueuesBackThatNoDeviceHas(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.patch("/masks", "{'apmask': '+6'}")
                .statusCode(200)
                .body("moved.from", contains("vfio_ap", "vfio_ap", "vfio_ap", "vfio_ap"));
    }

    @Test
    void takesAnAbsoluteMaskOf64Digits() {
        api.patch("/masks", "{'apmask': '" + WITHOUT_5_AND_6 + "'}")
                .statusCode(200)
                .body("apmask", is(WITHOUT_5_AND_6));
    }

    @Test
    void takesAnAbsoluteMaskInUpperCaseDigits() {
        api.patch("/masks", "{'apmask': '0xF9" + "F".repeat(62) + "'}")
                .statusCode(200)
                .body("apmask", is(WITHOUT_5_AND_6));
    }

    @Test
    void readsPlusOneMinusThreeAsARange() {
        api.patch("/masks", "{'apmask': '-0-255,+1-3'}").statusCode(200).body("hostAdapters", contains(1, 2, 3));
    }

    @ParameterizedTest
    @MethodSource("noMasks")
    void refusesWhatTheKernelWouldMisread(String mask) {
        api.patch("/masks", "{'apmask': '" + mask + "'}").spec(invalid("apmask"));
        api.patch("/masks", "{'aqmask': '" + mask + "'}").spec(invalid("aqmask"));
        api.get("/masks").body("apmask", is(ALL)).body("aqmask", is(ALL));
    }

    static List<String> noMasks() {
        return List.of(
                "5",
                "",
                "0x",
                "0x41",
                "x41",
                "41",
                "f".repeat(64),
                "0x" + "f".repeat(63),
                "0x" + "f".repeat(65),
                "0X" + "f".repeat(64),
                "0x" + "g".repeat(64),
                "0x" + "f".repeat(64) + "\\n",
                "-5, -6",
                "+256",
                "+3-1",
                "+",
                "-",
                "+,1",
                "-5;-6",
                "+0x",
                "+08",
                "all",
                "+99999999999999999999");
    }

    @Test
    void anEmptyBodyChangesNothing() {
        free();
        api.patch("/masks", "{}")
                .statusCode(200)
                .body("apmask", is(WITHOUT_5_AND_6))
                .body("moved", empty());
    }

    @Test
    void whatIsSoAlreadyIsNotWritten() {
        free();
        api.patch("/masks?dryRun=true", "{'apmask': '-5'}").statusCode(200).body("steps", empty());
        api.patch("/masks", "{'apmask': '-5'}").statusCode(200).body("moved", empty());
    }

    @ParameterizedTest
    @EnumSource
    void takesNoQueueBackThatADeviceHas(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4, 0x47));
        mdev(B, List.of(6), List.of(4));
        List<Map<String, @org.jspecify.annotations.Nullable Object>> holders =
                List.of(clash("05.0004", "mdev", A), clash("05.0047", "mdev", A), clash("06.0004", "mdev", B));
        api.patch("/masks", "{'apmask': '+5,+6'}").spec(refused(409, "APQN_IN_USE", "EBUSY", holders));
        api.get("/masks").body("apmask", is(WITHOUT_5_AND_6));
        api.get("/queues?driver=vfio_ap").body("items", hasSize(8));
    }

    @ParameterizedTest
    @EnumSource
    void takesNoDomainBackThatADeviceHas(KernelVersion version) {
        boot(version);
        store("/sys/bus/ap/aqmask", "-4");
        mdev(A, List.of(5), List.of(4));
        api.patch("/masks", "{'aqmask': '+4'}").spec(refused(409, "APQN_IN_USE", "EBUSY", held("mdev", A, "05.0004")));
    }

    @ParameterizedTest
    @EnumSource
    void bothMasksOrNeither(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.patch("/masks", "{'apmask': '+5,-7', 'aqmask': '-0x47'}")
                .spec(refused(409, "APQN_IN_USE", "EBUSY", held("mdev", A, "05.0004")));
        api.get("/masks").body("apmask", is(WITHOUT_5_AND_6)).body("aqmask", is(ALL));
    }

    @ParameterizedTest
    @EnumSource
    void aDeviceWithoutQueuesHoldsNothingBack(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of());
        api.patch("/masks", "{'apmask': '+5'}").statusCode(200).body("moved", hasSize(4));
    }

    @ParameterizedTest
    @CsvSource({"V5_10, 200", "V6_1, 200", "V6_12, 200", "V7_2, 409"})
    void aMaskThatTakesNothingBackPassesExceptWhereTheKernelIsStrict(KernelVersion version, int status) {
        bootAndFree(version);
        store("/sys/bus/ap/aqmask", "-4");
        mdev(A, List.of(5), List.of(4));
        api.patch("/masks", "{'apmask': '+5'}").statusCode(status);
        api.get("/queues/05.0004").body("driver", is("vfio_ap"));
    }

    @ParameterizedTest
    @EnumSource(names = "V7_2", mode = EnumSource.Mode.EXCLUDE)
    void freesByTheOtherMaskInOneStep(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        api.patch("/masks", "{'apmask': '+5', 'aqmask': '-4'}").statusCode(200);
        api.get("/queues/05.0004").body("driver", is("vfio_ap")).body("mdev", is(A));
    }

    /** Whichever mask came first, one of the two devices would lose its queue until the other came. */
    @ParameterizedTest
    @EnumSource(names = "V7_2", mode = EnumSource.Mode.EXCLUDE)
    void swapsTheMasksThatFreeWithoutTakingAQueueMeanwhile(KernelVersion version) {
        boot(version);
        store("/sys/bus/ap/apmask", "-5");
        store("/sys/bus/ap/aqmask", "-0x47");
        mdev(A, List.of(5), List.of(4));
        mdev(B, List.of(6), List.of(0x47));
        api.patch("/masks", "{'apmask': '+5,-6', 'aqmask': '-4,+0x47'}").statusCode(200);
        api.get("/queues?driver=vfio_ap").body("items.apqn", hasItem("05.0004")).body("items.apqn", hasItem("06.0047"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{'apmask': 5}", "{'apmask': ['-5']}", "{'apmask': true}", "{'apmask': {}}"})
    void aMaskIsText(String body) {
        api.patch("/masks", body).spec(invalid("apmask"));
    }
}
