package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What only the simulated host can. */
class SimulationHttpTest extends HttpTest {
    @ParameterizedTest
    @CsvSource({"5.10, static", "6.1, dynamic", "6.12, dynamic", "7.2, dynamic"})
    void bootsEachKernel(String version, String generation) {
        api.put("/simulation/host", "{'kernel': '" + version + "'}")
                .statusCode(200)
                .body("kernel", is(version))
                .body("generation", is(generation))
                .body("adapters.id", contains(5, 6))
                .body("domains", contains(4, 71, 171, 255));
        api.get("/host").body("generation", is(generation));
    }

    @ParameterizedTest
    @CsvSource({"static, 5.10", "dynamic, 6.12"})
    void bootsAKernelOfEachGeneration(String generation, String version) {
        boot(KernelVersion.V7_2);
        api.put("/simulation/host", "{'generation': '" + generation + "'}")
                .statusCode(200)
                .body("kernel", is(version));
    }

    @Test
    void becomesAnotherMachine() {
        api.put(
                        "/simulation/host",
                        "{'adapters': [{'id': 10, 'type': 'CEX8P'}], 'domains': [1, 2], 'controlDomains': [1], 'maxAdapterId': 63, 'maxDomainId': 84}")
                .statusCode(200)
                .body("maxAdapterId", is(63))
                .body("maxDomainId", is(84))
                .body("controlDomains", contains(1));
        api.get("/queues").body("items.apqn", contains("0a.0001", "0a.0002"));
        api.get("/adapters/10").body("type", is("CEX8P"));
    }

    @Test
    void whatIsNotNamedStaysAsFarAsThereIsRoom() {
        api.put("/simulation/host", "{'maxDomainId': 84}").statusCode(200).body("domains", contains(4, 71));
    }

    @Test
    void theMasksAreAtTheirDefaultAfterIt() {
        free();
        api.put("/simulation/host", "{}").statusCode(200);
        api.get("/masks").body("apmask", is("0x" + "f".repeat(64)));
    }

    @ParameterizedTest
    @EnumSource
    void isNotRebuiltWhileADeviceStands(KernelVersion version) {
        boot(version);
        mdev(A, List.of(), List.of());
        api.put("/simulation/host", "{'kernel': '6.1'}")
                .spec(refused(409, "SIMULATION_IN_USE", null))
                .body("mdevs", contains(A));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'kernel': '6.13'} | kernel",
                "{'generation': 'STATIC'} | generation",
                "{'generation': 'static', 'kernel': '6.12'} | generation",
                "{'adapters': [{'id': 5}]} | adapters",
                "{'adapters': [{'id': 5, 'type': 'CEX9C'}]} | adapters",
                "{'adapters': [{'id': 5, 'type': 'CEX8C'}, {'id': 5, 'type': 'CEX8P'}]} | adapters",
                "{'adapters': [{'id': 64, 'type': 'CEX8C'}], 'maxAdapterId': 63} | adapters",
                "{'adapters': [{'id': 256, 'type': 'CEX8C'}]} | adapters",
                "{'adapters': [null]} | adapters",
                "{'domains': [256]} | domains[0]",
                "{'domains': [100], 'maxDomainId': 84} | domains",
                "{'controlDomains': [100], 'maxDomainId': 84} | controlDomains",
                "{'maxAdapterId': 256} | maxAdapterId",
                "{'maxDomainId': -1} | maxDomainId"
            })
    void refusesAMachineThatThereIsNot(String body, String field) {
        api.put("/simulation/host", body).spec(invalid(field));
    }

    @ParameterizedTest
    @EnumSource
    void unbindsAndBindsAQueue(KernelVersion version) {
        bootAndFree(version);
        api.delete("/simulation/queues/05.0004/binding").statusCode(200).body("driver", nullValue());
        api.delete("/simulation/queues/05.0004/binding").statusCode(200).body("driver", nullValue());
        api.put("/simulation/queues/05.0004/binding").statusCode(200).body("driver", is("vfio_ap"));
        api.put("/simulation/queues/05.0004/binding").statusCode(200).body("driver", is("vfio_ap"));
    }

    @Test
    void bindsAQueueOfTheHostToTheHostsDriver() {
        api.delete("/simulation/queues/05.0004/binding").statusCode(200);
        api.put("/simulation/queues/05.0004/binding").statusCode(200).body("driver", is("cex4queue"));
    }

    @Test
    void bindsNoQueueThatTheBusHasNot() {
        api.put("/simulation/queues/07.0004/binding").spec(refused(404, "QUEUE_NOT_FOUND", null));
        api.delete("/simulation/queues/07.0004/binding").spec(refused(404, "QUEUE_NOT_FOUND", null));
    }
}
