package org.apmatrix.service;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.allocation.Wish;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.events.EventJournal;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.Card;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Queues by wish: somebody gets a device with as many as were wished for, renews the lease, and gives all of it back.
 *
 * <p>How one is made is {@link Granting}, how it goes back {@link Giveback}, what happens by itself {@link LeaseKeeper}, and what a reboot needs {@link
 * Reinstatement}.
 *
 * <p>Long because all that may be asked of allocations is here, with what is refused before anything is looked at.
 */
public final class AllocationService {
    /** The most queues of one allocation: beyond that some kernels crash when they print the matrix. */
    private static final int MOST_QUEUES = 511;

    private final Host host;
    private final Allocations allocations;
    private final Turns turns;
    private final Granting granting;
    private final Giveback giveback;
    private final LeaseKeeper keeper;
    private final Reinstatement reinstatement;
    private final IdempotencyKeys idempotencyKeys;
    private final AllocationProperties properties;
    private final int maxApqns;
    private final Clock clock;

    /**
     * Reads what earlier processes noted.
     *
     * @param stateDirectory null where nothing is to be kept beyond this process
     */
    public AllocationService(
            Host host,
            GuestService guests,
            HotplugService hotplug,
            PlanService plans,
            HostWatcher watcher,
            IdempotencyKeys idempotencyKeys,
            EventJournal journal,
            AuditJournal audit,
            AllocationProperties properties,
            MdevProperties mdevs,
            Clock clock,
            @Nullable Path stateDirectory,
            JsonMapper json) {
        this.host = host;
        this.idempotencyKeys = idempotencyKeys;
        this.properties = properties;
        this.maxApqns = mdevs.matrix().maxApqns();
        this.clock = clock;
        this.allocations = new Allocations(stateDirectory, json, journal);
        this.turns = new Turns(allocations);
        this.giveback = new Giveback(host, plans, hotplug, allocations, maxApqns);
        this.granting = new Granting(host, guests, hotplug, plans, allocations, turns, giveback, maxApqns, clock);
        this.keeper = new LeaseKeeper(host, watcher, allocations, turns, giveback, audit, clock);
        this.reinstatement = new Reinstatement(host, hotplug, plans, allocations, turns, audit, clock);
        plans.namesOtherOwners(this::ownerOf);
    }

    /**
     * What somebody wishes.
     *
     * @param guest into which it is plugged at once; null for none
     * @param minHwType 10 (CEX4) to 14 (CEX8); null for any
     * @param controlDomains whether the guest controls the domains that it uses
     * @param ttl null to keep it until it is given back
     */
    public record Request(
            String owner,
            @Nullable GuestName guest,
            Card.Mode mode,
            int queues,
            boolean distinctAdapters,
            @Nullable Integer minHwType,
            boolean sameMasterKey,
            boolean mayTakeFromHost,
            boolean controlDomains,
            @Nullable Duration ttl,
            Allocation.OnExpiry onExpiry) {
        Wish wish() {
            return new Wish(mode, queues, distinctAdapters, minHwType, sameMasterKey, mayTakeFromHost);
        }
    }

    /**
     * What became of one allocation when it was to stand again.
     *
     * @param problem null where it does
     */
    public record Restored(Allocation allocation, @Nullable Fault problem) {}

    /**
     * Chooses queues and makes a device of them, all or nothing; plugs it in where a guest is named, or nothing is left of it.
     *
     * @param idempotencyKey the same key with the same wish answers as the first time
     * @param patience how long to wait for the guest
     * @throws RequestDenied ALLOCATION_IMPOSSIBLE, and what a plug can be refused for
     */
    public Outcome<Allocation> allocate(
            Request request, @Nullable String idempotencyKey, Rights rights, Duration patience, boolean dryRun) {
        requireSense(request);
        host.mdevs();
        if (dryRun) {
            return new Outcome.DryRun<>(granting.forecast(request, rights));
        }
        return idempotencyKeys.once(
                idempotencyKey, request, () -> new Outcome.Done<>(granting.grant(request, rights, patience), true));
    }

    private void requireSense(Request request) {
        DesiredState.requireOwner(request.owner());
        int most = Math.min(MOST_QUEUES, maxApqns);
        require(request.queues() >= 1 && request.queues() <= most, "queues", "From 1 to " + most + " queues.");
        Integer hwType = request.minHwType();
        require(hwType == null || (hwType >= 10 && hwType <= 14), "minHwType", "From 10 (CEX4) to 14 (CEX8).");
        requireTtl(request.ttl());
    }

    private void requireTtl(@Nullable Duration ttl) {
        require(
                ttl == null || (ttl.compareTo(Duration.ofSeconds(1)) >= 0 && ttl.compareTo(properties.maxTtl()) <= 0),
                "ttl",
                "At least PT1S, and at most " + properties.maxTtl() + " (apmatrix.allocations.max-ttl).");
    }

