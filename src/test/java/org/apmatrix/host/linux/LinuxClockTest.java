package org.apmatrix.host.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LinuxClockTest {
    /** What it says depends on the machine; asking changes nothing, so it says the same twice. */
    @Test
    void theKernelIsAskedAndSetToNothing() {
        assertThat(LinuxClock.isSynchronised()).isEqualTo(LinuxClock.isSynchronised());
    }
}
