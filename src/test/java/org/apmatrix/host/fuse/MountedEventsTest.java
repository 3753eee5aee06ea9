package org.apmatrix.host.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.apmatrix.Patience;
import org.apmatrix.Shell;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Another tool changes a host that the service, in a process of its own and with its defaults, only sees through system calls. */
@Timeout(120)
class MountedEventsTest {
    private static final String MDEV = "0a1b2c3d-0000-4000-8000-00000000e001";

    @TempDir
    Path directory;

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private SimulatedMount mount;
    private ServiceProcess service;
    private Mdevctl mdevctl;

    @BeforeAll
    static void needsMdevctl() {
        Mdevctl.require();
    }

    @BeforeEach
    void startOnTheMount() throws Exception {
        SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        Path sysfs = Files.createDirectory(directory.resolve("sys"));
        mount = SimulatedMount.mount(kernel, sysfs);
        mdevctl = new Mdevctl(sysfs, Files.createDirectory(directory.resolve("definitions")));
        service = new ServiceProcess(
                "--apmatrix.security.mode=open",
                "--apmatrix.host.sysfs-root=" + sysfs,
                "--apmatrix.host.lock-file=" + directory.resolve("ap.lock"),
                "--apmatrix.host.state-directory=" + directory.resolve("state"));
    }

    @AfterEach
    void end() {
        if (service != null) {
            service.close();
        }
        if (mount != null) {
            mount.close();
        }
    }

    @Test
    void whatMdevctlDoesIsHeardAndAStopEndsTheStream() throws Exception {
        CompletableFuture<Void> stream = listen(service.start());
        Patience.until(() -> lines.stream().anyMatch(line -> line.startsWith("id:")));
        assertThat(mdevctl.run(
                        "mdevctl define -p matrix -t vfio_ap-passthrough -u $1"
                                + " && mdevctl modify -u $1 --addattr assign_adapter --value 5"
                                + " && mdevctl modify -u $1 --addattr assign_domain --value 4",
                        MDEV))
                .isEqualTo(new Shell.Result(0, ""));

        long before = System.nanoTime();
        assertThat(mdevctl.run("mdevctl start -u $1", MDEV)).isEqualTo(new Shell.Result(0, ""));
        long made = System.nanoTime();
        Patience.until(() -> isHeard("mdev.created"));
        System.out.println("mdev.created was heard "
                + Duration.ofNanos(System.nanoTime() - made).toMillis() + " ms after mdevctl's end, "
                + Duration.ofNanos(System.nanoTime() - before).toMillis() + " ms after its start (wanted: 2000)");
        // made and given its queues in two looks or in one
        Patience.until(() -> lines.stream()
                .anyMatch(line ->
                        line.startsWith("data:") && line.contains("\"after\":{\"adapters\":[5],\"domains\":[4]")));
        assertThat(lines)
                .filteredOn(line -> line.startsWith("data:"))
                .allMatch(line -> line.contains("\"origin\":\"external\""));
        mdevctl.run("mdevctl stop -u $1", MDEV);
        Patience.until(() -> isHeard("mdev.removed"));

        service.stop();
        // by its last chunk or with the connection, whichever is faster
        stream.exceptionally(cutOff -> null).join();
        service.awaitEnd();
        assertThat(service.log()).noneMatch(line -> line.contains("Graceful shutdown aborted"));
    }

    private boolean isHeard(String type) {
        return lines.stream().anyMatch(line -> line.startsWith("data:") && line.contains(type) && line.contains(MDEV));
    }

    private CompletableFuture<Void> listen(int port) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(
                        "http://localhost:" + port + "/api/v1/events?types=mdev.created,mdev.removed,matrix.changed"))
                .build();
        return HttpClient.newHttpClient()
                .sendAsync(request, HttpResponse.BodyHandlers.ofLines())
                .thenApply(HttpResponse::body)
                .thenAccept((Stream<String> body) -> body.forEach(lines::add));
    }
}
