package org.apmatrix.host;

import java.nio.file.Path;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** {@link GuestContract} with a simulated QEMU. */
class SimulatedGuestContractTest extends GuestContract {
    @TempDir
    private Path directory;

    private SimulatedGuests qemus;
    private Guests guests;

    @BeforeEach
    void start() {
        SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
        qemus = new SimulatedGuests(kernel, directory);
        startAnew();
        guests = guests(directory + "/*.sock", kernel.procfs(), directory, null);
    }

    @AfterEach
    void stop() {
        guests.close();
        qemus.close();
    }

    @Override
    Guests guests() {
        return guests;
    }

    @Override
    GuestSource source() {
        return GuestSource.SIMULATED;
    }

    @Override
    void pause() {
        SimulatedQemu qemu = qemus.find("one").orElseThrow();
        qemu.apply(qemu.settings().withRunState("paused"));
    }

    @Override
    void silence(boolean isSilent) {
        SimulatedQemu qemu = qemus.find("one").orElseThrow();
        qemu.apply(qemu.settings().withTemper(isSilent ? SimulatedQemu.Temper.SILENT : SimulatedQemu.Temper.ANSWERS));
    }

    @Override
    void startAnew() {
        qemus.start("one", SimulatedQemu.Settings.DEFAULT.withCpuFeatures(SimulatedQemu.CpuFeatures.NONE));
    }

    @Override
    int pid() {
        return qemus.find("one").orElseThrow().pid();
    }

    @Override
    void end() {
        qemus.find("one").orElseThrow().kill();
    }
}
