package org.apmatrix.fault;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/** A request that the laws, the kernel's rules or the state of the host forbid; one named factory per reason, which demands the facts. */
public final class RequestDenied extends Fault {
    private static final long serialVersionUID = 1L;

    private RequestDenied(
            ErrorCode code,
            String detail,
            @Nullable String errno,
            List<Conflict> conflicts,
            Map<String, @Nullable Object> facts) {
        super(code, detail, errno, conflicts, facts);
    }

    private static RequestDenied of(ErrorCode code, String detail, @Nullable String errno) {
        return new RequestDenied(code, detail, errno, List.of(), Map.of());
    }

    /**
     * Nobody knows who calls.
     *
     * @param why what is wrong with the identity, without any part of it
     */
    public static RequestDenied unauthenticated(String why) {
        return of(ErrorCode.UNAUTHENTICATED, why, null);
    }

    /**
     * The caller is known and may not.
     *
     * @param role the one that the operation needs and the caller lacks, such as {@code operator}
     */
    public static RequestDenied roleMissing(String role) {
        return new RequestDenied(
                ErrorCode.FORBIDDEN,
                "This needs the role " + role + ".",
                null,
                List.of(),
                Map.of("requiredRole", role));
    }

    /** Another web page sent the request: from a foreign origin, or by a name that is not this machine's. */
    public static RequestDenied foreignPage(String why) {
        return of(ErrorCode.FORBIDDEN, why, null);
    }

    /**
     * No request of this service is so large.
     *
     * @param limit in bytes
     */
    public static RequestDenied contentTooLarge(long limit) {
        return of(ErrorCode.CONTENT_TOO_LARGE, "A body has at most " + limit + " bytes.", null);
    }

    public static RequestDenied tooManyRequests(String why) {
        return of(ErrorCode.TOO_MANY_REQUESTS, why, null);
    }

    public static RequestDenied mdevExists(MdevId mdev) {
        return of(ErrorCode.MDEV_EXISTS, "The mediated device " + mdev + " stands already.", "EEXIST");
    }

    /**
     * The first law: a guest or another process holds the device.
     *
     * @param holder the guest's name or {@code pid 4711}; {@code a process} where nobody can tell
     */
    public static RequestDenied mdevInUse(MdevId mdev, String holder, List<Apqn> queues) {
        return new RequestDenied(
                ErrorCode.MDEV_IN_USE,
                "The mediated device " + mdev + " is in use by " + holder + ".",
                "EBUSY",
                queues.stream()
                        .map(apqn -> new Conflict(apqn, Conflict.HolderKind.GUEST, holder))
                        .toList(),
                Map.of());
    }

    /** The look at the processes did not tell all, so it cannot be ruled out that one holds the device. */
    public static RequestDenied mdevMayBeInUse(MdevId mdev) {
        return of(
                ErrorCode.MDEV_IN_USE,
                "It cannot be ruled out that a process holds the mediated device " + mdev
                        + ": the file descriptors of some processes are not readable for this service (it needs root or CAP_SYS_PTRACE), or a process holds a"
                        + " VFIO device that nothing names.",
                "EBUSY");
    }

    public static RequestDenied liveChangeForbidden(String reason) {
        return of(ErrorCode.LIVE_CHANGE_FORBIDDEN, reason, null);
    }

    /**
     * Ids that the machine does not have room for.
     *
     * @param kind {@code adapter}, {@code domain} or {@code control domain}
     */
    public static RequestDenied idAboveMaximum(String kind, List<Integer> ids, int maximum) {
        return of(
                ErrorCode.ID_ABOVE_MAXIMUM,
                "The highest " + kind + " of this host is " + maximum + "; asked for: "
                        + ids.stream().map(String::valueOf).collect(Collectors.joining(", ")) + ".",
                "ENODEV");
    }

