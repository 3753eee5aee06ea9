package org.apmatrix.host;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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

    /** Empty when nobody listens, or it cannot be seen who. */
    Optional<Integer> pidOf(Path socket) {
        Set<String> links = procfs.read(Path.of("/proc/net/unix"))
                .orElse("")
                .lines()
                .map(line -> line.strip().split(" +", PATH + 1))
                .filter(fields -> fields.length > PATH && fields[FLAGS].equals(LISTENS))
                .filter(fields -> fields[PATH].equals(socket.toString()))
                .map(fields -> "socket:[" + fields[INODE] + "]")
                .collect(Collectors.toSet());
        if (links.isEmpty()) {
            return Optional.empty();
        }
        List<Procfs.OpenFile> owners = procfs.openFiles(links::contains).found();
        return owners.stream().map(Procfs.OpenFile::pid).min(Integer::compare);
    }
}
