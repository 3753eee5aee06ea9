package org.apmatrix.ops;

import java.util.Map;
import java.util.TreeMap;
import org.apmatrix.service.GuestWatcher;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Each guest's state as it was noticed last, for whoever looks: a guest that does not answer is no reason to take this service out of service, so it is always UP. */
@Component("guestsHealthIndicator")
final class GuestsHealthIndicator implements HealthIndicator {
    private final GuestWatcher guests;

    GuestsHealthIndicator(GuestWatcher guests) {
        this.guests = guests;
    }

    @Override
    public Health health() {
        Map<String, Object> states = new TreeMap<>();
        guests.last()
                .guests()
                .values()
                .forEach(guest -> states.put(
                        guest.name().toString(),
                        guest.state().state() == null
                                ? "unreachable"
                                : String.valueOf(guest.state().state())));
        return Health.up().withDetails(states).build();
    }
}
