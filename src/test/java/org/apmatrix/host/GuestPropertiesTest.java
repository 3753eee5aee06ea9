package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

/** Every name and default. */
class GuestPropertiesTest {
    @Test
    void hasTheseDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new GuestProperties(Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofSeconds(1)));
    }

    @Test
    void hasTheseNames() {
        assertThat(bind(Map.of(
                        "apmatrix.guests.patience", "1s",
                        "apmatrix.guests.scan-interval", "5s",
                        "apmatrix.guests.reconcile-interval", "250ms")))
                .isEqualTo(new GuestProperties(Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofMillis(250)));
    }

    private static GuestProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.guests", GuestProperties.class);
    }
}
