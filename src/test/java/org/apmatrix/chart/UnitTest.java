package org.apmatrix.chart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apmatrix.Component;
import org.apmatrix.Shell;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The unit for hosts without Kubernetes, as systemd judges it. */
class UnitTest {
    static final Path UNIT = Path.of("src/main/systemd/apmatrix.service").toAbsolutePath();

    @TempDir
    Path directory;

    @BeforeAll
    static void needsSystemdThatJudgesFiles() {
        Component.requireProgram("systemd-analyze", "apt-get install systemd");
        Matcher version = Pattern.compile("systemd ([0-9]+)")
                .matcher(Shell.bash(Path.of("."), "systemd-analyze --version").output());
        Component.require(
                "systemd 250", version.find() && Integer.parseInt(version.group(1)) >= 250, "install a newer systemd");
    }

    /** Its Java is this machine's: that one must exist, too. */
    @BeforeEach
    void copyTheUnit() throws IOException {
        Files.writeString(
                directory.resolve(UNIT.getFileName()),
                Files.readString(UNIT)
                        .replace(
                                "ExecStart=/usr/bin/java ",
                                "ExecStart=" + System.getProperty("java.home") + "/bin/java "));
    }

    @Test
    void isUnderstoodWholly() {
        Shell.Result verified = Shell.bash(directory, "systemd-analyze verify --man=no ./apmatrix.service");

        assertThat(verified.output()).doesNotContain("apmatrix");
        assertThat(verified.exit()).isZero();
    }

    @Test
    void isExposedLittle() {
        Shell.Result judged = Shell.bash(
                directory, "systemd-analyze security --offline=yes --threshold=39 --no-pager ./apmatrix.service");

        assertThat(judged.exit()).as(judged.output()).isZero();
    }

    @Test
    void writesToTheApBusTheQueuesTheDevicesTheLockAndTheDefinitionsAlone() throws IOException {
        String unit = Files.readString(UNIT);

        assertThat(all(unit, "ReadWritePaths"))
                .containsExactly("-/sys/bus/ap -/sys/devices/ap -/sys/devices/vfio_ap /run/lock -/etc/mdevctl.d");
        assertThat(all(unit, "ProtectSystem")).containsExactly("strict");
        assertThat(all(unit, "CapabilityBoundingSet")).containsExactly("CAP_SYS_PTRACE");
    }

    private static List<String> all(String unit, String setting) {
        return Pattern.compile("(?m)^" + setting + "=(.*)$")
                .matcher(unit)
                .results()
                .map((MatchResult found) -> found.group(1))
                .toList();
    }
}
