package org.apmatrix.service;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.Card;
import org.apmatrix.host.MdevTree;
import org.jspecify.annotations.Nullable;

/** Mediated matrix devices: list, make, change, remove, under both laws. */
public final class MdevService {
    private static final String SUBJECT = "mdev ";

    private final Host host;
    private final Change change;
    private final IdempotencyKeys idempotencyKeys;
    private final MdevProperties properties;

    public MdevService(Host host, WorkInFlight inFlight, IdempotencyKeys idempotencyKeys, MdevProperties properties) {
        this.host = host;
        this.change = new Change(host, inFlight);
        this.idempotencyKeys = idempotencyKeys;
        this.properties = properties;
    }

    public List<MdevState> list() {
        host.mdevs();
        HostView view = host.look();
        Map<AdapterId, Optional<Card.Mode>> modes = new HashMap<>();
        return view.mdevs().values().stream()
                .map(entry -> MdevState.of(view, entry)
                        .with(warnings(
                                view,
                                entry.mdev().matrixOrEmpty(),
                                adapter -> modes.computeIfAbsent(adapter, this::mode))))
                .toList();
    }

    public MdevState get(MdevId id) {
        host.mdevs();
        return state(host.look(), id);
    }

    /**
     * Makes a device with a matrix, all or nothing.
     *
     * @param uuid null for a random one
     * @param idempotencyKey the same key with the same wish answers as the first time
     */
    public Outcome<MdevState> create(
            @Nullable MdevId uuid, Matrix matrix, @Nullable String idempotencyKey, WriteOptions options) {
        record Wish(@Nullable MdevId uuid, Matrix matrix) {}
        if (options.dryRun()) {
            return createNow(uuid, matrix, options);
        }
        return idempotencyKeys.once(idempotencyKey, new Wish(uuid, matrix), () -> createNow(uuid, matrix, options));
    }

    private Outcome<MdevState> createNow(@Nullable MdevId uuid, Matrix matrix, WriteOptions options) {
        MdevId id = uuid == null ? MdevId.random() : uuid;
        return write(id, options, view -> {
            Plan plan = planMatrix(view, id, null, matrix, options);
            return view.mdev(id).isPresent() ? plan.refusedFirstFor(RequestDenied.mdevExists(id)) : plan;
        });
    }

    /** Makes the device, or gives the one that stands this matrix. */
    public Outcome<MdevState> put(MdevId id, Matrix matrix, WriteOptions options) {
        return write(id, options, view -> planMatrix(view, id, view.mdev(id).orElse(null), matrix, options));
    }

    /** Replaces the whole matrix, all or nothing. */
    public Outcome<MdevState> replaceMatrix(MdevId id, Matrix matrix, WriteOptions options) {
        return write(id, options, view -> planMatrix(view, id, Invariants.mdevExists(view, id), matrix, options));
    }

    public Outcome<MdevState> assignAdapter(MdevId id, AdapterId adapter, WriteOptions options) {
        return single(
                id,
                options,
                before -> before.withAdapters(before.adapters().with(adapter.value())),
                (tree, mdev) -> new Step(tree.assignAdapter(mdev, adapter), tree.unassignAdapter(mdev, adapter)));
    }

    public Outcome<MdevState> unassignAdapter(MdevId id, AdapterId adapter, WriteOptions options) {
        return single(
                id,
                options,
                before -> before.withAdapters(before.adapters().without(adapter.value())),
                (tree, mdev) -> new Step(tree.unassignAdapter(mdev, adapter), tree.assignAdapter(mdev, adapter)));
    }

    public Outcome<MdevState> assignDomain(MdevId id, DomainId domain, WriteOptions options) {
        return single(
                id,
                options,
                before -> before.withDomains(before.domains().with(domain.value())),
                (tree, mdev) -> new Step(tree.assignDomain(mdev, domain), tree.unassignDomain(mdev, domain)));
    }

    public Outcome<MdevState> unassignDomain(MdevId id, DomainId domain, WriteOptions options) {
        return single(
                id,
                options,
                before -> before.withDomains(before.domains().without(domain.value())),
                (tree, mdev) -> new Step(tree.unassignDomain(mdev, domain), tree.assignDomain(mdev, domain)));
    }

    public Outcome<MdevState> assignControlDomain(MdevId id, DomainId domain, WriteOptions options) {
        return single(
                id,
                options,
                before -> before.withControlDomains(before.controlDomains().with(domain.value())),
                (tree, mdev) ->
                        new Step(tree.assignControlDomain(mdev, domain), tree.unassignControlDomain(mdev, domain)));
    }

    public Outcome<MdevState> unassignControlDomain(MdevId id, DomainId domain, WriteOptions options) {
        return single(
                id,
                options,
                before -> before.withControlDomains(before.controlDomains().without(domain.value())),
                (tree, mdev) ->
                        new Step(tree.unassignControlDomain(mdev, domain), tree.assignControlDomain(mdev, domain)));
    }

    /** Removes the device; the answer is empty afterwards. Already gone is done. */
    public Outcome<Optional<MdevState>> remove(MdevId id, WriteOptions options) {
        Attempt.current().on(id);
        MdevTree tree = host.mdevs();
        return change.run(
                subject(id),
                options,
                view -> snapshot(view, id),
                view -> view.mdev(id)
                        .map(entry -> planRemoval(tree, view, entry, options))
                        .orElseGet(Plan::nothing),
                (before, after) -> new Outcome.Done<>(after.mdev(id).map(entry -> MdevState.of(after, entry)), false));
    }

