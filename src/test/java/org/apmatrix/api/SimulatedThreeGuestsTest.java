package org.apmatrix.api;

import org.apmatrix.ap.MdevId;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;

/** The documented example on the simulated host, with every kernel that it knows. */
@OnTheSimulatedHost
@ParameterizedClass
@EnumSource
class SimulatedThreeGuestsTest extends ThreeGuestsContract {
    @Parameter
    KernelVersion version = KernelVersion.V6_12;

    @Autowired
    SimulatedKernel kernel;

    @LocalServerPort
    int port;

    @BeforeEach
    void boot() {
        kernel.boot(version, SimulatedMachine.example());
    }

    @Override
    String baseUri() {
        return "http://localhost:" + port;
    }

    @Override
    KernelVersion kernel() {
        return version;
    }

    @Override
    void openDevice(MdevId mdev, int pid) {
        kernel.openDevice(mdev, pid);
    }

    @Override
    void closeDevice(MdevId mdev, int pid) {
        kernel.closeDevice(mdev, pid);
    }
}
