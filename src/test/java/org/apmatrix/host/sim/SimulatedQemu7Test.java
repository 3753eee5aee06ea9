package org.apmatrix.host.sim;

import org.apmatrix.host.sim.SimulatedQemu.Release;

/** The simulated QEMU of release 7.2 keeps the contract. */
final class SimulatedQemu7Test extends SimulatedQmpContract {
    @Override
    Release release() {
        return Release.V7_2;
    }
}
