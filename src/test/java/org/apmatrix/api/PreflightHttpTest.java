package org.apmatrix.api;

import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;

/** GET /host/preflight. */
class PreflightHttpTest extends HttpTest {
    private static final String PREFLIGHT = "/host/preflight";

    @Test
    void isContentWithTheSimulatedHostOnceQueuesAreFree() {
        free();
        api.get(PREFLIGHT)
                .statusCode(200)
                .body("simulated", is(true))
                .body("items.result", everyItem(is("ok")))
                .body("items.check", hasItem("guest-monitors"))
                .body("items.find { it.check == 'ap-bus' }.found", is("2 adapters, 8 queues"))
                .body("items.find { it.check == 'ap-bus' }.mend", nullValue());
    }

    @Test
    void tellsTheCommandThatMends() {
        kernel.unloadModule(KernelModule.VFIO_AP);
        api.get(PREFLIGHT)
                .statusCode(200)
                .body("items.find { it.check == 'vfio-ap-module' }.result", is("fail"))
                .body("items.find { it.check == 'vfio-ap-module' }.mend", is("modprobe vfio_ap"));
    }

    @Test
    void warnsWhileTheHostKeepsEveryQueue() {
        api.get(PREFLIGHT).body("items.find { it.check == 'queues-for-guests' }.result", is("warn"));
    }

    @Test
    void answersWithoutAnApBus() {
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.withoutAp());
        api.get(PREFLIGHT).statusCode(200).body("items.find { it.check == 'ap-bus' }.result", is("fail"));
    }

    @Test
    void knowsNoParameter() {
        api.get(PREFLIGHT + "?json=true").spec(invalid("json"));
    }
}
