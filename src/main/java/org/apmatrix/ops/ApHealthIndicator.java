package org.apmatrix.ops;

import org.apmatrix.fault.Fault;
import org.apmatrix.service.Host;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Ready means that there is an AP bus, that vfio_ap is loaded, and that this process may write to both. */
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
            return host.isWritable()
                    ? health.build()
                    : health.outOfService()
                            .withDetail("reason", "The AP bus or the matrix device in sysfs cannot be written to.")
                            .build();
        } catch (Fault unavailable) {
            return health.outOfService()
                    .withDetail("reason", unavailable.detail())
                    .build();
        }
    }
}