    private static void require(boolean condition, String field, String detail) {
        if (!condition) {
            throw new InvalidValue(field, detail);
        }
    }

    /** What there is, of one owner or of all, in the order in which it was made. */
    public List<Allocation> list(@Nullable String owner) {
        if (owner != null) {
            DesiredState.requireOwner(owner);
        }
        List<Allocation> wanted = allocations.all().stream()
                .filter(allocation -> owner == null || owner.equals(allocation.owner()))
                .toList();
        if (wanted.isEmpty()) {
            return wanted;
        }
        HostView view = host.look();
        return wanted.stream().map(allocation -> asSeen(allocation, view)).toList();
    }

    /** Throws ALLOCATION_NOT_FOUND. */
    public Allocation get(String id) {
        return asSeen(require(id), host.look());
    }

    private Allocation require(String id) {
        return allocations.find(id).orElseThrow(() -> NotFound.allocation(excerpt(id)));
    }

    private static String excerpt(String id) {
        return id.length() <= 80 ? id : id.substring(0, 80) + "…";
    }

    private static Allocation asSeen(Allocation allocation, HostView view) {
        return allocation.isLost(view.mdev(allocation.mdevId()).map(HostView.Entry::mdev))
                ? allocation.with(Allocation.State.LOST)
                : allocation;
    }

    /** Whose a device is, in words; empty for one that is no allocation. */
    public Optional<String> ownerOf(MdevId mdev) {
        return allocations.of(mdev).map(allocation -> "allocation " + allocation.id());
    }

    /** How many there are in each state, as of the last look; costs no look. */
    public Map<Allocation.State, Integer> counts() {
        return allocations.counts();
    }

    /**
     * Begins a lease anew; also one that is over and still stands.
     *
     * @param ttl null for the same as before
     * @param onExpiry null to leave it
     */
    public Allocation renew(String id, @Nullable Duration ttl, Allocation.@Nullable OnExpiry onExpiry, boolean dryRun) {
        requireTtl(ttl);
        if (dryRun) {
            return renewed(require(id), ttl, onExpiry);
        }
        return turns.inTurn(id, Duration.ofSeconds(10), () -> {
            Allocation before = require(id);
            Allocation renewed = renewed(before, ttl, onExpiry);
            Attempt attempt = Attempt.current();
            attempt.on(before.mdevId());
            attempt.steps(List.of("renew " + id + " until " + renewed.expiresAt()));
            attempt.intend();
            allocations.begin(renewed);
            return asSeen(renewed, host.look());
        });
    }

    private Allocation renewed(Allocation before, @Nullable Duration ttl, Allocation.@Nullable OnExpiry onExpiry) {
        if (before.state() == Allocation.State.RELEASING || before.state() == Allocation.State.CREATING) {
            throw NotFound.allocationOnItsWayOut(before.id());
        }
        return before.renewed(
                clock.instant(), ttl == null ? before.ttl() : ttl, onExpiry == null ? before.onExpiry() : onExpiry);
    }

    /**
     * Gives it back: unplugs it, removes it, gives the masks back. Already gone is done.
     *
     * @return empty when it is gone; RELEASING when its guest did not let go within the patience
     */
    public Outcome<Optional<Allocation>> release(String id, Duration patience, boolean dryRun) {
        if (dryRun) {
            return new Outcome.DryRun<>(allocations
                    .find(id)
                    .map(giveback::forecast)
                    .orElseGet(() -> Plan.nothing().forecast()));
        }
        return turns.inTurn(id, patience.plusSeconds(1), () -> {
            Optional<Allocation> allocation = allocations.find(id);
            if (allocation.isEmpty()) {
                return new Outcome.Done<>(allocation, false);
            }
            Snapshot masks = MaskService.masksNow(host);
            boolean gone = giveback.giveBack(allocation.get(), Giveback.Force.UNPLUG, patience);
            Attempt attempt = Attempt.current();
            attempt.whole(List.of("give back " + id), masks, MaskService.masksNow(host));
            attempt.on(allocation.get().mdevId());
            return new Outcome.Done<>(gone ? Optional.empty() : allocations.find(id), false);
        });
    }

    /**
     * Looks at the clock: leases that are over, what is on its way back, and what could not be given back yet. What fails is tried again, first at the next call,
     * then after longer and longer pauses of up to a minute. Never throws.
     */
    public void expire() {
        keeper.expire();
    }

    /**
     * Makes what is lost stand again, as after a reboot: masks, device, and the plug into its guest. A device that stands with another matrix is left as it is. What
     * has a problem is tried again by the next call.
     *
     * @param patience how long to wait for each guest
     */
    public List<Restored> restore(Duration patience) {
        return reinstatement.restore(patience);
    }
}
