package org.apmatrix.ops;

import org.apmatrix.host.Guests;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** How the connection to libvirt stands, where one is configured. Without it everything else works, so it is always UP. */
@Component("libvirtHealthIndicator")
@ConditionalOnProperty("apmatrix.guests.libvirt.uri")
final class LibvirtHealthIndicator implements HealthIndicator {
    private final Guests guests;

    LibvirtHealthIndicator(Guests guests) {
        this.guests = guests;
    }

    @Override
    public Health health() {
        Health.Builder health = Health.up();
        guests.libvirt()
                .ifPresent(status ->
                        health.withDetail("link", status.link()).withDetail("detail", String.valueOf(status.detail())));
        return health.build();
    }
}
