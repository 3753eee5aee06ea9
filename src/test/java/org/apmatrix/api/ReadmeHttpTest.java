package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasItem;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.apmatrix.Component;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README tells people to type, typed. */
class ReadmeHttpTest extends HttpTest {
    private static final Pattern CODE = Pattern.compile("```(?:sh|bash)\n(.*?)```", Pattern.DOTALL);

    @TempDir
    Path directory;

    private String lastOutput = "";

    @BeforeAll
    static void curl() {
        Component.requireProgram("curl", "apt-get install curl");
        Component.requireProgram("bash", "apt-get install bash");
    }

    @Test
    void threeGuestsGetTheirQueues() throws Exception {
        List<String> scripts = scriptsOf("## Three curls");
        assertThat(run(scripts.get(0))).as(() -> lastOutput).isZero();
        api.get("/queues?guest=guest1")
                .body("items.apqn", containsInAnyOrder("05.0004", "05.00ab", "06.0004", "06.00ab"));
        assertThat(scripts.get(1)).contains("-X POST");
        assertThat(run(scripts.get(2))).as(() -> lastOutput).isZero();
        assertThat(guest("guest1").plugged()).isEmpty();
        assertThat(guest("guest2").plugged()).isPresent();
        assertThat(guest("guest3").plugged()).isPresent();
        assertThat(curls(scripts.get(0)) + curls(scripts.get(2))).isLessThan(10);
        // as a reader goes on
        api.delete("/mdevs/62177883-f1bb-47f0-914d-32a22e3a8804").statusCode(204);
        String pipeline = scriptsOf("## In a pipeline").get(0);
        assertThat(run(pipeline)).as(() -> lastOutput).isZero();
        assertThat(run(scriptsOf("## Whole plans").get(0))).as(() -> lastOutput).isZero();
        api.get("/queues?guest=guest1")
                .body("items.apqn", containsInAnyOrder("05.0004", "05.00ab", "06.0004", "06.00ab"));
        api.get("/queues?guest=guest3").body("items.apqn", containsInAnyOrder("06.0047", "06.00ff"));
        assertThat(lastOutput).contains("\"drifted\":false");
        assertThat(run(scriptsOf("## Crypto by wish").get(0)))
                .as(() -> lastOutput)
                .isZero();
        assertThat(lastOutput).contains("PT4H").contains("PT8H");
        api.get("/allocations").body("items", empty());
        api.get("/mdevs").body("items", empty());
    }

    @Test
    void aPipelineGetsAndGivesBack() throws Exception {
        String script = scriptsOf("## In a pipeline").get(0);
        assertThat(run(script)).as(() -> lastOutput).isZero();
        api.get("/guests").body("items.name", hasItem("ci1"));
        api.get("/mdevs").body("items", empty());
    }

    @Test
    void aPipelineEndsWithTheExitCodeOfARefusal() throws Exception {
        guests.start(
                "ci1",
                SimulatedQemu.Settings.DEFAULT.withCpuFeatures(new SimulatedQemu.CpuFeatures(true, true, false)));
        assertThat(run(scriptsOf("## In a pipeline").get(0))).isEqualTo(22);
        assertThat(guest("ci1").plugged()).isEmpty();
    }

    private static int curls(String script) {
        return script.split("curl ", -1).length - 1;
    }

    /** The code blocks of a section, in their order. */
    private static List<String> scriptsOf(String heading) throws IOException {
        String readme = Files.readString(Path.of("README.md"));
        int start = readme.indexOf(heading + "\n");
        assertThat(start).isNotNegative();
        int end = readme.indexOf("\n## ", start);
        return CODE.matcher(readme.substring(start, end < 0 ? readme.length() : end))
                .results()
                .map(block -> block.group(1))
                .toList();
    }

    /** Every line must succeed, at the port of this test. */
    private int run(String script) throws IOException, InterruptedException {
        String here = script.replace("localhost:8080", "localhost:" + port).replace("curl -X", "curl -f -X");
        Process bash = new ProcessBuilder("bash", "-euo", "pipefail", "-c", here)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        lastOutput = output;
        return bash.waitFor();
    }
}
