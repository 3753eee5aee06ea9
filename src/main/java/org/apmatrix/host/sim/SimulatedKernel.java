package org.apmatrix.host.sim;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.kernel.Uevents;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.sim.SimulatedProcess.Kind;
import org.apmatrix.host.sim.SysfsNode.Attribute;
import org.apmatrix.host.sim.SysfsNode.Directory;
import org.apmatrix.host.sim.SysfsNode.Link;
import org.apmatrix.host.sim.SysfsNode.Written;

/**
 * A Linux kernel with AP pass-through, in memory: sysfs, what matters of /proc, and from outside the hands of an operator at the HMC and of guests.
 *
 * <p>No timer runs: a changed machine is seen at {@link #scan()} or at a write to {@code /sys/bus/ap/scans}, as a real kernel sees it within config_time.
 *
 * <p>Long because it is the whole door to the simulation: the seam itself, a file server's view of it, and everything that can be done to a host from outside.
 * Thread safe; a write that a real kernel holds until a device is released (remove, unbind of an mdev) holds its thread here, too, and cannot be interrupted.
 */
public final class SimulatedKernel implements Sysfs {
    /** The process that this service is on the simulated host. */
    public static final int SERVICE_PID = 900;

    private final ReentrantLock lock = new ReentrantLock(true);
    private final Condition released = lock.newCondition();
    private final SimulatedUevents uevents = new SimulatedUevents();
    private HostState host;
    private int lastPid = 4000;
    private int lastInode = 20000;

    /** A booted kernel: all modules loaded, default masks. */
    public SimulatedKernel(KernelVersion version, SimulatedMachine machine) {
        host = newHost(version, machine, KernelParameters.NONE);
        host.loadAll();
    }

    /** Boots again with all modules loaded: whatever was is forgotten, a write that waits ends with ENODEV. */
    public void boot(KernelVersion version, SimulatedMachine machine) {
        boot(version, machine, KernelParameters.NONE);
    }

    public void boot(KernelVersion version, SimulatedMachine machine, KernelParameters parameters) {
        locked(() -> {
            reboot(newHost(version, machine, parameters));
            host.loadAll();
            return true;
        });
    }

    /** Boots again, and loads no module. */
    public void bootWithoutModules(KernelVersion version, SimulatedMachine machine, KernelParameters parameters) {
        locked(() -> {
            reboot(newHost(version, machine, parameters));
            return true;
        });
    }

    private HostState newHost(KernelVersion version, SimulatedMachine machine, KernelParameters parameters) {
        return new HostState(version, machine, parameters, uevents, this::sleepWhile);
    }

    private void reboot(HostState next) {
        host.abandon();
        host = next;
        released.signalAll();
    }

    public KernelVersion version() {
        return locked(() -> host.version());
    }

    /** The machine as it is, which the kernel may not know yet. */
    public SimulatedMachine machine() {
        return locked(() -> host.bus().machine());
    }

    /** Changes the machine, as somebody at the HMC does; its maxima and instructions stay what they were at boot. */
    public void configure(SimulatedMachine machine) {
        locked(() -> {
            host.bus().setMachine(machine);
            return true;
        });
    }

    /**
     * Loads master keys into the HSM behind a queue, as somebody at a TKE workstation does. The driver asks the HSM at each read, so no scan is needed.
     *
     * @param keys {@link Mkvps#UNTOLD} for an HSM that does not answer
     */
    public void loadMasterKeys(Apqn apqn, Mkvps keys) {
        locked(() -> {
            host.bus().setMachine(host.bus().machine().withMasterKeys(apqn, keys));
            return true;
        });
    }

    /** What the scan timer does every config_time seconds in a real kernel. */
    public void scan() {
        locked(() -> {
            host.bus().scan();
            return true;
        });
    }

