package org.apmatrix.host.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apmatrix.Shell;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program that is started by hand. */
@Timeout(120)
class MountSimulatedSysfsTest {
    @TempDir
    Path directory;

    @BeforeAll
    static void needsFuse() {
        SimulatedMount.require();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    void saysMountedAndUnmountsAtASignal(String signal) throws IOException {
        Process program =
                start(directory.resolve("new").toString(), "--kernel", "5.10", "--domains=1", "--max-domain", "15");
        BufferedReader output = program.inputReader();

        assertThat(output.readLine()).isEqualTo("mounted");
        assertThat(Shell.bash(directory, "ls new/bus/ap/devices; cat new/bus/ap/ap_max_domain_id")
                        .output())
                .isEqualTo("05.0001\n06.0001\ncard05\ncard06\n15\n");
        kill(program, signal);

        assertThat(Shell.result(program).exit()).isGreaterThan(128);
        assertThat(directory.resolve("new")).isEmptyDirectory();
    }

    @Test
    void takesOverWhereAKilledOneLeftADeadMount() throws IOException {
        Process killed = start(directory.toString());
        assertThat(killed.inputReader().readLine()).isEqualTo("mounted");
        kill(killed, "KILL");
        Shell.result(killed);
        assertThat(Shell.bash(Path.of("/"), "ls $1", directory.toString()).output())
                .contains("Transport endpoint is not connected");

        Process next = start(directory.toString());

        assertThat(next.inputReader().readLine()).isEqualTo("mounted");
        assertThat(Shell.result(start(directory.toString())))
                .isEqualTo(new Shell.Result(
                        1,
                        "mount-simulated-sysfs: " + directory + ": something of this kind is mounted there already\n"));
        kill(next, "TERM");
        Shell.result(next);
        assertThat(directory).isEmptyDirectory();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a b",
                "a --kernel 4.19",
                "a --kernel",
                "a --nonsense 1",
                "a --adapters 5",
                "a --adapters 5:CEX5C,05:CEX5C",
                "a --domains 256",
                "a --max-domain 15"
            })
    void saysInOneLineWhatIsWrongWithTheCommandLine(String words) {
        Shell.Result result = Shell.result(start(words.isEmpty() ? new String[0] : words.split(" ", -1)));

        assertThat(result.exit()).isEqualTo(2);
        assertThat(result.output()).startsWith("mount-simulated-sysfs: ").hasLineCount(1);
    }

    /** {@link Process#destroy()} would close the output, too. */
    private void kill(Process program, String signal) {
        assertThat(Shell.bash(Path.of("/"), "kill -$1 $2", signal, Long.toString(program.pid()))
                        .exit())
                .isZero();
    }

    private Process start(String... words) {
        List<String> command = new ArrayList<>(List.of(
                // whoever starts the tests in the background ignores SIGINT, and so would every child
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                MountSimulatedSysfs.class.getName()));
        command.addAll(List.of(words));
        return Shell.start(Path.of("/"), command.toArray(String[]::new));
    }
}
