package org.apmatrix.host.sim;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.sim.SysfsNode.Attribute;
import org.apmatrix.host.sim.SysfsNode.Directory;
import org.apmatrix.host.sim.SysfsNode.Link;

/** The tree below /sys: finds the node of a path, following links as the kernel does. */
final class SysfsTree {
    /** A store sees, and a show fills, at most this many bytes (fs/kernfs/file.c, fs/sysfs/file.c). */
    static final int PAGE_SIZE = 4096;

    private static final Path ROOT = Path.of("/sys");
    private static final int MAX_LINKS = 40;
    private static final Set<String> UEVENT_ACTIONS =
            Set.of("add", "remove", "change", "move", "online", "offline", "bind", "unbind");

    private final HostState host;

    SysfsTree(HostState host) {
        this.host = host;
    }

    private Directory root() {
        ApBusTree bus = new ApBusTree(host);
        MatrixTree matrix = new MatrixTree(host);
        VfioTree vfio = new VfioTree(host);
        return new Directory()
                .directory("bus", () -> {
                    Directory directory = new Directory();
                    bus.addTo(directory);
                    matrix.addBusesTo(directory);
                    return directory;
                })
                .directory("class", () -> {
                    Directory directory = new Directory();
                    matrix.addClassTo(directory);
                    vfio.addClassesTo(directory);
                    return directory;
                })
                .directory("devices", () -> {
                    Directory directory = new Directory();
                    bus.addDevicesTo(directory);
                    matrix.addDevicesTo(directory);
                    vfio.addDevicesTo(directory);
                    return directory;
                })
                .directory("kernel", () -> new Directory().directory("iommu_groups", vfio::iommuGroups))
                .directory("module", () -> new ModuleTree(host).modules());
    }

    /**
     * The node at an absolute path.
     *
     * @param followLast whether a link at the end of the path is followed
     * @throws Refusal ENOENT, ENOTDIR or ELOOP
     */
    SysfsNode find(Path path, boolean followLast) {
        if (!path.startsWith(ROOT)) {
            throw new Refusal(Errno.ENOENT);
        }
        Deque<String> rest = new ArrayDeque<>();
        ROOT.relativize(path).forEach(name -> rest.addLast(name.toString()));
        Deque<Directory> way = new ArrayDeque<>(List.of(root()));
        int links = 0;
        while (!rest.isEmpty()) {
            String name = rest.removeFirst();
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            if (name.equals("..")) {
                if (way.size() > 1) {
                    way.removeLast();
                }
                continue;
            }
            SysfsNode child = way.getLast().child(name);
            if (child == null) {
                throw new Refusal(Errno.ENOENT);
            }
            if (child instanceof Directory directory) {
                way.addLast(directory);
            } else if (child instanceof Link link && (followLast || !rest.isEmpty())) {
                if (++links > MAX_LINKS) {
                    throw new Refusal(Errno.ELOOP);
                }
                List<String> target = List.of(link.target().split("/", -1));
                for (int i = target.size() - 1; i >= 0; i--) {
                    rest.addFirst(target.get(i));
                }
            } else if (rest.isEmpty()) {
                return child;
            } else {
                throw new Refusal(Errno.ENOTDIR);
            }
        }
        return way.getLast();
    }

    /** The file that every device has: its variables, and a way to ask for an event (lib/kobject_uevent.c, kobject_synth_uevent). */
    static Directory uevent(Directory directory, String variables) {
        return directory.readWrite("uevent", () -> variables, SysfsTree::checkUevent);
    }

    /** The file of buses, drivers and modules, which can only be written. */
    static Directory uevent(Directory directory) {
        return directory.writeOnly("uevent", SysfsTree::checkUevent);
    }

    /** No event is sent; whether the text asks for one is checked. What may follow the action is a UUID and variables. */
    private static void checkUevent(String text) {
        String line = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
        int blank = line.indexOf(' ');
        String action = blank < 0 ? line : line.substring(0, blank);
        boolean arguments = blank < 0
                || line.substring(blank + 1)
                        .toLowerCase(Locale.ROOT)
                        .matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}( [a-z0-9]+=[a-z0-9]*)*");
        if (!UEVENT_ACTIONS.contains(action) || !arguments) {
            throw new Refusal(Errno.EINVAL);
        }
    }

    static SimulatedNode describe(SysfsNode node) {
        if (node instanceof Link link) {
            return new SimulatedNode.Link(link.target());
        }
        return node instanceof Attribute attribute
                ? new SimulatedNode.Attribute(attribute.mode())
                : new SimulatedNode.Directory(0755);
    }
}
