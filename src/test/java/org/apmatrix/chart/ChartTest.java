package org.apmatrix.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChartTest {
    private static final String TOKENS_AND_TLS = "{tokens: {secret: apmatrix-tokens}, tls: {secret: apmatrix-tls}}";
    private static final String EVERYTHING = """
            tokens: {secret: apmatrix-tokens, key: ci}
            jwt: {publicKey: "-----BEGIN PUBLIC KEY-----\\nMIIB\\n-----END PUBLIC KEY-----", audiences: [apmatrix, ci], rolesClaim: realm_access.roles}
            certificates: [{subject: "CN=ci,O=Example", roles: [operator, viewer]}]
            tls: {secret: apmatrix-tls}
            monitors:
              - {directory: /run/qemu, pattern: "*.qmp"}
              - {directory: /srv/guests/, pattern: "qmp-*", ofAnotherUser: true}
            properties: {apmatrix: {guests: {patience: 20s}, live-changes: allowed}}
            environment: {JDK_JAVA_OPTIONS: -Xmx256m}
            host: {libvirt: /run/libvirt, seLinux: {type: spc_t}}
            nodeSelector: {crypto: "true"}
            priorityClassName: system-node-critical
            podAnnotations: {example.com/team: z}
            image: {repository: registry.example.com/apmatrix, tag: "1.0", pullSecrets: [{name: pull}]}
            networkPolicy:
              from: [{ipBlock: {cidr: 10.0.0.0/8}}]
              to: [{ports: [{protocol: TCP, port: 443}]}]
            monitoring:
              serviceMonitor: {enabled: true, labels: {release: prometheus}, tokenSecret: {name: scraper}, tlsConfig: {ca: {secret: {name: apmatrix-tls, key: ca.crt}}}}
              rules: {enabled: true}
              dashboard: {enabled: true}
            """;

    static Stream<Chart> everyChart() {
        return Stream.of(
                Chart.with(TOKENS_AND_TLS),
                Chart.with(EVERYTHING),
                Chart.with("{listen: {address: 127.0.0.1}}"),
                Chart.simulated(),
                Chart.simulated(TOKENS_AND_TLS));
    }

    @Test
    void hasNothingThatTheLinterComplainsAbout() {
        LintResult result = new Helm(Chart.DIRECTORY).lint().strict().call();

        assertThat(result.getMessages()).noneMatch(line -> line.contains("WARNING") || line.contains("ERROR"));
        assertThat(result.isFailed()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("everyChart")
    void namesNoFieldThatKubernetesDoesNotHave(Chart chart) {
        assertThat(chart.objects().stream().filter(object -> !(object instanceof GenericKubernetesResource)))
                .hasSizeGreaterThanOrEqualTo(5)
                .allSatisfy(object -> assertThat(UnknownFields.of(object)).isEmpty());
    }

    @Test
    void hasTheVersionOfTheJar() throws IOException {
        String version = firstGroup(
                Files.readString(Path.of("pom.xml")), "<artifactId>apmatrix</artifactId>\\s*<version>(.*)</version>");

        assertThat(Files.readString(Chart.DIRECTORY.resolve("Chart.yaml")))
                .containsOnlyOnce("\nversion: " + version + "\n")
                .containsOnlyOnce("\nappVersion: " + version + "\n");
        assertThat(Files.readString(Path.of("Dockerfile"))).containsOnlyOnce("\nARG VERSION=" + version + "\n");
    }

    @ParameterizedTest
    @MethodSource("everyChart")
    void givesThePodNothingToAskKubernetesWith(Chart chart) {
        assertThat(chart.the(ServiceAccount.class).getAutomountServiceAccountToken())
                .isFalse();
        assertThat(spec(chart).getAutomountServiceAccountToken()).isFalse();
        assertThat(spec(chart).getServiceAccountName())
                .isEqualTo(chart.the(ServiceAccount.class).getMetadata().getName());
        assertThat(chart.objects().stream().map(HasMetadata::getKind)).noneMatch(kind -> kind.contains("Role"));
    }

    @ParameterizedTest
    @MethodSource("everyChart")
    void takesEveryRightThatItDoesNotNeed(Chart chart) {
        SecurityContext context = container(chart).getSecurityContext();

        assertThat(context.getPrivileged()).isFalse();
        assertThat(context.getAllowPrivilegeEscalation()).isFalse();
        assertThat(context.getReadOnlyRootFilesystem()).isTrue();
        assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
        assertThat(spec(chart).getSecurityContext().getSeccompProfile().getType())
                .isEqualTo("RuntimeDefault");
        assertThat(spec(chart).getEnableServiceLinks()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("everyChart")
    void letsNoBudgetBlockADrain(Chart chart) {
        assertThat(chart.all(PodDisruptionBudget.class)).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("everyChart")
    void makesNoSecretAndPutsNoneIntoTheConfiguration(Chart chart) {
        assertThat(chart.all(Secret.class)).isEmpty();
        assertThat(chart.all(ConfigMap.class).stream().flatMap(map -> map.getData().values().stream()))
                .isNotEmpty()
                .noneMatch(text -> text.contains("PRIVATE KEY") || text.contains("password"));
    }

    @ParameterizedTest
    @MethodSource("everyChart")
    void asksTheKubeletToWaitForTheStartAndThenForLifeAndReadiness(Chart chart) {
        Container container = container(chart);
        String scheme = chart.text().contains("tls.crt") ? "HTTPS" : "HTTP";

        assertThat(List.of(container.getStartupProbe(), container.getLivenessProbe(), container.getReadinessProbe()))
                .extracting(
                        probe -> probe.getHttpGet().getPath(),
                        probe -> probe.getHttpGet().getScheme())
                .containsExactly(
                        tuple("/actuator/health/liveness", scheme),
                        tuple("/actuator/health/liveness", scheme),
                        tuple("/actuator/health/readiness", scheme));
        assertThat(container.getPorts().get(0).getName()).isEqualTo(scheme.toLowerCase(Locale.ROOT));
    }

    @Nested
    class OnARealHost {
        private final Chart chart = Chart.with(TOKENS_AND_TLS);

        @Test
        void runsOnEachS390xNodeHoweverTainted() {
            assertThat(chart.the(DaemonSet.class)
                            .getSpec()
                            .getUpdateStrategy()
                            .getRollingUpdate()
                            .getMaxUnavailable()
                            .getIntVal())
                    .isEqualTo(1);
            assertThat(spec(chart).getNodeSelector()).containsExactly(Map.entry("kubernetes.io/arch", "s390x"));
            assertThat(spec(chart).getTolerations())
                    .singleElement()
                    .satisfies(all -> assertThat(all.getOperator()).isEqualTo("Exists"));
        }

        @Test
        void keepsToS390xWhateverElseIsAskedOfTheNode() {
            assertThat(spec(Chart.with(EVERYTHING)).getNodeSelector())
                    .containsOnly(Map.entry("kubernetes.io/arch", "s390x"), Map.entry("crypto", "true"));
        }

        @Test
        void seesTheProcessesAndSocketsOfTheHost() {
            assertThat(spec(chart).getHostPID()).isTrue();
            assertThat(spec(chart).getHostNetwork()).isTrue();
            assertThat(spec(chart).getHostIPC()).isNull();
            assertThat(spec(chart).getDnsPolicy()).isEqualTo("ClusterFirstWithHostNet");
        }

        @Test
        void isRootWithOneCapability() {
            SecurityContext context = container(chart).getSecurityContext();

            assertThat(context.getRunAsUser()).isZero();
            assertThat(context.getCapabilities().getAdd()).containsExactly("SYS_PTRACE");
            assertThat(context.getAppArmorProfile().getType()).isEqualTo("Unconfined");
            assertThat(context.getSeLinuxOptions()).isNull();
        }

        @Test
        void hasTheCapabilitiesOfTheSystemdUnit() throws IOException {
            assertThat("CAP_"
                            + String.join(
                                    " CAP_",
                                    container(chart)
                                            .getSecurityContext()
                                            .getCapabilities()
                                            .getAdd()))
                    .isEqualTo(firstGroup(Files.readString(UnitTest.UNIT), "(?m)^CapabilityBoundingSet=(.*)$"));
        }

        @Test
        void mayConnectToMonitorsOfAnotherUserOnlyWhereThereAreSome() {
            SecurityContext context = container(Chart.with(EVERYTHING)).getSecurityContext();

            assertThat(context.getCapabilities().getAdd()).containsExactly("SYS_PTRACE", "DAC_OVERRIDE");
            assertThat(context.getSeLinuxOptions().getType()).isEqualTo("spc_t");
        }

        @Test
        void mountsTheseAndNothingElseOfTheHost() {
            assertThat(hostPaths(chart))
                    .isEqualTo(Map.of(
                            "/sys", "/sys read-only",
                            "/sys/bus/ap", "/sys/bus/ap",
                            "/sys/devices/ap", "/sys/devices/ap",
                            "/sys/devices/vfio_ap", "/sys/devices/vfio_ap",
                            "/dev/vfio", "/dev/vfio read-only",
                            "/run/lock", "/run/lock",
                            "/var/lib/apmatrix", "/var/lib/apmatrix",
                            "/etc/mdevctl.d", "/etc/mdevctl.d",
                            "/run/qemu", "/run/qemu read-only"));
        }

        @Test
        void mountsTheDirectoriesOfMonitorsAndOfLibvirtThatItWasGiven() {
            assertThat(hostPaths(Chart.with(EVERYTHING)))
                    .hasSize(11)
                    .containsEntry("/srv/guests/", "/srv/guests/ read-only")
                    .containsEntry("/run/libvirt", "/run/libvirt read-only");
        }

        @Test
        void saysWhyOfEachMountOfTheHost() {
            String text = Chart.with(EVERYTHING).text();

            for (Volume volume : spec(Chart.with(EVERYTHING)).getVolumes()) {
                if (volume.getHostPath() != null) {
                    assertThat(text).containsPattern("\n *# [^\n]+\n *- name: " + volume.getName() + "\n *hostPath:");
                }
            }
        }

        @Test
        void hasNoAddressThatWouldSendACallerToAnyHost() {
            assertThat(chart.the(Service.class).getSpec().getClusterIP()).isEqualTo("None");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "{tls: {secret: apmatrix-tls}}",
                    "{listen: {address: 10.1.2.3}}",
                    "{jwt: {rolesClaim: groups}}"
                })
        void refusesToListenBeyondItsNodeWithoutKnowingWhoCalls(String values) {
            assertThatThrownBy(() -> Chart.with(values))
                    .hasMessageContaining("has no way to tell who calls: set tokens.secret");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{tokens: {secret: t}}",
                    "{jwt: {issuerUri: 'https://id.example.com'}}",
                    "{jwt: {publicKey: '-----BEGIN PUBLIC KEY-----'}}",
                    "{certificates: [{subject: CN=ci, roles: [viewer]}]}"
                })
        void knowsWhoCallsInAnyOfThreeWays(String values) {
            assertThat(Chart.with("{tls: {secret: apmatrix-tls}}", values).the(DaemonSet.class))
                    .isNotNull();
        }

        @Test
        void refusesToSendTokensInPlainTextUnlessToldTo() {
            assertThatThrownBy(() -> Chart.with("{tokens: {secret: t}}")).hasMessageContaining("without TLS");
            assertThat(Chart.with("{tokens: {secret: t}, tls: {plainText: true}}")
                            .the(DaemonSet.class))
                    .isNotNull();
        }

        @Test
        void refusesClientCertificatesWithoutTls() {
            assertThatThrownBy(() ->
                            Chart.with("{certificates: [{subject: CN=ci, roles: [viewer]}], tls: {plainText: true}}"))
                    .hasMessageContaining("certificates of clients need TLS");
        }

        @Test
        void isProbedOnTheLoopbackWhereItListensOnTheNodeAlone() {
            Container container = container(Chart.with("{listen: {address: 127.0.0.1}}"));

            assertThat(Stream.of(
                                    container.getStartupProbe(),
                                    container.getLivenessProbe(),
                                    container.getReadinessProbe())
                            .map(Probe::getHttpGet))
                    .allMatch(get -> get.getHost().equals("127.0.0.1"));
        }

        @Test
        void takesTokensAndKeysFromFilesThatOnlyItReads() {
            assertThat(spec(chart).getVolumes().stream().filter(volume -> volume.getSecret() != null))
                    .hasSize(2)
                    .allMatch(volume -> volume.getSecret().getDefaultMode() == 0400);
            assertThat(container(chart).getVolumeMounts())
                    .filteredOn(mount -> mount.getMountPath().startsWith("/etc/apmatrix"))
                    .hasSize(3)
                    .allMatch(VolumeMount::getReadOnly);
        }
    }

    @Nested
    class Simulated {
        private final Chart chart = Chart.simulated();

        @Test
        void runsOnAnyNodeAndTouchesNone() {
            assertThat(chart.the(Deployment.class).getSpec().getReplicas()).isEqualTo(1);
            assertThat(spec(chart).getNodeSelector()).isEmpty();
            assertThat(spec(chart).getTolerations()).isEmpty();
            assertThat(hostPaths(chart)).isEmpty();
            assertThat(spec(chart).getHostPID()).isNull();
            assertThat(spec(chart).getHostNetwork()).isNull();
        }

        @Test
        void isNobody() {
            SecurityContext context = container(chart).getSecurityContext();

            assertThat(context.getRunAsNonRoot()).isTrue();
            assertThat(context.getRunAsUser()).isEqualTo(65532);
            assertThat(context.getCapabilities().getAdd()).isEmpty();
            assertThat(context.getAppArmorProfile()).isNull();
            assertThat(spec(chart).getSecurityContext().getFsGroup()).isEqualTo(65532);
        }

        @Test
        void letsInItsOwnNamespaceAlone() {
            assertThat(chart.the(NetworkPolicy.class)
                            .getSpec()
                            .getIngress()
                            .get(0)
                            .getFrom())
                    .singleElement()
                    .satisfies(peer -> {
                        assertThat(peer.getPodSelector()).isNotNull();
                        assertThat(peer.getNamespaceSelector()).isNull();
                    });
        }

        @Test
        void hasAnAddressOfItsOwn() {
            assertThat(chart.the(Service.class).getSpec().getClusterIP()).isNull();
            assertThatThrownBy(() -> Chart.simulated("{listen: {address: 127.0.0.1}}"))
                    .hasMessageContaining("nobody reaches it");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{simulate: true}",
                "{image: {repositry: apmatrix}}",
                "{listen: {adress: 127.0.0.1}}",
                "{listen: {port: '8080'}}",
                "{listen: {port: 80}}",
                "{tokens: {secretName: t}}",
                "{jwt: {issuer: 'https://id.example.com'}}",
                "{jwt: {publicKey: '-----BEGIN PRIVATE KEY-----'}}",
                "{certificates: [{subject: CN=ci, roles: [opperator]}]}",
                "{certificates: [{subject: CN=ci, roles: []}]}",
                "{tls: {enabled: true}}",
                "{monitors: [{directory: run/qemu, pattern: '*'}]}",
                "{monitors: [{directory: '/run/*', pattern: '*'}]}",
                "{monitors: [{directory: /run/qemu, pattern: 'a/b'}]}",
                "{host: {appArmor: unconfined}}",
                "{networkPolicy: {enabled: 'yes'}}",
                "{monitoring: {serviceMonitor: {enable: true}}}",
                "{podDisruptionBudget: {enabled: true}}"
            })
    void refusesValuesThatItsSchemaDoesNotHave(String values) {
        assertThatThrownBy(() -> Chart.with(TOKENS_AND_TLS, values))
                .hasMessageContaining("values don't meet the specifications of the schema");
    }

    @Nested
    class ForTheNetwork {
        @Test
        void letsInWhomItWasToldAndLetsItCallNobodyElse() {
            NetworkPolicy all = Chart.with(TOKENS_AND_TLS).the(NetworkPolicy.class);
            assertThat(all.getSpec().getPolicyTypes()).containsExactly("Ingress", "Egress");
            assertThat(all.getSpec()
                            .getIngress()
                            .get(0)
                            .getPorts()
                            .get(0)
                            .getPort()
                            .getIntVal())
                    .isEqualTo(8080);
            assertThat(all.getSpec().getEgress()).isEmpty();

            NetworkPolicy some = Chart.with(EVERYTHING).the(NetworkPolicy.class);
            assertThat(some.getSpec().getIngress().get(0).getFrom()).hasSize(1);
            assertThat(some.getSpec().getEgress()).hasSize(1);
        }

        @Test
        void saysThatThePolicyDoesNotBindIt() {
            assertThat(Chart.with(TOKENS_AND_TLS).text())
                    .containsPattern("# Most networks do not apply this to pods on the node's own network");
        }
    }

    @Nested
    class Monitoring {
        @TempDir
        Path directory;

        @Test
        void isLeftOutUnlessAskedFor() {
            assertThat(Chart.with(TOKENS_AND_TLS).objects().stream().map(HasMetadata::getKind))
                    .containsExactlyInAnyOrder("DaemonSet", "ConfigMap", "Service", "ServiceAccount", "NetworkPolicy");
        }

        @Test
        void scrapesEachHostWithATokenOverTls() {
            GenericKubernetesResource monitor = (GenericKubernetesResource)
                    Chart.with(EVERYTHING).ofKind("ServiceMonitor").orElseThrow();

            assertThat(monitor.<Object>get("spec", "endpoints", 0, "scheme")).isEqualTo("https");
            assertThat(monitor.<Object>get("spec", "endpoints", 0, "path")).isEqualTo("/actuator/prometheus");
            assertThat(monitor.<Object>get("spec", "endpoints", 0, "authorization", "credentials", "name"))
                    .isEqualTo("scraper");
            assertThat(monitor.getMetadata().getLabels()).containsEntry("release", "prometheus");
        }

        @Test
        void takesUpEachDashboardAndEachRuleAsItStands() throws IOException {
            copyChart();
            Files.createDirectories(directory.resolve("dashboards"));
            Files.createDirectories(directory.resolve("alerts"));
            Files.writeString(directory.resolve("dashboards/one.json"), "{\"title\": \"{{node}}\"}");
            Files.writeString(directory.resolve("dashboards/two.json"), "{}");
            Files.writeString(directory.resolve("alerts/a.yaml"), rule("a"));
            Files.writeString(directory.resolve("alerts/b.yaml"), rule("b"));

            Chart chart = Chart.of(directory, List.of(), EVERYTHING);

            assertThat(chart.all(ConfigMap.class))
                    .filteredOn(map -> map.getMetadata().getName().equals("apmatrix-dashboards"))
                    .singleElement()
                    .satisfies(map -> {
                        assertThat(map.getData())
                                .containsOnly(
                                        Map.entry("one.json", "{\"title\": \"{{node}}\"}"),
                                        Map.entry("two.json", "{}"));
                        assertThat(map.getMetadata().getLabels()).containsEntry("grafana_dashboard", "1");
                    });
            GenericKubernetesResource rules =
                    (GenericKubernetesResource) chart.ofKind("PrometheusRule").orElseThrow();
            assertThat(rules.<Object>get("spec", "groups", 0, "name")).isEqualTo("a");
            assertThat(rules.<Object>get("spec", "groups", 1, "name")).isEqualTo("b");
            assertThat(rules.<Object>get("spec", "groups", 1, "rules", 0, "annotations", "summary"))
                    .isEqualTo("on {{ $labels.node }}");
        }

        @Test
        void shipsTheServicesOwnDashboardAndRules() {
            Chart chart = Chart.with(EVERYTHING);

            assertThat(chart.all(ConfigMap.class)).hasSize(2);
            assertThat(chart.ofKind("PrometheusRule")).isPresent();
        }

        @Test
        void makesNoEmptyObjectWhereThereIsNoDashboardAndNoRule() throws IOException {
            copyChart();

            Chart chart = Chart.of(directory, List.of(), EVERYTHING);

            assertThat(chart.all(ConfigMap.class)).hasSize(1);
            assertThat(chart.ofKind("PrometheusRule")).isEmpty();
        }

        private void copyChart() throws IOException {
            try (Stream<Path> files = Files.walk(Chart.DIRECTORY)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    String name = Chart.DIRECTORY.relativize(file).toString();
                    if (!name.startsWith("dashboards") && !name.startsWith("alerts")) {
                        Files.createDirectories(directory.resolve(name).getParent());
                        Files.copy(file, directory.resolve(name));
                    }
                }
            }
        }

        private static String rule(String name) {
            return "groups:\n  - name: " + name
                    + "\n    rules:\n      - {alert: A, expr: up == 0, annotations: {summary: 'on {{ $labels.node }}'}}\n";
        }
    }

    private static PodSpec spec(Chart chart) {
        return chart.pod().getSpec();
    }

    private static Container container(Chart chart) {
        List<Container> containers = spec(chart).getContainers();
        assertThat(containers).hasSize(1);
        assertThat(spec(chart).getInitContainers()).isEmpty();
        return containers.get(0);
    }

    /** Path of the host, to where and how it is mounted. */
    private static Map<String, String> hostPaths(Chart chart) {
        Map<String, VolumeMount> mounts = container(chart).getVolumeMounts().stream()
                .collect(Collectors.toMap(VolumeMount::getName, Function.identity()));
        assertThat(mounts.keySet())
                .containsExactlyInAnyOrderElementsOf(
                        spec(chart).getVolumes().stream().map(Volume::getName).toList());
        Map<String, String> found = new TreeMap<>();
        for (Volume volume : spec(chart).getVolumes()) {
            if (volume.getHostPath() != null) {
                VolumeMount mount = mounts.get(volume.getName());
                found.put(
                        volume.getHostPath().getPath(),
                        mount.getMountPath() + (Boolean.TRUE.equals(mount.getReadOnly()) ? " read-only" : ""));
            }
        }
        return found;
    }

    private static String firstGroup(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertThat(matcher.find()).as(pattern).isTrue();
        return matcher.group(1);
    }
}
