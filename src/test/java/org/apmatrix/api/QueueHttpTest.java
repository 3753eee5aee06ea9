package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** GET /queues and PUT /queues/{apqn}/driver. */
class QueueHttpTest extends HttpTest {
    private static final String VFIO_AP = "{'driver': 'vfio_ap'}";
    private static final String DEFAULT = "{'driver': 'default'}";

    @ParameterizedTest
    @EnumSource
    void listsEveryQueueOfTheBus(KernelVersion version) {
        boot(version);
        api.get("/queues")
                .statusCode(200)
                .body(
                        "items.apqn",
                        contains(
                                "05.0004", "05.0047", "05.00ab", "05.00ff", "06.0004", "06.0047", "06.00ab",
                                "06.00ff"));
    }

    @ParameterizedTest
    @EnumSource
    void tellsAQueueOfTheHost(KernelVersion version) {
        boot(version);
        api.get("/queues/05.00ab")
                .statusCode(200)
                .body("apqn", is("05.00ab"))
                .body("adapter", is(5))
                .body("domain", is(171))
                .body("driver", is("cex4queue"))
                .body("reservedForHost", is(true))
                .body("mdev", nullValue())
                .body("guest", nullValue())
                .body("status", nullValue())
                .body("mode", is("CCA"));
    }

    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void tellsAQueueOfADeviceInUse(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        start(A);
        api.get("/queues/05.0004")
                .statusCode(200)
                .body("driver", is("vfio_ap"))
                .body("reservedForHost", is(false))
                .body("mdev", is(A))
                .body("status", is("in use"));
    }

    @Test
    void tellsNoStatusWhereTheKernelHasNone() {
        bootAndFree(KernelVersion.V5_10);
        mdev(A, List.of(5), List.of(4));
        api.get("/queues/05.0004").body("status", nullValue()).body("mdev", is(A));
    }

    @Test
    void tellsAQueueThatNobodyHasBound() {
        free();
        store("/sys/bus/ap/drivers/vfio_ap/unbind", "05.0004");
        api.get("/queues/05.0004").statusCode(200).body("driver", nullValue());
    }

    @Test
    void filtersByAdapter() {
        api.get("/queues?adapter=0x5").body("items.adapter", contains(5, 5, 5, 5));
    }

    @Test
    void filtersByDomain() {
        api.get("/queues?domain=171").body("items.apqn", contains("05.00ab", "06.00ab"));
    }

    @Test
    void filtersByDriver() {
        store("/sys/bus/ap/apmask", "-5");
        api.get("/queues?driver=vfio_ap").body("items.adapter", contains(5, 5, 5, 5));
    }

    @Test
    void filtersQueuesThatAreNotBound() {
        store("/sys/bus/ap/drivers/cex4queue/unbind", "06.00ff");
        api.get("/queues?driver=none").body("items.apqn", contains("06.00ff"));
    }

    @Test
    void filtersByDeviceInEitherCase() {
        free();
        mdev("abcdef01-2345-4789-8bcd-ef0123456789", List.of(5, 6), List.of(4));
        api.get("/queues?mdev=ABCDEF01-2345-4789-8BCD-EF0123456789").body("items.apqn", contains("05.0004", "06.0004"));
    }

    @Test
    void filtersByGuest() {
        api.get("/queues?guest=guest1").statusCode(200).body("items", empty());
    }

    @Test
    void filtersMayBeCombined() {
        api.get("/queues?adapter=6&domain=4&driver=cex4queue").body("items.apqn", contains("06.0004"));
    }

