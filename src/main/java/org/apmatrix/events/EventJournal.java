package org.apmatrix.events;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.RequestDenied;
import org.jspecify.annotations.Nullable;

/**
 * The last events, in order, and those who listen. Everybody reads the same ring at a place of his own: whoever falls behind by more than the ring holds is
 * dropped, and makes nobody wait.
 */
public final class EventJournal implements AutoCloseable {
    private static final int BATCH = 100;

    private final String start = HexFormat.of().toHexDigits(new SecureRandom().nextLong());
    private final Clock clock;
    private final int maxListeners;
    private final @Nullable Event[] ring;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    private final Set<Listener> listeners = new HashSet<>();
    private long last;
    private long dropped;
    private boolean closed;

    /** Makes an empty journal, with a start of its own in its ids. */
    public EventJournal(EventProperties properties, Clock clock) {
        this.clock = clock;
        this.maxListeners = properties.maxListeners();
        this.ring = new Event[properties.journal()];
    }

    /** Adds events in this order and wakes whoever listens; waits for nobody. */
    public void tell(List<Event.Change> changes) {
        if (changes.isEmpty()) {
            return;
        }
        lock.lock();
        try {
            for (Event.Change change : changes) {
                last++;
                ring[place(last)] = new Event(new EventId(start, last), clock.instant(), change);
            }
            for (Listener listener : listeners) {
                if (listener.open && listener.position < forgotten()) {
                    dropped++;
                    listener.open = false;
                }
            }
            more.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Begins to listen.
     *
     * @param after the last event that the listener knows; null for what comes from now on
     * @param wanted only these types
     * @throws RequestDenied EVENTS_GONE when events after that one are not kept any more, or it is another start's; TOO_MANY_REQUESTS when as many listen as may
     * @throws InvalidValue for an event that has not been told yet
     */
    public Listener listen(@Nullable EventId after, Set<EventType> wanted) {
        lock.lock();
        try {
            if (after != null) {
                requireKept(after);
            }
            if (closed || listeners.size() >= maxListeners) {
                throw RequestDenied.tooManyRequests(
                        "No more than " + maxListeners + " may listen at once (apmatrix.events.max-listeners).");
            }
            Listener listener = new Listener(after == null ? last : after.number(), Set.copyOf(wanted));
            listeners.add(listener);
            return listener;
        } finally {
            lock.unlock();
        }
    }

    private void requireKept(EventId after) {
        EventId newest = new EventId(start, last);
        if (!after.start().equals(start)) {
            throw RequestDenied.eventsGone("The event " + after
                    + " is of an earlier start of the service; the newest of this one is " + newest + ".");
        }
        if (after.number() > last) {
            throw new InvalidValue("Last-Event-ID", "No such event has been told; the newest is " + newest + ".");
        }
        if (after.number() < forgotten()) {
            throw RequestDenied.eventsGone("The events after " + after + " are kept from "
                    + new EventId(start, forgotten() + 1) + " on only.");
        }
    }

    /** The number of the newest event that is not kept any more; 0 when all are. */
    private long forgotten() {
        return Math.max(0, last - ring.length);
    }

    private int place(long number) {
        return (int) (number % ring.length);
    }

    /** How many listen, those that were dropped and have not noticed yet included. */
    public int listeners() {
        lock.lock();
        try {
            return listeners.size();
        } finally {
            lock.unlock();
        }
    }

    /** How many events were told since the start. */
    public long told() {
        lock.lock();
        try {
            return last;
        } finally {
            lock.unlock();
        }
    }

    /** How many listeners were dropped since the start because they fell behind. */
    public long dropped() {
        lock.lock();
        try {
            return dropped;
        } finally {
            lock.unlock();
        }
    }

    /** Lets everybody listen again after {@link #close}. */
    public void open() {
        lock.lock();
        try {
            closed = false;
        } finally {
            lock.unlock();
        }
    }

    /** Ends all listening, and lets nobody begin. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            List.copyOf(listeners).forEach(Listener::close);
        } finally {
            lock.unlock();
        }
    }

    /** One who listens: a place in the journal, and the types that are asked for. Used by one thread; closed by any, and counted until then. */
    public final class Listener implements AutoCloseable {
        private final Set<EventType> wanted;
        private long position;
        private boolean open = true;

        private Listener(long position, Set<EventType> wanted) {
            this.position = position;
            this.wanted = wanted;
        }

        /** False once it is closed, was dropped, or the journal is closed. */
        public boolean isOpen() {
            lock.lock();
            try {
                return open;
            } finally {
                lock.unlock();
            }
        }

        /** Up to where {@link #next} has read: all events that are wanted and not after it were handed over. */
        public EventId position() {
            lock.lock();
            try {
                return new EventId(start, position);
            } finally {
                lock.unlock();
            }
        }

        /** The next events that are wanted, in order and each once; none when none came in this time, or it is not open any more. */
        public List<Event> next(Duration patience) throws InterruptedException {
            long left = patience.toNanos();
            lock.lock();
            try {
                while (open) {
                    List<Event> events = read();
                    if (!events.isEmpty() || left <= 0) {
                        return events;
                    }
                    left = more.awaitNanos(left);
                }
                return List.of();
            } finally {
                lock.unlock();
            }
        }

        private List<Event> read() {
            List<Event> events = new ArrayList<>();
            while (position < last && events.size() < BATCH) {
                position++;
                Optional.ofNullable(ring[place(position)])
                        .filter(event -> wanted.contains(event.change().type()))
                        .ifPresent(events::add);
            }
            return events;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                open = false;
                listeners.remove(this);
                more.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
