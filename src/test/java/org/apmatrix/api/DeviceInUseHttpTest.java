package org.apmatrix.api;

import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import java.util.List;
import java.util.stream.Stream;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The first law: while an mdev is in use, its matrix does not change and it is not removed, on every kernel. */
class DeviceInUseHttpTest extends HttpTest {
    /** A write that would change the device. */
    record Write(String method, String path, String body) {
        @Override
        public String toString() {
            return method + " " + path;
        }
    }

    private static final List<Write> WRITES = List.of(
            new Write("PUT", "/adapters/6", ""),
            new Write("DELETE", "/adapters/5", ""),
            new Write("PUT", "/domains/71", ""),
            new Write("DELETE", "/domains/4", ""),
            new Write("PUT", "/control-domains/71", ""),
            new Write("DELETE", "/control-domains/4", ""),
            new Write("PUT", "/matrix", "{'adapters': [6], 'domains': [4], 'controlDomains': [4]}"),
            new Write("PUT", "", "{'adapters': [6], 'domains': [4]}"),
            new Write("DELETE", "", ""));

    static Stream<Arguments> writesOnEveryKernel() {
        return Stream.of(KernelVersion.values())
                .flatMap(version -> WRITES.stream().map(write -> Arguments.of(version, write)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("writesOnEveryKernel")
    void nothingChangesWhileAGuestHasTheDevice(KernelVersion version, Write write) {
        device(version);
        start(A);
        String before = api.etag("/mdevs/" + A);
        // the process is not one of our guests, so its number is its name
        write(write, "").spec(refused(409, "MDEV_IN_USE", "EBUSY", held("guest", "pid 4711", "05.0004")));
        api.get("/mdevs/" + A).header("ETag", before).body("matrix", contains("05.0004"));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("writesOnEveryKernel")
    void nothingChangesWhileAProcessHasTheGroupOnly(KernelVersion version, Write write) {
        device(version);
        kernel.openGroup(id(A), QEMU);
        write(write, "").spec(refused(409, "MDEV_IN_USE", "EBUSY", held("guest", "pid 4711", "05.0004")));
    }

    @ParameterizedTest
    @EnumSource
    void aDeviceWithoutQueuesIsInUseJustTheSame(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of());
        start(A);
        api.get("/mdevs/" + A).body("inUse", is(true)).body("guest.pid", is(QEMU));
        api.put("/mdevs/" + A + "/adapters/6").spec(refused(409, "MDEV_IN_USE", "EBUSY"));
        api.delete("/mdevs/" + A).spec(refused(409, "MDEV_IN_USE", "EBUSY"));
    }

    @ParameterizedTest
    @EnumSource
    void tellsTheProcessThatHasTheDevice(KernelVersion version) {
        device(version);
        start(A);
        api.get("/mdevs/" + A)
                .statusCode(200)
                .body("inUse", is(true))
                .body("guest.name", nullValue())
                .body("guest.pid", is(QEMU))
                .body("guest.state", is("ATTACHED"));
    }

    @ParameterizedTest
    @EnumSource
    void changesAgainOnceTheGuestHasLetGo(KernelVersion version) {
        device(version);
        start(A);
        api.delete("/mdevs/" + A + "/adapters/5").statusCode(409);
        stop(A);
        api.get("/mdevs/" + A).body("inUse", is(false)).body("guest", nullValue());
        api.delete("/mdevs/" + A + "/adapters/5").statusCode(200).body("adapters", empty());
        api.delete("/mdevs/" + A).statusCode(204);
    }

    @ParameterizedTest
    @EnumSource
    void anotherDeviceMayChange(KernelVersion version) {
        device(version);
        mdev(B, List.of(6), List.of());
        start(A);
        api.put("/mdevs/" + B + "/domains/4").statusCode(200).body("inUse", is(false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/adapters/5", "/domains/4", "/control-domains/4"})
    void whatIsSoAlreadyIsNoChange(String path) {
        device(KernelVersion.V6_12);
        start(A);
        api.put("/mdevs/" + A + path).statusCode(200).body("inUse", is(true));
    }

    @Test
    void theSameMatrixIsNoChange() {
        device(KernelVersion.V6_12);
        start(A);
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4], 'controlDomains': [4]}")
                .statusCode(200);
        api.put("/mdevs/" + A + "/matrix", "{'adapters': [5], 'domains': [4], 'controlDomains': [4]}")
                .statusCode(200);
    }

    static Stream<Arguments> changesOnEveryKernel() {
        return Stream.of(KernelVersion.values())
                .flatMap(version ->
                        WRITES.subList(0, WRITES.size() - 1).stream().map(write -> Arguments.of(version, write)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("changesOnEveryKernel")
    void noLiveChangeWhereTheSiteDoesNotAllowIt(KernelVersion version, Write write) {
        device(version);
        start(A);
        write(write, "?live=true").spec(refused(409, "LIVE_CHANGE_FORBIDDEN", null));
    }

    @Test
    void liveFalseIsNoLiveChange() {
        device(KernelVersion.V6_12);
        api.put("/mdevs/" + A + "/adapters/6?live=false").statusCode(200);
    }

    @ParameterizedTest
    @EnumSource
    void aDeviceThatIsBeingRemovedIsInUse(KernelVersion version) throws InterruptedException {
        device(version);
        start(A);
        Thread remover = new Thread(() -> store(directory(A) + "/remove", "1"));
        remover.start();
        org.apmatrix.Patience.until(() -> !kernel.exists(java.nio.file.Path.of(directory(A), "matrix")));
        api.get("/mdevs/" + A).statusCode(200).body("inUse", is(true)).body("matrix", nullValue());
        api.delete("/mdevs/" + A).spec(refused(409, "MDEV_IN_USE", "EBUSY"));
        api.post("/mdevs", "{'uuid': '" + A + "'}").spec(refused(409, "MDEV_EXISTS", "EEXIST"));
        api.put("/mdevs/" + A, "{}").spec(refused(409, "MDEV_IN_USE", "EBUSY"));
        stop(A);
        remover.join();
        api.get("/mdevs/" + A).statusCode(404);
    }

    private void device(KernelVersion version) {
        bootAndFree(version);
        mdev(A, List.of(5), List.of(4));
        store(directory(A) + "/assign_control_domain", "4");
    }

    private io.restassured.response.ValidatableResponse write(Write write, String query) {
        String path = "/mdevs/" + A + write.path() + query;
        return write.body().isEmpty()
                ? api.ask(write.method(), Api.BASE + path)
                : api.send(write.method(), path, write.body());
    }
}
