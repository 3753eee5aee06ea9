package org.apmatrix.preflight;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apmatrix.preflight.Preflight.Check;
import org.jspecify.annotations.Nullable;

/** What this process may do and see on this machine. */
final class RightsChecks {
    /** include/uapi/linux/capability.h */
    private static final int CAP_DAC_OVERRIDE = 1;

    private static final int CAP_SYS_PTRACE = 19;

    /** proc_pid_mountinfo(5): the fields before the dash. */
    private static final int MOUNT_POINT = 4;

    private static final int MOUNT_OPTIONS = 5;

    private final Ground ground;

    RightsChecks(Ground ground) {
        this.ground = ground;
    }

    List<Check> all() {
        return List.of(
                new Check("sysfs-writable", this::sysfsWritable),
                new Check("privileges", this::privileges),
                new Check("sees-processes", this::seesProcesses),
                new Check("network-namespace", this::networkNamespace),
                new Check("state-directory", this::stateDirectory),
                new Check("clock", this::clock));
    }

    private Optional<Item> sysfsWritable() {
        List<String> readOnly = List.of("bus/ap", "devices/vfio_ap").stream()
                .map(path -> ground.properties().sysfsRoot().resolve(path))
                .filter(path -> isMountedReadOnly(path.toAbsolutePath()))
                .map(Path::toString)
                .toList();
        return Optional.of(
                readOnly.isEmpty()
                        ? Item.ok("sysfs-writable", "mounted for writing", "The kernel can be written to.")
                        : Item.fail(
                                "sysfs-writable",
                                "read-only: " + String.join(", ", readOnly),
                                "Every write is refused with EROFS. In a container, mount the host's /sys for writing.",
                                "mount -o remount,rw " + ground.properties().sysfsRoot()));
    }

    /** By the mount that is nearest above the path, the last one of several. */
    private boolean isMountedReadOnly(Path path) {
        return Ground.text(ground.proc("self/mountinfo"))
                .orElse("")
                .lines()
                .map(line -> line.split(" "))
                .filter(fields -> fields.length > MOUNT_OPTIONS && path.startsWith(unescaped(fields[MOUNT_POINT])))
                .max(Comparator.comparingInt(
                        fields -> unescaped(fields[MOUNT_POINT]).getNameCount()))
                .map(fields -> Arrays.asList(fields[MOUNT_OPTIONS].split(",")).contains("ro"))
                .orElse(false);
    }

    private static Path unescaped(String mountPoint) {
        return Path.of(mountPoint.replace("\\040", " "));
    }

    private Optional<Item> privileges() {
        String uid = Optional.ofNullable(status("Uid"))
                .map(ids -> ids.split("\\s+"))
                .filter(ids -> ids.length > 1)
                .map(ids -> ids[1])
                .orElse("?");
        if (uid.equals("0") || has(CAP_DAC_OVERRIDE)) {
            return Optional.of(Item.ok(
                    "privileges",
                    uid.equals("0") ? "user 0" : "user " + uid + " with CAP_DAC_OVERRIDE",
                    "The kernel's attributes, which are root's, can be written."));
        }
        return Optional.of(Item.fail(
                "privileges",
                "user " + uid + " without CAP_DAC_OVERRIDE",
                "The kernel's attributes are root's: every write is refused with EACCES.",
                null));
    }

    /** kthreadd has the number 2 in the first PID namespace, and is in no other. */
    private Optional<Item> seesProcesses() {
        boolean hosts = Ground.text(ground.proc("2/comm")).map(String::strip).equals(Optional.of("kthreadd"));
        boolean trace = has(CAP_SYS_PTRACE);
        if (hosts && trace) {
            return Optional.of(Item.ok(
                    "sees-processes", "host's PID namespace, CAP_SYS_PTRACE", "Whoever holds a device is seen."));
        }
        return Optional.of(Item.warn(
                "sees-processes",
                (hosts ? "host's" : "another") + " PID namespace, " + (trace ? "" : "no ") + "CAP_SYS_PTRACE",
                "Who holds a device is not seen for certain: where the kernel does not tell either, inUse is null and changes are refused. A pid in the lock file that"
                        + " cannot be seen counts as dead. In a container: hostPID and CAP_SYS_PTRACE.",
                null));
    }

    private Optional<Item> networkNamespace() {
        Optional<String> own = link(ground.proc("self/ns/net"));
        Optional<String> hosts = link(ground.proc("1/ns/net"));
        if (own.isEmpty() || hosts.isEmpty()) {
            return Optional.of(Item.warn(
                    "network-namespace",
                    "cannot be told",
                    "The namespace of process 1 cannot be seen; the process of a guest is found through the host's /proc/net/unix only.",
                    null));
        }
        return Optional.of(
                own.equals(hosts)
                        ? Item.ok("network-namespace", "the host's", "The process of each guest is found.")
                        : Item.warn(
                                "network-namespace",
                                "another than the host's",
                                "The processes of guests are not found (/proc/net/unix): a guest that falls silent is judged by its socket alone. In a container:"
                                        + " hostNetwork.",
                                null));
    }

    private Optional<Item> stateDirectory() {
        Path directory = ground.properties().stateDirectory();
        if (directory == null) {
            return Optional.of(Item.warn(
                    "state-directory",
                    "none is configured",
                    "What a crash cuts off is not found by the next start: set apmatrix.host.state-directory.",
                    null));
        }
        return Optional.of(
                isWritable(directory)
                        ? Item.ok(
                                "state-directory",
                                directory.toString(),
                                "Work in flight is noted, and found after a crash.")
                        : Item.fail(
                                "state-directory",
                                directory + " cannot be written",
                                "No write is begun that cannot be noted.",
                                "install -d -m 0700 " + directory));
    }

    /** Or can be made: its nearest ancestor that exists is a directory that can be written. */
    static boolean isWritable(Path directory) {
        for (Path path = directory.toAbsolutePath(); path != null; path = path.getParent()) {
            if (Files.exists(path)) {
                return Files.isDirectory(path) && Files.isWritable(path);
            }
        }
        return false;
    }

    private Optional<Item> clock() {
        return Optional.of(
                ground.clockIsSynchronised().getAsBoolean()
                        ? Item.ok(
                                "clock",
                                "synchronised",
                                "Times in the journal and in events can be compared with other hosts'.")
                        : Item.warn(
                                "clock",
                                "not synchronised",
                                "Times in the journal and in events may be wrong, and tokens may count as expired or not yet valid.",
                                "systemctl enable --now chronyd"));
    }

    private boolean has(int capability) {
        String effective = status("CapEff");
        return effective != null
                && effective.matches("[0-9a-f]{1,16}")
                && (Long.parseUnsignedLong(effective, 16) >> capability & 1) == 1;
    }

    /** A line of {@code /proc/self/status}. */
    private @Nullable String status(String key) {
        return Ground.text(ground.proc("self/status"))
                .orElse("")
                .lines()
                .filter(line -> line.startsWith(key + ":"))
                .map(line -> line.substring(key.length() + 1).strip())
                .findFirst()
                .orElse(null);
    }

    private static Optional<String> link(Path link) {
        try {
            return Optional.of(Files.readSymbolicLink(link).toString());
        } catch (NoSuchFileException | AccessDeniedException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