    /** insmod. ENOENT when another module is missing, ENODEV for vfio_ap on a machine without AP, EEXIST when it is loaded. */
    public void loadModule(KernelModule module) {
        call("finit_module", modulePath(module), () -> {
            host.load(module);
            return true;
        });
    }

    /** rmmod. EAGAIN while the module is used, ENOENT when it is not loaded. */
    public void unloadModule(KernelModule module) {
        call("delete_module", modulePath(module), () -> {
            host.unload(module);
            return true;
        });
    }

    private static Path modulePath(KernelModule module) {
        return Path.of("/sys/module", module.toString());
    }

    /**
     * What QEMU does to give a device to its virtual machine: KVM, container, group, device. Again by the same process: one more file of the same device.
     *
     * @throws KernelException ENOENT without such an mdev, EBUSY when another process has the group, EPERM when the machine has another mdev already
     */
    public void openDevice(MdevId mdev, int pid) {
        open(mdev, pid, true);
    }

    /** The same without a virtual machine: EINVAL since 5.19; before, a device that nobody uses in earnest. */
    public void openDeviceWithoutKvm(MdevId mdev, int pid) {
        open(mdev, pid, false);
    }

    private void open(MdevId mdev, int pid, boolean withKvm) {
        Path path = mdevPath(mdev);
        call("open", path, () -> {
            VfioGroup group = group(mdev);
            SimulatedProcess process = host.users().processes().computeIfAbsent(pid, SimulatedProcess::new);
            if (withKvm) {
                process.openVirtualMachine();
            }
            boolean opened = group.opener() != process;
            if (opened) {
                host.users().openGroup(group, pid);
            }
            process.openOnce(Kind.CONTAINER);
            try {
                host.users().openDevice(group, process, withKvm);
            } catch (Refusal refusal) {
                if (opened) {
                    process.close(Kind.GROUP, group);
                    host.users().releaseGroup(group);
                }
                throw refusal;
            }
            return true;
        });
    }

    /** Opens /dev/vfio/N and nothing else: ENOENT without such an mdev, EBUSY when it is open already. */
    public void openGroup(MdevId mdev, int pid) {
        call("open", mdevPath(mdev), () -> {
            host.users().openGroup(group(mdev), pid);
            return true;
        });
    }

    /** A virtual machine is linked to a group that is open: the static kernel takes it for the device's, a dynamic one asked when the device was opened. */
    public void addKvm(MdevId mdev, int pid) {
        call("ioctl", mdevPath(mdev), () -> {
            VfioGroup group = group(mdev);
            SimulatedProcess process = host.users().processes().computeIfAbsent(pid, SimulatedProcess::new);
            process.openVirtualMachine();
            group.setLinkedToKvm(true);
            if (!host.version().isDynamic() && group.openDevices() > 0) {
                host.users().setKvm(group.mdev(), process);
            }
            return true;
        });
    }

    /** The opposite of {@link #addKvm}; a dynamic kernel keeps the machine it knows until the device is closed. */
    public void removeKvm(MdevId mdev) {
        call("ioctl", mdevPath(mdev), () -> {
            group(mdev).setLinkedToKvm(false);
            if (!host.version().isDynamic()) {
                group(mdev).mdev().setKvm(null);
            }
            return true;
        });
    }

    /** What QEMU does at device_del: closes the device and its group. The process stays. Nothing happens when it has not got it. */
    public void closeDevice(MdevId mdev, int pid) {
        locked(() -> {
            closeDeviceFiles(mdev, pid);
            closeGroupFile(mdev, pid);
            return true;
        });
    }

    /** Closes the device files and keeps the group open. */
    public void closeDeviceOnly(MdevId mdev, int pid) {
        locked(() -> {
            closeDeviceFiles(mdev, pid);
            return true;
        });
    }

    /** Closes the group. */
    public void closeGroup(MdevId mdev, int pid) {
        locked(() -> {
            closeGroupFile(mdev, pid);
            return true;
        });
    }

