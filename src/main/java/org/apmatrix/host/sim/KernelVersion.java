package org.apmatrix.host.sim;

import java.util.Arrays;
import java.util.Optional;

/** The Linux releases that can be simulated, and what each of them can do. */
public enum KernelVersion {
    /** The static generation: bindings decide, nothing may change while a guest uses the device. */
    V5_10("5.10", "5.10.262-simulated"),
    /** The dynamic generation, with the fixes of 6.8 that 6.1.76 took over. */
    V6_1("6.1", "6.1.176-simulated"),
    /** With ap_config (6.10) and features (6.12). */
    V6_12("6.12", "6.12.95-simulated"),
    /** With driver_override and the strict in-use check (6.19). */
    V7_2("7.2", "7.2.13-simulated");

    private final String text;
    private final String release;

    KernelVersion(String text, String release) {
        this.text = text;
        this.release = release;
    }

    /** Reads {@code 5.10}, {@code 6.1}, {@code 6.12} or {@code 7.2}. */
    public static Optional<KernelVersion> parse(String text) {
        return Arrays.stream(values())
                .filter(version -> version.text.equals(text))
                .findFirst();
    }

    /** What {@code uname -r} prints. */
    public String release() {
        return release;
    }

    /** guest_matrix, hot plug, over-provisioning, EBUSY on masks in use (6.0). */
    public boolean isDynamic() {
        return isAtLeast(V6_1);
    }

    /** ap_config of an mdev (6.10). */
    public boolean hasApConfig() {
        return isAtLeast(V6_12);
    }

    /** features of the matrix device (6.12). */
    public boolean hasMatrixFeatures() {
        return isAtLeast(V6_12);
    }

    /** status of a queue that vfio_ap has (5.17). */
    public boolean hasStatus() {
        return isAtLeast(V6_1);
    }

    /** driver_override of a queue, which excludes masks; and bindings_complete_count (6.19). */
    public boolean hasDriverOverride() {
        return isAtLeast(V7_2);
    }

    /** A newly set mask bit is refused when any queue of its adapter or domain is an mdev's, whatever the other mask says (6.19). */
    public boolean checksMasksStrictly() {
        return isAtLeast(V7_2);
    }

    /** What a queue without a driver counts as when masks change; see ApBus. */
    boolean takesNoDriverForDefault() {
        return isAtLeast(V7_2);
    }

    /** The vfio-dev entry of an mdev stays while a remove waits for its users (before 6.6). */
    boolean keepsVfioDeviceWhileLeaving() {
        return this == V6_1;
    }

    /** A uevent when a mask has changed: 6.1 has it, 5.10 has not. */
    boolean tellsOfMasks() {
        return isAtLeast(V6_1);
    }

    /** bindings and a writable scans (5.11, 5.16). */
    public boolean hasScans() {
        return isAtLeast(V6_1);
    }

    /** chkstop and max_msg_size (5.14 to 5.16). */
    public boolean hasCheckstop() {
        return isAtLeast(V6_1);
    }

    /** Between 6.1 and 6.12: the bus starts queues and asks them for their interrupts, depth is a number of requests, poll attributes are read by kstrto…. */
    boolean readsQueueStateFromHardware() {
        return isAtLeast(V6_12);
    }

    /** features of the AP bus and ap_functions of a queue (6.1 has neither). */
    public boolean hasBusFeatures() {
        return isAtLeast(V6_12);
    }

    /** A class vfio-dev with one entry for each device, and mdev drivers of the vendor (6.1); before it all mdevs belong to vfio_mdev. */
    public boolean hasVfioDevices() {
        return isAtLeast(V6_1);
    }

    /** {@code bind} of a bound device is EBUSY (5.14, drivers/base/dd.c, __driver_probe_device), ENODEV before. */
    public boolean refusesBindOfBoundDeviceAsBusy() {
        return isAtLeast(V6_1);
    }

    /** The drivers of adapters older than CEX4 are there; they find nothing to do. */
    public boolean hasLegacyDrivers() {
        return !isAtLeast(V6_12);
    }

    /** /proc/PID/fdinfo names the device of a VFIO file (6.18). */
    public boolean hasSyspathInFdInfo() {
        return isAtLeast(V7_2);
    }

    /** A user of a device is asked to give it back when it is to be removed (6.5). */
    boolean hasDeviceRequest() {
        return isAtLeast(V6_12);
    }

    /** How many interrupts a VFIO device of vfio_ap has: to be let go (6.5), and that its configuration changed (6.15). */
    int vfioInterrupts() {
        return isAtLeast(V7_2) ? 2 : isAtLeast(V6_12) ? 1 : 0;
    }

    /** The newest adapter type that the kernel knows: 13 is CEX7, 14 is CEX8 (drivers/s390/crypto/ap_bus.c, ap_get_compatible_type). */
    int newestType() {
        return isAtLeast(V6_1) ? 14 : 13;
    }

    boolean isAtLeast(KernelVersion other) {
        return compareTo(other) >= 0;
    }

    @Override
    public String toString() {
        return text;
    }
}
