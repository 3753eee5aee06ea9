package org.apmatrix.service;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.Conflict;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.DeviceUse;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevDefinition;
import org.jspecify.annotations.Nullable;

/**
 * An immutable picture of the host, made in one look.
 *
 * @param features what the matrix device says it can; empty on kernels before 6.12, which do not say
 * @param configuredAdapters what the LPAR has
 * @param queues every queue that has a device, with its driver; empty for one that is not bound
 * @param overridesSupported whether queues can be handed over one by one (kernels from 6.19 on)
 * @param overrides the driver overrides that are set
 * @param definitions what mdevctl has in mind, as far as it can be read
 * @param storedFor the guests whose next start gives them a device, as far as they have told
 */
public record HostView(
        Generation generation,
        List<String> features,
        int maxAdapterId,
        int maxDomainId,
        ApMask apmask,
        ApMask aqmask,
        ApMask configuredAdapters,
        ApMask configuredDomains,
        SortedMap<Apqn, Optional<String>> queues,
        boolean overridesSupported,
        SortedMap<Apqn, String> overrides,
        SortedMap<MdevId, Entry> mdevs,
        SortedMap<MdevId, MdevDefinition> definitions,
        Map<MdevId, List<GuestName>> storedFor) {

    /**
     * A mediated device and whether somebody holds it.
     *
     * @param use what the kernel and {@code /proc} say
     * @param attachment who has it, null when nobody does; also while the kernel does not say so, from ATTACHING on
     */
    public record Entry(Mdev mdev, DeviceUse use, @Nullable Attachment attachment) {
        static Entry yetToBeMade(MdevId id, Matrix matrix, Generation generation) {
            return new Entry(
                    new Mdev(id, matrix, null, generation == Generation.DYNAMIC, false, null, null),
                    new DeviceUse(DeviceUse.Verdict.FREE, null),
                    null);
        }

        /** In use from ATTACHING on; null when it cannot be ruled out. */
        public @Nullable Boolean inUse() {
            if (attachment != null) {
                return true;
            }
            return switch (use.verdict()) {
                case FREE -> false;
                case IN_USE -> true;
                case UNKNOWN -> null;
            };
        }

        boolean isWith(GuestName guest) {
            return attachment != null && guest.equals(attachment.guest());
        }

        /** Who has it, for a person; empty when nobody does. */
        public Optional<String> holder() {
            if (attachment != null) {
                return Optional.of(attachment.toString());
            }
            return inUse() == null ? Optional.of("perhaps a process") : Optional.empty();
        }
    }

    /**
     * Whether the kernel has {@code ap_config} (from 6.10 on): a device that stands tells, else the matrix device, on kernels from 6.12 on.
     *
     * @param mdev the device whose matrix is to be written; null when it is still to be made
     */
    boolean canWriteMatrixAtOnce(@Nullable Entry mdev) {
        if (mdev != null) {
            return mdev.mdev().hasApConfig();
        }
        return features.contains("ap_config")
                || mdevs.values().stream().anyMatch(entry -> entry.mdev().hasApConfig());
    }

    /** False only when the kernel says that nobody has it, or there is no such device any more. */
    boolean mayBeInUse(Optional<MdevId> id) {
        return id.isEmpty()
                || mdev(id.get())
                        .map(entry -> !Boolean.FALSE.equals(entry.inUse()))
                        .orElse(false);
    }

    /** The host with these masks: each queue that they move is with the driver that they name. */
    HostView with(ApMask newApmask, ApMask newAqmask) {
        if (newApmask.equals(apmask) && newAqmask.equals(aqmask)) {
            return this;
        }
        Matrix reservedThen = Matrix.of(newApmask, newAqmask);
        SortedMap<Apqn, Optional<String>> moved = new TreeMap<>(queues);
        moved.replaceAll((apqn, driver) -> reservedThen.contains(apqn) == isReserved(apqn)
                ? driver
                : Optional.of(reservedThen.contains(apqn) ? ApBus.CEX4QUEUE : ApBus.VFIO_AP));
        return new HostView(
                generation,
                features,
                maxAdapterId,
                maxDomainId,
                newApmask,
                newAqmask,
                configuredAdapters,
                configuredDomains,
                Collections.unmodifiableSortedMap(moved),
                overridesSupported,
                overrides,
                mdevs,
                definitions,
                storedFor);
    }

    /** The host with these devices in place of what they are now: with another matrix, new ones that nobody uses, or without them (empty). */
    HostView with(Map<MdevId, Optional<Matrix>> devices) {
        SortedMap<MdevId, Entry> changed = new TreeMap<>(mdevs);
        devices.forEach((id, matrix) -> {
            Entry present = mdevs.get(id);
            if (matrix.isEmpty()) {
                changed.remove(id);
            } else if (present == null) {
                changed.put(id, Entry.yetToBeMade(id, matrix.get(), generation));
            } else if (!present.mdev().matrixOrEmpty().equals(matrix.get())) {
                changed.put(id, new Entry(present.mdev().with(matrix.get()), present.use(), present.attachment()));
            }
        });
        return withEntries(changed);
    }

    private HostView withEntries(SortedMap<MdevId, Entry> entries) {
        return new HostView(
                generation,
                features,
                maxAdapterId,
                maxDomainId,
                apmask,
                aqmask,
                configuredAdapters,
                configuredDomains,
                queues,
                overridesSupported,
                overrides,
                Collections.unmodifiableSortedMap(entries),
                definitions,
                storedFor);
    }

    /** The host when nobody has these devices any more. */
    HostView without(Set<MdevId> letGo) {
        SortedMap<MdevId, Entry> changed = new TreeMap<>(mdevs);
        letGo.forEach(id -> changed.computeIfPresent(
                id, (key, entry) -> new Entry(entry.mdev(), new DeviceUse(DeviceUse.Verdict.FREE, null), null)));
        return withEntries(changed);
    }

    public Optional<Entry> mdev(MdevId id) {
        return Optional.ofNullable(mdevs.get(id));
    }

    /** The mdev that this queue is assigned to. */
    public Optional<Entry> ownerOf(Apqn apqn) {
        return mdevs.values().stream()
                .filter(entry -> entry.mdev().matrixOrEmpty().contains(apqn))
                .findFirst();
    }

    /** Whether the masks, or the queue's override, keep the queue for the host's drivers (ap_bus.c, ap_owned_by_def_drv). */
    public boolean isReserved(Apqn apqn) {
        if (overrides.containsKey(apqn) && driverOf(apqn).isPresent()) {
            return !driverOf(apqn).equals(Optional.of(ApBus.VFIO_AP));
        }
        return apmask.contains(apqn.adapter().value())
                && aqmask.contains(apqn.domain().value());
    }

    public Optional<String> driverOf(Apqn apqn) {
        return queues.getOrDefault(apqn, Optional.empty());
    }

    /**
     * The queues of a matrix that vfio_ap may not have: reserved ones on the dynamic generation; on the static one all that are not bound to vfio_ap now
     * (vfio_ap_ops.c of 5.10, vfio_ap_mdev_verify_queues_reserved_for_apid), of which at least one must be when there is only one dimension yet.
     */
    List<Conflict> heldByHost(Matrix matrix) {
        if (generation == Generation.DYNAMIC) {
            // without overrides the reserved queues are a product again: no walk over up to 65,536 queues
            Matrix candidates = overrides.isEmpty() ? matrix.shared(Matrix.of(apmask, aqmask)) : matrix;
            return conflicts(
                    candidates.apqns().stream().filter(this::isReserved).toList());
        }
        if (!matrix.hasNoApqn()) {
            return conflicts(matrix.apqns().stream()
                    .filter(apqn -> !isBoundToVfioAp(apqn))
                    .toList());
        }
        List<Apqn> missing = new ArrayList<>();
        for (int adapter : matrix.adapters().ids()) {
            List<Apqn> row = row(adapter);
            if (row.stream().noneMatch(this::isBoundToVfioAp)) {
                missing.addAll(row);
            }
        }
        for (int domain : matrix.domains().ids()) {
            List<Apqn> column = column(domain);
            if (column.stream().noneMatch(this::isBoundToVfioAp)) {
                missing.addAll(column);
            }
        }
        return conflicts(missing);
    }

    /** Whether the static generation would refuse an adapter or domain that no bound queue has, though there is no queue to name. */
    boolean lacksAnyBoundQueue(Matrix matrix) {
        return generation == Generation.STATIC
                && matrix.hasNoApqn()
                && (matrix.adapters().ids().stream()
                                .anyMatch(adapter -> row(adapter).stream().noneMatch(this::isBoundToVfioAp))
                        || matrix.domains().ids().stream()
                                .anyMatch(domain -> column(domain).stream().noneMatch(this::isBoundToVfioAp)));
    }

    /** The queues of a matrix that other mdevs have, each with its holder. */
    List<Conflict> heldByOthers(MdevId self, Matrix matrix) {
        List<Conflict> conflicts = new ArrayList<>();
        for (Entry entry : mdevs.values()) {
            if (!entry.mdev().id().equals(self)) {
                entry.mdev().matrixOrEmpty().shared(matrix).apqns().forEach(apqn -> conflicts.add(heldBy(apqn, entry)));
            }
        }
        return conflicts;
    }

    /** The queues of mdevs that the masks would take back to the host. */
    List<Conflict> takenByMasks(ApMask newApmask, ApMask newAqmask) {
        List<Conflict> conflicts = new ArrayList<>();
        Matrix reservedThen = Matrix.of(newApmask, newAqmask);
        for (Entry entry : mdevs.values()) {
            for (Apqn apqn : entry.mdev().matrixOrEmpty().shared(reservedThen).apqns()) {
                if (!isReserved(apqn)) {
                    conflicts.add(heldBy(apqn, entry));
                }
            }
        }
        return conflicts;
    }

    /**
     * The queues of mdevs whose adapter or domain gets its bit back. Kernels from 6.19 on refuse that whatever the other mask says (ap_bus.c,
     * __verify_card_reservations).
     */
    List<Conflict> touchedByMasks(ApMask newApmask, ApMask newAqmask) {
        ApMask adapters = newApmask.minus(apmask);
        ApMask domains = newAqmask.minus(aqmask);
        return mdevs.values().stream()
                .flatMap(entry -> entry.mdev().matrixOrEmpty().apqns().stream()
                        .filter(apqn -> adapters.contains(apqn.adapter().value())
                                || domains.contains(apqn.domain().value()))
                        .map(apqn -> heldBy(apqn, entry)))
                .toList();
    }

    static Conflict heldBy(Apqn apqn, Entry entry) {
        return new Conflict(apqn, Conflict.HolderKind.MDEV, entry.mdev().id().toString());
    }

    private boolean isBoundToVfioAp(Apqn apqn) {
        return driverOf(apqn).equals(Optional.of(ApBus.VFIO_AP));
    }

    private List<Apqn> row(int adapter) {
        return queues.keySet().stream()
                .filter(apqn -> apqn.adapter().value() == adapter)
                .toList();
    }

    private List<Apqn> column(int domain) {
        return queues.keySet().stream()
                .filter(apqn -> apqn.domain().value() == domain)
                .toList();
    }

    private List<Conflict> conflicts(List<Apqn> apqns) {
        return apqns.stream()
                .map(apqn -> new Conflict(apqn, Conflict.HolderKind.HOST, driverName(apqn)))
                .toList();
    }

    private @Nullable String driverName(Apqn apqn) {
        return driverOf(apqn).orElse(null);
    }
}
