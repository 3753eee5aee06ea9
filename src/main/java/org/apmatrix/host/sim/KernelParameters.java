package org.apmatrix.host.sim;

import java.util.Optional;

/**
 * The boot parameters of the AP bus, as typed on the kernel command line.
 *
 * @param apmask ap.apmask; relative forms start from an empty mask, text that is none leaves it empty (drivers/s390/crypto/ap_bus.c, ap_perms_init)
 * @param aqmask ap.aqmask, likewise
 * @param domain ap.domain, the default usage domain
 */
public record KernelParameters(Optional<String> apmask, Optional<String> aqmask, Optional<Integer> domain) {
    public static final KernelParameters NONE =
            new KernelParameters(Optional.empty(), Optional.empty(), Optional.empty());
}
