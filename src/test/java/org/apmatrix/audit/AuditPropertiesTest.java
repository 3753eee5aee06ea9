package org.apmatrix.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class AuditPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of())).isEqualTo(new AuditProperties(null, DataSize.ofMegabytes(64), null, 10));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.of(
                        "apmatrix.audit.directory", "/var/log/apmatrix",
                        "apmatrix.audit.max-file-size", "1MB",
                        "apmatrix.audit.keep-files", "12",
                        "apmatrix.audit.refusals-per-minute", "3")))
                .isEqualTo(new AuditProperties(Path.of("/var/log/apmatrix"), DataSize.ofMegabytes(1), 12, 3));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(AuditProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly("directory", "maxFileSize", "keepFiles", "refusalsPerMinute");
    }

    private static AuditProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.audit", AuditProperties.class);
    }
}
