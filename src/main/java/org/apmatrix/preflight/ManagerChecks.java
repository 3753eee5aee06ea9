package org.apmatrix.preflight;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apmatrix.preflight.Preflight.Check;

/** Other programs that give AP queues away: drivers and device plugins of Kubernetes, and KubeVirt, which removes devices that it did not make. */
final class ManagerChecks {
    private static final String CHECK = "foreign-managers";

    /** k8s-cex-dev-plugin runs as cex-plugin; a driver of dynamic resource allocation has cex and dra in its name; KubeVirt's agent is virt-handler. */
    private static final Pattern MANAGER = Pattern.compile(
            "(?i).*(cex[-_.]?plugin|cex-dev-plugin|cex[-_.]?dra|dra[-_.](driver[-_.])?cex|virt-handler).*");

    /** What such programs call their sockets: after the resource, such as cex.ibm.com. */
    private static final Pattern SOCKET = Pattern.compile("(?i).*(cex[-_.]|[-_./]cex|zcrypt|vfio[-_]ap).*");

    private static final List<String> KUBELET =
            List.of("/var/lib/kubelet/device-plugins", "/var/lib/kubelet/plugins", "/var/lib/kubelet/plugins_registry");

    private final Ground ground;

    ManagerChecks(Ground ground) {
        this.ground = ground;
    }

    List<Check> all() {
        return List.of(new Check(CHECK, this::managers));
    }

    private Optional<Item> managers() {
        List<String> found = new ArrayList<>(processes());
        found.addAll(sockets());
        if (found.isEmpty()) {
            return Optional.of(
                    Item.ok(
                            CHECK,
                            "no process, and no socket of the kubelet",
                            "Nobody else is known to give queues away on this host. Programs of another PID namespace are not seen."));
        }
        return Optional.of(Item.warn(
                CHECK,
                String.join("; ", found),
                "Somebody else gives AP queues away on this host, with masks, driver overrides or devices of its own, and may remove devices that it did not make. Let only"
                        + " one of the two manage a queue.",
                null));
    }

    private List<String> processes() {
        List<String> found = new ArrayList<>();
        for (Path process : Ground.files(ground.proc(""))) {
            String pid = String.valueOf(process.getFileName());
            if (pid.matches("[0-9]{1,9}")) {
                program(process)
                        .filter(name -> MANAGER.matcher(name).matches())
                        .ifPresent(name -> found.add("process " + pid + " (" + name + ")"));
            }
        }
        return found;
    }

    /** The program alone: an argument may name a manager without being one. A process may end while it is looked at, and reading it then fails (ESRCH). */
    private static Optional<String> program(Path process) {
        try {
            String program = Ground.text(process.resolve("cmdline")).orElse("").split("\0", 2)[0];
            String name = program.substring(program.lastIndexOf('/') + 1);
            return name.isEmpty() ? Ground.text(process.resolve("comm")).map(String::strip) : Optional.of(name);
        } catch (UncheckedIOException gone) {
            return Optional.empty();
        }
    }

    /** The kubelet's sockets stand in a directory, or one below it. */
    private List<String> sockets() {
        List<String> found = new ArrayList<>();
        for (String directory : KUBELET) {
            for (Path entry : Ground.files(ground.hostPath(directory))) {
                List<Path> below = Files.isDirectory(entry) ? Ground.files(entry) : List.of(entry);
                below.stream()
                        .map(path ->
                                directory + "/" + ground.hostPath(directory).relativize(path))
                        .filter(path -> SOCKET.matcher(path).matches())
                        .forEach(path -> found.add("socket " + path));
            }
        }
        return found;
    }
}
