package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class HostPropertiesTest {
    @Test
    void everyDefault() {
        assertThat(bind(Map.of()))
                .isEqualTo(new HostProperties(
                        Path.of("/sys"),
                        Path.of("/proc"),
                        Path.of("/dev"),
                        null,
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(30),
                        null,
                        false));
    }

    @Test
    void everyName() {
        assertThat(bind(Map.of(
                        "apmatrix.host.sysfs-root", "/host/sys",
                        "apmatrix.host.proc-root", "/host/proc",
                        "apmatrix.host.device-root", "/host/dev",
                        "apmatrix.host.lock-file", "/run/lock/ap",
                        "apmatrix.host.lock-wait", "50ms",
                        "apmatrix.host.store-timeout", "1m",
                        "apmatrix.host.state-directory", "/var/lib/ap",
                        "apmatrix.host.simulated-beside-real-one", "true")))
                .isEqualTo(new HostProperties(
                        Path.of("/host/sys"),
                        Path.of("/host/proc"),
                        Path.of("/host/dev"),
                        Path.of("/run/lock/ap"),
                        Duration.ofMillis(50),
                        Duration.ofMinutes(1),
                        Path.of("/var/lib/ap"),
                        true));
    }

    @Test
    void thereIsNoOtherProperty() {
        assertThat(Stream.of(HostProperties.class.getRecordComponents()).map(RecordComponent::getName))
                .containsExactly(
                        "sysfsRoot",
                        "procRoot",
                        "deviceRoot",
                        "lockFile",
                        "lockWait",
                        "storeTimeout",
                        "stateDirectory",
                        "simulatedBesideRealOne");
    }

    private static HostProperties bind(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("apmatrix.host", HostProperties.class);
    }
}