    private static Plan planRemoval(MdevTree tree, HostView view, HostView.Entry entry, WriteOptions options) {
        MdevId id = entry.mdev().id();
        Plan.Problems problems = new Plan.Problems();
        problems.check(() -> StateTag.requireMatch(options.ifMatch(), MdevState.of(view, entry)));
        problems.check(() -> Invariants.mdevNotInUse(entry));
        return problems.plan(
                        List.of(new Step(tree.remove(id))),
                        entry.mdev().matrixOrEmpty(),
                        Matrix.EMPTY,
                        entry.holder().stream().toList())
                .with(Warning.ofRemoval(view, entry));
    }

    private Outcome<MdevState> single(
            MdevId id, WriteOptions options, UnaryOperator<Matrix> after, BiFunction<MdevTree, MdevId, Step> step) {
        return write(id, options, view -> {
            HostView.Entry entry = Invariants.mdevExists(view, id);
            Matrix before = entry.mdev().matrixOrEmpty();
            return plan(view, id, entry, after.apply(before), options, List.of(step.apply(host.mdevs(), id)), false);
        });
    }

    private Outcome<MdevState> write(MdevId id, WriteOptions options, Decision decide) {
        Attempt.current().on(id);
        host.mdevs();
        return change.run(
                subject(id),
                options,
                view -> snapshot(view, id),
                decide::plan,
                (before, after) ->
                        new Outcome.Done<>(state(after, id), before.mdev(id).isEmpty()));
    }

    static Snapshot snapshot(HostView view, MdevId id) {
        return view.mdev(id).map(entry -> Snapshot.of(entry.mdev().matrix())).orElse(Snapshot.NOTHING);
    }

    private interface Decision {
        Plan plan(HostView view);
    }

    /** By one write of {@code ap_config} where the kernel has it, else by the fewest single writes. */
    private Plan planMatrix(
            HostView view, MdevId id, HostView.@Nullable Entry present, Matrix after, WriteOptions options) {
        MdevTree tree = host.mdevs();
        Matrix before = present == null ? Matrix.EMPTY : present.mdev().matrixOrEmpty();
        boolean atOnce = view.canWriteMatrixAtOnce(present);
        MatrixWrites writes = new MatrixWrites(tree, id, atOnce);
        List<Step> steps = new ArrayList<>();
        if (present == null) {
            steps.add(writes.create());
        }
        steps.addAll(writes.change(before, after));
        return plan(view, id, present, after, options, steps, atOnce);
    }

    private Plan plan(
            HostView view,
            MdevId id,
            HostView.@Nullable Entry present,
            Matrix after,
            WriteOptions options,
            List<Step> steps,
            boolean atOnce) {
        Matrix before = present == null ? Matrix.EMPTY : present.mdev().matrixOrEmpty();
        Plan.Problems problems = new Plan.Problems();
        problems.check(
                () -> StateTag.requireMatch(options.ifMatch(), present == null ? null : MdevState.of(view, present)));
        if (!options.controlDomains()) {
            problems.check(() -> Invariants.controlDomainsStay(before, after));
        }
        if (options.live()) {
            problems.check(() -> Invariants.liveChangeAllowed(
                    properties.liveChanges() == MdevProperties.LiveChanges.ALLOWED, view.generation()));
        }
        boolean beingRemoved = present != null && present.mdev().matrix() == null;
        if (present != null && before.equals(after) && !beingRemoved) {
            return problems.plan(List.of(), before, after, List.of()).with(warnings(view, after));
        }
        if (present != null && (!options.live() || beingRemoved)) {
            problems.check(() -> Invariants.mdevNotInUse(present));
        }
        problems.check(() -> Invariants.withinMaxima(view, before, after));
        boolean grows = !before.adapters().containsAll(after.adapters())
                || !before.domains().containsAll(after.domains());
        if (grows) {
            problems.check(
                    () -> Invariants.notTooLarge(after, properties.matrix().maxApqns()));
        }
        // the kernel checks the whole new matrix when something is assigned, nothing when something is unassigned
        if ((grows || atOnce) && after.apqnCount() <= properties.matrix().maxApqns()) {
            problems.check(() -> Invariants.notReserved(view, after));
            problems.check(() -> Invariants.notShared(view, id, after));
        }
        List<String> users =
                present == null ? List.of() : present.holder().stream().toList();
        return problems.plan(steps, before, after, users).with(warnings(view, after));
    }

    private MdevState state(HostView view, MdevId id) {
        MdevState state = MdevState.of(view, view.mdev(id).orElseThrow(() -> NotFound.mdev(id)));
        return state.with(warnings(view, state.entry().mdev().matrixOrEmpty()));
    }

    private List<Warning> warnings(HostView view, Matrix matrix) {
        Map<AdapterId, Optional<Card.Mode>> modes = new HashMap<>();
        return warnings(view, matrix, adapter -> modes.computeIfAbsent(adapter, this::mode));
    }

    private List<Warning> warnings(HostView view, Matrix matrix, Warning.CardModes modes) {
        return Warning.of(view, matrix, host.masterKeys(), modes);
    }

    private Optional<Card.Mode> mode(AdapterId adapter) {
        return host.ask(() -> host.bus().mode(adapter));
    }

    static String subject(MdevId id) {
        return SUBJECT + id;
    }

    static boolean isSubject(String text) {
        return text.startsWith(SUBJECT);
    }
}
