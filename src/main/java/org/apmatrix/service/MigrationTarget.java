package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.service.QueueService.QueueState;
import org.jspecify.annotations.Nullable;

/**
 * Compares the queues of a guest with those of a host that it is to migrate to. The guest finds its queues by their APQNs, so each is compared with the one of the
 * same APQN there.
 */
public final class MigrationTarget {
    private final Map<Apqn, TargetQueue> inventory;
    private final Optional<MdevId> meant;

    /** @param meant the device at the target that is for this guest; empty when there is none yet */
    MigrationTarget(Map<Apqn, TargetQueue> inventory, Optional<MdevId> meant) {
        this.inventory = inventory;
        this.meant = meant;
    }

    /**
     * A queue of the target, as its inventory tells; null where that does not tell.
     *
     * @param mdev as the target spells it
     * @param keys without any that is told where the target does not know them
     */
    public record TargetQueue(
            Apqn apqn,
            @Nullable String driver,
            @Nullable Boolean reservedForHost,
            @Nullable String mdev,
            @Nullable String guest,
            @Nullable String mode,
            @Nullable Integer hwType,
            @Nullable String serialNumber,
            Mkvps keys) {}

    /** What can differ. */
    public enum What {
        /** The target has no such queue. */
        MISSING,
        /** Another mediated device or another guest has it. */
        TAKEN,
        /** The target's host keeps it for its own drivers. */
        RESERVED,
        /** It does something else, such as EP11 instead of CCA. */
        MODE,
        /** It is of another generation. */
        HW_TYPE,
        /** Secure keys of the guest would not work there. */
        MASTER_KEYS,
        /** Nobody can tell whether secure keys of the guest would work there. */
        MASTER_KEYS_UNKNOWN
    }

    /**
     * One difference.
     *
     * @param source what it is here, null where there is nothing to tell
     * @param target what it is there, null where there is nothing to tell
     * @param detail a sentence for a person
     * @param breaks whether the guest would not work there as it does here
     */
    public record Difference(
            Apqn apqn,
            What what,
            @Nullable String source,
            @Nullable String target,
            String detail,
            boolean breaks) {}

    Optional<TargetQueue> at(Apqn apqn) {
        return Optional.ofNullable(inventory.get(apqn));
    }

    List<Difference> compare(Apqn apqn, Optional<QueueState> here) {
        TargetQueue there = inventory.get(apqn);
        if (there == null) {
            return List.of(new Difference(
                    apqn, What.MISSING, apqn.toString(), null, "The target has no queue " + apqn + ".", true));
        }
        List<Difference> differences = new ArrayList<>();
        compareHolder(apqn, there, differences);
        here.ifPresent(source -> compareKind(source, there, differences));
        return differences;
    }

    private void compareHolder(Apqn apqn, TargetQueue there, List<Difference> differences) {
        boolean meantForIt = there.mdev() == null
                || meant.map(MdevId::toString)
                        .filter(there.mdev()::equalsIgnoreCase)
                        .isPresent();
        if (there.guest() != null || !meantForIt) {
            String holder = there.guest() == null ? "mdev " + there.mdev() : "guest " + there.guest();
            differences.add(new Difference(
                    apqn,
                    What.TAKEN,
                    null,
                    holder,
                    "At the target " + apqn + " is with " + holder
                            + (there.guest() == null ? "; name it as mdev if it is meant for this guest." : "."),
                    true));
        } else if (Boolean.TRUE.equals(there.reservedForHost()) || !ApBus.VFIO_AP.equals(there.driver())) {
            String holder = there.driver() == null ? "no driver" : there.driver();
            differences.add(new Difference(
                    apqn,
                    What.RESERVED,
                    ApBus.VFIO_AP,
                    holder,
                    "At the target " + apqn + " is with " + holder + ": free it for guests first.",
                    true));
        }
    }

    private static void compareKind(QueueState here, TargetQueue there, List<Difference> differences) {
        Apqn apqn = here.apqn();
        Card.Mode mode = here.mode();
        if (mode == null || !mode.name().equals(there.mode())) {
            differences.add(new Difference(
                    apqn,
                    What.MODE,
                    mode == null ? null : mode.name(),
                    there.mode(),
                    there.mode() == null || mode == null
                            ? "The mode of " + apqn + " cannot be told on both hosts."
                            : "A guest that uses " + mode + " in " + apqn + " finds " + there.mode() + " there.",
                    true));
            return;
        }
        if (here.hwType() != null && !here.hwType().equals(there.hwType())) {
            boolean older = there.hwType() != null && there.hwType() < here.hwType();
            differences.add(new Difference(
                    apqn,
                    What.HW_TYPE,
                    String.valueOf(here.hwType()),
                    there.hwType() == null ? null : String.valueOf(there.hwType()),
                    there.hwType() == null
                            ? "The target does not tell its hardware type."
                            : older
                                    ? "The target is older: it may lack what the guest uses."
                                    : "The target is newer, which serves the guest as well.",
                    older));
        }
        if (here.keys() != null) {
            compareKeys(apqn, here.keys().keys(), there.keys(), differences);
        }
    }

    private static void compareKeys(Apqn apqn, Mkvps here, Mkvps there, List<Difference> differences) {
        if (!here.isTold() || !there.isTold()) {
            differences.add(new Difference(
                    apqn,
                    What.MASTER_KEYS_UNKNOWN,
                    here.pattern().orElse(null),
                    there.pattern().orElse(null),
                    "Whether secure keys work in " + apqn + " there cannot be told: "
                            + (here.isTold() ? "the target does" : there.isTold() ? "this host does" : "both hosts do")
                            + " not know its master keys.",
                    false));
        } else if (!here.isInterchangeableWith(there)) {
            differences.add(new Difference(
                    apqn,
                    What.MASTER_KEYS,
                    here.pattern().orElse(null),
                    there.pattern().orElse(null),
                    "Secure keys of the guest would not work in " + apqn + " there: other current master keys.",
                    true));
        }
    }
}
