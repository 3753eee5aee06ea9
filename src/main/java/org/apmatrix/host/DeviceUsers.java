package org.apmatrix.host;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;

/**
 * Who holds a mediated device: the kernel's own word (a queue's {@code status}; on the static generation the EBUSY of a write that changes nothing), and
 * {@code /proc}, which also sees a process that has only the VFIO group open and would block a removal just the same.
 *
 * <p>Opening the group to find out is never done: it would keep a guest from starting.
 */
public final class DeviceUsers {
    private static final String DEVICE = "anon_inode:[vfio-device]";
    private static final String SYSPATH = "vfio-device-syspath:";

    private final Sysfs sysfs;
    private final Procfs procfs;
    private final ApBus bus;
    private final MdevTree mdevs;

    public DeviceUsers(Sysfs sysfs, Procfs procfs, ApBus bus, MdevTree mdevs) {
        this.sysfs = sysfs;
        this.procfs = procfs;
        this.bus = bus;
        this.mdevs = mdevs;
    }

    /** One look at all processes, to be asked about many devices. */
    public Holders holders() {
        // a node "(deleted)" belonged to a device that is gone; its number may have been given to another since
        Procfs.Look look = procfs.openFiles(target -> target.equals(DEVICE)
                || (target.startsWith("/dev/vfio/")
                        && !target.equals("/dev/vfio/vfio")
                        && !target.endsWith(" (deleted)")));
        Map<String, Integer> byNode = new HashMap<>();
        Set<Integer> nameless = new HashSet<>();
        for (Procfs.OpenFile file : look.found()) {
            if (!file.target().equals(DEVICE)) {
                byNode.put(file.target(), file.pid());
            } else {
                sysPath(file).ifPresentOrElse(path -> byNode.put(path, file.pid()), () -> nameless.add(file.pid()));
            }
        }
        // a process that closed its group and kept the device (5.10 and 6.12 let it): before 6.18 nothing tells which
        // device
        nameless.removeAll(byNode.values());
        return new Holders(byNode, (look.complete() && nameless.isEmpty()) || mdevs.nobodyHasAnyOpen());
    }

    /**
     * The processes that hold VFIO devices, by device node or sysfs path.
     *
     * @param complete whether nobody else can hold one: all processes could be seen and what they hold, or the driver has no user at all
     */
    public record Holders(Map<String, Integer> pids, boolean complete) {
        Optional<Integer> of(Mdev mdev) {
            return Stream.of(
                            "/dev/vfio/" + mdev.iommuGroup(),
                            "/dev/vfio/devices/" + mdev.vfioDevice(),
                            MdevTree.path(mdev.id()).toString())
                    .flatMap(node -> Optional.ofNullable(pids.get(node)).stream())
                    .findFirst();
        }
    }

    /**
     * Whether this device is held.
     *
     * @param queues every queue with its driver, as {@link ApBus#queues} tells
     */
    public DeviceUse use(Mdev mdev, SortedMap<Apqn, Optional<String>> queues, Holders holders) {
        Optional<Integer> pid = holders.of(mdev);
        Matrix matrix = mdev.matrix();
        Optional<Boolean> kernel = matrix == null ? Optional.of(true) : kernelSaysInUse(mdev, matrix, queues);
        if (pid.isPresent() || kernel.orElse(false)) {
            return new DeviceUse(DeviceUse.Verdict.IN_USE, pid.orElse(null));
        }
        boolean sure = holders.complete() || kernel.isPresent();
        return new DeviceUse(sure ? DeviceUse.Verdict.FREE : DeviceUse.Verdict.UNKNOWN, null);
    }

    /** Empty where the kernel gives no sign: on the dynamic generation a device of which a guest would have no queue. */
    private Optional<Boolean> kernelSaysInUse(Mdev mdev, Matrix matrix, SortedMap<Apqn, Optional<String>> queues) {
        if (!mdev.dynamic()) {
            return Optional.of(staticKernelSaysInUse(mdev));
        }
        // status says "in use" exactly for the queues that the guest really has (vfio_ap_ops.c, status_show), so one of
        // those decides
        Comparator<Apqn> guestsFirst = Comparator.comparing(
                apqn -> mdev.guestMatrix() == null || !mdev.guestMatrix().contains(apqn));
        List<Apqn> candidates = queues.entrySet().stream()
                .filter(queue -> matrix.contains(queue.getKey()))
                .filter(queue -> queue.getValue().equals(Optional.of(ApBus.VFIO_AP)))
                .map(Map.Entry::getKey)
                .sorted(guestsFirst)
                .toList();
        for (Apqn apqn : candidates) {
            Optional<String> status = bus.status(apqn);
            if (status.equals(Optional.of("in use"))) {
                return Optional.of(true);
            }
            if (mdev.guestMatrix() != null && mdev.guestMatrix().contains(apqn) && status.isPresent()) {
                return Optional.of(false);
            }
        }
        return Optional.empty();
    }

    private boolean staticKernelSaysInUse(Mdev mdev) {
        Store probe = mdevs.useProbe(mdev.id());
        try {
            sysfs.write(probe.target(), probe.text());
            throw new IllegalStateException(probe.target() + " took a text that is no number");
        } catch (KernelException e) {
            if (!List.of(Errno.EBUSY, Errno.EINVAL, Errno.ENOENT).contains(e.errno())) {
                throw e;
            }
            return e.errno() == Errno.EBUSY;
        }
    }

    private Optional<String> sysPath(Procfs.OpenFile file) {
        return procfs.fdInfo(file)
                .flatMap(info ->
                        info.lines().filter(line -> line.startsWith(SYSPATH)).findFirst())
                .map(line -> Path.of(line.substring(SYSPATH.length()).strip()).toString());
    }
}
