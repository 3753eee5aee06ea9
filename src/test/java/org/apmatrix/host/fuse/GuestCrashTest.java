package org.apmatrix.host.fuse;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import io.restassured.response.Response;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.apmatrix.Patience;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The service is killed with SIGKILL while it plugs and unplugs, or the guest falls silent just then; the kernel and the guest live on. */
@Timeout(180)
class GuestCrashTest {
    private static final MdevId MDEV =
            MdevId.parse("0a1b2c3d-0000-4000-8000-00000000e002").orElseThrow();
    private static final String PLUG = "{\"mdev\": \"" + MDEV + "\"}";

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private final AtomicInteger plugs = new AtomicInteger();
    private final AtomicInteger unplugs = new AtomicInteger();
    private FuseServer mount;
    private SimulatedQemu qemu;
    private MonitorProxy monitor;
    private ServiceProcess service;
    private String url;

    @TempDir
    Path directory;

    @BeforeEach
    void aHostWithAGuest() throws IOException {
        SimulatedMount.require();
        Path matrix = Path.of("/sys/devices/vfio_ap/matrix");
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        kernel.write(matrix.resolve("mdev_supported_types/vfio_ap-passthrough/create"), MDEV + "\n");
        kernel.write(matrix.resolve(MDEV + "/assign_adapter"), "5\n");
        kernel.write(matrix.resolve(MDEV + "/assign_domain"), "4\n");
        mount = FuseServer.mount(new SimulatedSysfs(kernel), Files.createDirectory(directory.resolve("sys")));
        qemu = new SimulatedQemu(kernel, directory.resolve("qemu.sock"), "guest1", SimulatedQemu.Settings.DEFAULT);
        monitor = new MonitorProxy(directory.resolve("guest1.qmp"), qemu.socket());
        service = new ServiceProcess(
                "--apmatrix.security.mode=open",
                "--apmatrix.host.sysfs-root=" + directory.resolve("sys"),
                "--apmatrix.host.lock-file=" + directory.resolve("ap.lock"),
                "--apmatrix.host.state-directory=" + directory.resolve("state"),
                "--apmatrix.guests.qmp.sockets=" + directory + "/*.qmp",
                "--apmatrix.guests.reconcile-interval=100ms");
        start();
    }

    @AfterEach
    void end() throws IOException {
        if (service != null) {
            service.close();
        }
        if (monitor != null) {
            monitor.close();
        }
        if (qemu != null) {
            qemu.close();
        }
        if (mount != null) {
            mount.close();
        }
    }

    @Test
    void killedBetweenTheMarkAndThePlug() throws Exception {
        monitor.onCommand(text -> !killedAt(text, "device_add"));
        assertThatThrownBy(this::plug).isInstanceOf(Exception.class);
        restart();
        Patience.until(() -> Boolean.FALSE.equals(mdev().path("inUse")));
        assertThat(qemu.plugged()).isEmpty();
        given().get(url + "/guests/guest1/ap-device").then().statusCode(404);
        plug().then().statusCode(201);
        assertThat(plugs).hasValue(1);
    }

    @Test
    void killedBetweenThePlugAndItsConfirmation() throws Exception {
        monitor.onCommand(text -> {
            countPlugs(text);
            return true;
        });
        // the answer to device_add is the first one after the command
        monitor.onAnswer(text -> plugs.get() == 0 || !killedAt(text, "return"));
        assertThatThrownBy(this::plug).isInstanceOf(Exception.class);
        restart();
        Patience.until(() -> "ATTACHED".equals(mdev().path("guest.state")));
        mdev().then().body("guest.name", is("guest1"));
        assertThat(qemu.plugged()).isEqualTo(Optional.of(MDEV));
        plug().then().statusCode(200);
        assertThat(plugs).hasValue(1);
        given().get(url + "/audit?target=guest1")
                .then()
                .body("items[0].kind", is("INTENT"))
                .body("items.find { it.code == 'UNKNOWN' }.after.mdev", is(MDEV.toString()))
                .body("items.find { it.code == 'SETTLED' }.reason", is("ATTACHING -> ATTACHED"))
                .body("items.attempt[1..2]", everyItem(is(attemptOfTheFirstRecord())));
    }

