package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apmatrix.Patience;
import org.apmatrix.RawQmp;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.GuestSource;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.libvirt.FakeLibvirt;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** Guests of libvirt under both laws, with what is stored for their next start; libvirt's traps, each as it was recorded. */
class GuestsOfLibvirtTest {
    private static final GuestName VM = new GuestName("vm");
    private static final GuestName OTHER = new GuestName("other");
    private static final GuestName OFF = new GuestName("off");
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final MdevId A = House.A;
    private static final MdevId B = House.B;

    @TempDir
    private Path directory;

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private SimulatedGuests qemus;
    private FakeLibvirt libvirt;
    private PlanBench bench;
    private StoredDevices stored;
    private MdevctlStore definitions;

    @BeforeEach
    void start() {
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        make(A, 5);
        make(B, 6);
        qemus = new SimulatedGuests(kernel, directory.resolve("guests"));
        libvirt = new FakeLibvirt(qemus);
        libvirt.define("off");
        for (String name : List.of("vm", "other")) {
            libvirt.define(name);
            libvirt.start(name, SimulatedQemu.Settings.DEFAULT);
        }
        definitions = new MdevctlStore(directory.resolve("mdevctl.d"));
        // their sockets can be found, too
        bench = new PlanBench(
                kernel,
                kernel.procfs(),
                directory.resolve("state"),
                definitions,
                List.of(),
                House.journal(),
                libvirt.connect());
        stored = new StoredDevices(bench.host, bench.guestService, bench.hotplug, definitions);
        Patience.until(() -> bench.guests.all().containsKey(VM));
        bench.guestService.list();
    }

    @AfterEach
    void end() {
        bench.close();
        qemus.close();
    }

    private void make(MdevId id, int adapter) {
        String types = "/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create";
        kernel.write(Path.of(types), id + "\n");
        String device = "/sys/devices/vfio_ap/matrix/" + id;
        kernel.write(Path.of(device, "assign_adapter"), adapter + "\n");
        kernel.write(Path.of(device, "assign_domain"), "4\n");
    }

    private void define(MdevId id, MdevDefinition.Start start) {
        new DefinitionService(
                        bench.host,
                        definitions,
                        new MdevProperties(MdevProperties.LiveChanges.FORBIDDEN, new MdevProperties.MatrixLimits(511)))
                .put(id, "{\"start\": \"" + start.word() + "\"}", WriteOptions.NONE);
    }

    private AttachedDevice plug(GuestName guest, MdevId mdev) {
        return done(bench.hotplug.plug(guest, mdev, PATIENCE, false));
    }

    private AttachedDevice plugAndStore(GuestName guest, MdevId mdev) {
        return done(stored.plug(guest, mdev, PATIENCE, false));
    }

    private static <T> T done(Outcome<T> outcome) {
        return ((Outcome.Done<T>) outcome).state();
    }

    private Optional<MdevId> onTheBus(String name) {
        return qemus.find(name).orElseThrow().plugged();
    }

    private static void refused(ErrorCode code, String text, ThrowingCallable work) {
        assertThatThrownBy(work).isInstanceOfSatisfying(Fault.class, fault -> {
            assertThat(fault.code()).isEqualTo(code);
            assertThat(fault.getMessage()).contains(text);
        });
    }