    /** fork(2): a process without files. Numbers count up over the life of the simulation, so that no two processes ever had the same one. */
    public int startProcess() {
        return locked(() -> {
            lastPid++;
            return lastPid;
        });
    }

    /** The process listens on a Unix socket of this path, as {@code /proc/net/unix} and {@code /proc/PID/fd} then tell. The socket itself is the caller's. */
    public void listen(int pid, Path socket) {
        locked(() -> {
            lastInode++;
            host.users()
                    .processes()
                    .computeIfAbsent(pid, SimulatedProcess::new)
                    .listen(new SimulatedProcess.UnixSocket(lastInode, socket));
            return true;
        });
    }

    /** The opposite of {@link #listen}; the process stays. */
    public void stopListening(int pid, Path socket) {
        locked(() -> {
            SimulatedProcess process = host.users().processes().get(pid);
            if (process != null) {
                process.stopListening(socket);
            }
            return true;
        });
    }

    /**
     * VFIO_DEVICE_SET_IRQS of the request interrupt, for all devices of a process: it will be told when a write to remove or unbind waits for one of them, once
     * for each write. Kernels before 6.5 tell nobody.
     *
     * @param handler is called within the kernel, so it must neither block nor call it
     */
    public void onDeviceRequest(int pid, Consumer<MdevId> handler) {
        locked(() -> {
            host.users().processes().computeIfAbsent(pid, SimulatedProcess::new).setRequestHandler(handler);
            return true;
        });
    }

    /** The process ends, in whatever way: all its files are closed. */
    public void endProcess(int pid) {
        locked(() -> {
            SimulatedProcess process = host.users().processes().get(pid);
            if (process != null) {
                for (VfioGroup group : VfioUsers.groupsOf(process)) {
                    closeDeviceFiles(group.mdev().id(), pid);
                    closeGroupFile(group.mdev().id(), pid);
                }
                host.users().processes().remove(pid);
            }
            return true;
        });
    }

    private void closeDeviceFiles(MdevId mdev, int pid) {
        forOpenGroup(mdev, pid, (group, process) -> {
            while (group.openDevices() > 0) {
                process.close(Kind.DEVICE, group);
                if (host.users().releaseDevice(group)) {
                    host.vfioAp().ifPresent(driver -> driver.onDeviceClosed(group.mdev()));
                }
            }
        });
    }

    private void closeGroupFile(MdevId mdev, int pid) {
        forOpenGroup(mdev, pid, (group, process) -> {
            process.close(Kind.GROUP, group);
            host.users().releaseGroup(group);
        });
    }

    private void forOpenGroup(MdevId mdev, int pid, BiConsumer<VfioGroup, SimulatedProcess> action) {
        SimulatedProcess process = host.users().processes().get(pid);
        if (process == null) {
            return;
        }
        for (VfioGroup group : VfioUsers.groupsOf(process)) {
            if (group.mdev().id().equals(mdev)) {
                action.accept(group, process);
                host.vfioAp().ifPresent(driver -> driver.onReleased(group.mdev()));
                released.signalAll();
            }
        }
    }

    private VfioGroup group(MdevId mdev) {
        return host.vfioAp()
                .flatMap(driver -> driver.mdev(mdev))
                .map(SimulatedMdev::group)
                .orElseThrow(() -> new Refusal(Errno.ENOENT));
    }

    private static Path mdevPath(MdevId mdev) {
        return Path.of("/sys/devices/vfio_ap/matrix", mdev.toString());
    }

    @Override
    public String read(Path attribute) {
        return call("read", attribute, () -> {
            Supplier<String> show = openedAttribute(attribute, "read").show();
            if (show == null) {
                throw new KernelException(Errno.EACCES, "open", attribute);
            }
            String content = show.get();
            // fs/sysfs/file.c, sysfs_kf_seq_show: what does not fit into the page but for its last byte is lost
            return content.length() < SysfsTree.PAGE_SIZE ? content : content.substring(0, SysfsTree.PAGE_SIZE - 1);
        });
    }