    @Test
    void killedWhileItUnplugs() throws Exception {
        plug().then().statusCode(201);
        monitor.onCommand(text -> !killedAt(text, "device_del"));
        assertThatThrownBy(() -> given().delete(url + "/guests/guest1/ap-device"))
                .isInstanceOf(Exception.class);
        assertThat(qemu.plugged()).isEqualTo(Optional.of(MDEV));
        restart();
        Patience.until(() -> qemu.plugged().isEmpty());
        Patience.until(() -> Boolean.FALSE.equals(mdev().path("inUse")));
        given().get(url + "/guests/guest1/ap-device").then().statusCode(404);
        assertThat(unplugs).hasValue(1);
    }

    @Test
    void killedWhileASilentGuestKeepsItsDevice() throws Exception {
        plug().then().statusCode(201);
        qemu.pause();
        given().header("Prefer", "wait=0")
                .delete(url + "/guests/guest1/ap-device")
                .then()
                .statusCode(202);
        service.kill();
        restart();
        mdev().then().body("inUse", is(true)).body("guest.state", is("DETACHING"));
        given().delete(url + "/mdevs/" + MDEV).then().statusCode(409).body("code", is("MDEV_IN_USE"));
        qemu.apply(SimulatedQemu.Settings.DEFAULT);
        Patience.until(() -> Boolean.FALSE.equals(mdev().path("inUse")));
        assertThat(qemu.plugged()).isEmpty();
    }

    @Test
    void killedAfterAMigrationWasPrepared() throws Exception {
        plug().then().statusCode(201);
        given().post(url + "/guests/guest1/migration-preparation")
                .then()
                .statusCode(200)
                .body("mdev", is(MDEV.toString()));
        service.kill();
        restart();
        given().get(url + "/guests/guest1/migration-preparation")
                .then()
                .body("state", is("PREPARED"))
                .body("mdev", is(MDEV.toString()));
        given().delete(url + "/guests/guest1/migration-preparation").then().statusCode(200);
        assertThat(qemu.plugged()).isEqualTo(Optional.of(MDEV));
    }

    @Test
    void aGuestThatDiedMeanwhileHasNothingAnyMore() throws Exception {
        plug().then().statusCode(201);
        qemu.pause();
        given().header("Prefer", "wait=0")
                .delete(url + "/guests/guest1/ap-device")
                .then()
                .statusCode(202);
        service.kill();
        qemu.kill();
        monitor.close();
        Files.delete(directory.resolve("guest1.qmp"));
        restart();
        Patience.until(() -> Boolean.FALSE.equals(mdev().path("inUse")));
        mdev().then().body("guest", nullValue());
        given().get(url + "/guests/guest1").then().statusCode(404);
    }

    @Test
    void aPlugThatIsUnansweredIsNotMadeUpForByAnUnplug() {
        monitor.onCommand(text -> {
            if (text.contains("device_add")) {
                qemu.pause();
            }
            return true;
        });
        given().header("Prefer", "wait=1")
                .contentType("application/json")
                .body(PLUG)
                .put(url + "/guests/guest1/ap-device")
                .then()
                .statusCode(503);
        monitor.passOn();
        mdev().then().body("inUse", is(true)).body("guest.state", is("ATTACHING"));
        given().header("Prefer", "wait=0")
                .delete(url + "/guests/guest1/ap-device")
                .then()
                .statusCode(202)
                .body("state", is("DETACHING"));
        // the kernel says free, and QEMU may still take it
        given().delete(url + "/mdevs/" + MDEV).then().statusCode(409).body("code", is("MDEV_IN_USE"));
        mdev().then().body("inUse", is(true)).body("guest.state", is("DETACHING"));
        qemu.apply(SimulatedQemu.Settings.DEFAULT);
        Patience.until(() -> Boolean.FALSE.equals(mdev().path("inUse")));
        assertThat(qemu.plugged()).isEmpty();
    }

    private String attemptOfTheFirstRecord() {
        return given().get(url + "/audit?limit=1").path("items[0].attempt");
    }

    private boolean killedAt(String text, String word) {
        if (text.contains(word)) {
            monitor.passOn();
            monitor.onCommand(passing -> {
                countPlugs(passing);
                return true;
            });
            service.kill();
            return true;
        }
        return false;
    }

    private void countPlugs(String text) {
        if (text.contains("device_add")) {
            plugs.incrementAndGet();
        }
        if (text.contains("device_del")) {
            unplugs.incrementAndGet();
        }
    }

    private Response plug() {
        return given().contentType("application/json").body(PLUG).put(url + "/guests/guest1/ap-device");
    }

    private Response mdev() {
        return given().get(url + "/mdevs/" + MDEV);
    }

    private void start() throws IOException {
        url = "http://localhost:" + service.start() + "/api/v1";
    }

    private void restart() throws Exception {
        service.awaitEnd();
        start();
    }
}
