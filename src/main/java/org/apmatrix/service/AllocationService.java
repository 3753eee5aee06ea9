package org.apmatrix.service;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.apmatrix.allocation.Wish;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.events.EventJournal;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.Card;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Queues by wish: chooses them, makes a device of them, plugs it in, and takes all of it back when it is given back or the lease is over.
 *
 * <p>The choice and its writes happen together, while no plan and no other allocation is being made ({@link PlanService#alone}); guests are talked to outside. Each
 * allocation has one at a time who works on it, so an expiry never meets a plug.
 *
 * <p>Long because an allocation has a whole life; what gives it back is {@link Giveback}.
 */
public final class AllocationService {
    private static final Logger LOG = LoggerFactory.getLogger(AllocationService.class);

    /** The most queues of one allocation: beyond that some kernels crash when they print the matrix. */
    private static final int MOST_QUEUES = 511;

    /** How often a choice is made anew because somebody without our locks was faster. */
    private static final int TRIES = 5;

    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    private final Host host;
    private final GuestService guests;
    private final HotplugService hotplug;
    private final PlanService plans;
    private final Allocations allocations;
    private final Giveback giveback;
    private final HostWatcher watcher;
    private final IdempotencyKeys idempotencyKeys;
    private final AuditJournal audit;
    private final AllocationProperties properties;
    private final int maxApqns;
    private final Clock clock;
    private final Map<String, ReentrantLock> turns = new ConcurrentHashMap<>();
    private final Map<String, Trouble> troubles = new ConcurrentHashMap<>();
    private final Set<String> lost = ConcurrentHashMap.newKeySet();
    /** Those that stand again, but that their guest did not take. */
    private final Set<String> unplugged = ConcurrentHashMap.newKeySet();

    private final ReentrantLock ticking = new ReentrantLock();
    private String lookTrouble = "";

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
        this.guests = guests;
        this.hotplug = hotplug;
        this.plans = plans;
        this.watcher = watcher;
        this.idempotencyKeys = idempotencyKeys;
        this.audit = audit;
        this.properties = properties;
        this.maxApqns = mdevs.matrix().maxApqns();
        this.clock = clock;
        this.allocations = new Allocations(stateDirectory, json, journal);
        this.giveback = new Giveback(host, plans, hotplug, allocations);
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

    /** Why something could not be done at the last tick, how often, and when it is tried again. */
    private record Trouble(String why, int times, Instant again) {}

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
            return new Outcome.DryRun<>(forecast(request, rights));
        }
        return idempotencyKeys.once(
                idempotencyKey, request, () -> new Outcome.Done<>(grant(request, rights, patience), true));
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

    private Forecast forecast(Request request, Rights rights) {
        Grant grant;
        try {
            grant = choose(MdevId.random(), request, receiver(request), host.look(), rights);
        } catch (RequestDenied | NotFound refusal) {
            return Plan.refused(refusal).forecast();
        }
        Forecast writes = grant.plan().forecast();
        List<Forecast.Line> lines = new ArrayList<>(writes.steps());
        if (request.guest() != null) {
            lines.add(HotplugService.plugLine(request.guest(), grant.mdev()));
        }
        return new Forecast(
                lines,
                writes.apqnsAdded(),
                writes.apqnsRemoved(),
                writes.guests(),
                writes.problems(),
                writes.warnings());
    }

    private Optional<Grant.Receiver> receiver(Request request) {
        return Optional.ofNullable(request.guest())
                .map(name -> new Grant.Receiver(name, guests.get(name).state()));
    }

    private Grant choose(
            MdevId mdev, Request request, Optional<Grant.Receiver> receiver, HostView view, Rights rights) {
        return Grant.choose(host, view, mdev, request.wish(), request.controlDomains(), receiver, rights, maxApqns);
    }

    private Allocation grant(Request request, Rights rights, Duration patience) {
        Optional<Grant.Receiver> receiver = receiver(request);
        String id = UUID.randomUUID().toString();
        return inTurn(id, patience, () -> {
            Made made = plans.alone(() -> make(id, request, receiver, rights));
            Allocation active = made.allocation().with(Allocation.State.ACTIVE);
            if (request.guest() != null) {
                try {
                    hotplug.plug(request.guest(), active.mdevId(), patience, false);
                } catch (RuntimeException failure) {
                    RuntimeException answer = takeBack(made.allocation(), request.guest(), failure);
                    tellWhole(made);
                    throw answer;
                }
            }
            allocations.end(active);
            tellWhole(made);
            return active;
        });
    }

    /** What was made, and what the audit journal is told of it at last. */
    private record Made(
            Allocation allocation,
            List<String> steps,
            @Nullable Snapshot masksBefore) {}

    private void tellWhole(Made made) {
        Attempt attempt = Attempt.current();
        attempt.whole(made.steps(), made.masksBefore(), masksNow());
        attempt.on(made.allocation().mdevId());
    }

    /** For the audit journal; null where they cannot be read, which does not change what has been done. */
    private @Nullable Snapshot masksNow() {
        try {
            return host.ask(() -> Snapshot.masks(host.bus().apmask(), host.bus().aqmask()));
        } catch (Fault unreadable) {
            LOG.warn("beside an allocation the masks cannot be read: {}", unreadable.detail());
            return null;
        }
    }

    /** The device, by itself. What somebody without our locks has changed meanwhile makes a new choice. */
    private Made make(String id, Request request, Optional<Grant.Receiver> receiver, Rights rights) {
        for (int tries = 1; ; tries++) {
            MdevId mdev = MdevId.random();
            Grant grant = choose(mdev, request, receiver, host.look(), rights);
            Snapshot masks = MaskService.snapshot(grant.view());
            Attempt attempt = Attempt.current();
            attempt.before(masks);
            grant.plan().refuseIfForbidden();
            Allocation allocation = allocation(id, request, grant);
            List<String> steps = steps(allocation, grant);
            attempt.on(mdev);
            attempt.steps(steps);
            attempt.intend();
            String claimant = Allocations.claimant(id);
            allocations.begin(allocation);
            try {
                plans.claims().begin(claimant, grant.needed(), MaskBits.setIn(grant.view()));
                Undertaking.perform(
                        claimant, List.of(plans.acts().writes(claimant, grant::targetOn, rights)), act -> {});
                return new Made(allocation, steps, masks);
            } catch (RuntimeException failure) {
                RuntimeException answer = afterFailure(allocation, failure);
                if (answer != failure || !isOvertaken(failure) || tries == TRIES) {
                    throw answer instanceof Grant.Overtaken ? RequestDenied.hostBusy() : answer;
                }
                LOG.info("{}: somebody was faster, choosing anew: {}", claimant, failure.getMessage());
            }
        }
    }

    private static boolean isOvertaken(RuntimeException failure) {
        return failure instanceof Grant.Overtaken
                || (failure instanceof RequestDenied refusal
                        && (refusal.code() == ErrorCode.APQN_IN_USE || refusal.code() == ErrorCode.APQN_RESERVED));
    }

    private Allocation allocation(String id, Request request, Grant grant) {
        Instant now = clock.instant();
        Matrix matrix = grant.matrix();
        return new Allocation(
                id,
                request.owner(),
                grant.mdev().toString(),
                request.mode(),
                matrix.adapters().ids(),
                matrix.domains().ids(),
                matrix.controlDomains().ids(),
                request.guest() == null ? null : request.guest().toString(),
                Allocation.State.CREATING,
                now,
                request.ttl(),
                request.ttl() == null ? null : now.plus(request.ttl()),
                request.onExpiry(),
                grant.choice().fromHost().stream().map(Apqn::toString).toList(),
                grant.choice().explanation());
    }

    private static List<String> steps(Allocation allocation, Grant grant) {
        List<String> steps = new ArrayList<>(
                grant.plan().steps().stream().map(Step::toString).toList());
        if (allocation.guest() != null) {
            steps.add("plug " + allocation.mdev() + " into " + allocation.guest());
        }
        return steps;
    }

    /** What is left of the writes is found by looking, whatever taking back said of itself; {@link #expire} goes on with it. */
    private RuntimeException afterFailure(Allocation allocation, RuntimeException failure) {
        String claimant = Allocations.claimant(allocation.id());
        if (!(failure instanceof HostFailure)) {
            // refused before the first write, or undone as a whole: bits that are 0 now are somebody else's doing
            plans.claims().restore(claimant, MaskClaims.Claim.NONE);
            allocations.remove(allocation.id());
            return failure;
        }
        List<String> left = new ArrayList<>();
        try {
            HostView view = host.look();
            MaskBits owed = plans.claims().owed(claimant, MaskBits.NONE).minus(MaskBits.setIn(view));
            view.mdev(allocation.mdevId()).ifPresent(entry -> left.add(allocation.mdev() + ": stands"));
            if (!owed.adapters().isEmpty()) {
                left.add("apmask: " + owed.adapters().ids() + " cleared");
            }
            if (!owed.domains().isEmpty()) {
                left.add("aqmask: " + owed.domains().ids() + " cleared");
            }
        } catch (Fault unreadable) {
            left.add("unknown, the look afterwards failed: " + unreadable.detail());
        }
        if (left.isEmpty()) {
            plans.claims().restore(claimant, MaskClaims.Claim.NONE);
            allocations.remove(allocation.id());
            return failure instanceof Fault fault && fault.facts().containsKey(HostFailure.NOT_UNDONE)
                    ? HostFailure.refused(fault.errno(), fault.detail() + " By now nothing is left of it.")
                    : failure;
        }
        allocations.end(allocation.with(Allocation.State.RELEASING));
        return HostFailure.notUndone(
                failure instanceof Fault fault ? fault.errno() : null,
                failure.getMessage()
                        + " Not all that had been done before could be undone yet; the service goes on trying.",
                left);
    }

    /** A guest that does not take it leaves nothing behind; what cannot be taken back at once goes by itself. */
    private RuntimeException takeBack(Allocation allocation, GuestName guest, RuntimeException failure) {
        String why;
        try {
            if (giveback.giveBack(allocation, Giveback.Force.UNPLUG, Duration.ZERO)) {
                return failure;
            }
            why = "its guest may still take it";
        } catch (RuntimeException unfinished) {
            LOG.error("allocation {}: cannot be taken back yet", allocation.id(), unfinished);
            why = String.valueOf(unfinished.getMessage());
            allocations.end(allocation.with(Allocation.State.RELEASING));
        }
        LOG.warn("allocation {}: refused ({}), and goes back later: {}", allocation.id(), failure.getMessage(), why);
        return HostFailure.qemuUnreachable(
                guest,
                failure.getMessage() + " The allocation " + allocation.id()
                        + " is given back by itself as soon as it can be: " + why);
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
        return isLost(allocation, view.mdev(allocation.mdevId()).map(entry -> entry.mdev()))
                ? allocation.with(Allocation.State.LOST)
                : allocation;
    }

    private static boolean isLost(Allocation allocation, Optional<Mdev> mdev) {
        return switch (allocation.state()) {
            case ACTIVE, EXPIRED, LOST -> !mdev.map(Mdev::matrix).equals(Optional.of(allocation.matrix()));
            case CREATING, RELEASING -> false;
        };
    }

    /** Whose a device is, in words; empty for one that is no allocation. */
    public Optional<String> ownerOf(MdevId mdev) {
        return allocations.of(mdev).map(allocation -> "allocation " + allocation.id());
    }

    /** How many there are in each state, as of the last look; costs no look. */
    public Map<Allocation.State, Integer> counts() {
        Map<Allocation.State, Integer> counts = new EnumMap<>(Allocation.State.class);
        Arrays.stream(Allocation.State.values()).forEach(state -> counts.put(state, 0));
        allocations
                .all()
                .forEach(allocation -> counts.merge(
                        lost.contains(allocation.id()) ? Allocation.State.LOST : allocation.state(), 1, Integer::sum));
        return counts;
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
        return inTurn(id, Duration.ofSeconds(10), () -> {
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
                    .map(this::forecastRelease)
                    .orElseGet(() -> Plan.nothing().forecast()));
        }
        return inTurn(id, patience.plusSeconds(1), () -> {
            Optional<Allocation> allocation = allocations.find(id);
            if (allocation.isEmpty()) {
                return new Outcome.Done<>(allocation, false);
            }
            Snapshot masks = masksNow();
            boolean gone = giveback.giveBack(allocation.get(), Giveback.Force.UNPLUG, patience);
            tellWhole(new Made(allocation.get(), List.of("give back " + id), masks));
            return new Outcome.Done<>(gone ? Optional.empty() : allocations.find(id), false);
        });
    }

    private Forecast forecastRelease(Allocation allocation) {
        HostView view = host.look();
        MdevId mdev = allocation.mdevId();
        Optional<HostView.Entry> entry = view.mdev(mdev);
        SortedMap<MdevId, Optional<Matrix>> gone = new TreeMap<>();
        entry.ifPresent(there -> gone.put(mdev, Optional.empty()));
        MaskBits back = Giveback.possible(
                view.with(gone), plans.claims().owed(Allocations.claimant(allocation.id()), MaskBits.NONE));
        Attachment attachment = entry.map(HostView.Entry::attachment).orElse(null);
        GuestName guest = attachment == null ? null : attachment.guest();
        Plan plan = Transition.plan(
                view,
                new Transition.Target(
                        view.apmask().or(back.adapters()), view.aqmask().or(back.domains()), gone),
                guest == null ? Set.of() : Set.of(mdev),
                Rights.ALL,
                maxApqns,
                host.mdevs(),
                host.bus());
        Forecast writes = plan.forecast();
        List<Forecast.Line> lines = new ArrayList<>();
        if (guest != null) {
            lines.add(HotplugService.unplugLine(guest, MdevTree.path(mdev).toString()));
        }
        lines.addAll(writes.steps());
        return new Forecast(lines, writes.apqnsAdded(), writes.apqnsRemoved(), writes.guests(), writes.problems());
    }

    /**
     * Looks at the clock: leases that are over, what is on its way back, and what could not be given back yet. What fails is tried again, first at the next call,
     * then after longer and longer pauses of up to a minute. Never throws.
     */
    public void expire() {
        if (!ticking.tryLock()) {
            return;
        }
        try {
            noticeLost();
            allocations.all().stream().filter(this::isDue).map(Allocation::id).forEach(this::expire);
            giveback.giveBackLeftovers();
            lookTrouble = "";
        } catch (RuntimeException unreadable) {
            if (!lookTrouble.equals(unreadable.getMessage())) {
                lookTrouble = String.valueOf(unreadable.getMessage());
                LOG.warn("leases cannot be looked after: {}", lookTrouble);
            }
        } finally {
            ticking.unlock();
        }
    }

    private boolean isDue(Allocation allocation) {
        Trouble trouble = troubles.get(allocation.id());
        Instant now = clock.instant();
        if (trouble != null && now.isBefore(trouble.again())) {
            return false;
        }
        return switch (allocation.state()) {
            case RELEASING, EXPIRED -> true;
            case ACTIVE, LOST -> allocation.hasExpired(now);
            case CREATING -> false;
        };
    }

    /** By what {@link HostWatcher} saw last. */
    private void noticeLost() {
        Optional<HostWatcher.Picture> last = watcher.last();
        if (last.isEmpty()) {
            return;
        }
        for (Allocation allocation : allocations.all()) {
            boolean isLost = !last.get().at().isBefore(allocation.createdAt())
                    && isLost(allocation, Optional.ofNullable(last.get().mdevs().get(allocation.mdevId())));
            if (isLost && lost.add(allocation.id())) {
                allocations.tell(allocation, allocation.with(Allocation.State.LOST));
            } else if (!isLost && lost.remove(allocation.id())) {
                allocations.tell(allocation.with(Allocation.State.LOST), allocation);
            }
        }
        lost.removeIf(id -> allocations.find(id).isEmpty());
    }

    /** One of them, unless somebody works on it: then at the next call. */
    private void expire(String id) {
        ReentrantLock turn = turns.computeIfAbsent(id, key -> new ReentrantLock(true));
        if (!turn.tryLock()) {
            return;
        }
        try (Attempt attempt = audit.beginOwn("expireAllocation", Map.of("id", id))) {
            Optional<Allocation> due = allocations.find(id).filter(this::isDue);
            if (due.isPresent()) {
                attempt.on(due.get().mdevId());
                settle(due.get(), attempt);
            }
        } finally {
            turn.unlock();
        }
        forgetIfGone(id);
    }

    private void settle(Allocation allocation, Attempt attempt) {
        String id = allocation.id();
        try {
            Optional<HostView.Entry> entry = host.look().mdev(allocation.mdevId());
            Attachment attachment = entry.map(HostView.Entry::attachment).orElse(null);
            boolean inUse =
                    entry.isPresent() && !Boolean.FALSE.equals(entry.get().inUse());
            boolean takesAway = allocation.state() == Allocation.State.RELEASING
                    || allocation.onExpiry() == Allocation.OnExpiry.UNPLUG;
            if (inUse && attachment != null && attachment.state() == Attachment.State.DETACHING) {
                // it was told to let go, and Settlement finds out when it has
                if (takesAway && allocation.state() != Allocation.State.RELEASING) {
                    allocations.begin(allocation.with(Allocation.State.RELEASING));
                }
                return;
            }
            boolean byAGuest = attachment != null && attachment.guest() != null;
            if (inUse && !(takesAway && byAGuest)) {
                expired(allocation, attempt);
                return;
            }
            boolean gone = giveback.giveBack(
                    allocation, takesAway ? Giveback.Force.UNPLUG : Giveback.Force.NEVER, Duration.ZERO);
            troubles.remove(id);
            if (attempt.isIntended()) {
                attempt.endOwn(gone ? "RELEASED" : "RELEASING", null);
            }
        } catch (RuntimeException failure) {
            if (failure instanceof RequestDenied refusal
                    && refusal.code() == ErrorCode.MDEV_IN_USE
                    && allocation.state() != Allocation.State.RELEASING) {
                expired(allocation, attempt);
                return;
            }
            trouble(id, failure);
            if (attempt.isIntended()) {
                attempt.endOwn(
                        failure instanceof Fault fault ? fault.code().name() : ErrorCode.INTERNAL_ERROR.name(),
                        failure instanceof Fault fault ? fault.errno() : null);
            }
        }
    }

    /** Its time is over, and it stays with whoever has it. */
    private void expired(Allocation allocation, Attempt attempt) {
        if (allocation.state() == Allocation.State.ACTIVE) {
            attempt.steps(List.of("expire " + allocation.id() + ", whose device is in use"));
            attempt.intend();
            allocations.end(allocation.with(Allocation.State.EXPIRED));
            attempt.endOwn("EXPIRED", null);
        }
    }

    private void trouble(String id, RuntimeException failure) {
        String why = String.valueOf(failure.getMessage());
        Trouble before = troubles.get(id);
        int times = before == null || !before.why().equals(why) ? 1 : before.times() + 1;
        Duration pause = times == 1 ? Duration.ZERO : Duration.ofSeconds(1L << Math.min(6, times - 1));
        troubles.put(
                id,
                new Trouble(
                        why, times, clock.instant().plus(pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause)));
        if (times == 1) {
            LOG.warn("allocation {}: cannot be given back yet: {}", id, why);
        }
    }

    /**
     * Makes what is lost stand again, as after a reboot: masks, device, and the plug into its guest. A device that stands with another matrix is left as it is. What
     * has a problem is tried again by the next call.
     *
     * @param patience how long to wait for each guest
     */
    public List<Restored> restore(Duration patience) {
        host.mdevs();
        List<Restored> restored = new ArrayList<>();
        for (Allocation candidate : allocations.all()) {
            if (candidate.state() != Allocation.State.ACTIVE
                    || candidate.hasExpired(clock.instant())
                    || (host.look().mdev(candidate.mdevId()).isPresent() && !unplugged.contains(candidate.id()))) {
                continue;
            }
            restored.add(inTurn(candidate.id(), patience, () -> restore(candidate, patience)));
        }
        return List.copyOf(restored);
    }

    private Restored restore(Allocation allocation, Duration patience) {
        if (Attempt.current().id() != null) {
            return restoreNow(allocation, patience);
        }
        try (Attempt attempt = audit.beginOwn("restoreAllocation", Map.of("id", allocation.id()))) {
            attempt.on(allocation.mdevId());
            Restored restored = restoreNow(allocation, patience);
            Fault problem = restored.problem();
            if (attempt.isIntended()) {
                attempt.endOwn(
                        problem == null ? "RESTORED" : problem.code().name(), problem == null ? null : problem.errno());
            }
            return restored;
        }
    }

    private Restored restoreNow(Allocation allocation, Duration patience) {
        try {
            plans.alone(() -> {
                standAgain(allocation);
                return allocation;
            });
            allocation.guestName().ifPresent(guest -> {
                unplugged.add(allocation.id());
                hotplug.plug(guest, allocation.mdevId(), patience, false);
                unplugged.remove(allocation.id());
            });
            LOG.info("allocation {}: stands again", allocation.id());
            return new Restored(allocation, null);
        } catch (Fault problem) {
            LOG.warn("allocation {}: does not stand again: {}", allocation.id(), problem.detail());
            return new Restored(allocation, problem);
        }
    }

    private void standAgain(Allocation allocation) {
        String claimant = Allocations.claimant(allocation.id());
        HostView view = host.look();
        MaskClaims.Claim before = plans.claims().of(claimant);
        MaskBits wanted = before.wanted();
        Attempt.current().intend();
        plans.claims().begin(claimant, wanted, MaskBits.setIn(view));
        try {
            Undertaking.perform(
                    claimant,
                    List.of(plans.acts()
                            .writes(
                                    claimant,
                                    now -> {
                                        SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>();
                                        mdevs.put(allocation.mdevId(), Optional.of(allocation.matrix()));
                                        return new Transition.Target(
                                                now.apmask().minus(wanted.adapters()),
                                                now.aqmask().minus(wanted.domains()),
                                                mdevs);
                                    },
                                    Rights.ALL)),
                    act -> {});
        } catch (RuntimeException failure) {
            plans.claims().restore(claimant, before);
            throw failure;
        }
    }

    /** One at a time works on an allocation. Throws HOST_LOCKED when somebody else does for too long. */
    private <T> T inTurn(String id, Duration patience, Supplier<T> work) {
        ReentrantLock turn = turns.computeIfAbsent(id, key -> new ReentrantLock(true));
        boolean mine = false;
        try {
            mine = turn.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!mine) {
            throw RequestDenied.hostBusy();
        }
        try {
            return work.get();
        } finally {
            turn.unlock();
            forgetIfGone(id);
        }
    }

    private void forgetIfGone(String id) {
        if (allocations.find(id).isEmpty()) {
            forget(id);
        }
    }

    private void forget(String id) {
        turns.remove(id);
        troubles.remove(id);
        unplugged.remove(id);
    }
}
