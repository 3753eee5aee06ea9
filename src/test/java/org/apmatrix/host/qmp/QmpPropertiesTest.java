package org.apmatrix.host.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class QmpPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of()))
                .isEqualTo(new QmpProperties(
                        List.of(),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(2),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(5),
                        DataSize.ofMegabytes(16)));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.of(
                        "apmatrix.guests.qmp.sockets", "/run/guests/*.qmp,/srv/one.sock",
                        "apmatrix.guests.qmp.greeting-timeout", "3s",
                        "apmatrix.guests.qmp.reply-timeout", "4s",
                        "apmatrix.guests.qmp.reconnect-after", "50ms",
                        "apmatrix.guests.qmp.reconnect-at-most", "1m",
                        "apmatrix.guests.qmp.max-message", "2MB")))
                .isEqualTo(new QmpProperties(
                        List.of("/run/guests/*.qmp", "/srv/one.sock"),
                        Duration.ofSeconds(3),
                        Duration.ofSeconds(4),
                        Duration.ofMillis(50),
                        Duration.ofMinutes(1),
                        DataSize.ofMegabytes(2)));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(QmpProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly(
                        "sockets",
                        "greetingTimeout",
                        "replyTimeout",
                        "reconnectAfter",
                        "reconnectAtMost",
                        "maxMessage");
    }

    @ParameterizedTest
    @CsvSource({
        "max-message, 1023KB",
        "max-message, 2GB",
        "reconnect-after, 0s",
        "reconnect-after, -1s",
        "reconnect-at-most, 99ms"
    })
    void refusesAValueOutOfItsRange(String name, String value) {
        assertThatThrownBy(() -> bind(Map.of("apmatrix.guests.qmp." + name, value)))
                .isInstanceOf(BindException.class)
                .hasRootCauseInstanceOf(IllegalArgumentException.class);
    }

    private static QmpProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.guests.qmp", QmpProperties.class);
    }
}
