package org.apmatrix.service;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.NotFound;
import org.apmatrix.host.ApDevice;
import org.apmatrix.host.Guest;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.host.GuestSource;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.Guests;
import org.apmatrix.host.MdevTree;
import org.jspecify.annotations.Nullable;

/** The guests of this host and what is plugged into each. */
public final class GuestService {
    private final Host host;
    private final Guests guests;
    private final GuestNotes notes;
    private final Settlement settlement;
    private final GuestProperties properties;

    public GuestService(Host host, Guests guests, GuestNotes notes, Settlement settlement, GuestProperties properties) {
        this.host = host;
        this.guests = guests;
        this.notes = notes;
        this.settlement = settlement;
        this.properties = properties;
    }

    /**
     * A guest as its QEMU told, with its vfio-ap device.
     *
     * @param prepared the migration that it was unplugged for, null when none is prepared
     */
    public record GuestView(
            GuestName name,
            GuestSource source,
            GuestState state,
            @Nullable AttachedDevice device,
            @Nullable Prepared prepared) {
        /** What is plugged in; for a guest that is shut down, what it is given at its next start. */
        public Optional<AttachedDevice> pluggedOrStored() {
            return Optional.ofNullable(device)
                    .or(() -> state.isShutDown()
                            ? state.storedOrNone().stream().findFirst().map(AttachedDevice::onlyStored)
                            : Optional.empty());
        }
    }

    /**
     * A prepared migration.
     *
     * @param mdev what was taken out, null when nothing was plugged in
     */
    public record Prepared(@Nullable MdevId mdev, Instant since) {}

    /** By name. A guest that does not answer is there, and says so. */
    public List<GuestView> list() {
        Map<GuestName, Guest> named = guests.all();
        Map<Guest, GuestState> states = guests.looks(named.values());
        return named.entrySet().stream()
                .map(entry ->
                        view(entry.getKey(), entry.getValue(), Objects.requireNonNull(states.get(entry.getValue()))))
                .toList();
    }

    /** Throws GUEST_NOT_FOUND. */
    public GuestView get(GuestName name) {
        Guest guest = require(name);
        return view(name, guest, guest.look());
    }

    /** Throws AP_DEVICE_NOT_FOUND where nothing is plugged in; of a guest that is shut down, where nothing is stored. */
    public AttachedDevice device(GuestName name) {
        return get(name).pluggedOrStored().orElseThrow(() -> NotFound.apDevice(name));
    }

    private static @Nullable Boolean isStored(GuestState state, @Nullable MdevId mdev) {
        return state.stored() == null ? null : mdev != null && state.stored().contains(mdev);
    }

    Guest require(GuestName name) {
        return guests.find(name).orElseThrow(() -> NotFound.guest(name.toString()));
    }

    private GuestView view(GuestName name, Guest guest, GuestState state) {
        settlement.settleUnlessBusy(guest, state);
        return new GuestView(
                name,
                guest.source(),
                state,
                device(name, guest, state).orElse(null),
                notes.preparationOf(name)
                        .map(preparation -> new Prepared(preparation.mdevId().orElse(null), preparation.since()))
                        .orElse(null));
    }

    /** What is plugged into a guest: what its bus holds, or is known of it while it does not answer. */
    Optional<AttachedDevice> device(GuestName name, Guest guest, GuestState state) {
        Optional<GuestNotes.Mark> mark = notes.markOf(guest.address());
        Optional<ApDevice> onTheBus = Optional.ofNullable(state.device());
        if (mark.isPresent()) {
            return Optional.of(new AttachedDevice(
                    onTheBus.flatMap(ApDevice::id).orElse(null),
                    mark.get().mdevId().orElse(null),
                    onTheBus.map(ApDevice::sysfsdev)
                            .or(() -> mark.get()
                                    .mdevId()
                                    .map(mdev -> MdevTree.path(mdev).toString()))
                            .orElse(null),
                    mark.get().state(),
                    isStored(state, mark.get().mdevId().orElse(null)),
                    mark.get().since(),
                    null));
        }
        if (state.isReachable()) {
            return onTheBus.map(device -> attached(guest, state, device));
        }
        if (!host.vfioApLoaded()) {
            return Optional.empty();
        }
        return host.look().mdevs().values().stream()
                .filter(entry -> entry.isWith(name))
                .findFirst()
                .map(entry -> onTheBus.filter(device ->
                                device.mdev().equals(Optional.of(entry.mdev().id())))
                        .map(device -> attached(guest, state, device))
                        .orElseGet(() -> new AttachedDevice(
                                null,
                                entry.mdev().id(),
                                entry.mdev().path().toString(),
                                Attachment.State.ATTACHED,
                                isStored(state, entry.mdev().id()),
                                null,
                                null)));
    }

    private AttachedDevice attached(Guest guest, GuestState state, ApDevice device) {
        Optional<Instant> since = settlement.attachedSince(guest, state);
        return new AttachedDevice(
                device.id().orElse(null),
                device.mdev().orElse(null),
                device.sysfsdev(),
                Attachment.State.ATTACHED,
                isStored(state, device.mdev().orElse(null)),
                since.orElse(null),
                since.map(instant -> instant.plus(properties.scanInterval())).orElse(null));
    }
}
