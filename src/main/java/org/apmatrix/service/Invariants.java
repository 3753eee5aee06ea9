package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.Conflict;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.ApDevice;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.MdevDefinition;

/** The laws and the kernel's rules, one pure method each: it returns, or throws the refusal with every clash. */
final class Invariants {
    private Invariants() {}

    static HostView.Entry mdevExists(HostView host, MdevId mdev) {
        return host.mdev(mdev).orElseThrow(() -> NotFound.mdev(mdev));
    }

    /** The first law, on every kernel: while somebody holds the device, its matrix does not change and it is not removed. */
    static void mdevNotInUse(HostView.Entry entry) {
        MdevId id = entry.mdev().id();
        Boolean inUse = entry.inUse();
        if (inUse == null) {
            throw RequestDenied.mdevMayBeInUse(id);
        }
        if (inUse) {
            throw RequestDenied.mdevInUse(
                    id,
                    entry.holder().orElse("a process"),
                    entry.mdev().matrixOrEmpty().apqns());
        }
    }

    /** The exception that a site may allow: {@code live=true} on the dynamic generation. */
    static void liveChangeAllowed(boolean allowed, Generation generation) {
        if (!allowed) {
            throw RequestDenied.liveChangeForbidden("This site does not allow live changes (apmatrix.live-changes).");
        }
        if (generation == Generation.STATIC) {
            throw RequestDenied.liveChangeForbidden(
                    "This kernel cannot change the matrix of a device that is in use (static generation, before 6.0).");
        }
    }

    /**
     * Whoever has a control domain can load its master keys, on each adapter of the device: giving and taking one, and carrying one onto another adapter, is a right
     * of its own.
     */
    static void controlDomainsStay(Matrix before, Matrix after) {
        if (!controlDomainsAreThose(before, after)) {
            throw RequestDenied.roleMissing("control-domain-admin");
        }
    }

    /** Which queues leave the host is a right of its own. */
    static void masksMayChange(boolean allowed) {
        if (!allowed) {
            throw RequestDenied.roleMissing("reservation-admin");
        }
    }

    /**
     * The same for a definition, which may have what its device or the definition before has.
     *
     * @param known the matrices of both, as far as they are there
     */
    static void controlDomainsAreKnown(List<Matrix> known, Matrix wanted) {
        List<Matrix> before = known.isEmpty() ? List.of(Matrix.EMPTY) : known;
        if (before.stream().noneMatch(matrix -> controlDomainsAreThose(matrix, wanted))) {
            throw RequestDenied.roleMissing("control-domain-admin");
        }
    }

    private static boolean controlDomainsAreThose(Matrix before, Matrix after) {
        boolean carried =
                !after.controlDomains().isEmpty() && !before.adapters().containsAll(after.adapters());
        return !carried && before.controlDomains().equals(after.controlDomains());
    }

    /** What starts at boot can be started. */
    static void startsWithItsControlDomains(MdevDefinition definition) {
        if (definition.startsAtBoot() && definition.hasControlDomainsAlone()) {
            throw RequestDenied.definitionNotStartable(definition.id());
        }
    }

    /** Of the definitions that start at boot no two want the same queue. */
    static void startsBesideOthers(List<MdevDefinition> all, MdevDefinition wanted) {
        List<Conflict> holders = all.stream()
                .flatMap(other -> other.clash(wanted).apqns().stream()
                        .map(apqn -> new Conflict(
                                apqn, Conflict.HolderKind.MDEV, other.id().toString())))
                .toList();
        if (!holders.isEmpty()) {
            throw RequestDenied.definitionConflict(wanted.id(), holders);
        }
    }

    /** Ids that are newly assigned lie within what the machine has; the kernel's ENODEV. */
    static void withinMaxima(HostView host, Matrix before, Matrix after) {
        notAbove("adapter", after.adapters().minus(before.adapters()), host.maxAdapterId());
        notAbove("domain", after.domains().minus(before.domains()), host.maxDomainId());
        notAbove("control domain", after.controlDomains().minus(before.controlDomains()), host.maxDomainId());
    }

    /** A matrix that some kernels cannot print is not made. */
    static void notTooLarge(Matrix matrix, int maximum) {
        if (matrix.apqnCount() > maximum) {
            throw RequestDenied.matrixTooLarge(matrix.apqnCount(), maximum);
        }
    }

    /** No queue of the matrix belongs to the host's drivers; the kernel's EADDRNOTAVAIL. */
    static void notReserved(HostView host, Matrix matrix) {
        List<Conflict> holders = host.heldByHost(matrix);
        if (!holders.isEmpty() || host.lacksAnyBoundQueue(matrix)) {
            String detail = host.generation() == Generation.DYNAMIC
                    ? "Reserved for the host's own drivers by apmask and aqmask: " + spell(holders) + "."
                    : "This kernel (static generation) takes only queues that are bound to vfio_ap now; not bound: "
                            + (holders.isEmpty() ? "there is no such queue" : spell(holders)) + ".";
            throw RequestDenied.apqnReserved(detail, holders);
        }
    }

    /** No queue of the matrix is assigned to another mdev; the kernel's EADDRINUSE. */
    static void notShared(HostView host, MdevId self, Matrix matrix) {
        List<Conflict> holders = host.heldByOthers(self, matrix);
        if (!holders.isEmpty()) {
            throw RequestDenied.apqnInUse(holders);
        }
    }

