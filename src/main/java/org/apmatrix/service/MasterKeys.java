package org.apmatrix.service;

import static java.util.Objects.requireNonNull;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.host.Machine;
import org.apmatrix.host.Store;
import org.apmatrix.host.kernel.KernelException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the host's driver told of the master keys of each queue, remembered for the time in which vfio_ap has the queue and nobody can ask.
 *
 * <p>To read them is to ask the card ({@link CardQuestions}), so it is done when something gives reason to: a queue has come to the host's driver, or is about to
 * leave it ({@link Host} says so before each of its stores), or a person asks for that one queue. A card that does not tell keeps nobody from anything.
 *
 * <p>An HSM is a machine, a card by its serial number, and a domain. What was read of another machine, or of a card whose number is known to be another one now, is
 * forgotten. What is remembered is on disk, so it outlives the service.
 */
public final class MasterKeys {
    private static final Logger LOG = LoggerFactory.getLogger(MasterKeys.class);
    private static final String FILE = "master-keys.json";
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** When a silent card is asked again though nothing has changed. */
    private static final Duration ASK_AGAIN = Duration.ofMinutes(10);

    /** A reading that is not older answers a person who asks once more: many who do must not keep a card busy. */
    private static final Duration FRESH = Duration.ofSeconds(5);

    private final ApBus bus;
    private final Machine machine;
    private final CardQuestions questions;
    private final StateFile<Content> file;
    private final Clock clock;

    private final Map<Apqn, Entry> entries = new HashMap<>();
    private final Map<AdapterId, String> serialNumbers = new HashMap<>();
    /** When each queue of the host's driver was asked since it came to it. */
    private final Map<Apqn, Instant> asked = new HashMap<>();
    /** Those of them that told. */
    private final Set<Apqn> told = new HashSet<>();

    private Set<AdapterId> cards = Set.of();
    /** Counts up when everything is forgotten: what was asked before is no answer any more. */
    private int age;

    /** @param stateDirectory null where nothing is to be kept beyond this process */
    public MasterKeys(ApBus bus, Machine machine, @Nullable Path stateDirectory, JsonMapper json, Clock clock) {
        this(bus, machine, stateDirectory, json, clock, PATIENCE);
    }

    /** @param patience how long a write waits for the cards at most */
    MasterKeys(
            ApBus bus,
            Machine machine,
            @Nullable Path stateDirectory,
            JsonMapper json,
            Clock clock,
            Duration patience) {
        this.bus = bus;
        this.machine = machine;
        this.clock = clock;
        questions = new CardQuestions(bus, patience);
        file = new StateFile<>(stateDirectory, FILE, Content.class, json);
        readFile();
    }

    /** How it is known which master keys a queue has. */
    public enum State {
        /** The host's driver has the queue, and told. */
        KNOWN,
        /** It told earlier; since then the queue has gone to vfio_ap, or its card has fallen silent. */
        CACHED,
        /** Nobody has ever told. */
        UNKNOWN
    }

    /**
     * The master keys of one queue.
     *
     * @param readAt when the card told; null when it never did
     * @param operationModes of an EP11 queue, such as {@code FIPS2011}
     */
    public record QueueKeys(State state, @Nullable Instant readAt, Mkvps keys, List<String> operationModes) {
        private static final QueueKeys UNKNOWN = new QueueKeys(State.UNKNOWN, null, Mkvps.UNTOLD, List.of());

        /** {@link Mkvps#pattern}: equal where a secure key of one queue works in the other. */
        public Optional<String> pattern() {
            return keys.pattern();
        }
    }

    /**
     * What one card told of one queue.
     *
     * @param serialNumber the card's; null when it has never told that
     * @param mode CCA or EP11; null where the kernel did not tell
     * @param mkvps in the kernel's words
     */
    record Entry(
            String apqn,
            @Nullable String serialNumber,
            Card.@Nullable Mode mode,
            List<String> operationModes,
            String mkvps,
            Instant readAt) {
        Entry {
            requireNonNull(apqn, "apqn");
            requireNonNull(mkvps, "mkvps");
            requireNonNull(readAt, "readAt");
            operationModes = List.copyOf(operationModes);
        }
    }

