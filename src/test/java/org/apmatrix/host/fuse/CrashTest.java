package org.apmatrix.host.fuse;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.apmatrix.audit.AuditVerification;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The service is killed with SIGKILL in the middle of a create with eight assignments, while the kernel lives on. */
@Timeout(180)
class CrashTest {
    private static final String MDEV = "0a1b2c3d-0000-4000-8000-00000000e001";
    private static final String WISH = """
            {"uuid": "%s", "adapters": [5, 6], "domains": [4, 71, 171, 255], "controlDomains": [4, 71]}""".formatted(MDEV);

    /** Without ap_config: eight writes, one an assignment. */
    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_1, SimulatedMachine.example());

    private final AtomicInteger writes = new AtomicInteger();
    private IntConsumer afterWrite = count -> {};
    private FuseServer mount;
    private ServiceProcess service;

    @TempDir
    Path directory;

    @BeforeEach
    void mountTheKernel() throws IOException {
        SimulatedMount.require();
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        mount = FuseServer.mount(new Counting(), Files.createDirectory(directory.resolve("sys")));
        service = new ServiceProcess(
                "--apmatrix.security.mode=open",
                "--apmatrix.host.sysfs-root=" + directory.resolve("sys"),
                "--apmatrix.host.lock-file=" + directory.resolve("ap.lock"),
                "--apmatrix.host.state-directory=" + directory.resolve("state"));
    }

    @AfterEach
    void unmount() {
        if (service != null) {
            service.close();
        }
        if (mount != null) {
            mount.close();
        }
    }

    @Test
    void theNextStartReportsADeviceThatWasLeftHalfMade() throws Exception {
        int port = service.start();
        afterWrite = count -> {
            if (count == 5) {
                service.kill();
            }
        };

        assertThatThrownBy(() -> create(port)).isInstanceOf(IOException.class);
        service.awaitEnd();
        afterWrite = count -> {};

        assertThat(kernel.read(Path.of("/sys/devices/vfio_ap/matrix", MDEV, "matrix")))
                .isEqualTo("05.0004\n05.0047\n06.0004\n06.0047\n");
        String url = "http://localhost:" + service.start() + "/api/v1";
        assertThat(service.log()).anyMatch(line -> line.contains("mdev " + MDEV) && line.contains("cut off"));
        given().get(url + "/host").then().body("unfinished.subject", contains("mdev " + MDEV));
        given().delete(url + "/mdevs/" + MDEV).then().statusCode(204);
        given().get(url + "/host").then().body("unfinished", empty());
    }

    @Test
    void theNextStartClosesTheAttemptAsUnknownWithTheMatrixThatStands() throws Exception {
        int port = service.start();
        afterWrite = count -> {
            if (count == 5) {
                service.kill();
            }
        };
        assertThatThrownBy(() -> create(port)).isInstanceOf(IOException.class);
        service.awaitEnd();
        afterWrite = count -> {};

        Path journal = directory.resolve("state/audit");
        assertThat(AuditVerification.verify(journal).sentence()).startsWith("1 records, whole");
        given().get("http://localhost:" + service.start() + "/api/v1/audit")
                .then()
                .body("items.kind", contains("INTENT", "OUTCOME"))
                .body("items[0].before.exists", is(false))
                .body("items[0].steps", hasSize(9))
                .body("items[1].attempt", is(intentOf(journal)))
                .body("items[1].code", is("UNKNOWN"))
                .body("items[1].status", nullValue())
                .body("items[1].target.mdev", is(MDEV))
                .body("items[1].after.adapters", contains(5, 6))
                .body("items[1].after.domains", contains(4, 71));
        assertThat(AuditVerification.verify(journal).isWhole()).isTrue();
        assertThat(AuditVerification.verify(journal).sentence()).startsWith("2 records, whole");
    }

    private static String intentOf(Path journal) throws IOException {
        String line = Files.readString(journal.resolve("audit-000000000001.jsonl"));
        return line.replaceFirst("(?s).*?\"attempt\":\"([^\"]+)\".*", "$1");
    }

    private static void create(int port) throws IOException {
        try (java.net.Socket socket = new java.net.Socket("localhost", port)) {
            String request =
                    "POST /api/v1/mdevs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                            + "Content-Length: " + WISH.length() + "\r\n\r\n" + WISH;
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            if (socket.getInputStream().read() < 0) {
                throw new IOException("no answer");
            }
        }
    }

    /** The simulated tree, which tells of each store that went through. */
    private final class Counting implements FuseTree {
        private final SimulatedSysfs tree = new SimulatedSysfs(kernel);

        @Override
        public Node stat(Path path) {
            return tree.stat(path);
        }

        @Override
        public List<String> list(Path path) {
            return tree.list(path);
        }

        @Override
        public byte[] read(Path file) {
            return tree.read(file);
        }

        @Override
        public void write(Path file, byte[] text) {
            tree.write(file, text);
            afterWrite.accept(writes.incrementAndGet());
        }
    }
}
