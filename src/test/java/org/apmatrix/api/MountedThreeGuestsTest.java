package org.apmatrix.api;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apmatrix.ApMatrixApplication;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.fuse.SimulatedMount;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/** The documented example as on a real host: the service makes system calls on a mounted sysfs, whose kernel answers with its own errnos. */
@ParameterizedClass
@EnumSource
class MountedThreeGuestsTest extends ThreeGuestsContract {
    private static final SimulatedKernel KERNEL = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());

    @Parameter
    KernelVersion version = KernelVersion.V6_12;

    private static Path release;
    private static SimulatedMount mount;
    private static ConfigurableApplicationContext service;

    @BeforeAll
    static void startOnTheMount(@TempDir Path directory) throws Exception {
        SimulatedMount.require();
        Path sysfs = Files.createDirectory(directory.resolve("sys"));
        Path proc = directory.resolve("proc");
        release = Files.createDirectories(proc.resolve("sys/kernel")).resolve("osrelease");
        mount = SimulatedMount.mount(KERNEL, sysfs);
        service = new SpringApplicationBuilder(ApMatrixApplication.class)
                .run(
                        "--server.port=0",
                        "--apmatrix.security.mode=open",
                        "--apmatrix.host.sysfs-root=" + sysfs,
                        "--apmatrix.host.proc-root=" + proc,
                        "--apmatrix.host.lock-file=" + directory.resolve("ap.lock"),
                        "--apmatrix.host.state-directory=" + directory.resolve("state"));
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
    void boot() throws Exception {
        // the mount has no /proc beside it: the release stands in a directory of the test
        Files.writeString(release, version.release() + "\n");
        KERNEL.boot(version, SimulatedMachine.example());
    }

    @Override
    String baseUri() {
        return "http://localhost:"
                + ((WebServerApplicationContext) service).getWebServer().getPort();
    }

    @Override
    KernelVersion kernel() {
        return version;
    }

    @Override
    void openDevice(MdevId mdev, int pid) {
        KERNEL.openDevice(mdev, pid);
    }

    @Override
    void closeDevice(MdevId mdev, int pid) {
        KERNEL.closeDevice(mdev, pid);
    }
}
