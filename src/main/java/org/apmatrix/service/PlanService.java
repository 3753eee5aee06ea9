package org.apmatrix.service;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.events.Event;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.Card;
import org.apmatrix.host.GuestState;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Whole documents of what should be: shows what one comes to, applies it or leaves the host as it was, tells how the host has drifted away from it, and mends that.
 *
 * <p>One plan at a time. The host's lock is held while sysfs is written, never while a guest is talked to; each act looks again for itself, under the laws.
 */
public final class PlanService {
    private static final Logger LOG = LoggerFactory.getLogger(PlanService.class);

    /** How long a plan waits for those before it. */
    private static final Duration TURN = Duration.ofSeconds(60);

    private final Host host;
    private final WorkInFlight inFlight;
    private final GuestService guests;
    private final PlanActs acts;
    private final SecureKeys secureKeys;
    private final Estates estates;
    private final MaskClaims claims;
    private final MdevctlStore definitions;
    private final int maxApqns;
    private final EventJournal journal;
    private final Clock clock;
    private final ReentrantLock planning = new ReentrantLock(true);
    private volatile Function<MdevId, Optional<String>> otherOwners = mdev -> Optional.empty();

    /**
     * Reads what earlier processes noted.
     *
     * @param stateDirectory null where nothing is to be kept beyond this process
     */
    public PlanService(
            Host host,
            WorkInFlight inFlight,
            GuestService guests,
            HotplugService hotplug,
            MdevctlStore definitions,
            MdevProperties properties,
            EventJournal journal,
            Clock clock,
            @Nullable Path stateDirectory,
            JsonMapper json) {
        this.host = host;
        this.inFlight = inFlight;
        this.guests = guests;
        this.acts = new PlanActs(host, inFlight, hotplug, definitions, properties);
        this.secureKeys = new SecureKeys(host);
        this.estates = new Estates(stateDirectory, json);
        this.claims = new MaskClaims(stateDirectory, json);
        host.onMasksSeen((apmask, aqmask) -> claims.seen(new MaskBits(apmask, aqmask)));
        this.definitions = definitions;
        this.maxApqns = properties.matrix().maxApqns();
        this.journal = journal;
        this.clock = clock;
    }

    /** What applying a document would do, and each queue's old and new holder. */
    public record Preview(Forecast forecast, List<Move> moves) {}

    /**
     * What applying a document has done.
     *
     * @param changed false when the host was like it already
     * @param steps in the order of execution
     * @param warnings of the document's matrices
     */
    public record Applied(boolean changed, List<Forecast.Line> steps, List<Warning> warnings) {}

    /**
     * How the host differs from an owner's document.
     *
     * @param interrupted null unless applying it was cut off in the middle
     */
    public record Drift(
            String owner,
            List<Differences.Difference> differences,
            @Nullable Interrupted interrupted) {}

    /**
     * A document that was being applied when the process ended, or that failed and could not be taken back as a whole.
     *
     * @param fromBefore in what the host differs from what it was
     * @param fromWanted in what it differs from the document
     */
    public record Interrupted(
            Instant since, List<Differences.Difference> fromBefore, List<Differences.Difference> fromWanted) {}

    /** What would happen; nothing is changed. */
    public Preview preview(DesiredState document, Rights rights) {
        Draft draft = draft(document.requireSense(), rights, Draft.Scope.ALL);
        List<Warning> warnings = new ArrayList<>(warnings(draft));
        Stream.concat(draft.unplugs().stream(), draft.plugs().stream())
                .map(pair -> draft.target()
                        .after(draft.view())
                        .mdev(pair.mdev())
                        .or(() -> draft.view().mdev(pair.mdev())))
                .flatMap(Optional::stream)
                .flatMap(entry -> secureKeys.warnings(entry.mdev().matrixOrEmpty()).stream())
                .forEach(warnings::add);
        return new Preview(draft.forecast().with(warnings), draft.moves());
    }

