package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.fault.Fault;

/**
 * What a write would do: the steps in the order of execution, what they change, and everything that they would be refused for.
 *
 * @param guests who uses a device that would change
 * @param warnings what is worth a thought, and no reason against it
 */
public record Plan(
        List<Step> steps,
        List<Apqn> apqnsAdded,
        List<Apqn> apqnsRemoved,
        List<String> guests,
        List<Fault> problems,
        List<Warning> warnings) {
    /** Without anything to warn of. */
    Plan(List<Step> steps, List<Apqn> apqnsAdded, List<Apqn> apqnsRemoved, List<String> guests, List<Fault> problems) {
        this(steps, apqnsAdded, apqnsRemoved, guests, problems, List.of());
    }

    static Plan refused(Fault problem) {
        return new Plan(List.of(), List.of(), List.of(), List.of(), List.of(problem));
    }

    static Plan nothing() {
        return new Plan(List.of(), List.of(), List.of(), List.of(), List.of());
    }

    /** The same plan with one more reason against it, before all others. */
    Plan refusedFirstFor(Fault problem) {
        List<Fault> all = new ArrayList<>(problems);
        all.add(0, problem);
        return new Plan(steps, apqnsAdded, apqnsRemoved, guests, List.copyOf(all), warnings);
    }

    Plan with(List<Warning> found) {
        return new Plan(steps, apqnsAdded, apqnsRemoved, guests, problems, found);
    }

    Forecast forecast() {
        return new Forecast(
                steps.stream().map(Forecast.Line::of).toList(), apqnsAdded, apqnsRemoved, guests, problems, warnings);
    }

    /** Throws the first problem, which is the one that the write is refused for. */
    void refuseIfForbidden() {
        if (!problems.isEmpty()) {
            throw problems.get(0);
        }
    }

    /** Collects the refusals of many laws in their order. */
    static final class Problems {
        private final List<Fault> found = new ArrayList<>();

        void check(Runnable law) {
            try {
                law.run();
            } catch (Fault refusal) {
                found.add(refusal);
            }
        }

        /** Throws the first one. */
        void refuseIfAny() {
            if (!found.isEmpty()) {
                throw found.get(0);
            }
        }

        List<Fault> found() {
            return List.copyOf(found);
        }

        Plan plan(List<Step> steps, Matrix before, Matrix after, List<String> guests) {
            return plan(steps, after.apqnsNotIn(before), before.apqnsNotIn(after), guests);
        }

        Plan plan(List<Step> steps, List<Apqn> added, List<Apqn> removed, List<String> guests) {
            return new Plan(List.copyOf(steps), added, removed, guests, List.copyOf(found));
        }
    }
}
