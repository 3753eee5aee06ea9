package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The dashboard and the alert rules that ship with the chart name nothing that the running service does not tell. */
class OperatorsPicturesTest extends HttpTest {
    private static final Path DASHBOARD = Path.of("helm/apmatrix/dashboards/apmatrix.json");
    private static final Path RULES = Path.of("helm/apmatrix/alerts/apmatrix.yaml");

    /** Prometheus' own. */
    private static final Set<String> OF_PROMETHEUS = Set.of("up");

    /** Labels that Prometheus gives to each target. */
    private static final Set<String> LABELS_OF_TARGETS = Set.of("instance", "job", "node");

    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][\\w:]*)(?:\\{(.*)\\})? \\S+.*");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"(?:[^\"\\\\]|\\\\.)*\"");

    /** Every sample with its labels, after something has happened. */
    private Map<String, Set<String>> told() {
        boot(KernelVersion.V6_12);
        api.patch("/masks", "{'apmask': '-5,-6'}").statusCode(200);
        mdev(A, List.of(5), List.of(4));
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        api.delete("/guests/guest1/ap-device").statusCode(204);
        Map<String, Set<String>> samples = new HashMap<>();
        api.ask("GET", "/actuator/prometheus").extract().asString().lines().forEach(line -> {
            Matcher sample = SAMPLE.matcher(line);
            if (sample.matches()) {
                Set<String> labels = samples.computeIfAbsent(sample.group(1), name -> new HashSet<>());
                if (sample.group(2) != null) {
                    LABEL.matcher(sample.group(2)).results().forEach(label -> labels.add(label.group(1)));
                }
            }
        });
        return samples;
    }

    private static List<String> missing(Iterable<String> expressions, Map<String, Set<String>> told) {
        Set<String> missing = new TreeSet<>();
        for (String expression : expressions) {
            PromQl.metrics(expression).forEach((metric, labels) -> {
                if (OF_PROMETHEUS.contains(metric)) {
                    return;
                }
                if (!told.containsKey(metric)) {
                    missing.add(metric);
                    return;
                }
                labels.stream()
                        .filter(label -> !LABELS_OF_TARGETS.contains(label)
                                && !told.get(metric).contains(label))
                        .forEach(label -> missing.add(metric + "{" + label + "}"));
            });
        }
        return List.copyOf(missing);
    }

    private static List<String> dashboard() throws Exception {
        JsonNode dashboard = JsonMapper.shared().readTree(Files.readString(DASHBOARD));
        List<String> expressions =
                dashboard.findValues("expr").stream().map(JsonNode::asString).collect(Collectors.toList());
        dashboard.findValues("definition").forEach(definition -> expressions.add(definition.asString()));
        return expressions;
    }

    private static List<Map<String, Object>> rules() throws Exception {
        Map<String, List<Map<String, List<Map<String, Object>>>>> file = new Yaml().load(Files.readString(RULES));
        return file.get("groups").stream()
                .flatMap(group -> group.get("rules").stream())
                .toList();
    }

    private static List<String> alerts() throws Exception {
        return rules().stream().map(rule -> String.valueOf(rule.get("expr"))).toList();
    }

    @Test
    void everyMetricOfTheDashboardIsTold() throws Exception {
        assertThat(dashboard()).hasSizeGreaterThan(20);
        assertThat(missing(dashboard(), told())).isEmpty();
    }

    @Test
    void everyMetricOfTheAlertRulesIsTold() throws Exception {
        assertThat(missing(alerts(), told())).isEmpty();
    }

    @Test
    void aMisspeltMetricOrLabelIsFound() {
        Map<String, Set<String>> told = told();
        assertThat(missing(
                        List.of(
                                "sum by (code) (rate(apmatrix_operation_total{code=\"OK\"}[5m])) > 0",
                                "apmatrix_operations_total{kode=\"apmatrix_x\"} unless apmatrix_redy offset 15m"),
                        told))
                .containsExactly("apmatrix_operation_total", "apmatrix_operations_total{kode}", "apmatrix_redy");
    }

    @Test
    void theDashboardTakesTheDatasourceThatItIsGiven() throws Exception {
        JsonNode dashboard = JsonMapper.shared().readTree(Files.readString(DASHBOARD));
        assertThat(dashboard.at("/templating/list/0/type").asString()).isEqualTo("datasource");
        assertThat(dashboard.findValues("datasource"))
                .allSatisfy(source -> assertThat(source.path("uid").asString()).isEqualTo("${datasource}"));
        assertThat(dashboard
                        .path("panels")
                        .valueStream()
                        .map(panel -> panel.path("id").asInt()))
                .doesNotHaveDuplicates();
    }

    @Test
    void everyAlertSaysWhatIsWrongAndWhatToDo() throws Exception {
        assertThat(rules()).hasSizeGreaterThan(8).allSatisfy(rule -> {
            assertThat(rule).containsKeys("alert", "expr", "labels", "annotations");
            assertThat(String.valueOf(((Map<?, ?>) rule.get("annotations")).get("summary")))
                    .hasSizeGreaterThan(10);
            assertThat(String.valueOf(((Map<?, ?>) rule.get("annotations")).get("description")))
                    .hasSizeGreaterThan(30);
            assertThat(String.valueOf(((Map<?, ?>) rule.get("labels")).get("severity")))
                    .isIn("critical", "warning");
        });
    }

    @Test
    void readinessIsTold() {
        assertThat(prometheus()).contains("\napmatrix_ready 1.0\n");
        kernel.unloadModule(KernelModule.VFIO_AP);
        assertThat(prometheus()).contains("\napmatrix_ready 0.0\n");
    }

    private String prometheus() {
        return api.ask("GET", "/actuator/prometheus").extract().asString();
    }
}
