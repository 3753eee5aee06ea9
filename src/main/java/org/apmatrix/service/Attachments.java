package org.apmatrix.service;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.DeviceUse;
import org.apmatrix.host.Guests;
import org.apmatrix.host.Mdev;
import org.jspecify.annotations.Nullable;

/** Who has a mediated device, from what is known without asking any guest: the plugs under way, the kernel's word, and what the guests last told. */
public final class Attachments {
    private final Guests guests;
    private final GuestNotes notes;

    public Attachments(Guests guests, GuestNotes notes) {
        this.guests = guests;
        this.notes = notes;
    }

    @Nullable
    Attachment of(Mdev mdev, DeviceUse use) {
        Optional<GuestNotes.Mark> mark = notes.markOf(mdev.id());
        if (mark.isPresent()) {
            return new Attachment(
                    guests.at(mark.get().address())
                            .orElseGet(() -> new GuestName(mark.get().guest())),
                    mark.get().pid(),
                    mark.get().state());
        }
        Optional<GuestName> holder =
                use.verdict() == DeviceUse.Verdict.FREE ? Optional.empty() : guests.holder(mdev.id(), use.pid());
        if (use.verdict() != DeviceUse.Verdict.IN_USE && holder.isEmpty()) {
            return null;
        }
        return new Attachment(holder.orElse(null), use.pid(), Attachment.State.ATTACHED);
    }

    /** The guests whose next start gives them a device. */
    Map<MdevId, List<GuestName>> stored() {
        Map<MdevId, List<GuestName>> stored = new HashMap<>();
        guests.known()
                .forEach((name, guest) -> guest.lastSeen()
                        .storedOrNone()
                        .forEach(mdev -> stored.computeIfAbsent(mdev, none -> new ArrayList<>())
                                .add(name)));
        stored.replaceAll((mdev, names) -> List.copyOf(names));
        return Map.copyOf(stored);
    }
}
