package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apmatrix.ap.Apqn;
import org.apmatrix.fault.Fault;

/**
 * What a dry run tells: the steps in the order of execution, what they change, and everything that the write would be refused for.
 *
 * @param guests who uses a device that would change
 * @param warnings what is worth a thought, and no reason against it
 */
public record Forecast(
        List<Line> steps,
        List<Apqn> apqnsAdded,
        List<Apqn> apqnsRemoved,
        List<String> guests,
        List<Fault> problems,
        List<Warning> warnings) {
    /** Without anything to warn of. */
    public Forecast(
            List<Line> steps,
            List<Apqn> apqnsAdded,
            List<Apqn> apqnsRemoved,
            List<String> guests,
            List<Fault> problems) {
        this(steps, apqnsAdded, apqnsRemoved, guests, problems, List.of());
    }

    Forecast with(List<Warning> found) {
        return new Forecast(steps, apqnsAdded, apqnsRemoved, guests, problems, List.copyOf(found));
    }

    /** With steps before its own and after, and what those would be refused for; each reason once. */
    Forecast between(List<Line> before, List<Line> after, List<Fault> more) {
        List<Line> all = Stream.of(before, steps, after).flatMap(List::stream).toList();
        List<Fault> reasons = new ArrayList<>(problems);
        more.stream()
                .filter(fault -> problems.stream().noneMatch(known -> known.code() == fault.code()))
                .forEach(reasons::add);
        return new Forecast(all, apqnsAdded, apqnsRemoved, guests, List.copyOf(reasons), warnings);
    }

    /**
     * One step.
     *
     * @param action an attribute's verb, a QMP command, or store and unstore for what libvirt keeps
     * @param target a path in sysfs or a guest's name
     */
    public record Line(String action, String target, String value) {
        static Line of(Step step) {
            return new Line(
                    step.store().action(),
                    step.store().target().toString(),
                    step.store().value());
        }
    }
}
