package org.apmatrix.host.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apmatrix.Component;
import org.apmatrix.Shell;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevDefinition.Attribute;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NodeDeviceXml;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real libvirtd, as root in a mount namespace of its own, takes the simulated kernel for a real one, and its node devices and this service share what mdevctl
 * keeps. The mount sends no uevents, so this libvirtd does not see a device start or end, and nodedev-create waits for one in vain.
 */
@Timeout(120)
class NodeDevicesOfLibvirtTest {
    private static final MdevId OURS =
            MdevId.parse("0a1b2c3d-0000-4000-8000-00000000e001").orElseThrow();

    /** Everything that libvirtd writes goes into these. */
    private static final String LIBVIRTD = """
            set -e
            for directory in /etc/libvirt /var/lib /var/cache /run; do mount -t tmpfs none $directory; done
            mkdir -p /run/libvirt /var/lib/libvirt /var/cache/libvirt
            printf 'unix_sock_dir = "/run/libvirt"\\nauth_unix_rw = "none"\\nlog_outputs = "2:file:/run/log"\\n' > /run/conf
            # the driver of node devices alone: others want users and programs that this test does not need
            mkdir /run/drivers
            ln -s /usr/lib/*/libvirt/connection-driver/libvirt_driver_nodedev.so /run/drivers/
            export LIBVIRT_DRIVER_DIR=/run/drivers
            SYSTEMD_DEVICE_VERIFY_SYSFS=0 libvirtd -f /run/conf > /run/out 2>&1 &
            trap 'kill $!; wait $! || true' EXIT
            virsh() { command virsh -q -c nodedev:///system "$@"; }
            until virsh uri > /dev/null 2>&1; do kill -0 $!; sleep 0.1; done
            """;

    @TempDir
    private Path mountPoint;

    /** Stands for /etc/mdevctl.d. */
    @TempDir
    private Path definitions;

    @TempDir
    private Path files;

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private SimulatedMount mount;
    private Mdevctl namespace;
    private MdevctlStore store;

    @BeforeAll
    static void needsLibvirt() {
        Mdevctl.require();
        Component.requireProgram("libvirtd", "apt-get install libvirt-daemon");
        Component.requireProgram("virsh", "apt-get install libvirt-clients");
    }

    @BeforeEach
    void mount() throws IOException {
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        mount = SimulatedMount.mount(kernel, mountPoint);
        namespace = new Mdevctl(mountPoint, definitions);
        store = new MdevctlStore(definitions);
    }

    @AfterEach
    void unmount() {
        mount.close();
    }

    private String virsh(String script, String... words) {
        Shell.Result result = namespace.run(LIBVIRTD + script, words);
        assertThat(result.exit()).as(result.output()).isZero();
        return result.output();
    }

    private String file(String name, String text) throws IOException {
        return Files.writeString(files.resolve(name), text).toString();
    }

    private static String name(MdevId id) {
        return "mdev_" + id.toString().replace('-', '_') + "_matrix";
    }

    private static List<Attribute> attributes(String... namesAndValues) {
        return Stream.of(namesAndValues)
                .map(pair -> pair.split("=", 2))
                .map(pair -> new Attribute(pair[0], pair[1]))
                .toList();
    }

    @Test
    void whatWeExportLibvirtDefinesAndWeReadItAgain() throws IOException {
        List<Attribute> ordered = attributes(
                "assign_domain=0x0004", "assign_adapter=6", "assign_adapter=0x05", "assign_control_domain=4");
        MdevDefinition definition = MdevDefinition.of(OURS, MdevDefinition.Start.MANUAL, ordered);

        virsh(
                "virsh nodedev-define $1; virsh nodedev-start $2; virsh nodedev-autostart $2",
                file("ours.xml", NodeDeviceXml.of(definition)),
                name(OURS));

        assertThat(store.read(OURS).orElseThrow().attributes()).isEqualTo(ordered);
        assertThat(store.read(OURS).orElseThrow().start()).isEqualTo(MdevDefinition.Start.AUTO);
        assertThat(new MdevTree(kernel).read(OURS).orElseThrow().matrixOrEmpty().apqns())
                .map(Object::toString)
                .containsExactly("05.0004", "06.0004");
    }

    @Test
    void whatWeDefineLibvirtKnowsAsItIs() {
        List<Attribute> ordered = attributes("assign_domain=0x0004", "assign_adapter=5");
        store.write(MdevDefinition.of(OURS, MdevDefinition.Start.AUTO, ordered));

        String said = virsh("virsh nodedev-info $1; virsh nodedev-dumpxml $1", name(OURS));

        assertThat(said).containsPattern("Persistent: +yes").containsPattern("Autostart: +yes");
        String xml = said.substring(said.indexOf("<device>"));
        assertThat(NodeDeviceXml.read(xml.getBytes(StandardCharsets.UTF_8)).attributes())
                .isEqualTo(ordered);
    }
}
