package org.apmatrix.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code apmatrix preflight} on this machine, which is asked about an empty directory in place of its sysfs. */
class PreflightCommandTest {
    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int preflight(String... arguments) {
        List<String> all = new ArrayList<>(List.of("preflight"));
        all.add("--apmatrix.host.sysfs-root=" + directory);
        all.add("--apmatrix.preflight.root=" + directory);
        all.addAll(Stream.of(arguments).toList());
        return new CommandLine(new Commands())
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(all.toArray(String[]::new));
    }

    @Test
    void endsWithOneWhereSomethingFailedAndTellsWhatMendsIt() {
        assertThat(preflight()).isEqualTo(1);
        assertThat(out.toString())
                .containsPattern("FAIL +vfio-ap-module +not loaded")
                .contains("# modprobe vfio_ap")
                .containsPattern("WARN +mdevctl +not installed");
    }

    @Test
    void printsNothingButJsonWhenAskedTo() {
        assertThat(preflight("--json")).isEqualTo(1);
        JsonNode answer = JsonMapper.shared().readTree(out.toString());
        assertThat(answer.propertyNames()).containsExactly("simulated", "items");
        JsonNode module = answer.path("items")
                .valueStream()
                .filter(item -> item.path("check").asString().equals("vfio-ap-module"))
                .findFirst()
                .orElseThrow();
        assertThat(module.propertyNames()).containsExactly("check", "result", "found", "means", "mend");
        assertThat(module.path("result").asString()).isEqualTo("fail");
        assertThat(module.path("mend").asString()).isEqualTo("modprobe vfio_ap");
    }

    @Test
    void readsTheConfigurationAsTheServiceDoes() throws IOException {
        Path configuration = directory.resolve("site.yaml");
        Path lock = directory.resolve("lock/ap");
        Files.writeString(configuration, "apmatrix: {host: {lock-file: " + lock + "}}");
        preflight("--spring.config.additional-location=file:" + configuration);
        assertThat(out.toString()).containsPattern("OK +lock-file +" + lock + " is free");
    }

    @Test
    void refusesWhatIsNeitherAnOptionNorAProperty() {
        assertThat(preflight("--jsno")).isEqualTo(2);
        assertThat(err.toString()).contains("--jsno");
    }

    @Test
    void namesThePropertyThatCannotBeRead() {
        assertThat(preflight("--apmatrix.host.lock-wait=soon")).isEqualTo(2);
        assertThat(err.toString()).contains("apmatrix.host.lock-wait", "'soon'");
    }

    @Test
    void isNotForTheSimulatedHost() {
        assertThat(preflight("--spring.profiles.active=simulated")).isEqualTo(2);
        assertThat(err.toString()).contains("GET /api/v1/host/preflight");
    }
}
