package org.apmatrix.host;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * A guest as its QEMU told in one look; what it could not tell is null.
 *
 * @param uuid null when the guest has none
 * @param runState QEMU's own word (qapi/run-state.json), null while QEMU does not answer
 * @param migrating whether an outgoing migration is under way
 * @param blockedReasons why QEMU would not migrate it (query-migrate), in its own words
 * @param pid QEMU's process, null where the owner of its socket is not to be seen
 * @param device what its AP bus holds; while QEMU does not answer: what it held when it last told
 * @param stored what it is given at its next start; null where it has no stored definition
 * @param silence why QEMU does not answer, or null
 */
public record GuestState(
        @Nullable UUID uuid,
        @Nullable String runState,
        boolean migrating,
        List<String> blockedReasons,
        @Nullable Integer pid,
        CpuFeatures cpuFeatures,
        @Nullable ApDevice device,
        @Nullable List<MdevId> stored,
        @Nullable String silence) {
    /** QEMU's word, and what libvirt calls shut off. */
    static final String SHUTDOWN = "shutdown";

    private static final Set<String> PLUGGABLE = Set.of("running", "paused", "prelaunch");

    /** Whether QEMU answered. */
    public boolean isReachable() {
        return runState != null;
    }

    /** Whether a device may be plugged in: running, paused or in prelaunch, and not on its way to another host. */
    public boolean takesDevices() {
        return runState != null && PLUGGABLE.contains(runState) && !migrating;
    }

    /** Whether it has no QEMU, or one that has ended its work. */
    public boolean isShutDown() {
        return SHUTDOWN.equals(runState);
    }

    /** What it is given at its next start; none where nothing is stored. */
    public List<MdevId> storedOrNone() {
        return stored == null ? List.of() : stored;
    }

    /** The mediated device on its AP bus. */
    public Optional<MdevId> mdev() {
        return Optional.ofNullable(device).flatMap(ApDevice::mdev);
    }

    /** The same guest once its device is out. */
    public GuestState withoutDevice() {
        return new GuestState(uuid, runState, migrating, blockedReasons, pid, cpuFeatures, null, stored, silence);
    }

    /** The same guest, silent. */
    public GuestState silent(String why) {
        return new GuestState(uuid, null, false, List.of(), pid, cpuFeatures, device, stored, why);
    }
}
