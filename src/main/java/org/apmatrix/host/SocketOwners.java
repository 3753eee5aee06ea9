package org.apmatrix.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apmatrix.host.kernel.Procfs;

/**
 * Which process listens on a unix socket: {@code /proc/net/unix} has the socket's inode, {@code /proc/PID/fd} its owner.
 *
 * <p>QMP itself does not tell QEMU's process, and the JDK does not tell a peer's.
 */
final class SocketOwners {
    /** af_unix.c, unix_seq_show: {@code Num RefCount Protocol Flags Type St Inode Path}. */
    private static final int FLAGS = 3;

    private static final int INODE = 6;
    private static final int PATH = 7;

    /** __SO_ACCEPTCON (include/uapi/linux/net.h) as it stands there: the socket listens. */
    private static final String LISTENS = "00010000";

    private final Procfs procfs;

    SocketOwners(Procfs procfs) {
        this.procfs = procfs;
    }

    /** Whether the process lives ({@code /proc/PID/comm}). */
    boolean isAlive(int pid) {
        return procfs.read(Path.of("/proc", Integer.toString(pid), "comm")).isPresent();
    }

    /** Empty when nobody listens, it cannot be seen who, or several could be meant. */
    Optional<Integer> pidOf(Path socket) {
        Set<Integer> owners = listeners(path -> isSame(path, socket));
        return owners.size() == 1 ? owners.stream().findFirst() : Optional.empty();
    }

    private Set<Integer> listeners(Predicate<Path> wanted) {
        Set<String> links = procfs.read(Path.of("/proc/net/unix"))
                .orElse("")
                .lines()
                .map(line -> line.strip().split(" +", PATH + 1))
                .filter(fields -> fields.length > PATH && fields[FLAGS].equals(LISTENS))
                .filter(fields -> wanted.test(Path.of(fields[PATH])))
                .map(fields -> "socket:[" + fields[INODE] + "]")
                .collect(Collectors.toSet());
        return links.isEmpty()
                ? Set.of()
                : procfs.openFiles(links::contains).found().stream()
                        .map(Procfs.OpenFile::pid)
                        .collect(Collectors.toSet());
    }

    /** The QEMU of a libvirt on this machine: it listens on a {@code monitor.sock}, and its command line has {@code -uuid UUID}. */
    Optional<Integer> pidOf(UUID domain) {
        String words = "-uuid\0" + domain + "\0";
        return listeners(path -> path.endsWith("monitor.sock")).stream()
                .filter(pid -> procfs.read(Path.of("/proc", pid.toString(), "cmdline"))
                        .filter(line -> line.contains(words))
                        .isPresent())
                .findFirst();
    }

    /** QEMU may have been given another path to the same file: /var/run is /run. */
    private static boolean isSame(Path listening, Path socket) {
        if (listening.equals(socket)) {
            return true;
        }
        try {
            return listening.getFileName() != null
                    && listening.getFileName().equals(socket.getFileName())
                    && Files.isSameFile(listening, socket);
        } catch (IOException gone) {
            return false;
        }
    }
}
