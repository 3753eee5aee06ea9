package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.InterferingSysfs;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What others change while a plan is under way stays when the plan is taken back. */
@Timeout(60)
class PlanAmongOthersTest {
    @TempDir
    Path directory;

    @Test
    void aBitThatSomebodyElseHasMovedMeanwhileStaysWhenThePlanIsTakenBack() {
        SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
        InterferingSysfs sysfs = new InterferingSysfs(kernel);
        // after the plan's own write of the mask, and before its guest refuses
        sysfs.before(2, () -> kernel.write(Path.of("/sys/bus/ap/apmask"), "-10\n"));
        try (SimulatedGuests guests = new SimulatedGuests(kernel, directory.resolve("guests"));
                PlanBench bench = new PlanBench(
                        sysfs,
                        kernel.procfs(),
                        directory.resolve("state"),
                        new MdevctlStore(directory.resolve("mdevctl.d")),
                        List.of(directory.resolve("guests") + "/*.sock"))) {
            guests.start("guest1", SimulatedQemu.Settings.DEFAULT.withTemper(SimulatedQemu.Temper.REFUSES));
            bench.guests.discover();
            DesiredState document = new DesiredState(
                    "demo",
                    new DesiredState.Masks("-5", null),
                    List.of(new DesiredState.Device(House.A.toString(), null, List.of(5), List.of(4), List.of(), null)),
                    List.of(new DesiredState.Plugged("guest1", House.A.toString())));

            Fault refused = catchThrowableOfType(
                    Fault.class, () -> bench.plans.apply(document, Rights.ALL, Duration.ofMillis(500)));

            assertThat(refused.facts()).doesNotContainKey(HostFailure.NOT_UNDONE);
            assertThat(new ApBus(kernel).apmask()).isEqualTo(ApMask.ALL.without(10));
        }
    }
}