    /** No queue goes back to the host while an mdev has it, on every kernel; those from 6.19 on refuse even more. */
    static void masksTakeNothingFromMdevs(HostView host, ApMask apmask, ApMask aqmask) {
        List<Conflict> holders = new ArrayList<>(host.takenByMasks(apmask, aqmask));
        if (host.overridesSupported()) {
            host.touchedByMasks(apmask, aqmask).stream()
                    .filter(conflict -> !holders.contains(conflict))
                    .forEach(holders::add);
        }
        if (!holders.isEmpty()) {
            throw RequestDenied.apqnHeldByMdev(holders);
        }
    }

    /** Masks change only while no queue has a driver override; the kernel's EINVAL. */
    static void noDriverOverrides(HostView host) {
        if (!host.overrides().isEmpty()) {
            throw RequestDenied.overridesInTheWay(List.copyOf(host.overrides().keySet()));
        }
    }

    static void driverOverrideSupported(HostView host) {
        if (!host.overridesSupported()) {
            throw RequestDenied.driverOverrideUnsupported();
        }
    }

    /** Driver overrides change only while both masks are all ones; the kernel's EINVAL. */
    static void masksAreDefault(HostView host) {
        if (!host.apmask().equals(ApMask.ALL) || !host.aqmask().equals(ApMask.ALL)) {
            throw RequestDenied.masksInTheWay(
                    host.apmask().toString(), host.aqmask().toString());
        }
    }

    /** A queue that an mdev has stays with vfio_ap. */
    static void queueIsNobodys(HostView host, Apqn apqn) {
        host.ownerOf(apqn).ifPresent(entry -> {
            throw RequestDenied.apqnHeldByMdev(List.of(HostView.heldBy(apqn, entry)));
        });
    }

    /** A device is plugged into a guest that runs, is paused or in prelaunch. A guest that does not answer is judged later, by {@link #guestAnswers}. */
    static void guestTakesDevices(GuestName name, GuestState guest) {
        if (guest.isReachable() && !guest.takesDevices()) {
            throw RequestDenied.guestNotRunning(name, String.valueOf(guest.runState()), guest.migrating());
        }
    }

    /**
     * The second law from the guest's side: it has no other device than the wanted one, neither on its bus nor on the way. What a silent guest had when it last told
     * counts until the kernel says that nobody has it.
     */
    static void guestHasNoOtherApDevice(GuestName name, GuestState guest, HostView host, MdevId wanted) {
        ApDevice device = guest.device();
        boolean silentWithIt = !guest.isReachable() && guest.mdev().equals(Optional.of(wanted));
        if (device != null && !silentWithIt && (guest.isReachable() || host.mayBeInUse(device.mdev()))) {
            throw RequestDenied.guestHasApDevice(name, device.mdev().orElse(null), device.toString());
        }
        nothingElseStored(name, guest, wanted);
        host.mdevs().values().stream()
                .filter(entry -> !entry.mdev().id().equals(wanted) && entry.isWith(name))
                .findFirst()
                .ifPresent(entry -> {
                    MdevId attached = entry.mdev().id();
                    throw RequestDenied.guestHasApDevice(name, attached, attached.toString());
                });
    }

    /** What the guest's next start gives it counts, too: libvirt stores two, and then starts the guest no more (qemuValidateDomainMdevDefVFIOAP). */
    static void nothingElseStored(GuestName name, GuestState guest, MdevId wanted) {
        guest.storedOrNone().stream()
                .filter(stored -> !stored.equals(wanted))
                .findFirst()
                .ifPresent(stored -> {
                    throw RequestDenied.guestHasApDevice(name, stored, stored + ", in its stored definition");
                });
    }

    /** The second law from the device's side: nobody else has it, or is given it at the next start. The device need not stand yet. */
    static void mdevNotElsewhere(GuestName name, HostView host, MdevId id) {
        host.mdev(id)
                .filter(entry -> !entry.isWith(name))
                .map(HostView.Entry::attachment)
                .ifPresent(attachment -> {
                    throw RequestDenied.mdevAttachedElsewhere(id, attachment.guest(), attachment.pid());
                });
        host.storedFor().getOrDefault(id, List.of()).stream()
                .filter(guest -> !guest.equals(name))
                .findFirst()
                .ifPresent(guest -> {
                    throw RequestDenied.mdevStoredElsewhere(id, guest);
                });
    }

    /** What is not known to be missing is taken to be there: QEMU has the last word. */
    static void guestHasCpuFeatures(GuestName name, GuestState guest) {
        List<String> missing = guest.cpuFeatures().missing();
        if (!missing.isEmpty()) {
            throw RequestDenied.cpuFeatureMissing(name, missing);
        }
    }

    static void matrixNotEmpty(HostView.Entry entry) {
        if (entry.mdev().matrixOrEmpty().hasNoApqn()) {
            throw RequestDenied.matrixEmpty(entry.mdev().id());
        }
    }

    static void guestAnswers(GuestName name, GuestState guest) {
        if (!guest.isReachable()) {
            throw HostFailure.qemuUnreachable(name, String.valueOf(guest.silence()));
        }
    }

    private static void notAbove(String kind, ApMask ids, int maximum) {
        ApMask above = ids.minus(ApMask.upTo(maximum));
        if (!above.isEmpty()) {
            throw RequestDenied.idAboveMaximum(kind, above.ids(), maximum);
        }
    }

    private static String spell(List<Conflict> conflicts) {
        return conflicts.stream()
                .map(conflict -> conflict.apqn().toString())
                .reduce((left, right) -> left + ", " + right)
                .orElse("");
    }
}
