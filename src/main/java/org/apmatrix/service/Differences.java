package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.jspecify.annotations.Nullable;

/** How the host differs from what it should be or was: in its masks, and in some of its devices. */
public final class Differences {
    private final List<Difference> found = new ArrayList<>();

    /** What a difference is about. */
    public enum Kind {
        MASKS,
        MDEV,
        ATTACHMENT,
        DEFINITION
    }

    /**
     * One difference, for a person.
     *
     * @param target {@code apmask}, {@code aqmask}, or an mdev's UUID
     * @param expected as it should be; null for nothing
     * @param actual as it is; null for nothing
     */
    public record Difference(
            Kind kind,
            String target,
            @Nullable String expected,
            @Nullable String actual) {
        @Override
        public String toString() {
            return target + ": " + word(kind) + (actual == null ? "nothing" : actual) + ", not "
                    + (expected == null ? "nothing" : expected);
        }

        private static String word(Kind kind) {
            return switch (kind) {
                case MASKS, MDEV -> "";
                case ATTACHMENT -> "plugged into ";
                case DEFINITION -> "defined as ";
            };
        }
    }

    /** A state to compare with: what it does not name is not looked at. */
    private record Expected(
            ApMask apmask,
            ApMask aqmask,
            SortedMap<MdevId, Optional<Matrix>> mdevs,
            SortedMap<MdevId, Optional<String>> guests,
            SortedMap<MdevId, Optional<String>> definitions) {}

    private Differences() {}

    /** In what the host is not as it was before a document was begun to be applied. */
    static List<Difference> from(Estate.Begun before, HostView view, MdevctlStore definitions) {
        SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>();
        before.matrices()
                .forEach((uuid, matrix) ->
                        mdevs.put(id(uuid), Optional.ofNullable(matrix).map(Estate.Assigned::matrix)));
        SortedMap<MdevId, Optional<String>> guests = new TreeMap<>();
        before.guests().forEach((uuid, guest) -> guests.put(id(uuid), Optional.ofNullable(guest)));
        SortedMap<MdevId, Optional<String>> texts = new TreeMap<>();
        before.definitions().forEach((uuid, text) -> texts.put(id(uuid), Optional.ofNullable(text)));
        return between(
                new Expected(
                        expected(before.apmask(), before.apmaskWanted(), view.apmask()),
                        expected(before.aqmask(), before.aqmaskWanted(), view.aqmask()),
                        mdevs,
                        guests,
                        texts),
                view,
                definitions);
    }

    /** In what the host is not as the draft of a document, made on this very look, will make it. */
    static List<Difference> from(Draft draft, MdevctlStore definitions) {
        SortedMap<MdevId, Optional<String>> guests = new TreeMap<>();
        draft.wantedGuests().forEach((id, guest) -> guests.put(id, guest.map(GuestName::toString)));
        SortedMap<MdevId, Optional<String>> texts = new TreeMap<>();
        draft.redefinitions()
                .forEach(change -> texts.put(
                        change.mdev(), Optional.ofNullable(change.after()).map(MdevDefinition::text)));
        Transition.Target target = draft.target();
        return between(
                new Expected(target.apmask(), target.aqmask(), target.mdevs(), guests, texts),
                draft.view(),
                definitions);
    }

    /** Of a mask only the bits that were to change are compared: others may have changed the rest since. */
    private static ApMask expected(String before, String wanted, ApMask now) {
        ApMask was = ApMask.parse(before).orElseThrow();
        ApMask then = ApMask.parse(wanted).orElseThrow();
        ApMask moved = was.minus(then).or(then.minus(was));
        return now.minus(moved).or(was.and(moved));
    }

    private static MdevId id(String uuid) {
        return MdevId.parse(uuid).orElseThrow();
    }

    private static List<Difference> between(Expected expected, HostView view, MdevctlStore definitions) {
        Differences differences = new Differences();
        differences.add(
                Kind.MASKS,
                "apmask",
                expected.apmask().toString(),
                view.apmask().toString());
        differences.add(
                Kind.MASKS,
                "aqmask",
                expected.aqmask().toString(),
                view.aqmask().toString());
        expected.mdevs().forEach((id, matrix) -> differences.compareMdev(id, matrix, view));
        expected.guests().forEach((id, guest) -> differences.compareGuest(id, guest, view));
        expected.definitions()
                .forEach((id, text) -> differences.add(
                        Kind.DEFINITION,
                        id.toString(),
                        text.orElse(null),
                        definitions.read(id).map(MdevDefinition::text).orElse(null)));
        return List.copyOf(differences.found);
    }

    private void compareMdev(MdevId id, Optional<Matrix> expected, HostView view) {
        add(
                Kind.MDEV,
                id.toString(),
                expected.map(Differences::spell).orElse(null),
                view.mdev(id)
                        .map(entry -> entry.mdev().matrix() == null
                                ? "being removed"
                                : spell(entry.mdev().matrixOrEmpty()))
                        .orElse(null));
    }

    private void compareGuest(MdevId id, Optional<String> expected, HostView view) {
        Attachment attachment = view.mdev(id).map(HostView.Entry::attachment).orElse(null);
        String actual = attachment == null
                ? null
                : attachment + (attachment.state() == Attachment.State.ATTACHED ? "" : " (" + attachment.state() + ")");
        add(Kind.ATTACHMENT, id.toString(), expected.orElse(null), actual);
    }

    private void add(Kind kind, String target, @Nullable String expected, @Nullable String actual) {
        if (!Objects.equals(expected, actual)) {
            found.add(new Difference(kind, target, expected, actual));
        }
    }

    private static String spell(Matrix matrix) {
        return "adapters " + matrix.adapters().ids() + ", domains "
                + matrix.domains().ids() + ", control domains "
                + matrix.controlDomains().ids();
    }
}
