package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apmatrix.ApMatrixApplication;
import org.apmatrix.Shell;
import org.apmatrix.host.fuse.Mdevctl;
import org.apmatrix.host.fuse.SimulatedMount;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/** The service and mdevctl, as it is installed here, over one directory of definitions and one kernel: each reads what the other wrote. */
class MdevctlDefinitionsTest {
    private static final SimulatedKernel KERNEL = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private static final String FIRST = "0a1b2c3d-0000-4000-8000-00000000e001";
    private static final String SECOND = "0a1b2c3d-0000-4000-8000-00000000e002";
    private static final String OF_FIRST = "/mdevs/" + FIRST + "/definition";

    private static SimulatedMount mount;
    private static ConfigurableApplicationContext service;
    private static Path sysfs;
    private static Path definitions;
    private static Mdevctl mdevctl;
    private static Api api;

    @BeforeAll
    static void startOnTheMount(@TempDir Path directory) throws IOException {
        Mdevctl.require();
        sysfs = Files.createDirectory(directory.resolve("sys"));
        Path proc = directory.resolve("proc");
        Files.createDirectories(proc.resolve("sys/kernel"));
        Files.writeString(proc.resolve("sys/kernel/osrelease"), KernelVersion.V6_12.release() + "\n");
        definitions = Files.createDirectory(directory.resolve("mdevctl.d"));
        mdevctl = new Mdevctl(sysfs, definitions);
        mount = SimulatedMount.mount(KERNEL, sysfs);
        service = new SpringApplicationBuilder(ApMatrixApplication.class)
                .run(
                        "--server.port=0",
                        "--apmatrix.security.mode=open",
                        "--apmatrix.host.sysfs-root=" + sysfs,
                        "--apmatrix.host.proc-root=" + proc,
                        "--apmatrix.host.lock-file=" + directory.resolve("ap.lock"),
                        "--apmatrix.host.state-directory=" + directory.resolve("state"),
                        "--apmatrix.definitions.directory=" + definitions);
        api = Api.at("http://localhost:"
                + ((WebServerApplicationContext) service).getWebServer().getPort());
    }

    @AfterAll
    static void stop() {
        if (service != null) {
            service.close();
        }
        if (mount != null) {
            mount.close();
        }
    }

    @BeforeEach
    void bootWithNothingDefined() throws IOException {
        boot();
        for (String uuid : List.of(FIRST, SECOND)) {
            Files.deleteIfExists(file(uuid));
        }
    }

    private static void boot() {
        KERNEL.boot(KernelVersion.V6_12, SimulatedMachine.example());
        KERNEL.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
    }

    private static Path file(String uuid) {
        return definitions.resolve("matrix").resolve(uuid);
    }

    private static String run(String script, String... words) {
        Shell.Result result = mdevctl.run(script, words);
        assertThat(result.exit()).as(result.output()).isZero();
        return result.output().strip();
    }

    @Test
    void mdevctlListsAndStartsWhatWeDefined() {
        api.put(OF_FIRST, """
                {'attrs': [{'assign_adapter': '5'}, {'assign_adapter': '0x06'}, {'assign_domain': '04'},
                 {'assign_domain': '0xab'}, {'assign_control_domain': '0x0004'}], 'owner': 'us'}""").statusCode(201);
        assertThat(run("mdevctl list -d -v -u " + FIRST))
                .isEqualTo(FIRST + " matrix vfio_ap-passthrough manual\n"
                        + "  Attrs:\n"
                        + "    @{0}: {\"assign_adapter\":\"5\"}\n"
                        + "    @{1}: {\"assign_adapter\":\"0x06\"}\n"
                        + "    @{2}: {\"assign_domain\":\"04\"}\n"
                        + "    @{3}: {\"assign_domain\":\"0xab\"}\n"
                        + "    @{4}: {\"assign_control_domain\":\"0x0004\"}");
        run("mdevctl start -u " + FIRST);
        assertThat(device(FIRST).resolve("matrix")).hasContent("05.0004\n05.00ab\n06.0004\n06.00ab\n");
        assertThat(device(FIRST).resolve("control_domains")).hasContent("0004\n");
        api.get("/definitions").body("items.state", equalTo(List.of("IN_SYNC")));
    }

