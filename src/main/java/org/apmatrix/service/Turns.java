package org.apmatrix.service;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.apmatrix.fault.RequestDenied;

/** One at a time works on an allocation, so an expiry never meets a plug. */
final class Turns {
    private final Allocations allocations;
    private final Map<String, ReentrantLock> turns = new ConcurrentHashMap<>();

    Turns(Allocations allocations) {
        this.allocations = allocations;
    }

    /** Waits for its turn. Throws HOST_LOCKED when somebody else works on it for too long. */
    <T> T inTurn(String id, Duration patience, Supplier<T> work) {
        ReentrantLock turn = turn(id);
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
            end(id, turn);
        }
    }

    /** Does nothing when somebody else works on it. */
    void ifNobodyElse(String id, Runnable work) {
        ReentrantLock turn = turn(id);
        if (!turn.tryLock()) {
            return;
        }
        try {
            work.run();
        } finally {
            end(id, turn);
        }
    }

    private ReentrantLock turn(String id) {
        return turns.computeIfAbsent(id, key -> new ReentrantLock(true));
    }

    private void end(String id, ReentrantLock turn) {
        turn.unlock();
        if (allocations.find(id).isEmpty()) {
            turns.remove(id);
        }
    }
}
