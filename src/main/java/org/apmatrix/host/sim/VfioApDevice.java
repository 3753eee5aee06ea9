package org.apmatrix.host.sim;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.sim.SimulatedQemu.Release;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The device vfio-ap of a simulated QEMU (hw/vfio/ap.c): its properties, and its way to the mediated device, which both changed between the releases.
 *
 * @param sysfsdev as it was given; null when it was not
 * @param fd as it was given; null when it was not
 */
record VfioApDevice(@Nullable String sysfsdev, @Nullable String fd) {
    private static final Set<String> NO_PROPERTIES = Set.of("driver", "bus", "id");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");
    private static final String NOT_FOUND = "No such file or directory";

    /** strerror(3) of what the kernel answers to an open of the group or the device. */
    private static final Map<Errno, String> TEXTS = Map.of(
            Errno.EPERM, "Operation not permitted",
            Errno.ENOENT, NOT_FOUND,
            Errno.EACCES, "Permission denied",
            Errno.EBUSY, "Device or resource busy",
            Errno.ENODEV, "No such device",
            Errno.EINVAL, "Invalid argument");

    /** What {@code /dev/vfio/N} itself answers; everything else is said by VFIO_GROUP_GET_DEVICE_FD. */
    private static final Set<Errno> OF_GROUP = Set.of(Errno.ENOENT, Errno.EACCES, Errno.EBUSY);

    /**
     * Reads the arguments of device_add that are properties.
     *
     * @throws QmpRefusal for one that the release does not know, or of the wrong type
     */
    static VfioApDevice of(JsonNode arguments, Release release) {
        String sysfsdev = null;
        String fd = null;
        for (Map.Entry<String, JsonNode> argument : arguments.properties()) {
            String name = argument.getKey();
            if (NO_PROPERTIES.contains(name)) {
                continue;
            }
            if (name.equals("sysfsdev")) {
                sysfsdev = text(name, argument.getValue(), release);
            } else if (name.equals("fd") && release != Release.V7_2) {
                fd = text(name, argument.getValue(), release);
            } else if (name.equals("iommufd") && release != Release.V7_2) {
                // a link to an object, of which there is none
                throw QmpRefusal.deviceNotFound(text(name, argument.getValue(), release));
            } else {
                throw QmpRefusal.generic("Property 'vfio-ap." + name + "' not found");
            }
        }
        return new VfioApDevice(sysfsdev, fd);
    }

    /** Before the types of JSON were looked at, every value went through the text of a command line option. */
    private static String text(String name, JsonNode value, Release release) {
        if (value.isString()) {
            return value.stringValue();
        }
        if (release == Release.V7_2) {
            return value.isBoolean() ? (value.booleanValue() ? "on" : "off") : value.toString();
        }
        throw QmpRefusal.generic("Invalid parameter type for '" + name + "', expected: string");
    }

    /**
     * vfio_ap_realize: path, group number, group, device.
     *
     * @return the device that the process has open now
     * @throws QmpRefusal in the release's own words
     */
    MdevId open(SimulatedKernel kernel, int pid, Release release) {
        if (fd != null) {
            throw QmpRefusal.generic("Use FD passing only with iommufd backend");
        }
        boolean old = release == Release.V7_2;
        Optional<Path> path = path();
        if (!old && path.filter(kernel::exists).isEmpty()) {
            // stat(NULL) is EFAULT, "Bad address"
            throw QmpRefusal.generic(
                    prefix(given()) + "no such host device: " + (sysfsdev == null ? "Bad address" : NOT_FOUND));
        }
        String name = path.map(Path::getFileName).map(Path::toString).orElse("");
        String link = path.flatMap(device -> readLink(kernel, device.resolve("iommu_group")))
                .orElseThrow(() -> QmpRefusal.generic(
                        old ? noGroupBefore() : prefix(name) + "no iommu_group found: " + NOT_FOUND));
        String group = link.substring(link.lastIndexOf('/') + 1);
        if (!NUMBER.matcher(group).matches()) {
            throw QmpRefusal.generic(
                    old ? "vfio: failed to read " + link : prefix(name) + "failed to read " + link + ": " + NOT_FOUND);
        }
        return MdevId.parse(name)
                .map(mdev -> open(kernel, pid, mdev, group, old))
                .orElseThrow(() -> noDevice(name, group, Errno.ENODEV, old));
    }

    private static MdevId open(SimulatedKernel kernel, int pid, MdevId mdev, String group, boolean old) {
        try {
            kernel.openDevice(mdev, pid);
            return mdev;
        } catch (KernelException refused) {
            Errno errno = refused.errno();
            if (!OF_GROUP.contains(errno)) {
                throw noDevice(mdev.toString(), group, errno, old);
            }
            String node = "/dev/vfio/" + group;
            throw QmpRefusal.generic(
                    old
                            ? "failed to open " + node + ": " + text(errno)
                            : prefix(mdev.toString()) + "Could not open '" + node + "': " + text(errno));
        }
    }

    private static QmpRefusal noDevice(String name, String group, Errno errno, boolean old) {
        return QmpRefusal.generic(
                (old ? "" : prefix(name)) + "error getting device from group " + group + ": " + text(errno));
    }

    /** VFIO_MSG_PREFIX. */
    private static String prefix(String name) {
        return "vfio " + name + ": ";
    }

    private static String text(Errno errno) {
        return TEXTS.getOrDefault(errno, errno.name());
    }

    /** vfio_ap_get_group with the words of g_file_read_link. */
    private String noGroupBefore() {
        return "vfio-ap: no iommu_group found for " + given() + ": Failed to read the symbolic link “" + given()
                + "/iommu_group”: " + NOT_FOUND;
    }

    /** As printf(3) shows it. */
    private String given() {
        return sysfsdev == null ? "(null)" : sysfsdev;
    }

    private Optional<Path> path() {
        try {
            return Optional.ofNullable(sysfsdev).map(Path::of);
        } catch (InvalidPathException zeroWithin) {
            return Optional.empty();
        }
    }

    private static Optional<String> readLink(SimulatedKernel kernel, Path link) {
        try {
            return Optional.of(kernel.readLink(link));
        } catch (KernelException refused) {
            return Optional.empty();
        }
    }
}
