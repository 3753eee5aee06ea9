package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.BootMasks;
import org.apmatrix.host.HostFiles;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevDefinition.Start;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NextBoot;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.service.RebootService.Reason;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example machine with all queues freed, on a host whose files say that they stay so; each test changes one thing. */
class RebootServiceTest {
    private static final Matrix FOUR = Matrix.of(ApMask.of(5), ApMask.of(4));

    @TempDir
    Path root;

    private final House house = new House(KernelVersion.V6_12);
    private MdevctlStore store;
    private RebootService reboots;

    @BeforeEach
    void prepare() throws IOException {
        write("proc/cmdline", "root=/dev/dasda1\n");
        write("usr/sbin/mdevctl", "");
        write("etc/modules-load.d/ap.conf", "vfio_ap\n");
        write("etc/udev/rules.d/41-ap.rules", "ATTR{../../bus/ap/apmask}=\"0xf9" + "f".repeat(62) + "\"\n");
        store = new MdevctlStore(root.resolve("etc/mdevctl.d"));
        reboots = restoring(List.of());
    }

    private RebootService restoring(List<DesiredState> documents) {
        return new RebootService(
                house.machine, store, new NextBoot(new HostFiles(root, root.resolve("proc"))), () -> documents);
    }

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void define(MdevId id, Start start, Matrix matrix) {
        store.write(MdevDefinition.of(id, start, matrix));
    }

    private RebootService.Device device() {
        return reboots.look().devices().get(0);
    }

    @Test
    void whatIsDefinedToStartComesBackAsItStands() {
        house.with(House.A, FOUR);
        define(House.A, Start.AUTO, FOUR);
        RebootService.AfterReboot then = reboots.look();
        assertThat(then.masks().source()).isEqualTo(BootMasks.Source.CHZDEV);
        assertThat(then.devices())
                .containsExactly(new RebootService.Device(
                        House.A, true, Reason.AUTOSTART, "It is defined to be started at boot.", List.of()));
        assertThat(then.differences()).isEmpty();
    }

    @Test
    void anotherMatrixIsADifference() {
        house.with(House.A, FOUR);
        define(House.A, Start.AUTO, Matrix.of(ApMask.of(6), ApMask.of(4)));
        assertThat(reboots.look().differences())
                .singleElement()
                .asString()
                .contains(House.A + " comes back with another");
    }

    @Test
    void aDeviceThatDoesNotStandIsMadeAtBoot() {
        define(House.A, Start.AUTO, FOUR);
        assertThat(reboots.look().differences()).singleElement().asString().contains("is made at boot");
    }

    @Test
    void nothingIsStartedWithoutMdevctl() throws IOException {
        define(House.A, Start.AUTO, FOUR);
        Files.delete(root.resolve("usr/sbin/mdevctl"));
        assertThat(device().reason()).isEqualTo(Reason.MDEVCTL_MISSING);
    }

    @Test
    void nothingIsStartedWithoutTheModule() throws IOException {
        define(House.A, Start.AUTO, FOUR);
        Files.delete(root.resolve("etc/modules-load.d/ap.conf"));
        assertThat(device().reason()).isEqualTo(Reason.VFIO_AP_NOT_LOADED);
    }

    @Test
    void queuesThatTheBootKeepsAreNamed() throws IOException {
        define(House.A, Start.AUTO, FOUR);
        Files.delete(root.resolve("etc/udev/rules.d/41-ap.rules"));
        assertThat(device().reason()).isEqualTo(Reason.QUEUES_RESERVED);
        assertThat(device().queues()).containsExactly(Apqn.of(5, 4));
        assertThat(reboots.look().differences()).hasSize(1).first().asString().startsWith("apmask is 0xf9");
    }

    @Test
    void ofTwoThatWantTheSameNoneIsCertain() {
        define(House.A, Start.AUTO, FOUR);
        define(House.B, Start.AUTO, Matrix.of(ApMask.of(5, 6), ApMask.of(4, 71)));
        assertThat(reboots.look().devices())
                .extracting(RebootService.Device::reason)
                .containsExactly(Reason.DEFINITIONS_CLASH, Reason.DEFINITIONS_CLASH);
        assertThat(device().because()).contains(House.B.toString());
        assertThat(device().queues()).containsExactly(Apqn.of(5, 4));
    }

    @Test
    void controlDomainsAloneDoNotStart() {
        define(House.A, Start.AUTO, new Matrix(ApMask.of(5), ApMask.NONE, ApMask.of(4)));
        assertThat(device().reason()).isEqualTo(Reason.CONTROL_DOMAINS_ALONE);
    }

    @Test
    void whatADocumentWantsIsRestoredByThisService() {
        DesiredState document = new DesiredState(
                "demo",
                new DesiredState.Masks("-5,-6,-7", null),
                List.of(new DesiredState.Device(House.A.toString(), null, List.of(5), List.of(4), List.of(), null)),
                List.of());
        house.with(House.A, FOUR);
        RebootService.AfterReboot then = restoring(List.of(document)).look();
        assertThat(then.masks().source()).isEqualTo(BootMasks.Source.APMATRIX);
        assertThat(then.masks().apmask().contains(7)).isFalse();
        assertThat(then.devices()).singleElement().satisfies(device -> {
            assertThat(device.comesBack()).isTrue();
            assertThat(device.reason()).isEqualTo(Reason.RESTORED);
        });
        assertThat(then.differences()).singleElement().asString().startsWith("apmask is ");
    }
}
