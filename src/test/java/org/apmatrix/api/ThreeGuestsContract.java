package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.sim.KernelVersion;
import org.hamcrest.Matcher;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The example of the kernel's documentation (Documentation/arch/s390/vfio-ap.rst): two adapters, four domains, three guests, each state on the way asserted.
 *
 * <p>Whoever runs it says where the service is, which kernel its host has, and how a guest opens and closes its device there. The host must be as after a
 * boot: adapters 5 (CEX5C) and 6 (CEX5A), domains 4, 0x47, 0xab and 0xff, default masks, no device.
 */
abstract class ThreeGuestsContract {
    private static final String GUEST_1 = "11111111-aaaa-4111-8111-111111111111";
    private static final String GUEST_2 = "22222222-bbbb-4222-8222-222222222222";
    private static final String GUEST_3 = "33333333-cccc-4333-8333-333333333333";
    private static final String ALL = "0x" + "f".repeat(64);

    private Api api;

    /** Where the service is, such as {@code http://localhost:8080}. */
    abstract String baseUri();

    /** The kernel of the service's host. */
    abstract KernelVersion kernel();

    /** What a guest does when it starts with the device, in a process of this number. */
    abstract void openDevice(MdevId mdev, int pid);

    /** What the same process does when the guest stops. */
    abstract void closeDevice(MdevId mdev, int pid);

    @BeforeEach
    void connect() {
        api = Api.at(baseUri());
    }

    @Test
    void threeGuestsGetTheirQueuesAndGiveThemBack() {
        allQueuesBelongToTheHost();
        freeTheQueues();
        makeThreeDevices();
        giveThemTheirMatrices();
        startTheGuests();
        nothingChangesWhileTheyRun();
        stopTheGuestsAndRemoveTheDevices();
        giveTheQueuesBack();
    }

    private void allQueuesBelongToTheHost() {
        api.get("/host").body("generation", is(kernel().isDynamic() ? "dynamic" : "static"));
        api.get("/adapters").body("items.type", contains("CEX5C", "CEX5A"));
        api.get("/masks").body("apmask", is(ALL)).body("aqmask", is(ALL));
        api.get("/mdevs").body("items", empty());
        api.get("/queues?driver=cex4queue").body("items.apqn", queues());
    }

    private void freeTheQueues() {
        // the adapters alone free all of their domains already
        api.patch("/masks", "{'apmask': '-5,-6'}").statusCode(200).body("moved.apqn", queues());
        api.patch("/masks", "{'aqmask': '-4,-0x47,-0xab,-0xff'}")
                .statusCode(200)
                .body("apmask", is("0xf9" + "f".repeat(62)))
                .body("aqmask", is("0xf7fffffffffffffffeffffffffffffffffffffffffeffffffffffffffffffffe"))
                .body("moved", empty());
        api.get("/queues?driver=vfio_ap").body("items.apqn", queues());
    }

    private void makeThreeDevices() {
        for (String uuid : List.of(GUEST_1, GUEST_2, GUEST_3)) {
            api.post("/mdevs", "{'uuid': '" + uuid + "'}").statusCode(201).body("matrix", empty());
        }
        api.get("/mdevs").body("items.uuid", contains(GUEST_1, GUEST_2, GUEST_3));
    }

    private void giveThemTheirMatrices() {
        assign(GUEST_1, "adapters/5").body("adapters", contains(5)).body("matrix", empty());
        assign(GUEST_1, "adapters/6").body("adapters", contains(5, 6)).body("matrix", empty());
        assign(GUEST_1, "domains/4").body("matrix", contains("05.0004", "06.0004"));
        assign(GUEST_1, "domains/0xab").body("matrix", contains("05.0004", "05.00ab", "06.0004", "06.00ab"));
        assign(GUEST_2, "adapters/5").body("matrix", empty());
        assign(GUEST_2, "domains/0x47").body("matrix", contains("05.0047"));
        assign(GUEST_2, "domains/0xff").body("matrix", contains("05.0047", "05.00ff"));
        assign(GUEST_3, "adapters/6").body("matrix", empty());
        assign(GUEST_3, "domains/0x47").body("matrix", contains("06.0047"));
        assign(GUEST_3, "domains/0xff").body("matrix", contains("06.0047", "06.00ff"));
        guestHas(GUEST_1, contains("05.0004", "05.00ab", "06.0004", "06.00ab"));
        guestHas(GUEST_2, contains("05.0047", "05.00ff"));
        guestHas(GUEST_3, contains("06.0047", "06.00ff"));
        api.get("/queues?mdev=" + GUEST_1).body("items.apqn", contains("05.0004", "05.00ab", "06.0004", "06.00ab"));
        statusIs(hasStatus() ? "assigned" : null);
    }

