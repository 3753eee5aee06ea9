package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class DefinitionPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of())).isEqualTo(new DefinitionProperties(null));
        assertThat(bind(Map.of()).directoryOrBelow(Path.of("/proc/1/root")))
                .isEqualTo(Path.of("/proc/1/root/etc/mdevctl.d"));
    }

    @Test
    void everyName() {
        DefinitionProperties properties = bind(Map.of("apmatrix.definitions.directory", "/srv/mdevctl.d"));
        assertThat(properties).isEqualTo(new DefinitionProperties(Path.of("/srv/mdevctl.d")));
        assertThat(properties.directoryOrBelow(Path.of("/"))).isEqualTo(Path.of("/srv/mdevctl.d"));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(DefinitionProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly("directory");
    }

    private static DefinitionProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.definitions", DefinitionProperties.class);
    }
}
