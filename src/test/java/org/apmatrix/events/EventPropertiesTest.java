package org.apmatrix.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

/** Every name and default. */
class EventPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of()))
                .isEqualTo(new EventProperties(
                        10_000, 64, Duration.ofSeconds(15), Duration.ofSeconds(1), Duration.ofSeconds(30)));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.of(
                        "apmatrix.events.journal", "7",
                        "apmatrix.events.max-listeners", "3",
                        "apmatrix.events.heartbeat", "2s",
                        "apmatrix.events.poll-interval", "250ms",
                        "apmatrix.events.guest-interval", "1m")))
                .isEqualTo(new EventProperties(
                        7, 3, Duration.ofSeconds(2), Duration.ofMillis(250), Duration.ofMinutes(1)));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(EventProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly("journal", "maxListeners", "heartbeat", "pollInterval", "guestInterval");
    }

    private static EventProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.events", EventProperties.class);
    }
}
