package org.apmatrix.fault;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The contract's codes, each with what it means, what the caller can do and what the operator of the host can do. */
public enum ErrorCode {
    INVALID_VALUE(
            "A value cannot be read",
            "A part of the request is not what its place takes: an id, a UUID, a mask, a parameter, or the JSON itself. Nothing was looked at or changed.",
            "Read the detail; the member field names the part. Ids are integers 0 to 255 in JSON, decimal or 0x hex without a leading zero in a path or query.",
            "Nothing."),
    NOT_FOUND(
            "No such path",
            "The service has nothing at this path.",
            "Compare the path with the OpenAPI document at /v3/api-docs.",
            "The /simulation paths exist only on the simulated host."),
    METHOD_NOT_ALLOWED(
            "The path does not take this method",
            "Something is at this path, but it does not take this HTTP method.",
            "The header Allow lists the methods that it takes.",
            "Nothing."),
    NOT_ACCEPTABLE(
            "No such representation",
            "The service cannot answer in any of the media types of the header Accept.",
            "Ask for application/json.",
            "Nothing."),
    UNSUPPORTED_MEDIA_TYPE(
            "The body's media type is not taken",
            "The body is not declared as a media type that this path takes.",
            "Send Content-Type: application/json.",
            "Nothing."),
    UNAUTHENTICATED(
            "Nobody knows who is calling",
            "The request carries no identity that this service takes: no token, one that is wrong or has expired, or a client certificate that is not listed.",
            "Send Authorization: Bearer with a token of this service or of its identity provider, or a client certificate.",
            "java -jar apmatrix.jar token add makes a token; README, Security, lists the other ways. The log tells why an identity was refused."),
    FORBIDDEN(
            "The caller does not have the role",
            "The caller is known, but does not have the role that this operation needs; the member requiredRole names it.",
            "Ask the operator of the host for the role, or use an identity that has it.",
            "Roles are given in the tokens file, in the claims of the identity provider, or beside the certificate's subject."),
    CONTENT_TOO_LARGE(
            "The body is too large",
            "The body is larger than any request of this service can be. It was not read to its end, and nothing was changed.",
            "Send a smaller body.",
            "apmatrix.security.limits.body sets the size."),
    TOO_MANY_REQUESTS(
            "Too many requests at once",
            "This caller has as many requests under way as one caller may have.",
            "Wait for an answer before sending the next request; Retry-After tells when another try makes sense.",
            "apmatrix.security.limits.in-flight-per-caller sets the number, apmatrix.events.max-listeners that of listeners to events."),
    EVENTS_GONE(
            "The events are no longer kept",
            "Events after this id were told and are forgotten, or the id is of an earlier start of the service.",
            "Look at the resources themselves, then listen to /api/v1/events without Last-Event-ID.",
            "apmatrix.events.journal sets how many events are kept."),
    AUDIT_UNAVAILABLE(
            "The audit journal cannot be written",
            "What is not in the journal is not done: the write was refused before anything was touched. Reads go on.",
            "Try again when the operator has made room.",
            "Look at the disk of apmatrix.audit.directory; the log and /actuator/health/readiness tell what is wrong."),
    MDEV_NOT_FOUND(
            "No such mediated device",
            "No mediated matrix device with this UUID stands on the host. Devices vanish with a reboot and with the removal of the vfio_ap module.",
            "GET /api/v1/mdevs lists those that stand.",
            "mdevctl list -d shows definitions that can be started."),
    DEFINITION_NOT_FOUND(
            "No such definition",
            "No definition of a mediated device with this UUID is kept on the host, so nothing makes it at boot.",
            "GET /api/v1/definitions lists what is defined; PUT to this path defines the device.",
            "mdevctl list -d shows the same; apmatrix.definitions.directory tells where the service looks."),
    ALLOCATION_NOT_FOUND(
            "No such allocation",
            "There is no allocation with this id: it was given back, has expired, or there never was one.",
            "GET /api/v1/allocations lists those that are.",
            "The audit journal tells when it was given back, and by whom."),
    ADAPTER_NOT_FOUND(
            "No such adapter",
            "The host's AP bus has no adapter with this number.",
            "GET /api/v1/adapters lists them. Mind that 71 is decimal and 0x47 hex.",
            "lszcrypt shows what the LPAR has; the HMC assigns adapters to it."),
    QUEUE_NOT_FOUND(
            "No such queue",
            "The host's AP bus has no queue with this APQN.",
            "GET /api/v1/queues lists them, in the kernel's spelling: 05.00ab.",
            "lszcrypt -V shows the queues; the HMC assigns adapters and usage domains to the LPAR."),
    GUEST_NOT_FOUND(
            "No such guest",
            "The service knows no guest of this name. It knows the guests whose QMP sockets it was told about, while their QEMU runs.",
            "GET /api/v1/guests lists them.",
            "apmatrix.guests.qmp.sockets names the sockets, for example /run/qemu/*.qmp; QEMU makes one with -qmp unix:PATH,server=on,wait=off."),
    AP_DEVICE_NOT_FOUND(
            "The guest has no AP device",
            "Nothing of this kind is plugged into the guest.",
            "PUT /api/v1/guests/{guest}/ap-device plugs a mediated device in.",
            "Nothing."),
    ALLOCATION_IMPOSSIBLE(
            "No queues that fit the wish",
            "No product of adapters and domains has what was wished for. Nothing was changed.",
            "The member missing tells what there is and why it is not enough; each sentence of wouldHelp names something that would make it possible.",
            "Queues that other devices have come free when these are removed; queues of the host can be given with mayTakeFromHost."),
    MDEV_EXISTS(
            "The mediated device stands already",
            "A mediated device with this UUID stands already, perhaps one that is being removed and waits for its user.",
            "Leave uuid out to get a new one, or PUT to the UUID to give it this matrix.",
            "ls /sys/bus/mdev/devices shows all of them."),
    MDEV_IN_USE(
            "The mediated device is in use",
            "A guest or another process holds the device. While it does, its matrix does not change and the device is not removed; on some kernels"
                    + " removing it would block for ever, on others it would pull the device out of the running guest.",
            "Unplug the device from its guest first, or stop the guest.",
            "The answer names the holder. apmatrix.live-changes=allowed permits changes of a used matrix with live=true on kernels from 6.0 on."),
    MASKS_CLAIMED(
            "Another document wants the opposite of the masks",
            "The document wants bits of the masks cleared that another owner's document wants set, or the other way round: whichever is applied last would undo the other.",
            "Agree with the other owner, whom the answer names; GET /api/v1/desired-state shows the documents.",
            "An absolute mask claims every bit: relative terms (-5,-6) leave the others to others."),
    FOREIGN_MDEV(
            "The mediated device is somebody else's",
            "The document names a device that stands already and that it has not made: a document changes and removes only what it has made itself.",
            "Give the device another UUID or name, or remove the one that stands if it is not needed.",
            "GET /api/v1/mdevs/{uuid} shows it, GET /api/v1/desired-state which document has made which device."),
    LIVE_CHANGE_FORBIDDEN(
            "Live changes are not allowed here",
            "The request asks with live=true to change the matrix of a device that is in use, which the site does not allow or the kernel cannot do.",
            "Unplug the device first and leave live=true out.",
            "Set apmatrix.live-changes=allowed where guests tolerate it; it needs a kernel of the dynamic generation (6.0 or newer)."),
    ID_ABOVE_MAXIMUM(
            "The id is above what the host has",
            "The number of an adapter or domain is larger than the machine supports.",
            "maxAdapterId and maxDomainId of GET /api/v1/host give the limits.",
            "Nothing."),
    APQN_RESERVED(
            "A queue belongs to the host",
            "At least one queue of the resulting matrix is reserved for the host's own drivers, or, on kernels before 6.0, is not bound to vfio_ap.",
            "Free the queues first: PATCH /api/v1/masks, for example {\"apmask\": \"-5\"}. The member conflicts names each.",
            "chzdev -t ap shows and persists the masks. A queue that the host uses for disk encryption or TLS must not be given away."),
    APQN_IN_USE(
            "A queue belongs to somebody else",
            "At least one queue is assigned to another mediated device, whether a guest uses it now or not.",
            "The member conflicts names every queue and its holder; choose others, or take them away from the holder first.",
            "Nothing."),
    DEFINITION_CONFLICT(
            "Two definitions that start at boot want the same queue",
            "Both devices would be made at boot, and whichever comes second would not be: the queue is with the first.",
            "The member conflicts names every queue and the definition that has it; choose others, or let one of the two be manual.",
            "mdevctl modify --manual, or PUT {\"start\": \"manual\"}, keeps a definition without starting it at boot."),
    DEFINITION_NOT_STARTABLE(
            "The definition could not be started at boot",
            "mdevctl's callout for vfio_ap (ap-check of s390-tools) starts no device that has control domains and no usage domain.",
            "Add a usage domain, leave the control domains out, or let the definition be manual.",
            "Nothing."),
    MDEV_NOT_AUTOSTARTED(
            "Nothing makes the device at boot",
            "The device was to be stored for the next start of a guest that is shut off, and has no definition that starts at boot: after a boot the guest would not start.",
            "PUT {\"start\": \"auto\"} to the device's definition first.",
            "mdevctl modify --auto does the same."),
    MATRIX_TOO_LARGE(
            "The matrix would be too large",
            "The cross product would have more queues than apmatrix.matrix.max-apqns. Some kernels overrun a page when they print more than 511, and crash.",
            "Use fewer adapters or fewer domains.",
            "Raise apmatrix.matrix.max-apqns only on a kernel that is known to print larger matrices safely (7.0 and newer cut them)."),
    DRIVER_OVERRIDE_UNSUPPORTED(
            "The kernel has no driver_override for queues",
            "Handing over a single queue needs a kernel of release 6.19 or newer.",
            "Use the masks: PATCH /api/v1/masks.",
            "Update the kernel."),
    QUEUE_ASSIGNMENT_MIXED(
            "Masks and driver overrides exclude each other",
            "The kernel gives queues away either by the masks or by driver overrides, for the whole bus. The other way is in use now.",
            "Stay with the way that queueAssignment of GET /api/v1/host tells.",
            "Set both masks back to all ones, or clear the overrides of the queues that the answer names, to change the way."),
    GUEST_NOT_RUNNING(
            "The guest is not running",
            "A device is plugged into a guest that runs, is paused or waits in prelaunch; not into one that is shut down, has panicked or is migrating.",
            "Start the guest, or wait until its migration has ended, and try again.",
            "The member state has QEMU's own word."),
    GUEST_HAS_AP_DEVICE(
            "The guest has an AP device already",
            "A guest has at most one vfio-ap device; the kernel and QEMU know no second.",
            "Unplug the one that the member attached names, or give that one the queues.",
            "Nothing."),
    MDEV_ATTACHED_ELSEWHERE(
            "The mediated device is with another guest",
            "A mediated device belongs to one guest at a time, from the moment it is being plugged until it is unplugged for certain.",
            "Unplug it from the guest that the member guest names, or use another device.",
            "Where guest is null, the member pid names the process that holds it: a guest that this service was not told about."),
    CPU_FEATURE_MISSING(
            "The guest's CPU model lacks AP",
            "Without ap a guest has no AP bus, without apft it cannot identify its queues.",
            "Start the guest with the features that the member missing names.",
            "QEMU: -cpu host, or -cpu MODEL,ap=on,apqci=on,apft=on. libvirt: <feature policy='require' name='ap'/> and so on."),
    MATRIX_EMPTY(
            "The matrix has no queue",
            "The mediated device has adapters or domains, or neither, but no queue to give.",
            "Assign at least one adapter and one usage domain first.",
            "Nothing."),
    AP_DEVICE_MISMATCH(
            "Another device is attached",
            "The request names the device that it means to unplug, and the guest has another one.",
            "The member attached names the one that the guest has; leave mdev out to unplug whatever it is.",
            "Nothing."),
    QEMU_REFUSED(
            "QEMU refused",
            "QEMU refused the command. Nothing was changed.",
            "The members qemuClass and qemuDesc have QEMU's own words.",
            "The log of that QEMU may tell more; so may dmesg when VFIO is in the words."),
    STATE_CHANGED(
            "The state has changed",
            "What the kernel holds now is not what the header If-Match was computed from.",
            "GET it again, decide again, and send the new ETag.",
            "Another tool may be at work beside this service: mdevctl, chzdev, virsh."),
    IDEMPOTENCY_KEY_REUSED(
            "The idempotency key was used for another request",
            "The header Idempotency-Key came before with a different body.",
            "Use a fresh key for every new request, and the old one only to repeat the very same.",
            "Nothing."),
    SIMULATION_IN_USE(
            "The simulated host is in use",
            "A simulated host is rebuilt only while no mediated device stands on it.",
            "Remove the mediated devices first.",
            "Nothing: this is the simulated host."),
    HOST_LOCKED(
            "Another tool holds the lock of the AP configuration",
            "chzdev, ap-check or another tool that changes the AP configuration holds the lock file.",
            "Try again after the seconds of the header Retry-After.",
            "The answer names the process that holds the lock."),
    HOST_REFUSED(
            "The host refused",
            "The kernel refused what a look at it had allowed, or did not answer. What had been done was undone, unless the answer says otherwise.",
            "Look at the host's state before trying again.",
            "The members errno and detail tell what the kernel said to which file; dmesg may tell more."),
    QEMU_UNREACHABLE(
            "QEMU does not answer",
            "The guest's QEMU does not answer on its monitor socket: stopped, busy, gone, or another client has the socket. What was asked may still happen;"
                    + " until that is known, the device counts as in use.",
            "Try again after the seconds of the header Retry-After; GET /api/v1/guests/{guest} tells what is known.",
            "A monitor socket serves one client: give this service one of its own. A stopped QEMU goes on with kill -CONT."),
    INTERNAL_ERROR(
            "The service failed",
            "The service met a fault of its own.",
            "Report it with the time of the request.",
            "The log of the service has the details."),
    AP_UNAVAILABLE(
            "No AP pass-through on this host",
            "The host has no AP bus, or the vfio_ap module is not loaded.",
            "Nothing until the host is set up.",
            "modprobe vfio_ap. Without an AP bus this is no IBM Z or LinuxONE host with crypto adapters:"
                    + " start with --spring.profiles.active=simulated to try the service.");

    private final String title;
    private final String meaning;
    private final String callerCan;
    private final String operatorCan;

    ErrorCode(String title, String meaning, String callerCan, String operatorCan) {
        this.title = title;
        this.meaning = meaning;
        this.callerCan = callerCan;
        this.operatorCan = operatorCan;
    }

    public String title() {
        return title;
    }

    public String meaning() {
        return meaning;
    }

    public String callerCan() {
        return callerCan;
    }

    public String operatorCan() {
        return operatorCan;
    }

    /** The code as it stands in the problem's {@code type}: {@code apqn-in-use}. */
    public String slug() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Optional<ErrorCode> ofSlug(String slug) {
        return Stream.of(values()).filter(code -> code.slug().equals(slug)).findFirst();
    }
}
