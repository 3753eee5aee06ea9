package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * What an owner has on this host, as it is kept on disk.
 *
 * @param applied the document that the host was last made to be like; null before the first
 * @param mdevs the UUIDs of the devices that are his
 * @param defined the UUIDs of those whose definition is his, too
 * @param plugged by guest, the UUID of the device that his document put there
 * @param begun the document that is being applied, or that an ended process was applying; null otherwise
 */
record Estate(
        String owner,
        @Nullable DesiredState applied,
        @Nullable Instant appliedAt,
        List<String> mdevs,
        List<String> defined,
        SortedMap<String, String> plugged,
        @Nullable Begun begun) {
    Estate {
        requireNonNull(owner, "owner");
        mdevs = List.copyOf(mdevs);
        defined = List.copyOf(defined);
        plugged = new TreeMap<>(plugged);
    }

    /**
     * What was there before a document was applied.
     *
     * @param apmaskWanted as it was to be: the bits that were to change are those in which it differs
     * @param matrices of the devices that change, by UUID; null for one that did not stand
     * @param guests by UUID of the device, who had it; only those that change
     * @param definitions by UUID, the text of a definition that changes; null for one that was not there
     */
    record Begun(
            DesiredState document,
            Instant since,
            String apmask,
            String aqmask,
            String apmaskWanted,
            String aqmaskWanted,
            SortedMap<String, @Nullable Assigned> matrices,
            SortedMap<String, @Nullable String> guests,
            SortedMap<String, @Nullable String> definitions) {
        Begun {
            requireNonNull(document, "document");
            requireNonNull(since, "since");
        }
    }

    /** A matrix by its numbers. */
    record Assigned(List<Integer> adapters, List<Integer> domains, List<Integer> controlDomains) {
        static Assigned of(Matrix matrix) {
            return new Assigned(
                    matrix.adapters().ids(),
                    matrix.domains().ids(),
                    matrix.controlDomains().ids());
        }

        Matrix matrix() {
            return new Matrix(ApMask.of(adapters), ApMask.of(domains), ApMask.of(controlDomains));
        }
    }

    static Estate empty(String owner) {
        return new Estate(owner, null, null, List.of(), List.of(), new TreeMap<>(), null);
    }

    boolean has(MdevId mdev) {
        return mdevs.contains(mdev.toString());
    }

    boolean defines(MdevId mdev) {
        return defined.contains(mdev.toString());
    }

    List<MdevId> ids() {
        return mdevs.stream().flatMap(text -> MdevId.parse(text).stream()).toList();
    }

    /** Whether the device is there because his document says so. */
    boolean hasPlugged(GuestName guest, MdevId mdev) {
        return mdev.toString().equals(plugged.get(guest.toString()));
    }

    /** What he wanted last, finished or not. */
    Optional<DesiredState> wanted() {
        return Optional.ofNullable(begun != null ? begun.document() : applied);
    }

    /** Everything of both documents is his, until it is known which of them the host is like. */
    Estate begin(Begun work) {
        Set<String> all = new LinkedHashSet<>(mdevs);
        Set<String> definitions = new LinkedHashSet<>(defined);
        SortedMap<String, String> everywhere = new TreeMap<>(plugged);
        Estate then = ended(work.document(), work.since());
        all.addAll(then.mdevs());
        definitions.addAll(then.defined());
        everywhere.putAll(then.plugged());
        return new Estate(owner, applied, appliedAt, List.copyOf(all), List.copyOf(definitions), everywhere, work);
    }

    /** The host is like this document. */
    Estate ended(DesiredState document, Instant when) {
        SortedMap<String, String> then = new TreeMap<>();
        if (document.attachments() != null) {
            document.attachments().forEach(plug -> then.put(plug.guest(), plug.mdev()));
        }
        return new Estate(
                owner,
                document,
                when,
                document.mdevs().stream().map(DesiredState.Device::uuid).toList(),
                document.mdevs().stream()
                        .filter(device -> Boolean.TRUE.equals(device.autostart()))
                        .map(DesiredState.Device::uuid)
                        .toList(),
                then,
                null);
    }

    /**
     * Nothing has come of what was begun: his is what the document before has, and what else of his there still is.
     *
     * @param stands whether there is such a device
     * @param isDefined whether there is a definition of it
     */
    Estate takenBack(Predicate<MdevId> stands, Predicate<MdevId> isDefined) {
        Estate before = applied == null || appliedAt == null ? empty(owner) : ended(applied, appliedAt);
        return new Estate(
                owner,
                applied,
                appliedAt,
                ids().stream()
                        .filter(id -> before.has(id) || stands.test(id))
                        .map(MdevId::toString)
                        .toList(),
                defined.stream()
                        .filter(uuid -> before.defined().contains(uuid)
                                || MdevId.parse(uuid).filter(isDefined).isPresent())
                        .toList(),
                before.plugged(),
                null);
    }

    boolean isEmpty() {
        return begun == null
                && mdevs.isEmpty()
                && (applied == null || (applied.mdevs().isEmpty() && applied.masks() == null));
    }
}