    @Test
    void knowsNoQueueThatTheBusHasNot() {
        api.get("/queues/07.0004").spec(refused(404, "QUEUE_NOT_FOUND", null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"5.4", "05.00AB", "05.4", "0x05.0x0004", "05.0100", "050004", "05.00ab.", "05.", ".0004"})
    void refusesAnApqnThatIsNotTheKernelsSpelling(String apqn) {
        api.get("/queues/" + apqn).spec(invalid("apqn"));
    }

    @Test
    void handsAQueueOverToGuests() {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", VFIO_AP)
                .statusCode(200)
                .body("driver", is("vfio_ap"))
                .body("reservedForHost", is(false));
        api.get("/queues?driver=vfio_ap").body("items", hasSize(1));
    }

    @Test
    void handsAQueueBackToTheHost() {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", VFIO_AP).statusCode(200);
        api.put("/queues/05.0004/driver", DEFAULT)
                .statusCode(200)
                .body("driver", is("cex4queue"))
                .body("reservedForHost", is(true));
        api.get("/host").body("queueAssignment", is("masks"));
    }

    @Test
    void aHandedOverQueueCanBeAssigned() {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", VFIO_AP).statusCode(200);
        api.post("/mdevs", "{'adapters': [5], 'domains': [4]}")
                .statusCode(201)
                .body("guestMatrix", contains("05.0004"));
    }

    @Test
    void aQueueBesideTheHandedOverOneStaysReserved() {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", VFIO_AP).statusCode(200);
        api.post("/mdevs", "{'adapters': [5], 'domains': [4, 171]}")
                .spec(refused(409, "APQN_RESERVED", "EADDRNOTAVAIL", held("host", "cex4queue", "05.00ab")));
    }

    @ParameterizedTest
    @ValueSource(strings = {VFIO_AP, DEFAULT})
    void handingOverAgainWritesNothing(String body) {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", body).statusCode(200);
        api.put("/queues/05.0004/driver?dryRun=true", body).statusCode(200).body("steps", empty());
        api.put("/queues/05.0004/driver", body).statusCode(200);
    }

    @Test
    void aQueueOfADeviceDoesNotGoBack() {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", VFIO_AP).statusCode(200);
        mdev(A, List.of(5), List.of(4));
        api.put("/queues/05.0004/driver", DEFAULT)
                .spec(refused(409, "APQN_IN_USE", "EBUSY", held("mdev", A, "05.0004")));
        api.get("/queues/05.0004").body("driver", is("vfio_ap"));
    }

    @ParameterizedTest
    @EnumSource(names = "V7_2", mode = EnumSource.Mode.EXCLUDE)
    void olderKernelsCannotHandOverOneQueue(KernelVersion version) {
        boot(version);
        api.put("/queues/05.0004/driver", VFIO_AP).spec(refused(409, "DRIVER_OVERRIDE_UNSUPPORTED", null));
    }

    @Test
    void doesNotHandOverWhileTheMasksGiveAway() {
        bootAndFree(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", DEFAULT)
                .spec(refused(409, "QUEUE_ASSIGNMENT_MIXED", "EINVAL"))
                .body("apmask", is("0xf9" + "f".repeat(62)))
                .body("aqmask", is("0x" + "f".repeat(64)));
    }

    @Test
    void doesNotChangeMasksWhileQueuesAreHandedOver() {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", VFIO_AP).statusCode(200);
        api.put("/queues/06.00ff/driver", VFIO_AP).statusCode(200);
        api.patch("/masks", "{'apmask': '-6'}")
                .spec(refused(409, "QUEUE_ASSIGNMENT_MIXED", "EINVAL"))
                .body("queues", containsInAnyOrder("05.0004", "06.00ff"));
    }

    @Test
    void handsOverNoQueueThatTheBusHasNot() {
        boot(KernelVersion.V7_2);
        api.put("/queues/07.0004/driver", VFIO_AP).spec(refused(404, "QUEUE_NOT_FOUND", null));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "{'driver': null}", "{'driver': 'cex4queue'}", "{'driver': ''}", "{'driver': 'VFIO_AP'}"})
    void handsOverToNoOtherDriver(String body) {
        boot(KernelVersion.V7_2);
        api.put("/queues/05.0004/driver", body).spec(invalid("driver"));
    }
}
