package org.apmatrix.host.sim;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.apmatrix.host.kernel.Procfs.Look;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.apmatrix.host.sim.SimulatedProcess.File;
import org.apmatrix.host.sim.SimulatedProcess.Kind;

/** /proc of the simulated host: a machine that says it is none, the files of its guests' processes, and the sockets they listen on. */
final class SimulatedProcfs {
    /** As STSI answers on a z15 partition (arch/s390/kernel/sysinfo.c, sysinfo_show). */
    private static final String SYSINFO = """
            Manufacturer:         IBM            \s
            Type:                 8561
            Model:                701              T01            \s
            Sequence Code:        0000SIMULATED000
            Plant:                02             \s
            Model Capacity:       701              00000000
            Capacity Adj. Ind.:   100
            Capacity Ch. Reason:  0
            Capacity Transient:   0

            CPUs Total:           4
            CPUs Configured:      4
            CPUs Standby:         0
            CPUs Reserved:        0
            Capability:           492

            LPAR Number:          1
            LPAR Characteristics: Shared\s
            LPAR Name:            APSIMUL\s
            LPAR Adjustment:      1000
            LPAR CPUs Total:      4
            LPAR CPUs Configured: 4
            LPAR CPUs Standby:    0
            LPAR CPUs Reserved:   0
            LPAR CPUs Dedicated:  0
            LPAR CPUs Shared:     4
            """;

    private final HostState host;

    SimulatedProcfs(HostState host) {
        this.host = host;
    }

    Optional<String> read(Path file) {
        return switch (file.toString()) {
            case "/proc/sysinfo" -> Optional.of(SYSINFO);
            case "/proc/net/unix" -> Optional.of(unixSockets());
            case "/proc/sys/kernel/osrelease" -> Optional.of(host.version().release() + "\n");
            default -> comm(file);
        };
    }

    /** {@code /proc/PID/comm} of a process that lives: its name cut to 15 characters (fs/proc/array.c, proc_task_name). */
    private Optional<String> comm(Path file) {
        return host.users().processes().keySet().stream()
                .filter(pid -> file.equals(Path.of("/proc", pid.toString(), "comm")))
                .map(pid -> "qemu-system-s39\n")
                .findFirst();
    }

    /**
     * net/unix/af_unix.c, unix_seq_show: of each socket its address (hashed, as whoever is not root sees it), references, protocol, flags (__SO_ACCEPTCON: it
     * listens), type (SOCK_STREAM), state (SS_UNCONNECTED), inode and path. The sockets of connections are left out.
     */
    private String unixSockets() {
        StringBuilder text = new StringBuilder("Num       RefCount Protocol Flags    Type St Inode Path\n");
        host.users().processes().values().stream()
                .flatMap(process -> process.files().values().stream())
                .map(File::socket)
                .filter(Objects::nonNull)
                .forEach(socket -> text.append(String.format(
                        Locale.ROOT,
                        "%016x: %08X %08X %08X %04X %02X %5d %s\n",
                        0x8c110000L + socket.inode(),
                        2,
                        0,
                        0x10000,
                        1,
                        1,
                        socket.inode(),
                        socket.path())));
        return text.toString();
    }

    Look openFiles(Predicate<String> target) {
        List<OpenFile> found = new ArrayList<>();
        host.users()
                .processes()
                .values()
                .forEach(process -> process.files().forEach((fd, file) -> {
                    if (target.test(file.target())) {
                        found.add(new OpenFile(process.pid(), fd, file.target()));
                    }
                }));
        return new Look(found, true);
    }

    Optional<String> fdInfo(OpenFile wanted) {
        return Optional.ofNullable(host.users().processes().get(wanted.pid()))
                .map(SimulatedProcess::files)
                .map((Map<Integer, File> files) -> files.get(wanted.fd()))
                .map(file -> "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1058\n" + syspath(file));
    }

    /** drivers/vfio/vfio_main.c, vfio_device_show_fdinfo. */
    private String syspath(File file) {
        VfioGroup group = file.group();
        if (file.kind() != Kind.DEVICE || group == null || !host.version().hasSyspathInFdInfo()) {
            return "";
        }
        return "vfio-device-syspath: /sys/devices/vfio_ap/matrix/"
                + group.mdev().id() + "\n";
    }
}
