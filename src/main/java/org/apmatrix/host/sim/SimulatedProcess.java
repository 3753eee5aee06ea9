package org.apmatrix.host.sim;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/** A process that holds VFIO files or listens on sockets: in most cases a QEMU with one virtual machine. */
final class SimulatedProcess {
    /** What is open: one kind of file for each look of the link in /proc/PID/fd. */
    enum Kind {
        KVM("/dev/kvm"),
        VM("anon_inode:kvm-vm"),
        KVM_VFIO("anon_inode:kvm-vfio"),
        CONTAINER("/dev/vfio/vfio"),
        GROUP("/dev/vfio/"),
        DEVICE("anon_inode:[vfio-device]"),
        SOCKET("socket:");

        private final String text;

        Kind(String text) {
            this.text = text;
        }
    }

    /** A socket that listens at a path; the inode is of sockfs, not of the file that has the path. */
    record UnixSocket(int inode, Path path) {}

    /**
     * @param group the group of a GROUP or DEVICE file
     * @param socket what a SOCKET is
     */
    record File(
            Kind kind, @Nullable VfioGroup group, @Nullable UnixSocket socket) {
        String target() {
            if (socket != null) {
                return kind.text + "[" + socket.inode() + "]";
            }
            if (kind != Kind.GROUP || group == null) {
                return kind.text;
            }
            return kind.text + group.number() + (group.isDeleted() ? " (deleted)" : "");
        }

        boolean isOf(Kind otherKind, VfioGroup otherGroup) {
            return kind == otherKind && group == otherGroup;
        }
    }

    private static final int FIRST_FD = 3;

    private final int pid;
    private final Map<Integer, File> files = new TreeMap<>();
    private @Nullable Consumer<MdevId> requestHandler;

    SimulatedProcess(int pid) {
        this.pid = pid;
    }

    int pid() {
        return pid;
    }

    Map<Integer, File> files() {
        return files;
    }

    /** Opens what a virtual machine needs before it asks for a device, if that is not open yet. */
    void openVirtualMachine() {
        openOnce(Kind.KVM);
        openOnce(Kind.VM);
        openOnce(Kind.KVM_VFIO);
    }

    void openOnce(Kind kind) {
        if (files.values().stream().noneMatch(file -> file.kind() == kind)) {
            open(kind, null);
        }
    }

    int open(Kind kind, @Nullable VfioGroup group) {
        return add(new File(kind, group, null));
    }

    void listen(UnixSocket socket) {
        add(new File(Kind.SOCKET, null, socket));
    }

    /** Closes the socket that listens there, if there is one. */
    void stopListening(Path path) {
        files.values()
                .removeIf(file -> file.socket() != null && file.socket().path().equals(path));
    }

    /** Who hears that the host wants a device back (VFIO_DEVICE_SET_IRQS of the request interrupt); null for nobody. */
    @Nullable
    Consumer<MdevId> requestHandler() {
        return requestHandler;
    }

    void setRequestHandler(Consumer<MdevId> newRequestHandler) {
        requestHandler = newRequestHandler;
    }

    /** Takes the smallest free number, as open(2) does, and tells it. */
    private int add(File file) {
        int fd = FIRST_FD;
        while (files.containsKey(fd)) {
            fd++;
        }
        files.put(fd, file);
        return fd;
    }

    /** Closes one such file. */
    void close(Kind kind, VfioGroup group) {
        files.entrySet().stream()
                .filter(entry -> entry.getValue().isOf(kind, group))
                .findFirst()
                .ifPresent(entry -> files.remove(entry.getKey()));
    }
}
