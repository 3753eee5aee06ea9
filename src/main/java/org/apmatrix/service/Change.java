package org.apmatrix.service;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.apmatrix.audit.Attempt;
import org.apmatrix.audit.Snapshot;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.Store;
import org.apmatrix.host.kernel.KernelException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every write's way: lock, look, decide, act, look again. All steps are done, or those that were are undone in reverse order. */
final class Change {
    private static final Logger LOG = LoggerFactory.getLogger(Change.class);

    private final Host host;
    private final WorkInFlight inFlight;

    Change(Host host, WorkInFlight inFlight) {
        this.host = host;
        this.inFlight = inFlight;
    }

    /**
     * Runs a write, or only plans it.
     *
     * @param subject what the write is about, for the log and for the note that survives a crash
     * @param snapshot what the audit journal is told of the target before and after
     * @param decide makes the plan from a fresh look under the lock; a refusal that it throws is the answer
     * @param done makes the answer from the look before and the look after
     */
    <T> Outcome<T> run(
            String subject,
            WriteOptions options,
            Function<HostView, Snapshot> snapshot,
            Function<HostView, Plan> decide,
            After<T> done) {
        Attempt attempt = Attempt.current();
        if (options.dryRun()) {
            HostView now = host.look();
            attempt.before(snapshot.apply(now));
            return new Outcome.DryRun<>(planned(now, decide).forecast());
        }
        return host.locked(() -> {
            HostView before = host.look();
            attempt.before(snapshot.apply(before));
            Plan plan = decide.apply(before);
            plan.refuseIfForbidden();
            if (plan.steps().isEmpty()) {
                attempt.after(snapshot.apply(before));
                return done.answer(before, before);
            }
            attempt.steps(plan.steps().stream().map(Step::toString).toList());
            attempt.intend();
            try {
                act(subject, plan.steps());
            } catch (KernelException refusal) {
                return explain(refusal, before, snapshot, decide, done);
            }
            HostView after = host.look();
            attempt.after(snapshot.apply(after));
            return done.answer(before, after);
        });
    }

    /** A fresh look may tell what the first could not: somebody without our lock was faster, to take it away or to do the same. */
    private <T> Outcome<T> explain(
            KernelException refusal,
            HostView before,
            Function<HostView, Snapshot> snapshot,
            Function<HostView, Plan> decide,
            After<T> done) {
        HostView now;
        try {
            now = host.look();
        } catch (Fault unreadable) {
            LOG.error("after a refusal the host cannot be looked at", unreadable);
            throw Host.refused(refusal);
        }
        Attempt.current().after(snapshot.apply(now));
        Plan again = planned(now, decide);
        again.refuseIfForbidden();
        if (again.steps().isEmpty()) {
            return done.answer(before, now);
        }
        throw Host.refused(refusal);
    }

    /** The answer of a write from the looks before and after it. */
    interface After<T> {
        Outcome<T> answer(HostView before, HostView after);
    }

    private static Plan planned(HostView view, Function<HostView, Plan> decide) {
        try {
            return decide.apply(view);
        } catch (Fault refusal) {
            return Plan.refused(refusal);
        }
    }

    private void act(String subject, List<Step> steps) {
        try (WorkInFlight.Note note = inFlight.begin(subject, steps)) {
            Deque<Step> done = new ArrayDeque<>();
            for (Step step : steps) {
                try {
                    host.store(step.store());
                    LOG.info(
                            "{}: {} <- {}",
                            subject,
                            step.store().target(),
                            step.store().value());
                    done.push(step);
                } catch (KernelException refusal) {
                    LOG.warn(
                            "{}: {} <- {} refused: {}",
                            subject,
                            step.store().target(),
                            step.store().value(),
                            refusal.errno());
                    List<String> notUndone = undo(subject, done);
                    if (!notUndone.isEmpty()) {
                        note.keep();
                        throw HostFailure.notUndone(
                                refusal.errno().name(),
                                "The kernel refused " + spell(step.store()) + " with " + refusal.errno()
                                        + ", and what had been done before could not all be undone.",
                                notUndone);
                    }
                    throw refusal;
                } catch (RuntimeException unanswered) {
                    // nobody knows whether the kernel will still do it, so undoing may undo too much or too little
                    note.keep();
                    throw unanswered;
                }
            }
            note.succeeded();
        }
    }

    private List<String> undo(String subject, Deque<Step> done) {
        List<String> notUndone = new ArrayList<>();
        for (Step step : done) {
            for (Store undo : step.undo()) {
                try {
                    host.undo(undo);
                    LOG.info("{}: undone: {} <- {}", subject, undo.target(), undo.value());
                } catch (RuntimeException refusal) {
                    LOG.error("{}: cannot undo: {} <- {}", subject, undo.target(), undo.value(), refusal);
                    notUndone.add(spell(undo) + ": " + refusal.getMessage());
                }
            }
        }
        return notUndone;
    }

    private static String spell(Store store) {
        return store.action() + " " + store.value();
    }
}
