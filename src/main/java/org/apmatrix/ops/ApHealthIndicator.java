package org.apmatrix.ops;

import org.apmatrix.fault.Fault;
import org.apmatrix.service.Host;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Ready means that there is an AP bus and that vfio_ap is loaded. */
@Component("apHealthIndicator")
final class ApHealthIndicator implements HealthIndicator {
    private final Host host;

    ApHealthIndicator(Host host) {
        this.host = host;
    }

    @Override
    public Health health() {
        Health.Builder health =
                Health.up().withDetail("simulated", host.machine().isSimulated());
        try {
            host.mdevs();
            return health.build();
        } catch (Fault unavailable) {
            return health.outOfService()
                    .withDetail("reason", unavailable.detail())
                    .build();
        }
    }
}