    /**
     * Makes the host like the document, as far as it is this owner's; else leaves it as it was.
     *
     * @param patience how long to wait for each guest
     * @throws HostFailure with {@code notUndone}: every difference that is left
     */
    public Applied apply(DesiredState document, Rights rights, Duration patience) {
        document.requireSense();
        return alone(() -> applyAlone(document, rights, patience, Draft.Scope.ALL));
    }

    /** Applies again what was applied last, or was being applied: for one owner, or for all when that is null. */
    public Applied reconcile(@Nullable String owner, Rights rights, Duration patience) {
        return alone(() -> {
            boolean changed = false;
            List<Forecast.Line> steps = new ArrayList<>();
            List<Warning> warnings = new ArrayList<>();
            for (DesiredState document : wanted(owner)) {
                Applied applied = applyAlone(document, rights, patience, Draft.Scope.ALL);
                changed |= applied.changed();
                steps.addAll(applied.steps());
                warnings.addAll(applied.warnings());
            }
            return new Applied(changed, steps, warnings);
        });
    }

    /** The same for masks, devices and definitions alone: who is unplugged stays unplugged, and the document stays the one that is wanted. */
    Applied reconcileWithoutGuests(String owner) {
        return alone(() -> {
            List<DesiredState> documents = wanted(owner);
            return documents.isEmpty()
                    ? new Applied(false, List.of(), List.of())
                    : applyAlone(documents.get(0), Rights.ALL, Duration.ZERO, Draft.Scope.WITHOUT_GUESTS);
        });
    }

    /** What {@link #reconcile} would do, for each owner. */
    public List<Preview> previewReconcile(@Nullable String owner, Rights rights) {
        return wanted(owner).stream().map(document -> preview(document, rights)).toList();
    }

    /** Compares what was last applied with what is: of one owner, or of all. */
    public List<Drift> drift(@Nullable String owner) {
        HostView view = host.look();
        return estatesOf(owner).stream().map(estate -> drift(estate, view)).toList();
    }

    /** The documents as they were applied last, or are being applied. */
    public List<DesiredState> documents() {
        return wanted(null);
    }

    /** Whose document has made a device; empty for one that nobody's has. */
    public Optional<String> ownerOf(MdevId mdev) {
        return estates.ownerOf(mdev);
    }

    /** What plans are made of, for others who make some. */
    PlanActs acts() {
        return acts;
    }

    /** Who wants which bits of the masks to be 0. */
    MaskClaims claims() {
        return claims;
    }

    /** Tells whose a device is that no document has made, for the refusal of a document that names it. */
    void namesOtherOwners(Function<MdevId, Optional<String>> owners) {
        otherOwners = owners;
    }

    /** Whether a process ended in the middle of writes about this, and nobody has settled that since. */
    boolean wasCutOff(String subject) {
        return inFlight.unfinished().stream().anyMatch(work -> work.subject().equals(subject));
    }

