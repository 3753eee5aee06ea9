package org.apmatrix.api;

import static org.hamcrest.Matchers.equalTo;

import io.restassured.builder.ResponseSpecBuilder;
import io.restassured.specification.ResponseSpecification;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;

/** The words in which the HTTP tests set a host up and name its refusals. */
@OnTheSimulatedHost
abstract class HttpTest {
    static final String A = "11111111-2222-4333-8444-555555555555";
    static final String B = "22222222-3333-4444-8555-666666666666";
    static final String C = "33333333-4444-4555-8666-777777777777";
    static final int QEMU = 4711;

    @Autowired
    SimulatedKernel kernel;

    @Autowired
    SimulatedGuests guests;

    @LocalServerPort
    int port;

    Api api;

    @BeforeEach
    void connect() {
        api = Api.at("http://localhost:" + port);
    }

    void boot(KernelVersion version) {
        kernel.boot(version, SimulatedMachine.example());
    }

    SimulatedQemu guest(String name) {
        return guests.find(name).orElseThrow();
    }

    /** All eight queues of the example machine are vfio_ap's. */
    void free() {
        store("/sys/bus/ap/apmask", "-5,-6");
    }

    void bootAndFree(KernelVersion version) {
        boot(version);
        free();
    }

    /** A device of somebody else, or of a test that is about something later. */
    void mdev(String uuid, List<Integer> adapters, List<Integer> domains) {
        store("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create", uuid);
        adapters.forEach(adapter -> store(directory(uuid) + "/assign_adapter", String.valueOf(adapter)));
        domains.forEach(domain -> store(directory(uuid) + "/assign_domain", String.valueOf(domain)));
    }

    void start(String uuid) {
        kernel.openDevice(id(uuid), QEMU);
    }

    void stop(String uuid) {
        kernel.closeDevice(id(uuid), QEMU);
    }

    void store(String attribute, String text) {
        kernel.write(Path.of(attribute), text + "\n");
    }

    static String directory(String uuid) {
        return "/sys/devices/vfio_ap/matrix/" + uuid;
    }

    static MdevId id(String uuid) {
        return MdevId.parse(uuid).orElseThrow();
    }

    /** What makes every refusal: its status, its code and the kernel's errno; without clashes. */
    static ResponseSpecification refused(int status, String code, @Nullable String errno) {
        return refused(status, code, errno, List.of());
    }

    /** The same with all of the clashes. */
    static ResponseSpecification refused(
            int status, String code, @Nullable String errno, List<Map<String, @Nullable Object>> conflicts) {
        return new ResponseSpecBuilder()
                .expectStatusCode(status)
                .expectBody("code", equalTo(code))
                .expectBody("errno", equalTo(errno))
                .expectBody("conflicts", equalTo(conflicts))
                .build();
    }

    /** A 400 that names the part of the request. */
    static ResponseSpecification invalid(String field) {
        return new ResponseSpecBuilder()
                .addResponseSpecification(refused(400, "INVALID_VALUE", null))
                .expectBody("field", equalTo(field))
                .build();
    }

    static List<Map<String, @Nullable Object>> held(String holderKind, @Nullable String holder, String... apqns) {
        return Arrays.stream(apqns).map(apqn -> clash(apqn, holderKind, holder)).toList();
    }

    static Map<String, @Nullable Object> clash(String apqn, String holderKind, @Nullable String holder) {
        Map<String, @Nullable Object> clash = new LinkedHashMap<>();
        clash.put("apqn", apqn);
        clash.put("holderKind", holderKind);
        clash.put("holder", holder);
        return clash;
    }
}
