package org.apmatrix.service;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.host.qmp.Deadline;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks cards for their serial number and their queues' master keys, and waits no longer than its patience.
 *
 * <p>A read of these attributes goes to the card; one that takes the request and never answers holds the reader for ever (seen on an emulated card).
 * So each card is asked by a thread of its own, and one that hangs is not asked again until that thread comes back.
 */
final class CardQuestions {
    private static final Logger LOG = LoggerFactory.getLogger(CardQuestions.class);

    private final ApBus bus;
    private final Duration patience;
    private final Map<AdapterId, Semaphore> turns = new ConcurrentHashMap<>();
    private final Set<AdapterId> hanging = ConcurrentHashMap.newKeySet();

    CardQuestions(ApBus bus, Duration patience) {
        this.bus = bus;
        this.patience = patience;
    }

    /**
     * What one queue told.
     *
     * @param keys without any that are told where the card was silent, or the read failed
     */
    record Answer(Apqn apqn, Card.@Nullable Mode mode, Mkvps keys, List<String> operationModes) {}

    /** What was told in time. A queue that the host's driver does not have is left out, one of an accelerator tells nothing. */
    record Answers(Map<AdapterId, String> serialNumbers, Collection<Answer> queues) {
        static Answers none() {
            return new Answers(new ConcurrentHashMap<>(), new ConcurrentLinkedQueue<>());
        }
    }

    /** @param alsoCards cards that are asked for their number, beside those of the queues */
    Answers ask(List<Apqn> apqns, Set<AdapterId> alsoCards) {
        SortedMap<AdapterId, List<Apqn>> byCard = new TreeMap<>();
        alsoCards.forEach(card -> byCard.put(card, List.of()));
        apqns.stream()
                .map(Apqn::adapter)
                .distinct()
                .forEach(card -> byCard.put(
                        card,
                        apqns.stream()
                                .filter(apqn -> apqn.adapter().equals(card))
                                .toList()));
        byCard.keySet().removeAll(hanging);
        Answers answers = Answers.none();
        Deadline deadline = Deadline.in(patience);
        List<Asking> askings = byCard.entrySet().stream()
                .map(card -> new Asking(card.getKey(), card.getValue(), alsoCards.contains(card.getKey()), answers))
                .toList();
        askings.forEach(Asking::start);
        askings.forEach(asking -> asking.await(deadline));
        // whoever comes too late must not change what is being looked at
        return new Answers(Map.copyOf(answers.serialNumbers()), List.copyOf(answers.queues()));
    }

    /** One conversation with one card, in its own thread; it takes no new question when most of the patience is over. */
    private final class Asking implements Runnable {
        private final AdapterId card;
        private final List<Apqn> queues;
        private final boolean forItsNumber;
        private final Answers answers;
        private final Semaphore turn;
        private final Deadline deadline = Deadline.in(patience.multipliedBy(3).dividedBy(4));
        private final CountDownLatch end = new CountDownLatch(1);
        private volatile boolean hasTurn;

        Asking(AdapterId card, List<Apqn> queues, boolean forItsNumber, Answers answers) {
            this.card = card;
            this.queues = queues;
            this.forItsNumber = forItsNumber;
            this.answers = answers;
            turn = turns.computeIfAbsent(card, any -> new Semaphore(1));
        }

        void start() {
            Thread thread = new Thread(this, "keys of card" + card);
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void run() {
            try {
                hasTurn = turn.tryAcquire(deadline.left().toNanos(), TimeUnit.NANOSECONDS);
                if (hasTurn) {
                    askCard();
                }
            } catch (InterruptedException nobodysDoing) {
                Thread.currentThread().interrupt();
            } finally {
                if (hasTurn) {
                    hasTurn = false;
                    hanging.remove(card);
                    turn.release();
                }
                end.countDown();
            }
        }

        void await(Deadline callers) {
            try {
                if (end.await(callers.left().toNanos(), TimeUnit.NANOSECONDS) || !hasTurn) {
                    return;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            hanging.add(card);
            if (hasTurn) {
                LOG.warn("card{} has not answered for its master keys in {}: not asked until it does", card, patience);
            } else {
                hanging.remove(card);
            }
        }

        private void askCard() {
            Card.@Nullable Mode mode = told(card, () -> bus.mode(card)).orElse(null);
            if (!MasterKeys.hasMasterKeys(Optional.ofNullable(mode))) {
                queues.forEach(apqn -> answers.queues().add(new Answer(apqn, mode, Mkvps.UNTOLD, List.of())));
                return;
            }
            List<Apqn> there = queues.stream().filter(bus::hasMkvps).toList();
            if (there.isEmpty() && !forItsNumber) {
                return;
            }
            told(card, () -> bus.serialNumber(card))
                    .ifPresent(number -> answers.serialNumbers().put(card, number));
            for (Apqn apqn : there) {
                if (deadline.hasPassed()) {
                    LOG.info("no time was left to ask {} for its master keys", apqn);
                    return;
                }
                Mkvps keys = told(apqn, () -> bus.mkvps(apqn)).orElse(Mkvps.UNTOLD);
                List<String> modes = mode == Card.Mode.EP11 && keys.isTold()
                        ? told(apqn, () -> bus.operationModes(apqn)).orElse(List.of())
                        : List.of();
                answers.queues().add(new Answer(apqn, mode, keys, modes));
            }
        }
    }

    private static <T> Optional<T> told(Object whom, Question<T> question) {
        try {
            return question.ask();
        } catch (RuntimeException failed) {
            LOG.warn("{} does not tell of its master keys: {}", whom, failed.getMessage());
            return Optional.empty();
        }
    }

    private interface Question<T> {
        Optional<T> ask();
    }
}
