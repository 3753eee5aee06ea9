package org.apmatrix.host.fuse;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;

/**
 * The write-only files of {@code .simulation}: guests that come and go, and the HMC.
 *
 * <ul>
 *   <li>{@code open}, {@code close}: a UUID. A guest of its own opens this device, or the one that has it ends. Closing what is not open is nothing.
 *   <li>{@code adapters} ({@code 05:CEX5C,06:CEX5A}), {@code domains}, {@code control_domains} ({@code 4,0x47}): the partition has these from now on; nothing at
 *       all is an empty list. The kernel sees it at the next scan: a write to {@code bus/ap/scans} or to {@code scan}. Linux 5.10 has no {@code scans} and its
 *       scan timer is not simulated, so there the scan follows at once.
 *   <li>{@code scan}: anything. The scan that the kernel's timer would make.
 * </ul>
 *
 * <p>A text that is none of this is EINVAL, an mdev that does not exist ENODEV; what the kernel refuses to a guest is refused with its errno.
 */
final class SimulationControls {
    static final Path DIRECTORY = Path.of("/.simulation");
    static final List<String> NAMES = List.of("adapters", "close", "control_domains", "domains", "open", "scan");

    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");
    private static final int FIRST_GUEST = 10_000;

    private final SimulatedKernel kernel;
    private final AtomicInteger lastGuest = new AtomicInteger(FIRST_GUEST);
    private final Map<MdevId, Integer> guests = new ConcurrentHashMap<>();

    SimulationControls(SimulatedKernel kernel) {
        this.kernel = kernel;
    }

    FuseTree.Node stat(Path path) {
        if (path.equals(DIRECTORY)) {
            return new FuseTree.Node.Directory(0755);
        }
        if (DIRECTORY.equals(path.getParent()) && NAMES.contains(name(path))) {
            return new FuseTree.Node.File(0200);
        }
        throw new KernelException(Errno.ENOENT, "stat", path);
    }

    void write(Path file, String written) {
        String text = written.endsWith("\n") ? written.substring(0, written.length() - 1) : written;
        switch (name(file)) {
            case "open" -> open(mdev(text, file), file);
            case "close" -> close(mdev(text, file), file);
            case "adapters" ->
                configure(machine ->
                        MachineText.adapters(text).map(machine::withAdapters).orElseThrow(() -> invalid(file)));
            case "domains" ->
                configure(machine -> MachineText.domains(text)
                        .map(domains -> machine.withDomains(domains, machine.controlDomains()))
                        .orElseThrow(() -> invalid(file)));
            case "control_domains" ->
                configure(machine -> MachineText.domains(text)
                        .map(domains -> machine.withDomains(machine.usageDomains(), domains))
                        .orElseThrow(() -> invalid(file)));
            case "scan" -> kernel.scan();
            default -> throw new KernelException(Errno.EACCES, "open", file);
        }
    }

    private void open(MdevId mdev, Path file) {
        int guest = lastGuest.incrementAndGet();
        try {
            kernel.openDevice(mdev, guest);
        } catch (KernelException refused) {
            kernel.endProcess(guest);
            // the open file itself exists: it is the device that does not
            throw refused.errno() == Errno.ENOENT ? new KernelException(Errno.ENODEV, "open", file) : refused;
        }
        guests.put(mdev, guest);
    }

    private void close(MdevId mdev, Path file) {
        Integer guest = guests.remove(mdev);
        if (guest != null) {
            kernel.endProcess(guest);
        } else if (!kernel.exists(MATRIX.resolve(mdev.toString()))) {
            throw new KernelException(Errno.ENODEV, "write", file);
        }
    }

    private synchronized void configure(UnaryOperator<SimulatedMachine> change) {
        try {
            kernel.configure(change.apply(kernel.machine()));
        } catch (IllegalArgumentException impossible) {
            throw invalid(DIRECTORY);
        }
        if (!kernel.version().hasScans()) {
            kernel.scan();
        }
    }

    private static MdevId mdev(String text, Path file) {
        Optional<MdevId> mdev = MdevId.parse(text);
        return mdev.orElseThrow(() -> invalid(file));
    }

    private static KernelException invalid(Path file) {
        return new KernelException(Errno.EINVAL, "write", file);
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }
}
