package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.Card;
import org.apmatrix.host.Mdev;
import org.jspecify.annotations.Nullable;

/**
 * Queues that somebody got by wish, in a mediated device that was made for them.
 *
 * <p>The members are plain values, since it is kept on disk as it is.
 *
 * @param id a UUID, not that of the device
 * @param mdev the device's UUID
 * @param guest into which it was plugged at once, or null
 * @param ttl null for one that is kept until it is given back; else it is a lease
 * @param expiresAt null where ttl is
 * @param fromHost the queues of it that left the host's drivers
 * @param explanation why these, for a person
 */
public record Allocation(
        String id,
        String owner,
        String mdev,
        Card.Mode mode,
        List<Integer> adapters,
        List<Integer> domains,
        List<Integer> controlDomains,
        @Nullable String guest,
        State state,
        Instant createdAt,
        @Nullable Duration ttl,
        @Nullable Instant expiresAt,
        OnExpiry onExpiry,
        List<String> fromHost,
        List<String> explanation) {

    /** How it is with an allocation. */
    public enum State {
        /** It is being made, or plugged in. One that is found so after a restart is taken back: nobody was told that it stands. */
        CREATING,
        ACTIVE,
        /** Its time is over, but somebody has the device and {@link OnExpiry#KEEP} says that it is not taken away. */
        EXPIRED,
        /** It is being given back, and waits for its guest or for the host. */
        RELEASING,
        /** Its device is gone, or has another matrix than it was given: after a reboot, or by another's hand. Seen by looking, never kept. */
        LOST
    }

    /** What becomes of a device that somebody has when the lease of it is over. */
    public enum OnExpiry {
        /** It stays until its guest lets go of it, or is gone. */
        KEEP,
        /** It is unplugged. */
        UNPLUG
    }

    public Allocation {
        requireNonNull(id, "id");
        requireNonNull(owner, "owner");
        requireNonNull(mdev, "mdev");
        requireNonNull(mode, "mode");
        requireNonNull(state, "state");
        requireNonNull(createdAt, "createdAt");
        requireNonNull(onExpiry, "onExpiry");
        adapters = List.copyOf(adapters);
        domains = List.copyOf(domains);
        controlDomains = List.copyOf(controlDomains);
        fromHost = List.copyOf(fromHost);
        explanation = List.copyOf(explanation);
    }

    /** The device's UUID. */
    public MdevId mdevId() {
        return MdevId.parse(mdev).orElseThrow();
    }

    /** What the device was given. */
    public Matrix matrix() {
        return new Matrix(ApMask.of(adapters), ApMask.of(domains), ApMask.of(controlDomains));
    }

    /** Adapters × domains, in the kernel's spelling. */
    public List<String> queues() {
        return matrix().apqns().stream().map(Apqn::toString).toList();
    }

    Optional<GuestName> guestName() {
        return Optional.ofNullable(guest).map(GuestName::new);
    }

    /** Whether its time is over. */
    boolean hasExpired(Instant now) {
        return expiresAt != null && !now.isBefore(expiresAt);
    }

    /**
     * Whether its device is gone, or is not what it was given.
     *
     * @param seen its device; empty where there is none
     */
    boolean isLost(Optional<Mdev> seen) {
        return switch (state) {
            case ACTIVE, EXPIRED, LOST -> !seen.map(Mdev::matrix).equals(Optional.of(matrix()));
            case CREATING, RELEASING -> false;
        };
    }

    /**
     * Its device: as it was given, or a part of that while it is being made or given back. Another one of its UUID is somebody else's by now, and is left alone.
     *
     * @param wasCutOff whether a process ended in the middle of writes about it: then a part of it is its device in every state
     */
    Optional<HostView.Entry> deviceIn(HostView view, boolean wasCutOff) {
        boolean mayBePart = wasCutOff || state == State.CREATING || state == State.RELEASING;
        return view.mdev(mdevId()).filter(entry -> {
            Matrix found = entry.mdev().matrix();
            return found != null && (mayBePart ? found.isWithin(matrix()) : found.equals(matrix()));
        });
    }

    Allocation with(State changed) {
        return new Allocation(
                id,
                owner,
                mdev,
                mode,
                adapters,
                domains,
                controlDomains,
                guest,
                changed,
                createdAt,
                ttl,
                expiresAt,
                onExpiry,
                fromHost,
                explanation);
    }

    /** The lease begins anew. */
    Allocation renewed(Instant now, @Nullable Duration newTtl, OnExpiry newOnExpiry) {
        return new Allocation(
                id,
                owner,
                mdev,
                mode,
                adapters,
                domains,
                controlDomains,
                guest,
                State.ACTIVE,
                createdAt,
                newTtl,
                newTtl == null ? null : now.plus(newTtl),
                newOnExpiry,
                fromHost,
                explanation);
    }
}
