package org.apmatrix.service;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.fault.Fault;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the host like its documents and allocations again when the service starts, as after a reboot, and reports how that went.
 *
 * <p>Guests may come later than the service: where they are missing, masks and devices are made all the same, and the document as a whole is tried again.
 */
public final class Restoration {
    private static final Logger LOG = LoggerFactory.getLogger(Restoration.class);

    private final PlanService plans;
    private final AllocationService allocations;
    private final AuditJournal journal;
    private final RestoreProperties properties;
    private final Duration patience;
    private final Clock clock;
    private final Instant startedAt;
    private final Map<String, Owner> owners = new LinkedHashMap<>();
    private final Map<String, Lease> leases = new LinkedHashMap<>();
    private boolean hasBegun;
    private int leaseAttempts;

    /** @param patience how long to wait for each guest in one try */
    public Restoration(
            PlanService plans,
            AllocationService allocations,
            AuditJournal journal,
            RestoreProperties properties,
            Duration patience,
            Clock clock) {
        this.allocations = allocations;
        this.plans = plans;
        this.journal = journal;
        this.properties = properties;
        this.patience = patience;
        this.clock = clock;
        this.startedAt = clock.instant();
    }

    /** How far an owner's document is. */
    public enum State {
        /** Nothing was tried yet. */
        PENDING,
        /** The host was like it already. */
        UNCHANGED,
        /** The host is like it again. */
        RESTORED,
        /** Masks and devices are, guests are not yet; it is tried again. */
        PARTIAL,
        /** It is tried again. */
        FAILED,
        /** As often as it may be it was tried in vain. */
        GIVEN_UP
    }

    /**
     * An owner's document.
     *
     * @param steps how many steps all tries together have taken
     * @param problem why the last try has failed; null when it has not
     */
    public record Owner(
            String owner,
            State state,
            int attempts,
            @Nullable Instant lastAttempt,
            int steps,
            @Nullable Fault problem) {
        boolean isOpen() {
            return state == State.PENDING || state == State.PARTIAL || state == State.FAILED;
        }
    }

    /**
     * An allocation whose device was gone.
     *
     * @param problem why it does not stand again; null where it does
     */
    public record Lease(String id, String owner, @Nullable Fault problem) {}

    /** The report since the start of the service. */
    public record Report(
            boolean restoreOnStart, Instant startedAt, boolean finished, List<Owner> owners, List<Lease> allocations) {}

    public synchronized Report report() {
        return new Report(
                properties.restoreOnStart(),
                startedAt,
                owners.values().stream().noneMatch(Owner::isOpen) && !leasesAreOpen(),
                List.copyOf(owners.values()),
                List.copyOf(leases.values()));
    }

    private boolean leasesAreOpen() {
        return hasBegun
                && leaseAttempts < properties.restoreAttempts()
                && (leaseAttempts == 0 || leases.values().stream().anyMatch(lease -> lease.problem() != null));
    }

    /** Notes what is to be restored. Nothing, unless the site wants it. */
    public synchronized void begin() {
        if (properties.restoreOnStart()) {
            hasBegun = true;
            plans.documents()
                    .forEach(document ->
                            owners.put(document.owner(), new Owner(document.owner(), State.PENDING, 0, null, 0, null)));
        }
    }

    /**
     * Tries each document that is still open once, and each allocation.
     *
     * @return whether any is open afterwards
     */
    public boolean tryOnce() {
        for (Owner owner : report().owners()) {
            if (owner.isOpen()) {
                Owner after = tried(owner);
                LOG.info("restore {}: {} -> {}", owner.owner(), owner.state(), after.state());
                synchronized (this) {
                    owners.put(owner.owner(), after);
                }
            }
        }
        restoreLeases();
        return !report().finished();
    }

    /** After the documents, which were there before. */
    private synchronized void restoreLeases() {
        if (leasesAreOpen()) {
            leaseAttempts++;
            for (AllocationService.Restored restored : allocations.restore(patience)) {
                String id = restored.allocation().id();
                leases.put(id, new Lease(id, restored.allocation().owner(), restored.problem()));
            }
        }
    }

    private Owner tried(Owner before) {
        List<Forecast.Line> done = new ArrayList<>();
        try (Attempt attempt = journal.beginOwn("restoreOnStart", Map.of("owner", before.owner()))) {
            try {
                done.addAll(
                        plans.reconcile(before.owner(), Rights.ALL, patience).steps());
                attempt.endOwn("OK", null);
            } catch (Fault failure) {
                attempt.endOwn(failure.code().name(), failure.errno());
                throw failure;
            }
            return after(before, before.steps() + done.size() > 0 ? State.RESTORED : State.UNCHANGED, done, null);
        } catch (Fault failure) {
            State state = restoresWithoutGuests(before.owner(), done) ? State.PARTIAL : State.FAILED;
            boolean lastTry = before.attempts() + 1 >= properties.restoreAttempts();
            return after(before, lastTry ? State.GIVEN_UP : state, done, failure);
        }
    }

    private boolean restoresWithoutGuests(String owner, List<Forecast.Line> done) {
        try (Attempt attempt = journal.beginOwn("restoreOnStart", Map.of("owner", owner, "guests", false))) {
            try {
                done.addAll(plans.reconcileWithoutGuests(owner).steps());
                attempt.endOwn("OK", null);
                return true;
            } catch (Fault failure) {
                attempt.endOwn(failure.code().name(), failure.errno());
                LOG.warn("restore {}: {}", owner, failure.detail());
                return false;
            }
        }
    }

    private Owner after(Owner before, State state, List<Forecast.Line> done, @Nullable Fault problem) {
        return new Owner(
                before.owner(), state, before.attempts() + 1, clock.instant(), before.steps() + done.size(), problem);
    }
}
