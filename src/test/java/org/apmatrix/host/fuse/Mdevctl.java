package org.apmatrix.host.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apmatrix.Component;
import org.apmatrix.Shell;

/** mdevctl as it is installed here, in a mount namespace of its own, where /sys is a simulated kernel's and /etc/mdevctl.d a directory of the test. */
public final class Mdevctl {
    private final Path sysfs;
    private final Path definitions;

    /** @param definitions an empty directory, which stands for /etc/mdevctl.d */
    public Mdevctl(Path sysfs, Path definitions) throws IOException {
        this.sysfs = sysfs;
        this.definitions = definitions;
        // without these directories every command fails
        Files.createDirectories(definitions.resolve("scripts.d/callouts"));
        Files.createDirectories(definitions.resolve("scripts.d/notifiers"));
    }

    /** Skips the test where it cannot be run. */
    public static void require() {
        SimulatedMount.require();
        Component.requireProgram("mdevctl", "apt-get install mdevctl");
        Component.requireProgram("unshare", "apt-get install util-linux");
    }

    /** Runs a script of bash with these words as {@code $1}, {@code $2}, …. */
    public Shell.Result run(String script, String... words) {
        String mounts = "mount --rbind '" + sysfs + "' /sys && mount --bind '" + definitions + "' /etc/mdevctl.d && ";
        String[] command = new String[6 + words.length];
        command[0] = "unshare";
        command[1] = "-m";
        command[2] = "bash";
        command[3] = "-c";
        command[4] = mounts + script;
        command[5] = "bash";
        System.arraycopy(words, 0, command, 6, words.length);
        return Shell.result(Shell.start(Path.of("/"), command));
    }
}
