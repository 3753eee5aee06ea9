package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class RestorePropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of())).isEqualTo(new RestoreProperties(false, 20, Duration.ofSeconds(15)));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.of(
                        "apmatrix.restore-on-start", "true",
                        "apmatrix.restore-attempts", "3",
                        "apmatrix.restore-interval", "1m")))
                .isEqualTo(new RestoreProperties(true, 3, Duration.ofMinutes(1)));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(RestoreProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly("restoreOnStart", "restoreAttempts", "restoreInterval");
    }

    private static RestoreProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix", RestoreProperties.class);
    }
}