    @Test
    void areShownWithTheirStateAndSource() {
        assertThat(bench.guestService.list())
                .extracting(
                        guest -> guest.name().toString(),
                        GuestService.GuestView::source,
                        guest -> guest.state().runState())
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("off", GuestSource.LIBVIRT, "shutdown"),
                        org.assertj.core.groups.Tuple.tuple("other", GuestSource.LIBVIRT, "running"),
                        org.assertj.core.groups.Tuple.tuple("vm", GuestSource.LIBVIRT, "running"));
        assertThat(bench.guestService.get(VM).state().cpuFeatures().ap()).isTrue();
    }

    @Test
    void appearOnceWhereTheirSocketIsFoundToo() {
        try (PlanBench both = new PlanBench(
                kernel,
                kernel.procfs(),
                directory.resolve("state2"),
                definitions,
                List.of(directory.resolve("guests") + "/*.sock"),
                House.journal(),
                libvirt.connect())) {
            Patience.until(() -> both.guestService.list().stream()
                    .map(GuestService.GuestView::source)
                    .toList()
                    .equals(List.of(GuestSource.LIBVIRT, GuestSource.LIBVIRT, GuestSource.LIBVIRT)));
            assertThat(both.guests.all().keySet()).containsExactly(OFF, OTHER, VM);
        }
    }

    @Test
    void arePluggedAndUnpluggedUnderTheSameLaws() {
        AttachedDevice device = plug(VM, A);
        assertThat(device.state()).isEqualTo(Attachment.State.ATTACHED);
        assertThat(device.stored()).isFalse();
        assertThat(onTheBus("vm")).contains(A);
        assertThat(libvirt.stored("vm")).isEmpty();
        refused(ErrorCode.GUEST_HAS_AP_DEVICE, A.toString(), () -> plug(VM, B));
        refused(ErrorCode.MDEV_ATTACHED_ELSEWHERE, "vm", () -> plug(OTHER, A));
        refused(ErrorCode.GUEST_NOT_RUNNING, "shutdown", () -> plug(OFF, B));
        assertThat(done(bench.hotplug.unplug(VM, A, PATIENCE, false))).isEmpty();
        assertThat(onTheBus("vm")).isEmpty();
    }

    @Test
    void areGivenADeviceForTheNextStartTooAndLoseItFromBoth() {
        AttachedDevice device = plugAndStore(VM, A);
        assertThat(device.state()).isEqualTo(Attachment.State.ATTACHED);
        assertThat(device.stored()).isTrue();
        assertThat(libvirt.stored("vm")).containsExactly(A);
        assertThat(plugAndStore(VM, A).stored()).isTrue();
        assertThat(libvirt.stored("vm")).containsExactly(A);

        assertThat(done(stored.unplug(VM, null, PATIENCE, false))).isEmpty();
        assertThat(onTheBus("vm")).isEmpty();
        assertThat(libvirt.stored("vm")).isEmpty();
    }

    @Test
    void whatIsInOnlyOnePlaceIsPutIntoBothAndTakenOutOfWhereItIs() {
        plug(VM, A);
        assertThat(plugAndStore(VM, A).stored()).isTrue();
        assertThat(libvirt.stored("vm")).containsExactly(A);
        assertThat(done(bench.hotplug.unplug(VM, null, PATIENCE, false))).isEmpty();
        assertThat(libvirt.stored("vm")).containsExactly(A);
        assertThat(done(stored.unplug(VM, A, PATIENCE, false))).isEmpty();
        assertThat(libvirt.stored("vm")).isEmpty();
        plug(VM, A);
        assertThat(done(stored.unplug(VM, A, PATIENCE, false))).isEmpty();
        assertThat(onTheBus("vm")).isEmpty();
    }

    @Test
    void qemusRefusalInErrorOneIsToldInItsWordsAndNothingIsStored() {
        qemus.find("vm").orElseThrow().apply(SimulatedQemu.Settings.DEFAULT.withTemper(SimulatedQemu.Temper.REFUSES));
        assertThatThrownBy(() -> plugAndStore(VM, A)).isInstanceOfSatisfying(Fault.class, fault -> {
            assertThat(fault.code()).isEqualTo(ErrorCode.QEMU_REFUSED);
            assertThat(fault.getMessage()).doesNotContain("internal error");
        });
        assertThat(libvirt.stored("vm")).isEmpty();
        assertThat(bench.guestService.get(VM).device()).isNull();
    }

    @Test
    void aDetachThatReportsSuccessOnTimeOutIsNoProof() {
        plugAndStore(VM, A);
        libvirt.holdRemovals(true);
        Optional<AttachedDevice> left = done(stored.unplug(VM, A, Duration.ofMillis(500), false));
        assertThat(left.map(AttachedDevice::state)).contains(Attachment.State.DETACHING);
        assertThat(onTheBus("vm")).contains(A);
        refused(ErrorCode.MDEV_ATTACHED_ELSEWHERE, "vm", () -> plug(OTHER, A));
        assertThat(libvirt.stored("vm")).isEmpty();
    }

    @Test
    void whatIsStoredCountsForTheGuest() {
        libvirt.store("vm", B);
        refused(ErrorCode.GUEST_HAS_AP_DEVICE, "stored definition", () -> plug(VM, A));
        refused(ErrorCode.GUEST_HAS_AP_DEVICE, "stored definition", () -> plugAndStore(VM, A));
        assertThat(plug(VM, B).stored()).isTrue();
    }

    /** V06: libvirt would refuse to store it once more. */
    @Test
    void whatIsStoredAlreadyIsOnlyPluggedIn() {
        libvirt.store("vm", A);
        assertThat(plugAndStore(VM, A).stored()).isTrue();
        assertThat(libvirt.stored("vm")).containsExactly(A);
        assertThat(onTheBus("vm")).contains(A);
    }

    @Test
    void whatIsStoredCountsForTheDevice() {
        libvirt.store("off", A);
        bench.guestService.list();
        refused(ErrorCode.MDEV_ATTACHED_ELSEWHERE, "off", () -> plug(VM, A));
    }

    @Test
    void aGuestThatIsShutOffIsGivenADeviceForItsNextStartWhenSomethingMakesItAtBoot() {
        refused(ErrorCode.MDEV_NOT_AUTOSTARTED, A.toString(), () -> plugAndStore(OFF, A));
        define(A, MdevDefinition.Start.MANUAL);
        refused(ErrorCode.MDEV_NOT_AUTOSTARTED, A.toString(), () -> plugAndStore(OFF, A));
        define(A, MdevDefinition.Start.AUTO);
        AttachedDevice device = plugAndStore(OFF, A);
        assertThat(device.state()).isNull();
        assertThat(device.stored()).isTrue();
        assertThat(libvirt.stored("off")).containsExactly(A);
        assertThat(bench.guestService.device(OFF).mdev()).isEqualTo(A);
        define(B, MdevDefinition.Start.AUTO);
        refused(ErrorCode.GUEST_HAS_AP_DEVICE, "stored definition", () -> plugAndStore(OFF, B));
        assertThat(done(stored.unplug(OFF, A, PATIENCE, false))).isEmpty();
        assertThat(libvirt.stored("off")).isEmpty();
        refused(ErrorCode.AP_DEVICE_NOT_FOUND, "off", () -> bench.guestService.device(OFF));
    }

    @Test
    void whatIsPluggedInElsewhereIsNotStored() {
        define(A, MdevDefinition.Start.AUTO);
        plug(VM, A);
        refused(ErrorCode.MDEV_ATTACHED_ELSEWHERE, "vm", () -> plugAndStore(OFF, A));
        assertThat(libvirt.stored("off")).isEmpty();
    }

    @Test
    void ofAPlugAndAColdPlugAtTheSameTimeAtMostOneSucceeds() throws Exception {
        define(A, MdevDefinition.Start.AUTO);
        ExecutorService both = Executors.newFixedThreadPool(2);
        try {
            for (int round = 0; round < 30; round++) {
                CyclicBarrier start = new CyclicBarrier(2);
                Future<Boolean> hot = both.submit(() -> succeeds(start, () -> plug(VM, A)));
                Future<Boolean> cold = both.submit(() -> succeeds(start, () -> plugAndStore(OFF, A)));
                boolean isPlugged = hot.get();
                boolean isStored = cold.get();
                assertThat(isPlugged && isStored).as("round %d: both", round).isFalse();
                assertThat(onTheBus("vm").isPresent()).isEqualTo(isPlugged);
                assertThat(libvirt.stored("off")).hasSize(isStored ? 1 : 0);
                bench.hotplug.unplug(VM, null, PATIENCE, false);
                stored.unplug(OFF, null, PATIENCE, false);
                bench.guestService.list();
            }
        } finally {
            both.shutdownNow();
        }
    }

    @Test
    void ofManyWhoStoreTheSameOnlyOneHasDoneIt() throws Exception {
        define(A, MdevDefinition.Start.AUTO);
        int many = 8;
        ExecutorService all = Executors.newFixedThreadPool(many);
        try {
            CyclicBarrier start = new CyclicBarrier(many);
            List<Future<Boolean>> done = IntStream.range(0, many)
                    .mapToObj(one -> all.submit(() -> {
                        start.await();
                        return ((Outcome.Done<AttachedDevice>) stored.plug(OFF, A, PATIENCE, false)).created();
                    }))
                    .toList();
            int created = 0;
            for (Future<Boolean> one : done) {
                created += one.get() ? 1 : 0;
            }
            assertThat(created).isEqualTo(1);
            assertThat(libvirt.stored("off")).containsExactly(A);
        } finally {
            all.shutdownNow();
        }
    }

    private static boolean succeeds(CyclicBarrier start, Runnable work) throws Exception {
        start.await();
        try {
            work.run();
            return true;
        } catch (RequestDenied refusal) {
            assertThat(refusal.code()).isEqualTo(ErrorCode.MDEV_ATTACHED_ELSEWHERE);
            return false;
        }
    }

    @Test
    void aDeviceSaysForWhomItIsStored() {
        libvirt.store("off", A);
        bench.guestService.list();
        HostView view = bench.host.look();
        assertThat(MdevState.of(view, view.mdev(A).orElseThrow()).storedFor()).containsExactly(OFF);
        assertThat(MdevState.of(view, view.mdev(B).orElseThrow()).storedFor()).isEmpty();
    }

    @Test
    void whatIsPluggedInAlreadyIsStoredUnderTheSameLaw() {
        plug(VM, A);
        libvirt.store("off", A);
        bench.guestService.list();
        refused(ErrorCode.MDEV_ATTACHED_ELSEWHERE, "off", () -> plugAndStore(VM, A));
        assertThat(libvirt.stored("vm")).isEmpty();
        stored.unplug(OFF, A, PATIENCE, false);
        libvirt.store("vm", B);
        bench.guestService.list();
        refused(ErrorCode.GUEST_HAS_AP_DEVICE, B.toString(), () -> plugAndStore(VM, A));
        assertThat(problems(stored.plug(VM, A, PATIENCE, true))).containsExactly(ErrorCode.GUEST_HAS_AP_DEVICE);
        assertThat(libvirt.stored("vm")).containsExactly(B);
    }

    @Test
    void anUnplugOfAnotherThanTheStoredOneIsNoticedInADryRunToo() {
        libvirt.store("off", A);
        bench.guestService.list();
        assertThat(problems(stored.unplug(OFF, B, PATIENCE, true))).containsExactly(ErrorCode.AP_DEVICE_MISMATCH);
        refused(ErrorCode.AP_DEVICE_MISMATCH, A.toString(), () -> stored.unplug(OFF, B, PATIENCE, false));
        assertThat(problems(stored.unplug(OFF, A, PATIENCE, true))).isEmpty();
        assertThat(libvirt.stored("off")).containsExactly(A);
    }

    private static List<ErrorCode> problems(Outcome<?> dryRun) {
        return ((Outcome.DryRun<?>) dryRun)
                .forecast().problems().stream().map(Fault::code).toList();
    }

    @Test
    void twoThatAreStoredAlreadyAreTold() {
        libvirt.store("off", A);
        libvirt.store("off", B);
        refused(ErrorCode.GUEST_HAS_AP_DEVICE, "stored definition", () -> plugAndStore(OFF, A));
        done(stored.unplug(OFF, A, PATIENCE, false));
        assertThat(libvirt.stored("off")).containsExactly(B);
    }

    @Test
    void libvirtsOwnRefusalsAreInTheReadinessToMigrate() {
        MigrationService migrations = new MigrationService(
                bench.guestService, bench.hotplug, null, new GuestNotes(null, JsonMapper.shared()), PlanBench.CLOCK);
        assertThat(migrations.blockers(VM)).isEmpty();
        libvirt.runsWith("vm", "<shmem name='shared' role='peer'/><disk><transient/></disk>", 2);
        assertThat(migrations.blockers(VM))
                .extracting(MigrationService.Blocker::kind)
                .containsOnly(MigrationService.BlockerKind.LIBVIRT_BLOCKED);
        assertThat(migrations.blockers(VM))
                .extracting(MigrationService.Blocker::reason)
                .satisfiesExactly(
                        reason -> assertThat(reason).contains("shared"),
                        reason -> assertThat(reason).contains("transient"),
                        reason -> assertThat(reason).contains("snapshots").contains("2"));
    }

    @Test
    void isNotReadyToMigrateAsLongAsLibvirtDoesNotTell() {
        MigrationService migrations = new MigrationService(
                bench.guestService, bench.hotplug, null, new GuestNotes(null, JsonMapper.shared()), PlanBench.CLOCK);
        libvirt.refuseToTellXml();
        assertThat(migrations.blockers(VM)).singleElement().satisfies(blocker -> {
            assertThat(blocker.kind()).isEqualTo(MigrationService.BlockerKind.LIBVIRT_BLOCKED);
            assertThat(blocker.reason()).contains("state change lock");
        });
    }

    /** V02, V03: whoever goes past this service is faster. */
    @Test
    void whatOthersHavePluggedInMeanwhileIsTheirsAndNothingIsStored() {
        libvirt.meanwhile(() -> RawQmp.ask(
                qemus.find("other").orElseThrow().socket(),
                "{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"vfio-ap\", \"id\": \"theirs\", \"sysfsdev\": \""
                        + "/sys/bus/mdev/devices/" + A + "\"}}"));
        refused(ErrorCode.MDEV_ATTACHED_ELSEWHERE, A.toString(), () -> plugAndStore(VM, A));
        assertThat(libvirt.stored("vm")).isEmpty();
        assertThat(onTheBus("vm")).isEmpty();
    }

    @Test
    void anUnplugThatIsRefusedPutsBackWhatWasStored() {
        plugAndStore(VM, A);
        qemus.find("vm").orElseThrow().apply(SimulatedQemu.Settings.DEFAULT.withTemper(SimulatedQemu.Temper.REFUSES));
        refused(ErrorCode.QEMU_REFUSED, "", () -> stored.unplug(VM, A, PATIENCE, false));
        assertThat(libvirt.stored("vm")).containsExactly(A);
        assertThat(onTheBus("vm")).contains(A);
    }

    @Test
    void butNotWhereSomebodyElseHasStoredItMeanwhile() {
        plugAndStore(VM, A);
        qemus.find("vm").orElseThrow().apply(SimulatedQemu.Settings.DEFAULT.withTemper(SimulatedQemu.Temper.REFUSES));
        libvirt.meanwhile(() -> {
            libvirt.store("off", A);
            bench.guests.looks(bench.guests.all().values());
        });
        refused(ErrorCode.QEMU_REFUSED, "", () -> stored.unplug(VM, A, PATIENCE, false));
        assertThat(libvirt.stored("off")).containsExactly(A);
        assertThat(libvirt.stored("vm")).isEmpty();
    }

    @Test
    void aDocumentDoesNotPlugInWhatIsStoredForAnother() {
        MdevId ours = MdevId.parse("99999999-2222-4333-8444-555555555555").orElseThrow();
        libvirt.store("off", ours);
        bench.guestService.list();
        DesiredState document = new DesiredState(
                "demo",
                null,
                List.of(new DesiredState.Device(ours.toString(), null, List.of(5), List.of(171), List.of(), null)),
                List.of(new DesiredState.Plugged("vm", ours.toString())));
        assertThat(bench.plans.preview(document, Rights.ALL).forecast().problems())
                .extracting(Fault::code)
                .contains(ErrorCode.MDEV_ATTACHED_ELSEWHERE);
    }

    @Test
    void aDeviceThatIsNeitherThereNorDefinedIsNotFound() {
        MdevId nobody = MdevId.parse("99999999-2222-4333-8444-555555555555").orElseThrow();
        refused(ErrorCode.MDEV_NOT_FOUND, nobody.toString(), () -> plugAndStore(OFF, nobody));
    }

    @Test
    void keepTheirDeviceWhileLibvirtdIsAway() {
        plug(VM, A);
        libvirt.stop();
        Patience.until(() -> !bench.guestService.get(VM).state().isReachable());
        assertThat(bench.guestService.get(VM).device()).isNotNull();
        refused(ErrorCode.MDEV_ATTACHED_ELSEWHERE, "vm", () -> plug(OTHER, A));
        refused(ErrorCode.QEMU_UNREACHABLE, "", () -> plug(OTHER, B));
        libvirt.startAgain();
        Patience.until(() -> bench.guestService.get(VM).state().isReachable());
        assertThat(bench.guestService.get(VM).device()).isNotNull();
    }
}
