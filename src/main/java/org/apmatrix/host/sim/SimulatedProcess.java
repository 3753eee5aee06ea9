package org.apmatrix.host.sim;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A process that holds VFIO files: in most cases a QEMU with one virtual machine. */
final class SimulatedProcess {
    /** What is open: one kind of file for each look of the link in /proc/PID/fd. */
    enum Kind {
        KVM("/dev/kvm"),
        VM("anon_inode:kvm-vm"),
        KVM_VFIO("anon_inode:kvm-vfio"),
        CONTAINER("/dev/vfio/vfio"),
        GROUP("/dev/vfio/"),
        DEVICE("anon_inode:[vfio-device]");

        private final String text;

        Kind(String text) {
            this.text = text;
        }
    }

    /** @param group the group of a GROUP or DEVICE file */
    record File(Kind kind, @Nullable VfioGroup group) {
        String target() {
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

    /** Takes the smallest free number, as open(2) does. */
    void open(Kind kind, @Nullable VfioGroup group) {
        int fd = FIRST_FD;
        while (files.containsKey(fd)) {
            fd++;
        }
        files.put(fd, new File(kind, group));
    }

    /** Closes one such file. */
    void close(Kind kind, VfioGroup group) {
        files.entrySet().stream()
                .filter(entry -> entry.getValue().isOf(kind, group))
                .findFirst()
                .ifPresent(entry -> files.remove(entry.getKey()));
    }
}
