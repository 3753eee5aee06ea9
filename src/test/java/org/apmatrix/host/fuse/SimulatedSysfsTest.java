package org.apmatrix.host.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
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

/** What a person with a shell can do on the mount, the world outside the kernel included. */
@Timeout(60)
class SimulatedSysfsTest {
    private static final String PREPARE = """
            set -e
            U=0a1b2c3d-0000-4000-8000-00000000e001
            M=devices/vfio_ap/matrix
            D=$M/$U
            echo -5 > bus/ap/apmask
            echo $U > $M/mdev_supported_types/vfio_ap-passthrough/create
            echo 5 > $D/assign_adapter
            echo 4 > $D/assign_domain
            set +e
            """;

    @TempDir
    Path directory;

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private SimulatedMount mount;

    @BeforeAll
    static void needsFuse() {
        SimulatedMount.require();
    }

    @BeforeEach
    void mount() {
        mount = SimulatedMount.mount(kernel, directory);
    }

    @AfterEach
    void unmount() {
        mount.close();
    }

    @Test
    void theShellGetsTheKernelsErrnos() {
        assertThat(sh("""
                cat $D/matrix $D/guest_matrix
                echo 6 > $D/assign_adapter
                echo 300 > $D/assign_adapter
                echo x > $D/assign_adapter
                echo 18446744073709551616 > $D/assign_adapter
                echo +5 > bus/ap/apmask
                echo $U > $M/mdev_supported_types/vfio_ap-passthrough/create
                cat $D/assign_adapter
                echo 1 > $D/remove && cat $D/matrix
                """))
                .containsSubsequence(
                        "05.0004",
                        "05.0004",
                        "Cannot assign requested address",
                        "No such device",
                        "Invalid argument",
                        "Numerical result out of range",
                        "Device or resource busy",
                        "File exists",
                        "Permission denied",
                        "No such file or directory");
    }

    @Test
    void everyFileCanBeReadOrSaysWhyNot() {
        assertThat(sh("find . -type f -perm /444 -exec cat {} + > /dev/null; find . -type f ! -perm /444 | head -1"))
                .matches("\\./.+\\n");
        assertThat(sh("find -L . -maxdepth 1 | wc -l; find . -xtype l"))
                .endsWith("\n")
                .doesNotContain("./");
    }

    @Test
    void aGuestHoldsRemoveBackUntilItCloses() {
        Process writer = Shell.start(
                directory, "bash", "-c", PREPARE + "echo $U > .simulation/open; echo 1 > $D/remove; echo removed");
        Path device = directory.resolve("devices/vfio_ap/matrix/0a1b2c3d-0000-4000-8000-00000000e001");
        Patience.until(() -> kernel.exists(Path.of("/sys").resolve(directory.relativize(device)))
                && !device.resolve("matrix").toFile().exists());

        assertThat(Shell.bash(device, "ls").output()).isEqualTo("iommu_group\n");
        assertThat(Shell.bash(directory, "cat bus/ap/devices/05.0004/status").output())
                .isEqualTo("in use\n");
        assertThat(writer.isAlive()).isTrue();
        assertThat(Shell.bash(directory, "echo 0a1b2c3d-0000-4000-8000-00000000e001 > .simulation/close"))
                .isEqualTo(new Shell.Result(0, ""));

        assertThat(Shell.result(writer).output()).isEqualTo("removed\n");
        assertThat(device).doesNotExist();
    }

    @Test
    void guestsAreRefusedAsTheKernelRefusesThem() {
        assertThat(sh("""
                echo $U > .simulation/open
                echo $U > .simulation/open
                echo 0a1b2c3d-0000-4000-8000-00000000e002 > .simulation/open
                echo 0a1b2c3d-0000-4000-8000-00000000e002 > .simulation/close
                echo nonsense > .simulation/open
                cat .simulation/open
                echo x > .simulation/else
                echo $U > .simulation/close && echo $U > .simulation/close && echo closed
                """))
                .containsSubsequence(
                        "Device or resource busy",
                        "No such device",
                        "No such device",
                        "Invalid argument",
                        "Permission denied",
                        "Permission denied",
                        "closed");
    }

    @Test
    void aNewConfigurationIsSeenAfterAScan() {
        assertThat(sh("""
                echo 07:CEX8P,0a:CEX7A > .simulation/adapters
                echo 1,0x10 > .simulation/domains
                echo 1 > .simulation/control_domains
                ls bus/ap/devices | wc -l
                echo 1 > bus/ap/scans
                ls bus/ap/devices
                cat bus/ap/ap_control_domain_mask
                echo > .simulation/adapters; echo > .simulation/scan
                ls bus/ap/devices | wc -l
                """)).isEqualTo("""
                        10
                        07.0001
                        07.0010
                        0a.0001
                        0a.0010
                        card07
                        card0a
                        0x4000000000000000000000000000000000000000000000000000000000000000
                        0
                        """);
        assertThat(Shell.bash(
                                directory,
                                "for t in 7 7:CEX9P 100:CEX8P 7:CEX8P, 7:CEX8P,07:CEX8P; do echo $t > .simulation/adapters; done;"
                                        + "for t in 256 x 1, ' 1'; do echo \"$t\" > .simulation/domains; done")
                        .output()
                        .lines())
                .hasSize(9)
                .allSatisfy(line -> assertThat(line).endsWith("Invalid argument"));
    }

    @Test
    void withoutScansTheConfigurationIsSeenAtOnce() {
        kernel.boot(KernelVersion.V5_10, SimulatedMachine.example());

        assertThat(Shell.bash(directory, "echo 07:CEX7P > .simulation/adapters; ls bus/ap/devices")
                        .output())
                .isEqualTo("07.0004\n07.0047\n07.00ab\n07.00ff\ncard07\n");
    }

    private String sh(String script) {
        return Shell.bash(directory, PREPARE + script).output();
    }
}
