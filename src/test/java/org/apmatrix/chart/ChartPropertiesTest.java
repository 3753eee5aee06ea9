package org.apmatrix.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.EnvVar;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apmatrix.access.AccessProperties;
import org.apmatrix.access.Role;
import org.apmatrix.host.DefinitionProperties;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.host.HostProperties;
import org.apmatrix.host.libvirt.LibvirtProperties;
import org.apmatrix.host.qmp.QmpProperties;
import org.apmatrix.preflight.PreflightProperties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.autoconfigure.ssl.SslProperties;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.OAuth2ResourceServerProperties;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.io.ByteArrayResource;

/** The configuration that the chart writes, as the service reads it. */
class ChartPropertiesTest {
    private static final String TLS = "{tls: {secret: apmatrix-tls}}";

    /** Who reads what; nothing that the chart writes may be left over. */
    private static final Map<String, Class<?>> READERS = Map.of(
            "server",
            ServerProperties.class,
            "spring.ssl",
            SslProperties.class,
            "spring.security.oauth2.resourceserver",
            OAuth2ResourceServerProperties.class,
            "apmatrix.security",
            AccessProperties.class,
            "apmatrix.host",
            HostProperties.class,
            "apmatrix.preflight",
            PreflightProperties.class,
            "apmatrix.definitions",
            DefinitionProperties.class,
            "apmatrix.guests.qmp",
            QmpProperties.class);

    static Stream<Chart> everyConfiguration() {
        return Stream.of(
                Chart.with(TLS, "{tokens: {secret: t}}"),
                Chart.with(TLS, "{jwt: {issuerUri: 'https://id.example.com', nameClaim: email}}"),
                Chart.with(
                        TLS,
                        "{jwt: {publicKey: '-----BEGIN PUBLIC KEY-----'}, certificates: [{subject: CN=ci, roles: [viewer, control-domain-admin]}]}"),
                Chart.with("{listen: {address: '::1'}, monitors: []}"),
                Chart.simulated(),
                Chart.simulated("{tokens: {secret: t}}"));
    }

    @ParameterizedTest
    @MethodSource("everyConfiguration")
    void isReadByTheServiceDownToTheLastName(Chart chart) throws IOException {
        Map<String, Object> properties = properties(chart);

        assertThat(properties.keySet().stream().filter(name -> !name.equals("spring.profiles.active")))
                .isNotEmpty()
                .allMatch(name -> READERS.keySet().stream().anyMatch(prefix -> name.startsWith(prefix + ".")));
        READERS.forEach((prefix, reader) ->
                assertThatCode(() -> read(chart, prefix, reader)).as(prefix).doesNotThrowAnyException());
    }

    @Test
    void aNameThatNobodyReadsWouldBeFound() {
        Chart chart = Chart.simulated("{properties: {apmatrix: {security: {token-file: t}}}}");

        assertThatThrownBy(() -> read(chart, "apmatrix.security", AccessProperties.class))
                .hasRootCauseMessage("The elements [apmatrix.security.token-file] were left unbound.");
    }

    @Test
    void listensWhereItWasTold() throws IOException {
        ServerProperties server = read(Chart.simulated("{listen: {port: 9000}}"), "server", ServerProperties.class);

        assertThat(server.getPort()).isEqualTo(9000);
        assertThat(server.getAddress().isAnyLocalAddress()).isTrue();
    }

    @Test
    void takesUpARenewedCertificateAndAsksForOnesOfClientsWhereSomeAreListed() throws IOException {
        Chart tokens = Chart.with(TLS, "{tokens: {secret: t}}");
        Chart certificates = Chart.with(TLS, "{certificates: [{subject: 'CN=ci,O=Example', roles: [operator]}]}");

        assertThat(properties(tokens))
                .containsEntry("server.ssl.bundle", "apmatrix")
                .containsEntry("spring.ssl.bundle.pem.apmatrix.reload-on-update", true)
                .containsEntry("spring.ssl.bundle.pem.apmatrix.keystore.certificate", "file:/etc/apmatrix/tls/tls.crt")
                .containsEntry("spring.ssl.bundle.pem.apmatrix.keystore.private-key", "file:/etc/apmatrix/tls/tls.key")
                .doesNotContainKeys("server.ssl.client-auth", "spring.ssl.bundle.pem.apmatrix.truststore.certificate");
        assertThat(properties(certificates))
                .containsEntry("server.ssl.client-auth", "want")
                .containsEntry(
                        "spring.ssl.bundle.pem.apmatrix.truststore.certificate", "file:/etc/apmatrix/tls/ca.crt");
        assertThat(read(certificates, "apmatrix.security", AccessProperties.class)
                        .certificates())
                .containsExactly(new AccessProperties.Certificate("CN=ci,O=Example", List.of(Role.OPERATOR)));
    }

