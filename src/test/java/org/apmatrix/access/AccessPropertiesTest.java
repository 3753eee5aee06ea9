package org.apmatrix.access;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class AccessPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of()))
                .isEqualTo(new AccessProperties(
                        null,
                        false,
                        null,
                        List.of(),
                        new AccessProperties.Socket(null, Map.of()),
                        new AccessProperties.Jwt("sub", "roles"),
                        List.of(),
                        new AccessProperties.Limits(DataSize.ofMegabytes(1), 128, 10)));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.ofEntries(
                        entry("apmatrix.security.mode", "required"),
                        entry("apmatrix.security.open-beyond-loopback", "true"),
                        entry("apmatrix.security.tokens-file", "/etc/apmatrix/tokens"),
                        entry("apmatrix.security.certificates[0].subject", "CN=ci"),
                        entry("apmatrix.security.certificates[0].roles", "viewer,reservation-admin"),
                        entry("apmatrix.security.socket.path", "/run/ap.sock"),
                        entry("apmatrix.security.socket.users.monitor", "viewer"),
                        entry("apmatrix.security.jwt.name-claim", "preferred_username"),
                        entry("apmatrix.security.jwt.roles-claim", "realm_access.roles"),
                        entry("apmatrix.security.allowed-origins", "https://console.example.com"),
                        entry("apmatrix.security.limits.body", "64KB"),
                        entry("apmatrix.security.limits.in-flight-per-caller", "4"),
                        entry("apmatrix.security.limits.wrong-tokens-per-minute", "5"))))
                .isEqualTo(new AccessProperties(
                        AccessProperties.Mode.REQUIRED,
                        true,
                        Path.of("/etc/apmatrix/tokens"),
                        List.of(new AccessProperties.Certificate(
                                "CN=ci", List.of(Role.VIEWER, Role.RESERVATION_ADMIN))),
                        new AccessProperties.Socket(Path.of("/run/ap.sock"), Map.of("monitor", List.of(Role.VIEWER))),
                        new AccessProperties.Jwt("preferred_username", "realm_access.roles"),
                        List.of("https://console.example.com"),
                        new AccessProperties.Limits(DataSize.ofKilobytes(64), 4, 5)));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(AccessProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly(
                        "mode",
                        "openBeyondLoopback",
                        "tokensFile",
                        "certificates",
                        "socket",
                        "jwt",
                        "allowedOrigins",
                        "limits");
    }

    @Test
    void aRoleThatThereIsNotIsRefused() {
        assertThatThrownBy(() -> bind(Map.of(
                        "apmatrix.security.certificates[0].subject", "CN=ci",
                        "apmatrix.security.certificates[0].roles", "root")))
                .isInstanceOf(BindException.class);
    }

    static AccessProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.security", AccessProperties.class);
    }
}
