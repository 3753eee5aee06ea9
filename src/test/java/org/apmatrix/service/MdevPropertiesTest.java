package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class MdevPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of()))
                .isEqualTo(
                        new MdevProperties(MdevProperties.LiveChanges.FORBIDDEN, new MdevProperties.MatrixLimits(511)));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.of("apmatrix.live-changes", "allowed", "apmatrix.matrix.max-apqns", "1024")))
                .isEqualTo(
                        new MdevProperties(MdevProperties.LiveChanges.ALLOWED, new MdevProperties.MatrixLimits(1024)));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(MdevProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly("liveChanges", "matrix");
        assertThat(Stream.of(MdevProperties.MatrixLimits.class.getRecordComponents())
                        .map(RecordComponent::getName))
                .containsExactly("maxApqns");
    }

    private static MdevProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix", MdevProperties.class);
    }
}