    public static RequestDenied apqnReserved(String detail, List<Conflict> holders) {
        return new RequestDenied(ErrorCode.APQN_RESERVED, detail, "EADDRNOTAVAIL", holders, Map.of());
    }

    public static RequestDenied apqnInUse(List<Conflict> holders) {
        return new RequestDenied(
                ErrorCode.APQN_IN_USE,
                "Assigned to other mediated devices: " + spell(holders) + ".",
                "EADDRINUSE",
                holders,
                Map.of());
    }

    /** The other direction: a queue is to go back to the host while a mediated device has it. */
    public static RequestDenied apqnHeldByMdev(List<Conflict> holders) {
        return new RequestDenied(
                ErrorCode.APQN_IN_USE,
                "Cannot go back to the host while mediated devices have them: " + spell(holders) + ".",
                "EBUSY",
                holders,
                Map.of());
    }

    /**
     * Two devices that would both be made at boot want the same queues.
     *
     * @param holders every queue with the other definition
     */
    public static RequestDenied definitionConflict(MdevId mdev, List<Conflict> holders) {
        return new RequestDenied(
                ErrorCode.DEFINITION_CONFLICT,
                "The definition " + mdev + " would start at boot beside "
                        + holders.stream()
                                .map(conflict -> String.valueOf(conflict.holder()))
                                .distinct()
                                .collect(Collectors.joining(", "))
                        + ", and both want: "
                        + holders.stream()
                                .map(conflict -> conflict.apqn().toString())
                                .distinct()
                                .collect(Collectors.joining(", "))
                        + ".",
                "EADDRINUSE",
                holders,
                Map.of());
    }

    /** ap-check of s390-tools (ap_tools/ap-check.c, ap_check_handle_start): at least one usage domain must be specified. */
    public static RequestDenied definitionNotStartable(MdevId mdev) {
        return of(
                ErrorCode.DEFINITION_NOT_STARTABLE,
                "The definition " + mdev + " has control domains and no usage domain, so it would not start at boot.",
                null);
    }

    public static RequestDenied matrixTooLarge(int apqns, int maximum) {
        return of(
                ErrorCode.MATRIX_TOO_LARGE,
                "The matrix would have " + apqns + " queues; this service allows " + maximum
                        + " (apmatrix.matrix.max-apqns).",
                null);
    }

    public static RequestDenied driverOverrideUnsupported() {
        return of(
                ErrorCode.DRIVER_OVERRIDE_UNSUPPORTED,
                "The queues of this kernel have no driver_override (it came with release 6.19).",
                null);
    }

    /** A driver override is asked for while a mask is not all ones. */
    public static RequestDenied masksInTheWay(String apmask, String aqmask) {
        return new RequestDenied(
                ErrorCode.QUEUE_ASSIGNMENT_MIXED,
                "Queues are given away by the masks on this host now; driver overrides need both masks all ones.",
                "EINVAL",
                List.of(),
                Map.of("apmask", apmask, "aqmask", aqmask));
    }

    /** A mask is to change while queues have a driver override. */
    public static RequestDenied overridesInTheWay(List<Apqn> queues) {
        return new RequestDenied(
                ErrorCode.QUEUE_ASSIGNMENT_MIXED,
                "Queues are given away by driver overrides on this host now; the masks cannot change while these have one: "
                        + queues.stream().map(Apqn::toString).collect(Collectors.joining(", ")) + ".",
                "EINVAL",
                List.of(),
                Map.of("queues", queues.stream().map(Apqn::toString).toList()));
    }

    /**
     * The guest is in no state to take a device.
     *
     * @param state QEMU's own word, such as {@code shutdown}
     * @param migrating whether an outgoing migration is under way, which the state does not tell
     */
    public static RequestDenied guestNotRunning(GuestName guest, String state, boolean migrating) {
        return withFacts(
                ErrorCode.GUEST_NOT_RUNNING,
                "The guest " + guest + (migrating ? " is on its way to another host (" : " is not running (") + state
                        + ").",
                Map.of("guest", guest.toString(), "state", state));
    }

