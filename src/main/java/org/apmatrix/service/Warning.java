package org.apmatrix.service;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.Card;

/**
 * What is done all the same, and worth a thought.
 *
 * @param detail a sentence for a person
 * @param apqns the queues that it is about, ascending
 */
public record Warning(Code code, String detail, List<Apqn> apqns) {
    /** What there is to warn of. */
    public enum Code {
        /** The matrix has queues of more than one mode. */
        MIXED_MODES,
        /** Queues of one mode are known to have different current master keys. */
        DIFFERENT_MASTER_KEYS,
        /** Queues that can hold secure keys come to a guest or go from it. */
        SECURE_KEYS,
        /** The device is to be removed, and the next start of a guest gives it that device. */
        STORED_FOR_GUEST
    }

    /** What the removal of a device is to be warned of. */
    static List<Warning> ofRemoval(HostView view, HostView.Entry entry) {
        return view.storedFor().getOrDefault(entry.mdev().id(), List.of()).stream()
                .map(guest -> new Warning(
                        Code.STORED_FOR_GUEST,
                        "The guest " + guest
                                + " has the device in its stored definition, and does not start without it.",
                        entry.mdev().matrixOrEmpty().apqns()))
                .toList();
    }

    /**
     * What a matrix is to be warned of. A queue that has told nothing of its master keys is no reason: on most hosts, and on every simulated one, that is all of
     * them at first.
     *
     * @param matrix queues that do not exist are left out
     */
    static List<Warning> of(HostView view, Matrix matrix, MasterKeys masterKeys, CardModes modes) {
        Map<Card.Mode, List<Apqn>> byMode = new EnumMap<>(Card.Mode.class);
        // existing queues instead of the product, which may be 65,536
        for (Apqn apqn : view.queues().keySet()) {
            if (matrix.contains(apqn)) {
                modes.of(apqn.adapter())
                        .ifPresent(mode -> byMode.computeIfAbsent(mode, any -> new ArrayList<>())
                                .add(apqn));
            }
        }
        List<Warning> warnings = new ArrayList<>();
        if (byMode.size() > 1) {
            warnings.add(new Warning(
                    Code.MIXED_MODES,
                    "Queues of several modes: "
                            + byMode.entrySet().stream()
                                    .map(mode -> mode.getKey() + " " + spell(mode.getValue()))
                                    .collect(Collectors.joining("; "))
                            + ". Requests of one mode find no other queue when theirs fails.",
                    byMode.values().stream().flatMap(List::stream).sorted().toList()));
        }
        byMode.forEach((mode, apqns) -> {
            SortedMap<String, List<Apqn>> byPattern = new TreeMap<>();
            for (Apqn apqn : apqns) {
                MasterKeys.QueueKeys keys = masterKeys.of(view, apqn);
                if (keys.state() != MasterKeys.State.UNKNOWN) {
                    byPattern
                            .computeIfAbsent(keys.pattern().orElse("no valid key"), any -> new ArrayList<>())
                            .add(apqn);
                }
            }
            if (byPattern.size() > 1) {
                warnings.add(new Warning(
                        Code.DIFFERENT_MASTER_KEYS,
                        "Different current master keys in " + mode + " queues: "
                                + byPattern.entrySet().stream()
                                        .map(pattern -> spell(pattern.getValue()) + " have " + pattern.getKey())
                                        .collect(Collectors.joining("; "))
                                + ". A secure key works only in queues with the pattern that it was made under.",
                        byPattern.values().stream()
                                .flatMap(List::stream)
                                .sorted()
                                .toList()));
            }
        });
        return List.copyOf(warnings);
    }

    /** What each card does. */
    interface CardModes {
        Optional<Card.Mode> of(AdapterId adapter);
    }

    private static String spell(Collection<Apqn> apqns) {
        return apqns.stream().map(Apqn::toString).collect(Collectors.joining(", "));
    }
}