    /** A text longer than a page is a short write: the store sees 4,096 bytes (fs/kernfs/file.c, kernfs_fop_write_iter), the rest would be another write(2). */
    @Override
    public void write(Path attribute, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, SysfsTree.PAGE_SIZE);
        call("write", attribute, () -> {
            var store = openedAttribute(attribute, "open").store();
            if (store == null) {
                throw new KernelException(Errno.EACCES, "open", attribute);
            }
            if (length > 0) {
                String seen = new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
                store.accept(new Written(KernelText.cString(seen), length));
            }
            return true;
        });
    }

    @Override
    public List<String> list(Path directory) {
        return call("open", directory, () -> {
            if (tree().find(directory, true) instanceof Directory found) {
                return List.copyOf(found.names());
            }
            throw new Refusal(Errno.ENOTDIR);
        });
    }

    @Override
    public String readLink(Path link) {
        return call("readlink", link, () -> {
            if (tree().find(link, false) instanceof Link found) {
                return found.target();
            }
            throw new Refusal(Errno.EINVAL);
        });
    }

    /** Whoever calls the simulated kernel is root. */
    @Override
    public boolean isWritable(Path attribute) {
        return exists(attribute);
    }

    @Override
    public boolean exists(Path path) {
        return locked(() -> {
            try {
                tree().find(path, true);
                return true;
            } catch (Refusal refusal) {
                return false;
            }
        });
    }

    /** lstat(2): what is at this path, a link at its end not followed. ENOENT when nothing is. */
    public SimulatedNode stat(Path path) {
        return call("lstat", path, () -> SysfsTree.describe(tree().find(path, false)));
    }

    /** /proc of the same host. It is not this class itself because both have a read of a path, with different answers. */
    public Procfs procfs() {
        return new Procfs() {
            @Override
            public Optional<String> read(Path file) {
                return locked(() -> new SimulatedProcfs(host).read(file));
            }

            @Override
            public Look openFiles(Predicate<String> target) {
                return locked(() -> new SimulatedProcfs(host).openFiles(target));
            }

            @Override
            public Optional<String> fdInfo(OpenFile file) {
                return locked(() -> new SimulatedProcfs(host).fdInfo(file));
            }
        };
    }

    /** What it tells of its devices by itself, across boots. */
    public Uevents uevents() {
        return uevents;
    }

    /** VFIO as this service sees it, which is the process {@link #SERVICE_PID}. */
    public Vfio vfio() {
        return vfio(SERVICE_PID);
    }

    /** VFIO as another process sees it. */
    public Vfio vfio(int pid) {
        return new SimulatedVfio(pid, this::callOfVfio);
    }

    /** Afterwards somebody may have let go of a device: whoever waits for that looks again. */
    private <T> T callOfVfio(String operation, Path path, Function<HostState, T> action) {
        return call(operation, path, () -> {
            T answer = action.apply(host);
            released.signalAll();
            return answer;
        });
    }

    private SysfsTree tree() {
        return new SysfsTree(host);
    }

    /** @param operation which call meets a path that is missing or no file */
    private Attribute openedAttribute(Path path, String operation) {
        SysfsNode node;
        try {
            node = tree().find(path, true);
        } catch (Refusal refusal) {
            throw new KernelException(refusal.errno(), "open", path);
        }
        if (node instanceof Attribute attribute) {
            return attribute;
        }
        throw new KernelException(Errno.EISDIR, operation, path);
    }

    private void sleepWhile(BooleanSupplier condition) {
        while (condition.getAsBoolean()) {
            released.awaitUninterruptibly();
        }
    }

    private <T> T call(String operation, Path path, Supplier<T> action) {
        return locked(() -> {
            try {
                return action.get();
            } catch (Refusal refusal) {
                throw new KernelException(refusal.errno(), operation, path);
            }
        });
    }

    private <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }
}
