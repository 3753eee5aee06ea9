package org.apmatrix.ops;

import org.apmatrix.host.VfioSelfTest;
import org.apmatrix.service.Host;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.stereotype.Component;

/**
 * Whether VFIO answers at {@code /dev/vfio/vfio}. Only the self-test needs it here, and a container may hide it: where it does not answer, the status is UNKNOWN
 * with the reason, which takes nothing out of service.
 */
@Component("vfioHealthIndicator")
final class VfioHealthIndicator implements HealthIndicator {
    private final VfioSelfTest selfTest;
    private final Host host;

    VfioHealthIndicator(VfioSelfTest selfTest, Host host) {
        this.selfTest = selfTest;
        this.host = host;
    }

    @Override
    public Health health() {
        Health.Builder health =
                Health.up().withDetail("simulated", host.machine().isSimulated());
        VfioSelfTest.Shallow vfio = selfTest.shallow();
        Integer apiVersion = vfio.apiVersion();
        if (apiVersion == null) {
            return health.status(Status.UNKNOWN)
                    .withDetail("reason", String.valueOf(vfio.refusal()))
                    .build();
        }
        return health.withDetail("apiVersion", apiVersion)
                .withDetail("extensions", vfio.extensions())
                .build();
    }
}
