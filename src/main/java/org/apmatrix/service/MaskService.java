package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.InvalidValue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The two masks that divide the queues between the host and its guests. */
public final class MaskService {
    private static final Logger LOG = LoggerFactory.getLogger(MaskService.class);

    private final Host host;
    private final Change change;

    public MaskService(Host host, WorkInFlight inFlight) {
        this.host = host;
        this.change = new Change(host, inFlight);
    }

    /** Both masks as the kernel holds them. */
    public record Masks(ApMask apmask, ApMask aqmask) {}

    /** A queue that changed its driver; null where none has it. */
    public record Moved(
            Apqn apqn, @Nullable String from, @Nullable String to) {}

    /** The masks after a write, and the queues that it moved. */
    public record Changed(Masks masks, List<Moved> moved) {}

    public Masks get() {
        return host.ask(() -> new Masks(host.bus().apmask(), host.bus().aqmask()));
    }

    /**
     * Changes one mask or both, both or neither.
     *
     * @param apmask relative terms, or {@code 0x} and 64 hex digits; null to leave it
     * @param aqmask the same
     */
    public Outcome<Changed> change(@Nullable String apmask, @Nullable String aqmask, WriteOptions options) {
        Wish adapters = Wish.read("apmask", apmask);
        Wish domains = Wish.read("aqmask", aqmask);
        return change.run(
                "masks",
                options,
                MaskService::snapshot,
                view -> plan(view, adapters, domains, options),
                (before, after) -> new Outcome.Done<>(
                        new Changed(new Masks(after.apmask(), after.aqmask()), moved(before, after)), false));
    }

    static Snapshot snapshot(HostView view) {
        return Snapshot.masks(view.apmask(), view.aqmask());
    }

    /** What the audit journal is told beside another change; null where they cannot be read, which does not change what has been done. */
    static @Nullable Snapshot masksNow(Host host) {
        try {
            return host.ask(() -> Snapshot.masks(host.bus().apmask(), host.bus().aqmask()));
        } catch (Fault unreadable) {
            LOG.warn("the masks cannot be read for the audit journal: {}", unreadable.detail());
            return null;
        }
    }

    /** A mask as it is wished for; the text has been found to be one. */
    record Wish(@Nullable String text) {
        static Wish read(String field, @Nullable String text) {
            // the kernel's short and empty forms are traps: "5" sets 1 and 3, an empty line clears the mask and frees
            // every queue
            if (text != null
                    && !(ApMask.isRelative(text)
                            ? ApMask.NONE.after(text).isPresent()
                            : ApMask.parse(text).isPresent())) {
                throw new InvalidValue(
                        field,
                        "Not a mask: relative terms such as -5,-6 or +0x10-0x1f (ids 0 to 255), or 0x and exactly 64 hex digits.");
            }
            return new Wish(text);
        }

        ApMask after(ApMask before) {
            return text == null ? before : before.after(text).orElseThrow();
        }
    }

    private Plan plan(HostView view, Wish adapters, Wish domains, WriteOptions options) {
        ApMask apmask = adapters.after(view.apmask());
        ApMask aqmask = domains.after(view.aqmask());
        Plan.Problems problems = new Plan.Problems();
        problems.check(() -> StateTag.requireMatch(options.ifMatch(), new Masks(view.apmask(), view.aqmask())));
        if (apmask.equals(view.apmask()) && aqmask.equals(view.aqmask())) {
            return problems.plan(List.of(), List.of(), List.of(), List.of());
        }
        problems.check(() -> Invariants.noDriverOverrides(view));
        problems.check(() -> Invariants.masksTakeNothingFromMdevs(view, apmask, aqmask));
        List<Apqn> toHost = new ArrayList<>();
        List<Apqn> toGuests = new ArrayList<>();
        for (Apqn apqn : view.queues().keySet()) {
            boolean reservedThen = apmask.contains(apqn.adapter().value())
                    && aqmask.contains(apqn.domain().value());
            if (reservedThen != view.isReserved(apqn)) {
                (reservedThen ? toHost : toGuests).add(apqn);
            }
        }
        return problems.plan(new MaskWrites(host.bus()).change(view, apmask, aqmask), toGuests, toHost, List.of());
    }

    private static List<Moved> moved(HostView before, HostView after) {
        List<Moved> moved = new ArrayList<>();
        after.queues().forEach((apqn, driver) -> {
            Optional<String> from = before.driverOf(apqn);
            if (!from.equals(driver)) {
                moved.add(new Moved(apqn, from.orElse(null), driver.orElse(null)));
            }
        });
        return moved;
    }
}
