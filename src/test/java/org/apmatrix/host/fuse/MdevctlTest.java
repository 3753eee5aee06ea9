package org.apmatrix.host.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.apmatrix.Shell;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** mdevctl, as it is installed here, takes the simulated kernel for a real one. */
@Timeout(120)
class MdevctlTest {
    private static final String FIRST = "0a1b2c3d-0000-4000-8000-00000000e001";
    private static final String SECOND = "0a1b2c3d-0000-4000-8000-00000000e002";

    @TempDir
    Path mountPoint;

    /** Stands for /etc/mdevctl.d. */
    @TempDir
    Path definitions;

    private Mdevctl mdevctl;

    @BeforeAll
    static void needsMdevctl() {
        Mdevctl.require();
    }

    private SimulatedMount mount(KernelVersion version) {
        SimulatedKernel kernel = new SimulatedKernel(version, SimulatedMachine.example());
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        return SimulatedMount.mount(kernel, mountPoint);
    }

    @BeforeEach
    void prepare() throws IOException {
        mdevctl = new Mdevctl(mountPoint, definitions);
    }

    @ParameterizedTest
    @EnumSource(
            value = KernelVersion.class,
            names = {"V5_10", "V6_12"})
    void definesStartsAndStopsADeviceAndHearsTheKernelsRefusal(KernelVersion version) {
        SimulatedMount mount = mount(version);
        try {
            definesStartsAndStops();
        } finally {
            mount.close();
        }
    }

    private void definesStartsAndStops() {
        assertThat(mdevctl("mdevctl types").output().strip()).isEqualTo("""
                        matrix
                          vfio_ap-passthrough
                            Available instances: 65536
                            Device API: vfio-ap
                            Name: VFIO AP Passthrough Device""");
        define(FIRST, "5", "4");
        define(SECOND, "5", "0x0004");
        assertThat(mdevctl("mdevctl start -u " + FIRST)).isEqualTo(done(""));
        assertThat(mdevctl("mdevctl list").output().strip())
                .isEqualTo(FIRST + " matrix vfio_ap-passthrough manual (defined)");
        assertThat(mountPoint.resolve("devices/vfio_ap/matrix/" + FIRST + "/matrix"))
                .hasContent("05.0004\n");

        Shell.Result conflict = mdevctl("mdevctl start -u " + SECOND);

        assertThat(conflict.exit()).isEqualTo(1);
        assertThat(conflict.output())
                .contains("Failed to write 0x0004 to attribute assign_domain", "Address already in use (os error 98)");
        assertThat(mountPoint.resolve("devices/vfio_ap/matrix/" + SECOND)).doesNotExist();
        assertThat(mdevctl("mdevctl start -u " + FIRST).output()).contains("Device already exists");
        assertThat(mdevctl("mdevctl stop -u " + FIRST)).isEqualTo(done(""));
        assertThat(mountPoint.resolve("devices/vfio_ap/matrix/" + FIRST)).doesNotExist();
        assertThat(mdevctl("mdevctl list -d").output()).contains(FIRST, SECOND);
    }

    private void define(String uuid, String adapter, String domain) {
        assertThat(mdevctl(
                        "mdevctl define -p matrix -t vfio_ap-passthrough -u $1"
                                + " && mdevctl modify -u $1 --addattr assign_adapter --value $2"
                                + " && mdevctl modify -u $1 --addattr assign_domain --value $3",
                        uuid,
                        adapter,
                        domain))
                .isEqualTo(done(""));
    }

    private Shell.Result mdevctl(String script, String... words) {
        return mdevctl.run(script, words);
    }

    private static Shell.Result done(String output) {
        return new Shell.Result(0, output);
    }
}
