package org.apmatrix.ops;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.health.actuate.endpoint.HealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.health.contributor.Status;
import org.springframework.stereotype.Component;

/** {@code apmatrix.ready}: 1 while {@code /actuator/health/readiness} is UP, else 0; for alerts where nothing else watches readiness. */
@Component
final class ReadinessGauge implements MeterBinder {
    private final ObjectProvider<HealthEndpoint> health;

    ReadinessGauge(ObjectProvider<HealthEndpoint> health) {
        this.health = health;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Gauge.builder("apmatrix.ready", this, ReadinessGauge::ready)
                .description("1 while the service is ready")
                .register(registry);
    }

    private double ready() {
        HealthDescriptor readiness = health.getObject().healthForPath("readiness");
        return readiness != null && readiness.getStatus().equals(Status.UP) ? 1 : 0;
    }
}
