package org.apmatrix.host.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apmatrix.Component;
import org.apmatrix.Patience;
import org.apmatrix.Shell;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** The contract was written down from QEMU, and QEMU keeps it: the installed one, emulating, without AP. */
final class RealQemuTest extends QmpContract {
    private static final String PROGRAM = "qemu-system-s390x";
    private static final String SUFFIX = ".sock";

    private static String version = "";
    private int guests;

    @BeforeAll
    static void requireQemu() {
        Component.requireProgram(PROGRAM, "apt-get install qemu-system-misc");
        String text =
                Shell.result(Shell.start(Path.of("/"), PROGRAM, "--version")).output();
        version = text.replaceFirst("(?s).*version ([0-9.]+).*", "$1");
    }

    /** The cases are of these two; what another one says is not known. */
    @BeforeEach
    void requireARecordedVersion() {
        Component.require(
                "QEMU 7.2 or 10.0 (not " + version + ")",
                version.matches("(7\\.2|10\\.0)\\..*"),
                "the records are of these");
    }

    @Override
    String version() {
        return version.startsWith("7.2") ? "7.2.22" : "10.0.2";
    }

    @Override
    Map<String, String> leftOut() {
        Map<String, String> leftOut = new HashMap<>();
        for (QmpCase each : QmpCase.all()) {
            if (each.isOf(version()) && !each.isStock()) {
                leftOut.put(each.id(), "needs a machine with AP");
            }
        }
        if (version().equals("7.2.22")) {
            leftOut.put("P20", "a real QEMU reads 64 MiB for minutes");
        }
        return leftOut;
    }

    @Override
    Guest start(Start how) {
        guests++;
        Path socket = directory.resolve(guests + SUFFIX);
        Path second = directory.resolve(guests + "-second" + SUFFIX);
        List<String> command = new ArrayList<>(List.of(
                PROGRAM, "-machine", "s390-ccw-virtio", "-accel", "tcg", "-m", "256", "-nographic", "-nodefaults"));
        command.addAll(List.of("-qmp", "unix:" + socket + ",server=on,wait=off"));
        command.addAll(List.of("-qmp", "unix:" + second + ",server=on,wait=off"));
        switch (how) {
            case RUNNING -> command.addAll(List.of("-kernel", idleKernel().toString()));
            case PRELAUNCH -> command.add("-S");
            case PRECONFIG -> command.add("-preconfig");
            case PAUSES_AT_PANIC -> command.addAll(List.of("-S", "-action", "panic=pause"));
        }
        Process process = Shell.start(directory, command.toArray(String[]::new));
        // the file is there before QEMU listens
        Patience.until(() -> accepts(second));
        return new RealGuest(process, socket, second);
    }

    private static boolean accepts(Path socket) {
        if (!Files.exists(socket)) {
            return false;
        }
        try (QmpClient client = QmpClient.connect(socket)) {
            return client.receive().has("QMP");
        } catch (UncheckedIOException notYet) {
            return false;
        }
    }

    /** A kernel that waits for interrupts and does nothing else; without one an empty guest panics at once. */
    private Path idleKernel() {
        ByteBuffer image = ByteBuffer.allocate(0x10000);
        // the PSW of the start: at 0x200 is LPSW 0x100
        image.putLong(0, 0x0008000080000200L);
        image.putInt(0x200, 0x82000100);
        // enabled for interrupts, wait
        image.putLong(0x100, 0x030e000080000000L);
        try {
            return Files.write(directory.resolve("idle.img"), image.array());
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private record RealGuest(Process process, Path socket, Path secondSocket) implements Guest {
        private void signal(String signal) {
            Shell.result(Shell.start(Path.of("/"), "kill", "-" + signal, Long.toString(process.pid())));
        }

        @Override
        public void terminate() {
            signal("TERM");
        }

        @Override
        public void kill() {
            process.destroyForcibly();
            Patience.until(() -> !process.isAlive());
        }

        @Override
        public void stop() {
            signal("STOP");
            Patience.until(() -> Shell.bash(Path.of("/"), "cut -d' ' -f3 /proc/$1/stat", Long.toString(process.pid()))
                    .output()
                    .startsWith("T"));
        }

        @Override
        public void resume() {
            signal("CONT");
        }

        @Override
        public void panic(QmpClient client) {
            client.send("{'execute':'cont'}");
        }

        @Override
        public void close() {
            kill();
        }
    }
}