    /** Does something while no plan is being applied, and no other is. Throws HOST_LOCKED when that takes too long. */
    <T> T alone(Supplier<T> work) {
        boolean mine = false;
        try {
            mine = planning.tryLock(TURN.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!mine) {
            throw RequestDenied.hostBusy();
        }
        try {
            return work.get();
        } finally {
            planning.unlock();
        }
    }

    /** For the log, and for the note that survives a crash. */
    static String subject(String owner) {
        return "plan " + owner;
    }

    private List<DesiredState> wanted(@Nullable String owner) {
        return estatesOf(owner).stream()
                .flatMap(estate -> estate.wanted().stream())
                .toList();
    }

    private List<Estate> estatesOf(@Nullable String owner) {
        if (owner == null) {
            return estates.all();
        }
        Estate estate = estates.of(DesiredState.requireOwner(owner));
        return estate.wanted().isPresent() ? List.of(estate) : List.of();
    }

    private Draft draft(DesiredState document, Rights rights, Draft.Scope scope) {
        host.mdevs();
        Draft.Ground ground = ground();
        return new Draft(ground, document, estates.of(document.owner()), host.look(), rights, scope);
    }

    private Draft.Ground ground() {
        return new Draft.Ground(
                host.mdevs(), host.bus(), estates, claims, definitions, this::guestState, otherOwners, maxApqns);
    }

    private Optional<GuestState> guestState(GuestName name) {
        try {
            return Optional.of(guests.get(name).state());
        } catch (NotFound none) {
            return Optional.empty();
        }
    }

    private Applied applyAlone(DesiredState document, Rights rights, Duration patience, Draft.Scope scope) {
        Estate before = estates.of(document.owner());
        Draft draft = draft(document, rights, scope);
        Attempt attempt = Attempt.current();
        Snapshot masksBefore = MaskService.snapshot(draft.view());
        attempt.before(masksBefore);
        draft.refuseIfForbidden();
        String claimant = Draft.claimant(document.owner());
        if (draft.isEmpty()) {
            attempt.after(masksBefore);
            if (!document.equals(before.applied()) || before.begun() != null) {
                attempt.intend();
                estates.begin(before.ended(document, clock.instant()));
                claims.settle(claimant, document.bitsToClear());
                inFlight.settled(subject(document.owner()));
            }
            return new Applied(false, List.of(), warnings(draft));
        }
        List<String> texts = draft.auditedSteps();
        attempt.steps(texts);
        attempt.intend();
        MaskClaims.Claim claimBefore = claims.of(claimant);
        estates.begin(before.begin(begun(draft, document)));
        try {
            claims.begin(claimant, document.bitsToClear(), MaskBits.setIn(draft.view()));
        } catch (Fault notNoted) {
            estates.end(before);
            throw notNoted;
        }
        List<Undertaking.Act> all = acts.of(draft, document, before, ground(), rights, patience);
        Progress progress = new Progress(document.owner(), all.size());
        progress.tell("begin", "RUNNING");
        try {
            Undertaking.perform(subject(document.owner()), all, progress::done);
        } catch (RuntimeException failure) {
            attempt.whole(texts, masksBefore, MaskService.masksNow(host));
            throw afterFailure(before, claimBefore, failure, progress);
        }
        estates.end(before.ended(document, clock.instant()));
        claims.settle(claimant, document.bitsToClear());
        attempt.whole(texts, masksBefore, MaskService.masksNow(host));
        progress.tell("end", "APPLIED");
        LOG.info("plan {}: applied, {} steps", document.owner(), texts.size());
        return new Applied(true, draft.lines(), warnings(draft));
    }

    private List<Warning> warnings(Draft draft) {
        Map<AdapterId, Optional<Card.Mode>> modes = new HashMap<>();
        return draft.target().mdevs().values().stream()
                .flatMap(Optional::stream)
                .flatMap(matrix -> Warning.of(
                        draft.view(),
                        matrix,
                        host.masterKeys(),
                        adapter -> modes.computeIfAbsent(
                                adapter, id -> host.ask(() -> host.bus().mode(id))))
                        .stream())
                .toList();
    }

    private Estate.Begun begun(Draft draft, DesiredState document) {
        SortedMap<String, Estate.@Nullable Assigned> matrices = new TreeMap<>();
        SortedMap<String, @Nullable String> who = new TreeMap<>();
        SortedMap<String, @Nullable String> texts = new TreeMap<>();
        for (MdevId id : draft.touched()) {
            Optional<HostView.Entry> entry = draft.view().mdev(id);
            matrices.put(
                    id.toString(),
                    entry.map(present -> Estate.Assigned.of(present.mdev().matrixOrEmpty()))
                            .orElse(null));
            who.put(
                    id.toString(),
                    entry.map(HostView.Entry::attachment)
                            .map(Attachment::toString)
                            .orElse(null));
        }
        draft.redefinitions()
                .forEach(change -> texts.put(
                        change.mdev().toString(),
                        Optional.ofNullable(change.before())
                                .map(MdevDefinition::text)
                                .orElse(null)));
        return new Estate.Begun(
                document,
                clock.instant(),
                draft.view().apmask().toString(),
                draft.view().aqmask().toString(),
                draft.target().apmask().toString(),
                draft.target().aqmask().toString(),
                matrices,
                who,
                texts);
    }

    /** What is left is found by looking, whatever taking back said of itself. */
    private RuntimeException afterFailure(
            Estate before, MaskClaims.Claim claimBefore, RuntimeException failure, Progress progress) {
        Estate.Begun begun = Objects.requireNonNull(estates.of(before.owner()).begun());
        List<Differences.Difference> left;
        try {
            left = Differences.from(begun, host.look(), definitions);
        } catch (Fault unreadable) {
            progress.tell("nobody knows what is left", "INCOMPLETE");
            return HostFailure.notUndone(
                    failure, List.of("unknown, the look afterwards failed: " + unreadable.detail()));
        }
        if (left.isEmpty()) {
            estates.end(before);
            claims.restore(Draft.claimant(before.owner()), claimBefore);
            progress.tell("taken back", "TAKEN_BACK");
            // a write that takes back may have been refused, and the next one have done it all the same
            return failure instanceof Fault fault && fault.facts().containsKey(HostFailure.NOT_UNDONE)
                    ? HostFailure.refused(fault.errno(), fault.detail() + " By now nothing is left of it.")
                    : failure;
        }
        progress.tell("not all could be taken back", "INCOMPLETE");
        return HostFailure.notUndone(
                failure, left.stream().map(Differences.Difference::toString).toList());
    }

    private Drift drift(Estate estate, HostView view) {
        DesiredState document = estate.wanted().orElseThrow();
        List<Differences.Difference> differences =
                Differences.from(new Draft(ground(), document, estate, view, Rights.ALL, Draft.Scope.ALL), definitions);
        Estate.Begun begun = estate.begun();
        return new Drift(
                estate.owner(),
                differences,
                begun == null
                        ? null
                        : new Interrupted(begun.since(), Differences.from(begun, view, definitions), differences));
    }

    /**
     * After a start: what an ended process was applying is settled where the host is as it was, or as it was to be. The rest stays {@link Interrupted} until somebody
     * applies a document of this owner, or reconciles.
     */
    public void settleInterrupted() {
        alone(() -> {
            List<Estate> begun = estates.all().stream()
                    .filter(estate -> estate.begun() != null)
                    .toList();
            if (!begun.isEmpty()) {
                HostView view = host.look();
                begun.forEach(estate -> settle(estate, view));
            }
            return begun;
        });
    }

    private void settle(Estate estate, HostView view) {
        Estate.Begun begun = Objects.requireNonNull(estate.begun());
        String claimant = Draft.claimant(estate.owner());
        List<Differences.Difference> fromBefore = Differences.from(begun, view, definitions);
        Draft toDo = new Draft(ground(), begun.document(), estate, view, Rights.ALL, Draft.Scope.ALL);
        if (toDo.isEmpty()) {
            estates.end(estate.ended(begun.document(), begun.since()));
            claims.settle(claimant, begun.document().bitsToClear());
            inFlight.settled(subject(estate.owner()));
            LOG.info("plan {}: an earlier process had applied it", estate.owner());
        } else if (fromBefore.isEmpty()) {
            DesiredState applied = estate.applied();
            estates.end(estate.takenBack(id -> view.mdev(id).isPresent(), definitions::isDefined));
            claims.settle(claimant, applied == null ? MaskBits.NONE : applied.bitsToClear());
            inFlight.settled(subject(estate.owner()));
            LOG.info("plan {}: an earlier process has left all as it was", estate.owner());
        } else {
            LOG.warn(
                    "plan {}: cut off in the middle; it differs from what was before in {}, from what was wanted in {}",
                    estate.owner(),
                    fromBefore,
                    Differences.from(toDo, definitions));
        }
    }

    /** Tells listeners how far it is. */
    private final class Progress {
        private final String owner;
        private final int of;
        private int done;

        Progress(String owner, int of) {
            this.owner = owner;
            this.of = of;
        }

        void done(Undertaking.Act act) {
            done++;
            tell(act.title(), "RUNNING");
        }

        void tell(String step, String status) {
            journal.tell(List.of(new Event.Change(
                    EventType.PLAN_PROGRESS,
                    Event.Origin.APMATRIX,
                    Event.Subject.PLAN,
                    null,
                    new Event.State.Progress(owner, done, of, step, status))));
        }
    }
}
