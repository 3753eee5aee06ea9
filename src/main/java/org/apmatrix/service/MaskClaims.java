package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.ap.ApMask;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Who wants which bits of the masks to be 0, and who took them from the host: what was taken goes back when nobody wants it any more. Bits that somebody else has
 * cleared are not given back by anybody here.
 */
final class MaskClaims {
    private final StateFile<Content> file;
    private SortedMap<String, Claim> claims;
    /** Whose bits are about to be written: until that has ended, a bit that is still 1 has not come back. */
    private final Set<String> begun = new HashSet<>();

    /**
     * Reads what an earlier process noted.
     *
     * @param directory null where nothing is to be kept beyond this process
     */
    MaskClaims(@Nullable Path directory, JsonMapper json) {
        file = new StateFile<>(directory, "mask-claims.json", Content.class, json);
        claims = file.read(
                        "It notes which bits of the masks are to go back to the host: set apmask and aqmask by hand, then delete the file.")
                .map(Content::read)
                .orElseGet(TreeMap::new);
    }

    /**
     * One claim.
     *
     * @param wanted the bits that are to be 0
     * @param taken those among all that it ever wanted which were 1 before
     */
    record Claim(MaskBits wanted, MaskBits taken) {
        static final Claim NONE = new Claim(MaskBits.NONE, MaskBits.NONE);
    }

    synchronized Claim of(String claimant) {
        return claims.getOrDefault(claimant, Claim.NONE);
    }

    /** What goes back to the host when the claimant wants only this: what it took, less what others want. */
    synchronized MaskBits owed(String claimant, MaskBits stillWanted) {
        MaskBits owed = of(claimant).taken().minus(stillWanted);
        for (var other : claims.entrySet()) {
            if (!other.getKey().equals(claimant)) {
                owed = owed.minus(other.getValue().wanted());
            }
        }
        return owed;
    }

    /** Before the masks are written: from now on the claimant wants these, too. What cannot be noted is not begun (HOST_REFUSED). */
    synchronized void begin(String claimant, MaskBits wanted, MaskBits now) {
        Claim before = of(claimant);
        begun.add(claimant);
        change(claimant, new Claim(before.wanted().or(wanted), before.taken().or(wanted.and(now))), true);
    }

    /** All who want something, or have something to give back. */
    synchronized List<String> claimants() {
        return List.copyOf(claims.keySet());
    }

    /** The claimant wants exactly these now. Others who want what it took have to give it back from now on. */
    synchronized void settle(String claimant, MaskBits wanted) {
        settle(claimant, wanted, MaskBits.NONE);
    }

    /**
     * The same, of one who could not give everything back.
     *
     * @param owed what is still to go back, though the claimant does not want it
     */
    synchronized void settle(String claimant, MaskBits wanted, MaskBits owed) {
        Claim before = of(claimant);
        MaskBits kept = wanted.or(owed);
        MaskBits handedOn = before.taken().minus(kept);
        SortedMap<String, Claim> next = new TreeMap<>(claims);
        next.replaceAll((name, claim) -> name.equals(claimant)
                ? claim
                : new Claim(claim.wanted(), claim.taken().or(claim.wanted().and(handedOn))));
        claims = next;
        begun.remove(claimant);
        change(claimant, new Claim(wanted, before.taken().and(kept)), false);
    }

    /** As it was before {@link #begin}: nothing has come of it. */
    synchronized void restore(String claimant, Claim before) {
        begun.remove(claimant);
        change(claimant, before, false);
    }

    /** What is 1 again was given back, by whomever, or a reboot: it is not given back a second time. */
    synchronized void seen(MaskBits set) {
        for (String claimant : List.copyOf(claims.keySet())) {
            Claim claim = of(claimant);
            if (!begun.contains(claimant) && !claim.taken().and(set).isEmpty()) {
                change(claimant, new Claim(claim.wanted(), claim.taken().minus(set)), false);
            }
        }
    }

    private void change(String claimant, Claim claim, boolean begins) {
        SortedMap<String, Claim> next = new TreeMap<>(claims);
        if (claim.wanted().isEmpty() && claim.taken().isEmpty()) {
            next.remove(claimant);
        } else {
            next.put(claimant, claim);
        }
        if (begins) {
            file.begin(Content.of(next));
        } else {
            file.end(Content.of(next));
        }
        claims = next;
    }

    /** The file: masks in the kernel's spelling. */
    private record Content(SortedMap<String, Entry> claims) {
        Content {
            requireNonNull(claims, "claims");
        }

        private record Entry(String apmaskWanted, String aqmaskWanted, String apmaskTaken, String aqmaskTaken) {}

        static Content of(SortedMap<String, Claim> claims) {
            SortedMap<String, Entry> entries = new TreeMap<>();
            claims.forEach((name, claim) -> entries.put(
                    name,
                    new Entry(
                            claim.wanted().adapters().toString(),
                            claim.wanted().domains().toString(),
                            claim.taken().adapters().toString(),
                            claim.taken().domains().toString())));
            return new Content(entries);
        }

        SortedMap<String, Claim> read() {
            SortedMap<String, Claim> read = new TreeMap<>();
            claims.forEach((name, entry) -> read.put(
                    name,
                    new Claim(
                            new MaskBits(mask(entry.apmaskWanted()), mask(entry.aqmaskWanted())),
                            new MaskBits(mask(entry.apmaskTaken()), mask(entry.aqmaskTaken())))));
            return read;
        }

        private static ApMask mask(String text) {
            return ApMask.parse(text).orElseThrow();
        }
    }
}
