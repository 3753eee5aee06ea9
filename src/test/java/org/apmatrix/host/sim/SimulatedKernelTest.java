package org.apmatrix.host.sim;

import org.apmatrix.host.SysfsContract;
import org.apmatrix.host.kernel.Sysfs;

/** The simulated kernel in process keeps the contract. */
final class SimulatedKernelTest extends SysfsContract {
    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());

    @Override
    protected Sysfs sysfs() {
        return kernel;
    }

    @Override
    protected SimulatedKernel kernel() {
        return kernel;
    }
}