    @Test
    void asksWhoCallsOnceThereIsAWayToTell() throws IOException {
        AccessProperties tokens =
                read(Chart.simulated("{tokens: {secret: t, key: ci}}"), "apmatrix.security", AccessProperties.class);
        assertThat(tokens.mode()).isEqualTo(AccessProperties.Mode.REQUIRED);
        assertThat(tokens.tokensFile()).hasToString("/etc/apmatrix/tokens/ci");
        assertThat(tokens.openBeyondLoopback()).isFalse();

        AccessProperties open = read(Chart.simulated(), "apmatrix.security", AccessProperties.class);
        assertThat(open.mode()).isEqualTo(AccessProperties.Mode.OPEN);
        assertThat(open.openBeyondLoopback()).isTrue();

        assertThat(properties(Chart.with("{listen: {address: 127.0.0.1}}")))
                .doesNotContainKeys(
                        "apmatrix.security.mode", "apmatrix.security.open-beyond-loopback", "spring.profiles.active");
    }

    @Test
    void looksForGuestsInEachDirectoryOfMonitors() throws IOException {
        Chart chart = Chart.with(
                "{listen: {address: 127.0.0.1}, monitors: [{directory: /run/qemu, pattern: '*.qmp'}, {directory: /srv/guests/, pattern: 'a-*'}]}");

        assertThat(read(chart, "apmatrix.guests.qmp", QmpProperties.class).sockets())
                .containsExactly("/run/qemu/*.qmp", "/srv/guests/a-*");
    }

    @Test
    void looksForGuestsOfLibvirtWhereItsSocketIsMounted() throws IOException {
        Chart chart = Chart.with("{listen: {address: 127.0.0.1}, host: {libvirt: /run/libvirt}}");

        assertThat(read(chart, "apmatrix.guests.libvirt", LibvirtProperties.class)
                        .uri())
                .isEqualTo("qemu:///system");
        assertThat(properties(Chart.with("{listen: {address: 127.0.0.1}}")))
                .doesNotContainKey("apmatrix.guests.libvirt.uri");
    }

    @Test
    void takesFurtherPropertiesBesideItsOwnAndOverThem() throws IOException {
        Chart chart = Chart.simulated("{properties: {apmatrix: {guests: {patience: 20s}}, server: {port: 9999}}}");

        assertThat(read(chart, "apmatrix.guests", GuestProperties.class).patience())
                .hasSeconds(20);
        assertThat(properties(chart)).containsEntry("server.port", 9999).containsEntry("server.address", "0.0.0.0");
    }

    @Test
    void isWhereTheServiceLooksForIt() {
        Chart chart = Chart.simulated();

        assertThat(chart.pod().getSpec().getContainers().get(0).getEnv())
                .contains(new EnvVar("SPRING_CONFIG_ADDITIONAL_LOCATION", "file:/etc/apmatrix/config/", null));
        assertThat(chart.the(ConfigMap.class).getData()).containsOnlyKeys("application.yaml");
    }

    private static <T> T read(Chart chart, String prefix, Class<T> reader) throws IOException {
        List<ConfigurationPropertySource> sources = new ArrayList<>();
        sources(chart)
                .forEach(source -> ConfigurationPropertySources.from(source).forEach(sources::add));
        BindHandler strict = prefix.equals("apmatrix.guests")
                ? BindHandler.DEFAULT
                : new NoUnboundElementsBindHandler(BindHandler.DEFAULT, source -> true);
        return new Binder(sources).bindOrCreate(prefix, Bindable.of(reader), strict);
    }

    private static Map<String, Object> properties(Chart chart) throws IOException {
        Map<String, Object> found = new TreeMap<>();
        for (PropertySource<?> source : sources(chart)) {
            EnumerablePropertySource<?> all = (EnumerablePropertySource<?>) source;
            for (String name : all.getPropertyNames()) {
                found.put(name, all.getProperty(name));
            }
        }
        return found;
    }

    private static List<PropertySource<?>> sources(Chart chart) throws IOException {
        String yaml = chart.all(ConfigMap.class).get(0).getData().get("application.yaml");
        return new YamlPropertySourceLoader()
                .load("application.yaml", new ByteArrayResource(yaml.getBytes(StandardCharsets.UTF_8)));
    }
}
