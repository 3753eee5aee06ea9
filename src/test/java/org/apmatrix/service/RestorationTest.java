package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apmatrix.Patience;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.Card;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A machine that boots, and a service that starts on it with what an earlier one had applied. */
@Timeout(60)
class RestorationTest {
    private static final Duration PATIENCE = Duration.ofMillis(500);
    private static final RestoreProperties TWICE = new RestoreProperties(true, 2, Duration.ofSeconds(1));
    private static final DesiredState DOCUMENT = new DesiredState(
            "demo",
            new DesiredState.Masks("-5", null),
            List.of(new DesiredState.Device(House.A.toString(), null, List.of(5), List.of(4), List.of(), null)),
            List.of(new DesiredState.Plugged("guest1", House.A.toString())));

    @TempDir
    Path directory;

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private SimulatedGuests guests;
    private PlanBench service;

    @BeforeEach
    void applyAndReboot() {
        guests = new SimulatedGuests(kernel, directory.resolve("guests"));
        guests.start("guest1", SimulatedQemu.Settings.DEFAULT);
        service = start();
        service.plans.apply(DOCUMENT, Rights.ALL, PATIENCE);
        service.close();
        guests.close();
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.example());
        service = start();
    }

    @AfterEach
    void end() {
        service.close();
        guests.close();
    }

    private PlanBench start() {
        PlanBench started = new PlanBench(
                kernel,
                kernel.procfs(),
                directory.resolve("state"),
                new MdevctlStore(directory.resolve("mdevctl.d")),
                List.of(directory.resolve("guests") + "/*.sock"));
        started.guests.discover();
        return started;
    }

    private Restoration restoration(RestoreProperties properties) {
        Restoration restoration =
                new Restoration(service.plans, allocations(), service.audit, properties, PATIENCE, PlanBench.CLOCK);
        restoration.begin();
        return restoration;
    }

    private AllocationService allocations() {
        return AllocationBench.over(service, PlanBench.CLOCK, directory.resolve("state"));
    }

    private Optional<Matrix> matrix() {
        return new MdevTree(kernel).read(House.A).map(Mdev::matrixOrEmpty);
    }

    @Test
    void makesAllAgainWhereTheGuestIsThere() {
        guests.start("guest1", SimulatedQemu.Settings.DEFAULT);
        service.guests.discover();
        Restoration restoration = restoration(TWICE);
        assertThat(restoration.report().finished()).isFalse();
        Patience.until(() -> !restoration.tryOnce());
        assertThat(restoration.report().owners())
                .singleElement()
                .satisfies(owner -> assertThat(owner.state()).isEqualTo(Restoration.State.RESTORED));
        assertThat(guests.find("guest1").orElseThrow().plugged()).contains(House.A);

        Restoration again = restoration(TWICE);
        assertThat(again.tryOnce()).isFalse();
        assertThat(again.report().owners())
                .singleElement()
                .satisfies(owner -> assertThat(owner.state()).isEqualTo(Restoration.State.UNCHANGED));
    }

    @Test
    void makesTheDeviceBeforeItsGuestComesAndGivesUpAfterAsManyTriesAsItMay() {
        Restoration restoration = restoration(TWICE);
        assertThat(restoration.tryOnce()).isTrue();
        assertThat(restoration.report().owners()).singleElement().satisfies(owner -> {
            assertThat(owner.state()).isEqualTo(Restoration.State.PARTIAL);
            assertThat(owner.problem()).hasMessageContaining("guest1");
        });
        assertThat(matrix()).contains(DOCUMENT.mdevs().get(0).matrix());
        assertThat(restoration.tryOnce()).isFalse();
        assertThat(restoration.report().owners())
                .singleElement()
                .satisfies(owner -> assertThat(owner.state()).isEqualTo(Restoration.State.GIVEN_UP));
        assertThat(service.plans.drift("demo").get(0).differences())
                .singleElement()
                .satisfies(left -> assertThat(left.kind()).isEqualTo(Differences.Kind.ATTACHMENT));
    }

    @Test
    void doesNothingWhereTheSiteDoesNotWantIt() {
        Restoration restoration = restoration(new RestoreProperties(false, 2, Duration.ofSeconds(1)));
        assertThat(restoration.tryOnce()).isFalse();
        assertThat(restoration.report().owners()).isEmpty();
        assertThat(matrix()).isEmpty();
    }

    @Test
    void makesAnAllocationStandAgain() {
        guests.start("guest1", SimulatedQemu.Settings.DEFAULT);
        service.guests.discover();
        Patience.until(() -> !restoration(TWICE).tryOnce());
        Outcome<Allocation> given =
                allocations().allocate(AllocationBench.wish(Card.Mode.CCA, 1), null, Rights.ALL, PATIENCE, false);
        Allocation allocation = ((Outcome.Done<Allocation>) given).state();
        service.close();
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.example());
        guests.rebooted();
        service = start();
        Restoration restoration = restoration(TWICE);
        Patience.until(() -> !restoration.tryOnce());
        assertThat(restoration.report().allocations())
                .containsExactly(new Restoration.Lease(allocation.id(), "demo", null));
        assertThat(new MdevTree(kernel).read(allocation.mdevId())).isPresent();
    }

    @Test
    void isRecordedAsTheServicesOwnDoing() {
        restoration(TWICE).tryOnce();
        assertThat(service.audit.read(0, 100, record -> true).items())
                .filteredOn(record -> "restoreOnStart".equals(record.operation()))
                .isNotEmpty()
                .allSatisfy(record -> assertThat(record.actor().name()).isEqualTo("apmatrix"));
    }
}