    /**
     * The second law: one vfio-ap device a guest.
     *
     * @param attached null where the guest's device is none of this host's mediated devices
     * @param what how a person would name the device
     */
    public static RequestDenied guestHasApDevice(GuestName guest, @Nullable MdevId attached, String what) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("guest", guest.toString());
        facts.put("attached", attached == null ? null : attached.toString());
        return withFacts(
                ErrorCode.GUEST_HAS_AP_DEVICE,
                "The guest " + guest + " has an AP device already: " + what + ".",
                facts);
    }

    /**
     * The other side of the second law: one guest a device.
     *
     * @param guest null for a process that is no guest of ours
     * @param pid null where it is not known
     */
    public static RequestDenied mdevAttachedElsewhere(MdevId mdev, @Nullable GuestName guest, @Nullable Integer pid) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("guest", guest == null ? null : guest.toString());
        facts.put("pid", pid);
        String holder = guest != null ? "the guest " + guest : pid != null ? "process " + pid : "a process";
        return withFacts(
                ErrorCode.MDEV_ATTACHED_ELSEWHERE, "The mediated device " + mdev + " is with " + holder + ".", facts);
    }

    /** The same for a guest whose next start gives it the device. */
    public static RequestDenied mdevStoredElsewhere(MdevId mdev, GuestName guest) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("guest", guest.toString());
        facts.put("pid", null);
        return withFacts(
                ErrorCode.MDEV_ATTACHED_ELSEWHERE,
                "The mediated device " + mdev + " is in the stored definition of the guest " + guest
                        + ", which would not start without it.",
                facts);
    }

    /** A guest's next start would not find the device. */
    public static RequestDenied mdevNotAutostarted(MdevId mdev) {
        return of(
                ErrorCode.MDEV_NOT_AUTOSTARTED,
                "Nothing makes the mediated device " + mdev
                        + " at boot, and the guest could not start without it: it has no definition that starts by itself.",
                null);
    }

    public static RequestDenied cpuFeatureMissing(GuestName guest, List<String> missing) {
        return withFacts(
                ErrorCode.CPU_FEATURE_MISSING,
                "The CPU model of the guest " + guest + " lacks: " + String.join(", ", missing) + ".",
                Map.of("guest", guest.toString(), "missing", missing));
    }

    public static RequestDenied matrixEmpty(MdevId mdev) {
        return withFacts(
                ErrorCode.MATRIX_EMPTY, "The matrix of the mediated device " + mdev + " has no queue.", Map.of());
    }

    /** An unplug names another device than the one that is attached. */
    public static RequestDenied apDeviceMismatch(
            GuestName guest, MdevId asked, @Nullable MdevId attached, String what) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("guest", guest.toString());
        facts.put("attached", attached == null ? null : attached.toString());
        return withFacts(
                ErrorCode.AP_DEVICE_MISMATCH, "The guest " + guest + " has " + what + ", not " + asked + ".", facts);
    }

    /** QEMU's error reply, word for word. */
    public static RequestDenied qemuRefused(GuestName guest, String command, String errorClass, String description) {
        return withFacts(
                ErrorCode.QEMU_REFUSED,
                "The QEMU of the guest " + guest + " refused " + command + ": " + description,
                Map.of("guest", guest.toString(), "qemuClass", errorClass, "qemuDesc", description));
    }

    private static RequestDenied withFacts(ErrorCode code, String detail, Map<String, @Nullable Object> facts) {
        return new RequestDenied(code, detail, null, List.of(), facts);
    }

    public static RequestDenied stateChanged() {
        return of(ErrorCode.STATE_CHANGED, "What the kernel holds now is not what If-Match was computed from.", null);
    }

    public static RequestDenied idempotencyKeyReused() {
        return of(
                ErrorCode.IDEMPOTENCY_KEY_REUSED,
                "This Idempotency-Key was used before for a different request.",
                null);
    }

    public static RequestDenied simulationInUse(List<MdevId> mdevs) {
        return new RequestDenied(
                ErrorCode.SIMULATION_IN_USE,
                "The simulated host or guest cannot be rebuilt while mediated devices stand on it.",
                null,
                List.of(),
                Map.of("mdevs", mdevs.stream().map(MdevId::toString).toList()));
    }

    /**
     * Another tool holds the lock of the AP configuration.
     *
     * @param pid the process that the lock file names; null where the file does not tell
     */
    public static RequestDenied hostLocked(@Nullable Long pid) {
        return new RequestDenied(
                ErrorCode.HOST_LOCKED,
                (pid == null ? "Another tool" : "Process " + pid) + " holds the lock of the AP configuration.",
                null,
                List.of(),
                pid == null ? Map.of() : Map.of("pid", pid));
    }

    /** Another request of this service holds the lock for longer than this one may wait. */
    public static RequestDenied hostBusy() {
        return of(ErrorCode.HOST_LOCKED, "Another request of this service is changing the AP configuration.", null);
    }

    /**
     * No product of adapters and domains is what somebody wished for.
     *
     * @param missing what there is, and why it is not enough
     * @param wouldHelp what would make it possible; empty when nothing here would
     */
    public static RequestDenied allocationImpossible(List<String> missing, List<String> wouldHelp) {
        return withFacts(
                ErrorCode.ALLOCATION_IMPOSSIBLE,
                String.join(" ", missing),
                Map.of("missing", List.copyOf(missing), "wouldHelp", List.copyOf(wouldHelp)));
    }

    /**
     * A document wants a device that somebody else has made.
     *
     * @param owner whose document has it; null where no document has
     */
    public static RequestDenied foreignMdev(MdevId mdev, @Nullable String owner) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("mdev", mdev.toString());
        facts.put("owner", owner);
        return withFacts(
                ErrorCode.FOREIGN_MDEV,
                "The mediated device " + mdev + " is not this owner's: "
                        + (owner == null ? "no document has made it" : "it belongs to " + owner) + ".",
                facts);
    }

    /**
     * Two owners' documents want opposite things of the masks.
     *
     * @param owner whose document is in the way
     * @param apmask the bits of apmask
     * @param aqmask those of aqmask
     */
    public static RequestDenied masksClaimed(String owner, List<Integer> apmask, List<Integer> aqmask) {
        return withFacts(
                ErrorCode.MASKS_CLAIMED,
                "The document of " + owner + " wants the opposite of bits of the masks: apmask " + apmask + ", aqmask "
                        + aqmask + ".",
                Map.of("owner", owner, "apmask", apmask, "aqmask", aqmask));
    }

    /**
     * A document that is refused for more than one reason.
     *
     * @param reasons the first decides code and errno
     */
    public static RequestDenied planRefused(List<Fault> reasons) {
        Fault first = reasons.get(0);
        Map<String, @Nullable Object> facts = new LinkedHashMap<>(first.facts());
        facts.put(
                "problems",
                reasons.stream()
                        .map(reason -> Map.of("code", reason.code().name(), "detail", reason.detail()))
                        .toList());
        return new RequestDenied(
                first.code(),
                reasons.stream().map(Fault::detail).distinct().collect(Collectors.joining(" ")),
                first.errno(),
                reasons.stream()
                        .flatMap(reason -> reason.conflicts().stream())
                        .distinct()
                        .toList(),
                facts);
    }

    /** Events that a listener wants to go on from are not there any more. */
    public static RequestDenied eventsGone(String detail) {
        return of(ErrorCode.EVENTS_GONE, detail, null);
    }

    private static String spell(List<Conflict> conflicts) {
        return conflicts.stream()
                .map(conflict -> conflict.apqn() + " (" + conflict.holder() + ")")
                .collect(Collectors.joining(", "));
    }
}
