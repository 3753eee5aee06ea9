package org.apmatrix.host.sim;

import org.apmatrix.host.sim.SimulatedQemu.Release;

/** The simulated QEMU of release 10.0 keeps the contract. */
final class SimulatedQemu10Test extends SimulatedQmpContract {
    @Override
    Release release() {
        return Release.V10_0;
    }
}