    private void startTheGuests() {
        openDevice(id(GUEST_1), 1001);
        openDevice(id(GUEST_2), 1002);
        openDevice(id(GUEST_3), 1003);
        api.get("/mdevs")
                .body("items.inUse", contains(true, true, true))
                .body("items.guest.state", contains("ATTACHED", "ATTACHED", "ATTACHED"));
        statusIs(hasStatus() ? "in use" : null);
    }

    private void nothingChangesWhileTheyRun() {
        api.put("/mdevs/" + GUEST_2 + "/domains/4").statusCode(409).body("code", is("MDEV_IN_USE"));
        api.patch("/masks", "{'apmask': '+5', 'aqmask': '+0-255'}")
                .statusCode(409)
                .body("code", is("APQN_IN_USE"))
                .body("errno", is("EBUSY"))
                .body(
                        "conflicts",
                        hasItems(
                                HttpTest.clash("05.0004", "mdev", GUEST_1),
                                HttpTest.clash("05.00ab", "mdev", GUEST_1),
                                HttpTest.clash("05.0047", "mdev", GUEST_2),
                                HttpTest.clash("05.00ff", "mdev", GUEST_2)));
        api.delete("/mdevs/" + GUEST_1 + "/domains/0xab").statusCode(409).body("code", is("MDEV_IN_USE"));
        api.delete("/mdevs/" + GUEST_1)
                .statusCode(409)
                .body("code", is("MDEV_IN_USE"))
                .body("errno", is("EBUSY"));
        api.get("/queues?driver=vfio_ap").body("items", hasSize(8));
        guestHas(GUEST_1, contains("05.0004", "05.00ab", "06.0004", "06.00ab"));
    }

    private void stopTheGuestsAndRemoveTheDevices() {
        closeDevice(id(GUEST_1), 1001);
        api.get("/mdevs/" + GUEST_1)
                .body("inUse", is(false))
                .body("guest", nullValue())
                .body("matrix", contains("05.0004", "05.00ab", "06.0004", "06.00ab"));
        api.put("/mdevs/" + GUEST_1 + "/domains/0x47")
                .spec(HttpTest.refused(
                        409,
                        "APQN_IN_USE",
                        "EADDRINUSE",
                        List.of(
                                HttpTest.clash("05.0047", "mdev", GUEST_2),
                                HttpTest.clash("06.0047", "mdev", GUEST_3))));
        api.delete("/mdevs/" + GUEST_1 + "/domains/0xab")
                .statusCode(200)
                .body("matrix", contains("05.0004", "06.0004"));
        api.delete("/mdevs/" + GUEST_1).statusCode(204);
        api.get("/mdevs").body("items.uuid", contains(GUEST_2, GUEST_3));
        api.get("/queues/05.0004")
                .body("driver", is("vfio_ap"))
                .body("mdev", nullValue())
                .body("status", is(hasStatus() ? "unassigned" : null));
        closeDevice(id(GUEST_2), 1002);
        closeDevice(id(GUEST_3), 1003);
        api.delete("/mdevs/" + GUEST_2).statusCode(204);
        api.delete("/mdevs/" + GUEST_3).statusCode(204);
        api.get("/mdevs").body("items", empty());
    }

    private void giveTheQueuesBack() {
        // the domains are still free, so the adapters alone move nothing
        api.patch("/masks", "{'apmask': '+5,+6'}").statusCode(200).body("moved", empty());
        api.patch("/masks", "{'aqmask': '+4,+0x47,+0xab,+0xff'}")
                .statusCode(200)
                .body("apmask", is(ALL))
                .body("aqmask", is(ALL))
                .body("moved.apqn", queues());
        api.get("/queues?driver=cex4queue").body("items.apqn", queues());
    }

    private io.restassured.response.ValidatableResponse assign(String uuid, String what) {
        return api.put("/mdevs/" + uuid + "/" + what).statusCode(200);
    }

    private void guestHas(String uuid, Matcher<?> queues) {
        api.get("/mdevs/" + uuid).body("guestMatrix", kernel().isDynamic() ? queues : nullValue());
    }

    private void statusIs(@Nullable String status) {
        api.get("/queues")
                .body("items.status", contains(status, status, status, status, status, status, status, status));
    }

    private boolean hasStatus() {
        return kernel().hasStatus();
    }

    private static Matcher<Iterable<? extends String>> queues() {
        return contains("05.0004", "05.0047", "05.00ab", "05.00ff", "06.0004", "06.0047", "06.00ab", "06.00ff");
    }

    private static MdevId id(String uuid) {
        return MdevId.parse(uuid).orElseThrow();
    }
}
