package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.MdevDefinition;
import org.jspecify.annotations.Nullable;

/**
 * A mediated device with everything that is known of it.
 *
 * @param hidden why the guest has less than the matrix; null where the kernel does not tell what the guest has
 * @param definition whether mdevctl makes it at boot; null where it is not defined, or the definition cannot be read
 * @param storedFor the guests whose next start gives them the device
 * @param warnings what is worth a thought; no part of the device, so no part of its entity tag
 */
public record MdevState(
        HostView.Entry entry,
        @Nullable List<Hidden> hidden,
        MdevDefinition.@Nullable Start definition,
        List<GuestName> storedFor,
        List<Warning> warnings) {

    /** Why an adapter or a domain of the matrix is not in the guest's. */
    public enum Reason {
        /** A queue of the adapter is not bound to vfio_ap: the kernel hides the whole adapter. */
        QUEUE_NOT_BOUND,
        /** A queue of the adapter has no device although the LPAR has its adapter and its domain. */
        QUEUE_ABSENT,
        /** The LPAR does not have the adapter. */
        ADAPTER_ABSENT,
        /** The LPAR does not have the usage domain. */
        DOMAIN_ABSENT,
        /** The cause is gone, but the kernel has not looked again: the next assignment or bus scan makes it. */
        NOT_REFILTERED
    }

    /**
     * One difference between the matrix and the guest's.
     *
     * @param adapter the hidden adapter, or null
     * @param domain the hidden domain, or null
     * @param because the queues that make the difference
     */
    public record Hidden(
            @Nullable Integer adapter, @Nullable Integer domain, List<Apqn> because, Reason reason) {}

    static MdevState of(HostView host, HostView.Entry entry) {
        Matrix matrix = entry.mdev().matrix();
        Matrix guest = entry.mdev().guestMatrix();
        MdevDefinition definition = host.definitions().get(entry.mdev().id());
        return new MdevState(
                entry,
                matrix == null || guest == null ? null : explain(host, matrix, guest),
                definition == null ? null : definition.start(),
                host.storedFor().getOrDefault(entry.mdev().id(), List.of()),
                List.of());
    }

    MdevState with(List<Warning> found) {
        return new MdevState(entry, hidden, definition, storedFor, found);
    }

    /** What the kernel holds, of which {@link StateTag} makes the entity tag: neither definitions, nor what guests are given at their next start, nor what is remembered of master keys change it. */
    @Override
    public String toString() {
        return "MdevState[entry=" + entry + ", hidden=" + hidden + "]";
    }

    /** Mirrors the kernel's filter (vfio_ap_ops.c, vfio_ap_mdev_filter_matrix): what the LPAR lacks goes, then each adapter with a queue that is not bound. */
    private static List<Hidden> explain(HostView host, Matrix matrix, Matrix guest) {
        List<Hidden> hidden = new ArrayList<>();
        ApMask usable = matrix.domains().and(host.configuredDomains());
        for (int adapter : matrix.adapters().minus(guest.adapters()).ids()) {
            Matrix row = Matrix.of(ApMask.of(adapter), matrix.domains());
            if (!host.configuredAdapters().contains(adapter)) {
                hidden.add(new Hidden(adapter, null, row.apqns(), Reason.ADAPTER_ABSENT));
                continue;
            }
            List<Apqn> looked = row.withDomains(usable).apqns();
            List<Apqn> absent = looked.stream()
                    .filter(apqn -> !host.queues().containsKey(apqn))
                    .toList();
            List<Apqn> unbound = looked.stream()
                    .filter(apqn -> host.queues().containsKey(apqn))
                    .filter(apqn -> !host.driverOf(apqn).equals(Optional.of(ApBus.VFIO_AP)))
                    .toList();
            if (!absent.isEmpty()) {
                hidden.add(new Hidden(adapter, null, absent, Reason.QUEUE_ABSENT));
            }
            if (!unbound.isEmpty()) {
                hidden.add(new Hidden(adapter, null, unbound, Reason.QUEUE_NOT_BOUND));
            }
            if (absent.isEmpty() && unbound.isEmpty()) {
                hidden.add(new Hidden(adapter, null, List.of(), Reason.NOT_REFILTERED));
            }
        }
        for (int domain : matrix.domains().minus(guest.domains()).ids()) {
            Matrix column = Matrix.of(matrix.adapters(), ApMask.of(domain));
            hidden.add(
                    host.configuredDomains().contains(domain)
                            ? new Hidden(null, domain, List.of(), Reason.NOT_REFILTERED)
                            : new Hidden(null, domain, column.apqns(), Reason.DOMAIN_ABSENT));
        }
        return hidden;
    }
}
