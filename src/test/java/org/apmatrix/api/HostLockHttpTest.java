package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.nullValue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The lock file that chzdev and ap-check share. */
class HostLockHttpTest extends HttpTest {
    private static final Path LOCK = Path.of(OnTheSimulatedHost.LOCK_FILE);
    /** Alive on every Linux. */
    private static final long INIT = 1;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"PATCH | /masks | {'apmask': '-5'}", "POST | /mdevs | {}", "PUT | /mdevs/" + A + " | {}"})
    void writesNothingWhileAnotherToolHoldsTheLock(String method, String path, String body) throws IOException {
        Files.writeString(LOCK, INIT + "\n");
        api.send(method, path, body)
                .spec(refused(423, "HOST_LOCKED", null))
                .header("Retry-After", matchesPattern("[1-9][0-9]*"))
                .body("pid", is((int) INIT));
        assertThat(LOCK).hasContent(INIT + "\n");
    }

    @Test
    void namesNoHolderWhereTheFileDoesNot() throws IOException {
        Files.writeString(LOCK, "");
        api.delete("/mdevs/" + A).spec(refused(423, "HOST_LOCKED", null)).body("pid", nullValue());
    }

    @Test
    void looksWithoutTheLock() throws IOException {
        Files.writeString(LOCK, INIT + "\n");
        api.get("/masks").statusCode(200);
        api.post("/mdevs?dryRun=true", "{}").statusCode(200);
    }

    @Test
    void takesOverTheLockOfAProcessThatIsGone() throws IOException, InterruptedException {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();
        Files.writeString(LOCK, process.pid() + "\n");
        api.post("/mdevs", "{}").statusCode(201);
        assertThat(LOCK).doesNotExist();
    }

    @Test
    void leavesNoLockBehind() {
        api.post("/mdevs", "{}").statusCode(201);
        api.patch("/masks", "{'apmask': '5'}").statusCode(400);
        api.put("/mdevs/" + A + "/adapters/5").statusCode(404);
        assertThat(LOCK).doesNotExist();
    }
}