    private record Content(@Nullable String machine, List<Entry> entries) {
        Content {
            requireNonNull(entries, "entries");
        }
    }

    /** Of a queue, whatever its mode; an accelerator's are never known. Asks no card. */
    public QueueKeys of(HostView view, Apqn apqn) {
        return of(apqn, view.driverOf(apqn));
    }

    /**
     * Of every queue of this look that can have master keys: not of accelerators, nor where the mode cannot be told. Asks no card.
     *
     * @throws KernelException when the kernel does not tell the mode of a card
     */
    public SortedMap<Apqn, QueueKeys> of(HostView view) {
        Map<AdapterId, Optional<Card.Mode>> modes = new HashMap<>();
        SortedMap<Apqn, QueueKeys> all = new TreeMap<>();
        view.queues().forEach((apqn, driver) -> {
            if (hasMasterKeys(modes.computeIfAbsent(apqn.adapter(), bus::mode))) {
                all.put(apqn, of(apqn, driver));
            }
        });
        return all;
    }

    /** Whether queues in this mode hold master keys. */
    static boolean hasMasterKeys(Optional<Card.Mode> mode) {
        return mode.map(known -> switch (known) {
                    case CCA, EP11 -> true;
                    case ACCELERATOR -> false;
                })
                .orElse(false);
    }

    private synchronized QueueKeys of(Apqn apqn, Optional<String> driver) {
        Entry entry = entries.get(apqn);
        if (entry == null) {
            return QueueKeys.UNKNOWN;
        }
        State state = ApBus.isHosts(driver) && told.contains(apqn) ? State.KNOWN : State.CACHED;
        return new QueueKeys(state, entry.readAt(), Mkvps.parse(entry.mkvps()), entry.operationModes());
    }

    /** What the card told last, be it long ago. */
    public synchronized Optional<String> serialNumberOf(AdapterId adapter) {
        return Optional.ofNullable(serialNumbers.get(adapter));
    }

    /** This is another machine now, of which nothing is known. */
    public synchronized void forgetAll() {
        age++;
        entries.clear();
        serialNumbers.clear();
        asked.clear();
        told.clear();
        cards = Set.of();
        save();
    }

    /** A store is about to be done: the queues that it takes from the host's driver are asked a last time. Never throws. */
    void before(Store store) {
        List<Apqn> leaving;
        try {
            leaving = bus.leavingHost(store);
        } catch (RuntimeException unreadable) {
            LOG.warn("which queues {} takes from the host cannot be told: {}", store.target(), unreadable.getMessage());
            return;
        }
        ask(leaving);
        synchronized (this) {
            // when they come back, or never leave because the store is refused, they count as new
            leaving.forEach(asked::remove);
            leaving.forEach(told::remove);
        }
    }

    /** The bus was looked at: queues that are new to the host's driver are asked, and cards that are new for their number. Never throws. */
    void notice(SortedMap<Apqn, Optional<String>> queues) {
        List<Apqn> toAsk = new ArrayList<>();
        Set<AdapterId> newCards = new HashSet<>();
        synchronized (this) {
            Instant again = clock.instant().minus(ASK_AGAIN);
            asked.keySet().removeIf(apqn -> !ApBus.isHosts(queues.getOrDefault(apqn, Optional.empty())));
            told.retainAll(asked.keySet());
            queues.forEach((apqn, driver) -> {
                newCards.add(apqn.adapter());
                Instant last = asked.get(apqn);
                if (ApBus.isHosts(driver) && (last == null || (!told.contains(apqn) && last.isBefore(again)))) {
                    toAsk.add(apqn);
                }
            });
            Set<AdapterId> present = Set.copyOf(newCards);
            newCards.removeAll(cards);
            cards = present;
        }
        ask(toAsk, newCards);
    }

