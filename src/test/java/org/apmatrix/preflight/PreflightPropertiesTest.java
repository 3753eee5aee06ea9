package org.apmatrix.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class PreflightPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of())).isEqualTo(new PreflightProperties(null));
        assertThat(bind(Map.of()).rootOrOwn()).isEqualTo(Path.of("/"));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.of("apmatrix.preflight.root", "/proc/1/root")))
                .isEqualTo(new PreflightProperties(Path.of("/proc/1/root")));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(PreflightProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly("root");
    }

    private static PreflightProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.preflight", PreflightProperties.class);
    }
}
