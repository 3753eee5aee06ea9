package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.NotFound;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.host.Store;
import org.jspecify.annotations.Nullable;

/** The queues of the AP bus, and handing over a single one. */
public final class QueueService {
    private final Host host;
    private final Change change;

    public QueueService(Host host, WorkInFlight inFlight) {
        this.host = host;
        this.change = new Change(host, inFlight);
    }

    /**
     * A queue and who has it.
     *
     * @param driver null when none is bound
     * @param owner the mdev that it is assigned to, or null
     * @param status the kernel's word on a queue of vfio_ap, null where it has none
     * @param hwType of its card
     * @param serialNumber what its card told last, null where it never did
     * @param keys null for a queue that has no master keys
     */
    public record QueueState(
            Apqn apqn,
            @Nullable String driver,
            boolean reservedForHost,
            HostView.@Nullable Entry owner,
            @Nullable String status,
            Card.@Nullable Mode mode,
            @Nullable Integer hwType,
            @Nullable String serialNumber,
            MasterKeys.@Nullable QueueKeys keys) {}

    /** What the queues of one card have in common. */
    private record OfCard(Optional<Card.Mode> mode, Optional<Integer> hwType) {}

    private OfCard card(AdapterId adapter) {
        return new OfCard(host.bus().mode(adapter), host.bus().hwType(adapter));
    }

    public List<QueueState> list(Predicate<QueueState> wanted) {
        HostView view = host.look();
        return host.ask(() -> {
            Map<AdapterId, OfCard> cards = new ConcurrentHashMap<>();
            return view.queues().keySet().stream()
                    .map(apqn -> state(view, apqn, cards.computeIfAbsent(apqn.adapter(), this::card)))
                    .filter(wanted)
                    .toList();
        });
    }

    /** One queue; whoever asks for just one has its card asked for its master keys, where that is possible and was not done just now. */
    public QueueState get(Apqn apqn) {
        HostView view = host.look();
        if (ApBus.isHosts(requireQueue(view, apqn))) {
            host.masterKeys().refresh(apqn);
        }
        return state(view, apqn);
    }

    /** The queues of a device, whether they exist or not; MDEV_NOT_FOUND. */
    List<Apqn> matrixOf(MdevId mdev) {
        host.mdevs();
        return Invariants.mdevExists(host.look(), mdev).mdev().matrixOrEmpty().apqns();
    }

    /** The same, and the card is asked at any rate. */
    QueueState getAnew(Apqn apqn) {
        host.masterKeys().ask(List.of(apqn));
        return state(host.look(), apqn);
    }

    /**
     * Hands a queue over through its driver override: names the driver, takes the queue from the one that has it, lets the bus bind it anew.
     *
     * @param toVfioAp false gives it back to the host's default driver
     */
    public Outcome<QueueState> handOver(Apqn apqn, boolean toVfioAp, WriteOptions options) {
        if (toVfioAp) {
            host.mdevs(); // without the module nobody would take the queue
        }
        Attempt.current().on(apqn);
        return change.run(
                "queue " + apqn,
                options,
                view -> snapshot(view, apqn),
                view -> plan(view, apqn, toVfioAp),
                (before, after) -> new Outcome.Done<>(requireDriver(state(after, apqn), toVfioAp), false));
    }

    static Snapshot snapshot(HostView view, Apqn apqn) {
        return view.queues().containsKey(apqn)
                ? Snapshot.queue(view.driverOf(apqn).orElse(null))
                : Snapshot.NOTHING;
    }

    /** A probe succeeds for the kernel although no driver took the queue (drivers/base/bus.c, drivers_probe_store). */
    private static QueueState requireDriver(QueueState queue, boolean toVfioAp) {
        if (queue.driver() == null || queue.driver().equals(ApBus.VFIO_AP) != toVfioAp) {
            throw HostFailure.refused(
                    null,
                    "The bus looked for a driver of " + queue.apqn() + ", and the queue is with " + queue.driver()
                            + " now.");
        }
        return queue;
    }

    /** Binds a queue to the driver that the masks or its override name, or takes it from its driver, as an administrator could; already so is done. */
    Outcome<QueueState> rebind(Apqn apqn, boolean bind, WriteOptions options) {
        Attempt.current().on(apqn);
        return change.run(
                "queue " + apqn,
                options,
                view -> snapshot(view, apqn),
                view -> {
                    Optional<String> driver = requireQueue(view, apqn);
                    Plan.Problems none = new Plan.Problems();
                    if (bind == driver.isPresent()) {
                        return Plan.nothing();
                    }
                    Store store = bind ? host.bus().probe(apqn) : host.bus().unbind(apqn, driver.orElseThrow());
                    return none.plan(List.of(new Step(store)), List.of(), List.of(), List.of());
                },
                (before, after) -> new Outcome.Done<>(state(after, apqn), false));
    }

    private static Optional<String> requireQueue(HostView view, Apqn apqn) {
        if (!view.queues().containsKey(apqn)) {
            throw NotFound.queue(apqn);
        }
        return view.driverOf(apqn);
    }

    private Plan plan(HostView view, Apqn apqn, boolean toVfioAp) {
        Optional<String> driver = requireQueue(view, apqn);
        Plan.Problems problems = new Plan.Problems();
        problems.check(() -> Invariants.driverOverrideSupported(view));
        if (view.overridesSupported()) {
            problems.check(() -> Invariants.masksAreDefault(view));
        }
        String override = view.overrides().getOrDefault(apqn, "");
        String wanted = toVfioAp ? ApBus.VFIO_AP : "";
        boolean hasIt = toVfioAp
                ? driver.equals(Optional.of(ApBus.VFIO_AP))
                : driver.isPresent() && !driver.equals(Optional.of(ApBus.VFIO_AP));
        List<Step> steps = new ArrayList<>();
        ApBus bus = host.bus();
        // unbound before the override changes: undone in reverse, the old override stands again when the bus looks for
        // the old driver
        if (!hasIt) {
            driver.ifPresent(present -> steps.add(new Step(bus.unbind(apqn, present), bus.probe(apqn))));
        }
        if (!override.equals(wanted)) {
            steps.add(new Step(bus.overrideDriver(apqn, wanted), bus.overrideDriver(apqn, override)));
        }
        if (!hasIt) {
            steps.add(new Step(bus.probe(apqn)));
        }
        if (!toVfioAp && !steps.isEmpty()) {
            problems.check(() -> Invariants.queueIsNobodys(view, apqn));
        }
        boolean moves = !hasIt;
        return problems.plan(
                steps,
                moves && toVfioAp ? List.of(apqn) : List.of(),
                moves && !toVfioAp ? List.of(apqn) : List.of(),
                List.of());
    }

    private QueueState state(HostView view, Apqn apqn) {
        requireQueue(view, apqn);
        return host.ask(() -> state(view, apqn, card(apqn.adapter())));
    }

    private QueueState state(HostView view, Apqn apqn, OfCard card) {
        Optional<String> driver = view.driverOf(apqn);
        return new QueueState(
                apqn,
                driver.orElse(null),
                view.isReserved(apqn),
                view.ownerOf(apqn).orElse(null),
                driver.equals(Optional.of(ApBus.VFIO_AP))
                        ? host.bus().status(apqn).orElse(null)
                        : null,
                card.mode().orElse(null),
                card.hwType().orElse(null),
                host.masterKeys().serialNumberOf(apqn.adapter()).orElse(null),
                MasterKeys.hasMasterKeys(card.mode()) ? host.masterKeys().of(view, apqn) : null);
    }
}