    /** Asks for one queue because a person does; a queue that is not the host's has nobody to ask. */
    void refresh(Apqn apqn) {
        synchronized (this) {
            Instant last = asked.get(apqn);
            if (last != null && last.plus(FRESH).isAfter(clock.instant())) {
                return;
            }
        }
        ask(List.of(apqn));
    }

    /** Asks these queues, whenever they told last. Never throws. */
    void ask(Collection<Apqn> apqns) {
        ask(apqns, Set.of());
    }

    private void ask(Collection<Apqn> apqns, Set<AdapterId> alsoCards) {
        if (apqns.isEmpty() && alsoCards.isEmpty()) {
            return;
        }
        int askedAt;
        List<Apqn> inOrder;
        synchronized (this) {
            askedAt = age;
            // who never told comes first, then who told longest ago: there may not be time for all
            inOrder = apqns.stream()
                    .sorted(Comparator.comparing(apqn -> Optional.ofNullable(entries.get(apqn))
                            .map(Entry::readAt)
                            .orElse(Instant.MIN)))
                    .toList();
        }
        remember(askedAt, questions.ask(inOrder, alsoCards));
    }

    private synchronized void remember(int askedAt, CardQuestions.Answers answers) {
        if (askedAt != age) {
            return;
        }
        boolean changed = false;
        for (Map.Entry<AdapterId, String> card : answers.serialNumbers().entrySet()) {
            serialNumbers.put(card.getKey(), card.getValue());
            changed |= forgetOtherCards(card.getKey(), card.getValue());
        }
        Instant now = clock.instant();
        for (CardQuestions.Answer answer : answers.queues()) {
            Apqn apqn = answer.apqn();
            asked.put(apqn, now);
            if (!answer.keys().isTold()) {
                told.remove(apqn);
                continue;
            }
            told.add(apqn);
            entries.put(
                    apqn,
                    new Entry(
                            apqn.toString(),
                            serialNumbers.get(apqn.adapter()),
                            answer.mode(),
                            answer.operationModes(),
                            answer.keys().toString(),
                            now));
            changed = true;
        }
        if (changed) {
            save();
        }
    }

    private boolean forgetOtherCards(AdapterId adapter, String serialNumber) {
        List<Apqn> others = entries.values().stream()
                .filter(entry -> !serialNumber.equals(entry.serialNumber()))
                .flatMap(entry -> Apqn.parse(entry.apqn()).stream())
                .filter(apqn -> apqn.adapter().equals(adapter))
                .toList();
        if (!others.isEmpty()) {
            LOG.info("card{} is {} now: what another card told of {} is forgotten", adapter, serialNumber, others);
            others.forEach(entries::remove);
            others.forEach(told::remove);
        }
        return !others.isEmpty();
    }

    /** A file that cannot be read is no reason not to start: then nothing is known, which is said, instead of guessed. */
    private void readFile() {
        try {
            Optional<Content> left = file.read("It only remembers master key patterns, which are read again.");
            if (left.isPresent() && !Objects.equals(left.get().machine(), machineId())) {
                LOG.warn(
                        "what {} remembers is of machine {}: forgotten",
                        FILE,
                        left.get().machine());
                return;
            }
            left.ifPresent(content -> content.entries().forEach(this::restore));
        } catch (UncheckedIOException unreadable) {
            LOG.warn("master keys of queues that vfio_ap has are not known: {}", unreadable.getMessage());
        }
    }

    private void restore(Entry entry) {
        Apqn.parse(entry.apqn()).ifPresent(apqn -> {
            entries.put(apqn, entry);
            if (entry.serialNumber() != null) {
                serialNumbers.put(apqn.adapter(), entry.serialNumber());
            }
        });
    }

    private void save() {
        file.end(new Content(
                machineId(),
                entries.values().stream()
                        .sorted(Comparator.comparing(Entry::apqn))
                        .toList()));
    }

    private @Nullable String machineId() {
        return machine.id().orElse(null);
    }
}
