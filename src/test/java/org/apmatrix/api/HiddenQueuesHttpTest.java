package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apmatrix.ap.ApMask;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the guest does not get of its matrix, and why. */
class HiddenQueuesHttpTest extends HttpTest {
    @ParameterizedTest
    @EnumSource(names = "V5_10", mode = EnumSource.Mode.EXCLUDE)
    void anAdapterIsHiddenForAQueueThatIsNotBound(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5, 6), List.of(4, 171));
        api.delete("/simulation/queues/06.00ab/binding").statusCode(200);
        api.get("/mdevs/" + A)
                .body("guestMatrix", contains("05.0004", "05.00ab"))
                .body("hidden", equalTo(List.of(hidden(6, null, List.of("06.00ab"), "QUEUE_NOT_BOUND"))));
    }

    @Test
    void anAdapterIsBackOnceItsQueueIsBound() {
        free();
        mdev(A, List.of(5, 6), List.of(4));
        api.delete("/simulation/queues/06.0004/binding").statusCode(200);
        api.put("/simulation/queues/06.0004/binding").statusCode(200);
        api.get("/mdevs/" + A)
                .body("guestMatrix", contains("05.0004", "06.0004"))
                .body("hidden", empty());
    }

    @Test
    void anAdapterIsHiddenThatTheLparHasNot() {
        store("/sys/bus/ap/apmask", "-0-255");
        mdev(A, List.of(5, 7), List.of(4));
        api.get("/mdevs/" + A)
                .body("guestMatrix", contains("05.0004"))
                .body("hidden", equalTo(List.of(hidden(7, null, List.of("07.0004"), "ADAPTER_ABSENT"))));
    }

    @Test
    void aDomainIsHiddenThatTheLparHasNot() {
        free();
        mdev(A, List.of(5, 6), List.of(4, 8));
        api.get("/mdevs/" + A)
                .body("guestMatrix", contains("05.0004", "06.0004"))
                .body("hidden", equalTo(List.of(hidden(null, 8, List.of("05.0008", "06.0008"), "DOMAIN_ABSENT"))));
    }

    @Test
    void anAdapterThatTheLparLosesIsHidden() {
        free();
        mdev(A, List.of(5, 6), List.of(4));
        SimulatedMachine machine = kernel.machine();
        kernel.configure(machine.withAdapters(List.of(machine.adapter(5).orElseThrow())));
        kernel.scan();
        api.get("/mdevs/" + A)
                .body("matrix", contains("05.0004", "06.0004"))
                .body("guestMatrix", contains("05.0004"))
                .body("hidden", equalTo(List.of(hidden(6, null, List.of("06.0004"), "ADAPTER_ABSENT"))));
    }

    @Test
    void aDomainThatTheLparLosesIsHidden() {
        free();
        mdev(A, List.of(5), List.of(4, 71));
        kernel.configure(kernel.machine().withDomains(ApMask.of(4), ApMask.of(4)));
        kernel.scan();
        api.get("/mdevs/" + A)
                .body("guestMatrix", contains("05.0004"))
                .body("hidden", equalTo(List.of(hidden(null, 71, List.of("05.0047"), "DOMAIN_ABSENT"))));
    }

    /** Unassigning the domain that hid the adapter does not make the kernel look again (vfio_ap_ops.c, vfio_ap_mdev_hot_unplug_domains). */
    @Test
    void anAdapterStaysHiddenUntilTheKernelLooksAgain() {
        free();
        mdev(A, List.of(5), List.of(4, 171));
        api.delete("/simulation/queues/05.0047/binding").statusCode(200);
        api.put("/mdevs/" + A + "/domains/71")
                .body("hidden", equalTo(List.of(hidden(5, null, List.of("05.0047"), "QUEUE_NOT_BOUND"))));
        api.delete("/mdevs/" + A + "/domains/71")
                .body("matrix", contains("05.0004", "05.00ab"))
                .body("guestMatrix", empty())
                .body("hidden", equalTo(List.of(hidden(5, null, List.of(), "NOT_REFILTERED"))));
        api.put("/mdevs/" + A + "/domains/255").body("hidden", empty());
    }

    @Test
    void eachReasonIsToldBesideTheOthers() {
        store("/sys/bus/ap/apmask", "-0-255");
        mdev(A, List.of(5, 6, 9), List.of(4, 8));
        api.delete("/simulation/queues/06.0004/binding").statusCode(200);
        api.get("/mdevs/" + A)
                .body("guestMatrix", contains("05.0004"))
                .body(
                        "hidden",
                        equalTo(List.of(
                                hidden(6, null, List.of("06.0004"), "QUEUE_NOT_BOUND"),
                                hidden(9, null, List.of("09.0004", "09.0008"), "ADAPTER_ABSENT"),
                                hidden(null, 8, List.of("05.0008", "06.0008", "09.0008"), "DOMAIN_ABSENT"))));
    }

    private static Map<String, @Nullable Object> hidden(
            @Nullable Integer adapter, @Nullable Integer domain, List<String> because, String reason) {
        Map<String, @Nullable Object> hidden = new LinkedHashMap<>();
        hidden.put("adapter", adapter);
        hidden.put("domain", domain);
        hidden.put("because", because);
        hidden.put("reason", reason);
        return hidden;
    }
}