    @Test
    void mdevctlMakesAtBootWhatWeLetComeBack() {
        api.put("/mdevs/" + FIRST, "{'adapters': [5, 6], 'domains': [4], 'controlDomains': [4]}")
                .statusCode(201);
        api.put(OF_FIRST, "{'start': 'auto'}").statusCode(201);
        api.put("/mdevs/" + SECOND, "{'adapters': [5, 6], 'domains': [171]}").statusCode(201);
        api.put("/mdevs/" + SECOND + "/definition").statusCode(201);
        boot();
        run("mdevctl start-parent-mdevs matrix");
        api.get("/mdevs")
                .body("items.uuid", equalTo(List.of(FIRST)))
                .body("items[0].adapters", equalTo(List.of(5, 6)))
                .body("items[0].domains", equalTo(List.of(4)))
                .body("items[0].controlDomains", equalTo(List.of(4)))
                .body("items[0].definition", is("auto"));
    }

    @Test
    void weShowWhatMdevctlDefinedAndLeaveItsFileAsItIs() throws IOException {
        run(
                "mdevctl define -p matrix -t vfio_ap-passthrough --auto -u $1"
                        + " && mdevctl modify -u $1 --addattr assign_adapter --value 5"
                        + " && mdevctl modify -u $1 --addattr assign_domain --value 0x0004"
                        + " && mdevctl modify -u $1 --addattr assign_domain --value 0xab"
                        + " && mdevctl modify -u $1 --delattr --index 1",
                FIRST);
        run(
                "mdevctl define -p matrix -t vfio_ap-passthrough -u $1"
                        + " && mdevctl modify -u $1 --addattr assign_adapter --value 010"
                        + " && mdevctl modify -u $1 --addattr assign_adapter --value 8",
                SECOND);
        api.get("/definitions")
                .body("items.uuid", equalTo(List.of(FIRST, SECOND)))
                .body("items.start", equalTo(List.of("auto", "manual")))
                .body("items.defined.adapters", equalTo(List.of(List.of(5), List.of(8))))
                .body("items.defined.domains", equalTo(List.of(List.of(171), List.of())));
        for (String uuid : List.of(FIRST, SECOND)) {
            String written = Files.readString(file(uuid));
            String path = "/mdevs/" + uuid + "/definition";
            String shown = api.get(path).statusCode(200).extract().asString();
            assertThat(shown).isEqualTo(written);
            api.delete(path).statusCode(204);
            assertThat(run("mdevctl list -d")).doesNotContain(uuid);
            api.sendRaw("PUT", path, "application/json", shown).statusCode(201);
            assertThat(file(uuid)).isRegularFile();
            assertThat(Files.readString(file(uuid))).isEqualTo(written);
            String start = api.put(path, "{'start': 'manual'}").extract().path("start");
            assertThat(start).isEqualTo("manual");
            api.put(path, "{'start': 'auto'}").statusCode(200);
            api.put(path, "{'autostart': " + written.contains("auto\"") + "}").statusCode(200);
            assertThat(Files.readString(file(uuid))).isEqualTo(written);
        }
    }

    @Test
    void aNodeDeviceThatComesBackToUsLeavesMdevctlsFileAsItIs() throws IOException {
        run(
                "mdevctl define -p matrix -t vfio_ap-passthrough -u $1"
                        + " && mdevctl modify -u $1 --addattr assign_adapter --value 5"
                        + " && mdevctl modify -u $1 --addattr assign_domain --value 0x4",
                FIRST);
        String written = Files.readString(file(FIRST));
        String xml = api.with("Accept", "application/xml")
                .get(OF_FIRST)
                .statusCode(200)
                .extract()
                .asString();
        api.sendRaw("PUT", OF_FIRST, "application/xml", xml).statusCode(200);
        assertThat(Files.readString(file(FIRST))).isEqualTo(written);
        api.delete(OF_FIRST).statusCode(204);
        api.sendRaw("PUT", OF_FIRST, "application/xml", xml).statusCode(201);
        assertThat(Files.readString(file(FIRST))).isEqualTo(written);
    }

    @Test
    void whatWeWriteIsWhatMdevctlWouldHaveWritten() throws IOException {
        api.put("/mdevs/" + FIRST, "{'adapters': [5], 'domains': [4]}").statusCode(201);
        api.put(OF_FIRST, "{'start': 'auto'}").statusCode(201);
        String ours = Files.readString(file(FIRST));
        api.delete(OF_FIRST).statusCode(204);
        run(
                "mdevctl define -p matrix -t vfio_ap-passthrough --auto -u $1"
                        + " ; mdevctl modify -u $1 --addattr assign_adapter --value 0x05"
                        + " && mdevctl modify -u $1 --addattr assign_domain --value 0x0004",
                SECOND);
        assertThat(ours).isEqualTo(Files.readString(file(SECOND)));
    }

    private static Path device(String uuid) {
        return sysfs.resolve("devices/vfio_ap/matrix").resolve(uuid);
    }
}
