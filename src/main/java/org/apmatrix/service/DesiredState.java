package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.InvalidValue;
import org.jspecify.annotations.Nullable;

/**
 * What somebody wants of this host, in one document. It holds for what is his: what he has not made and what others have made stays as it is.
 *
 * <p>The members are as they stand in the document, since it is kept as it was given.
 *
 * @param owner whose document it is; there is one for each owner
 * @param masks which queues are to be free for guests; null to want nothing of the masks
 * @param attachments what is plugged in where: all that is to be plugged in of these devices, or null to leave that to others
 */
public record DesiredState(
        String owner,
        @Nullable Masks masks,
        List<Device> mdevs,
        @Nullable List<Plugged> attachments) {
    /** {@code uuidgen --sha1 --namespace 9a1c7c52-6d0e-5b0b-8c4f-3d1e5f7a9b20 --name OWNER/NAME} makes the same UUIDs. */
    public static final UUID NAMESPACE = UUID.fromString("9a1c7c52-6d0e-5b0b-8c4f-3d1e5f7a9b20");

    private static final Pattern OWNER = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    public DesiredState {
        requireNonNull(owner, "owner");
        mdevs = List.copyOf(mdevs);
        attachments = attachments == null ? null : List.copyOf(attachments);
    }

    /** The masks, each in the grammar of {@link MaskService#change}; null to leave one. */
    public record Masks(@Nullable String apmask, @Nullable String aqmask) {}

    /**
     * A device that is to stand with this matrix.
     *
     * @param name by which the document calls it, or null
     * @param autostart true: it is to come back at boot; false: it is not; null: that is left as it is
     */
    public record Device(
            String uuid,
            @Nullable String name,
            List<Integer> adapters,
            List<Integer> domains,
            List<Integer> controlDomains,
            @Nullable Boolean autostart) {
        public Device {
            requireNonNull(uuid, "uuid");
            adapters = List.copyOf(adapters);
            domains = List.copyOf(domains);
            controlDomains = List.copyOf(controlDomains);
        }

        MdevId id() {
            return MdevId.parse(uuid).orElseThrow();
        }

        Matrix matrix() {
            return new Matrix(ApMask.of(adapters), ApMask.of(domains), ApMask.of(controlDomains));
        }
    }

    /** A device that is to be plugged into a guest. */
    public record Plugged(String guest, String mdev) {
        public Plugged {
            requireNonNull(guest, "guest");
            requireNonNull(mdev, "mdev");
        }

        GuestName guestName() {
            return new GuestName(guest);
        }

        MdevId id() {
            return MdevId.parse(mdev).orElseThrow();
        }
    }

    /** The UUID of a device that has only a name: the same on every host and for ever (RFC 9562, version 5). */
    public static MdevId named(String owner, String name) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(ByteBuffer.allocate(16)
                    .putLong(NAMESPACE.getMostSignificantBits())
                    .putLong(NAMESPACE.getLeastSignificantBits())
                    .array());
            ByteBuffer digest = ByteBuffer.wrap(sha1.digest((owner + "/" + name).getBytes(StandardCharsets.UTF_8)));
            return new MdevId(new UUID(
                    (digest.getLong() & 0xffffffff_ffff0fffL) | 0x5000L,
                    (digest.getLong() & 0x3fffffff_ffffffffL) | 0x80000000_00000000L));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-1", e);
        }
    }

    /** Throws INVALID_VALUE where the document contradicts itself or names what cannot be. */
    DesiredState requireSense() {
        requireOwner(owner);
        if (masks != null) {
            MaskService.Wish.read("masks.apmask", masks.apmask());
            MaskService.Wish.read("masks.aqmask", masks.aqmask());
        }
        Set<MdevId> ids = new HashSet<>();
        Set<String> names = new HashSet<>();
        for (int i = 0; i < mdevs.size(); i++) {
            Device device = mdevs.get(i);
            require(ids.add(device.id()), "mdevs[" + i + "]", "The document has " + device.uuid() + " twice.");
            require(
                    device.name() == null || names.add(device.name()),
                    "mdevs[" + i + "].name",
                    "The document has this name twice.");
        }
        Set<GuestName> guests = new HashSet<>();
        Set<MdevId> plugged = new HashSet<>();
        List<Plugged> wanted = attachments == null ? List.of() : attachments;
        for (int i = 0; i < wanted.size(); i++) {
            Plugged plug = wanted.get(i);
            require(
                    ids.contains(plug.id()),
                    "attachments[" + i + "].mdev",
                    "A document plugs in only its own devices; this is none of its mdevs.");
            require(
                    guests.add(plug.guestName()),
                    "attachments[" + i + "].guest",
                    "A guest has at most one device, and the document plugs in two.");
            require(
                    plugged.add(plug.id()),
                    "attachments[" + i + "].mdev",
                    "A device is with one guest, and the document plugs it into two.");
        }
        return this;
    }

    static String requireOwner(String owner) {
        require(
                OWNER.matcher(owner).matches(),
                "owner",
                "1 to 64 letters, digits and . _ -, the first a letter or digit.");
        return owner;
    }

    private static void require(boolean condition, String field, String detail) {
        if (!condition) {
            throw new InvalidValue(field, detail);
        }
    }

    /** Where the document has this device, or empty when it is not to be plugged in. */
    Optional<GuestName> guestOf(MdevId mdev) {
        return attachments == null
                ? Optional.empty()
                : attachments.stream()
                        .filter(plug -> plug.id().equals(mdev))
                        .map(Plugged::guestName)
                        .findFirst();
    }

    /** The bits of the masks that are to be 0: these queues are for guests. */
    MaskBits bitsToClear() {
        return new MaskBits(
                after(ApMask.ALL, masks == null ? null : masks.apmask()).complement(),
                after(ApMask.ALL, masks == null ? null : masks.aqmask()).complement());
    }

    /** The bits that are to be 1. */
    MaskBits bitsToSet() {
        return new MaskBits(
                after(ApMask.NONE, masks == null ? null : masks.apmask()),
                after(ApMask.NONE, masks == null ? null : masks.aqmask()));
    }

    private static ApMask after(ApMask before, @Nullable String text) {
        return MaskService.Wish.read("masks", text).after(before);
    }
}
