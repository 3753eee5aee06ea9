package org.apmatrix.host.qmp;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apmatrix.Component;
import org.apmatrix.Shell;

/** A real QEMU, whose guest is started by nobody but a monitor's {@code cont} ({@code -S}), with two monitors. It has no AP bus: emulated CPUs cannot have AP instructions. */
public final class RealQemu implements AutoCloseable {
    private final Process process;

    /** Starts it; its sockets are there a little later. */
    public RealQemu(Path directory, Path socket, Path secondSocket, String... more) {
        List<String> command = new ArrayList<>(List.of(
                "qemu-system-s390x",
                "-machine",
                "s390-ccw-virtio",
                "-accel",
                "tcg",
                "-m",
                "256",
                "-nographic",
                "-nodefaults",
                "-S",
                "-qmp",
                "unix:" + socket + ",server=on,wait=off",
                "-qmp",
                "unix:" + secondSocket + ",server=on,wait=off"));
        command.addAll(List.of(more));
        process = Shell.start(directory, command.toArray(String[]::new));
    }

    public static void require() {
        Component.requireProgram("qemu-system-s390x", "apt-get install qemu-system-misc");
    }

    /** Sends it a signal, such as {@code STOP}. */
    public void signal(Path directory, String signal) {
        Shell.Result result = Shell.bash(directory, "kill -s $1 $2", signal, String.valueOf(process.pid()));
        if (result.exit() != 0) {
            throw new AssertionError(result.output());
        }
    }

    public int pid() {
        return Math.toIntExact(process.pid());
    }

    /** Waits for its end and returns its exit status. */
    int end() {
        return process.onExit().join().exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        end();
    }
}
