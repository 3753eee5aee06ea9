package org.apmatrix.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apmatrix.ApMatrixApplication;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.Journals;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

@ExtendWith(OutputCaptureExtension.class)
class CommandsTest {
    @TempDir
    Path directory;

    @Test
    void propertiesStartTheServiceAndWordsAskForACommand() {
        assertThat(Commands.isAskedForBy()).isFalse();
        assertThat(Commands.isAskedForBy("--server.port=1")).isFalse();
        assertThat(Commands.isAskedForBy("token", "add")).isTrue();
        assertThat(Commands.isAskedForBy("--help")).isTrue();
        assertThat(Commands.isAskedForBy("tokne")).isTrue();
    }

    @Test
    void aTokenIsPrintedOnceListedByNameAndRemoved(CapturedOutput output) throws Exception {
        String file = directory.resolve("tokens").toString();
        assertThat(Commands.run("token", "add", "--file", file, "--name", "ci", "--roles", "operator,viewer"))
                .isZero();
        assertThat(output.getOut()).matches("apm_ci_\\S+\\R");
        assertThat(Commands.run("token", "list", "--file", file)).isZero();
        assertThat(output.getOut()).endsWith(String.format("ci viewer,operator%n"));
        assertThat(Commands.run("token", "remove", "--file", file, "--name", "ci"))
                .isZero();
        assertThat(Files.readString(Path.of(file))).isEmpty();
    }

    @Test
    void whatCannotBeDoneIsSaidInOneLine(CapturedOutput output) {
        String missing = directory.resolve("missing").toString();
        assertThat(Commands.run("token", "remove", "--file", missing, "--name", "ci"))
                .isEqualTo(1);
        assertThat(output.getErr()).contains("no such file: " + missing).doesNotContain("\tat ");
    }

    @Test
    void aCommandLineThatCannotBeReadIsTwo(CapturedOutput output) {
        assertThat(Commands.run("token", "add", "--file", "f", "--name", "ci", "--roles", "root"))
                .isEqualTo(2);
        assertThat(output.getErr()).contains("not a role: root");
        assertThat(Commands.run("tokne")).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--server.address=0.0.0.0", "--server.address=", "--management.server.port=0"})
    void theServiceRefusesToListenToTheNetworkOpenlyAndSaysWhatToSet(String setting) throws Exception {
        Process service = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ApMatrixApplication.class.getName(),
                        "--server.port=0",
                        setting,
                        "--apmatrix.security.mode=open",
                        "--apmatrix.host.state-directory=" + directory)
                .redirectErrorStream(true)
                .start();
        String said = new String(service.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(service.waitFor()).isEqualTo(1);
        assertThat(said)
                .contains("APPLICATION FAILED TO START")
                .contains("would listen beyond this machine")
                .contains("apmatrix.security.tokens-file");
    }

    @Test
    void anAuditJournalIsVerifiedAndTheFirstAlteredRecordIsNamed(CapturedOutput output) throws Exception {
        Path journal = directory.resolve("audit");
        try (AuditJournal written = Journals.in(journal)) {
            for (int i = 0; i < 3; i++) {
                try (Attempt attempt = written.begin(new Attempt.Origin("192.0.2.7", "PUT", "/", null, null))) {
                    attempt.end(401, "UNAUTHENTICATED");
                }
            }
        }
        assertThat(Commands.run("audit", "verify", journal.toString())).isZero();
        assertThat(output.getOut()).contains("3 records, whole, the last one is 3 with the hash ");
        Path file = journal.resolve("audit-000000000001.jsonl");
        Files.writeString(file, Files.readString(file).replaceFirst("192.0.2.7", "192.0.2.8"));
        assertThat(Commands.run("audit", "verify", journal.toString())).isEqualTo(1);
        assertThat(output.getOut())
                .endsWith(file + " line 1: record 1 was altered: its hash is not that of its bytes"
                        + System.lineSeparator());
        assertThat(Commands.run("audit", "verify", file.toString())).isEqualTo(1);
        assertThat(Commands.run("audit", "verify", journal.resolve("none").toString()))
                .isEqualTo(1);
        assertThat(output.getErr()).contains("no such file: ");
    }
}
