package org.apmatrix.host.sim;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Mkvps;

/**
 * A logical partition as its activation profile describes it: adapters and domains.
 *
 * @param hasAp whether the CPU has AP instructions at all
 * @param hasQci whether the machine can say its configuration (facility 12); without it only adapters 0 to 63 and domains 0 to 15 are found by trying
 * @param adapters in any order, each number once
 * @param maxAdapterId the highest adapter number the machine allows, 0 to 255
 * @param maxDomainId the highest domain number the machine allows, 0 to 255
 * @param masterKeys what the HSM behind a queue answers when it is asked for its master keys; one without does not answer
 */
public record SimulatedMachine(
        boolean hasAp,
        boolean hasQci,
        List<Adapter> adapters,
        ApMask usageDomains,
        ApMask controlDomains,
        int maxAdapterId,
        int maxDomainId,
        Map<Apqn, Mkvps> masterKeys) {
    /**
     * A Crypto Express adapter.
     *
     * @param type generation and mode as the kernel spells it: {@code CEX4A} to {@code CEX8P}; A accelerator, C CCA coprocessor, P EP11 coprocessor
     * @param configured false when the HMC has it in standby
     * @param checkstopped true when it is broken
     */
    public record Adapter(AdapterId id, String type, boolean configured, boolean checkstopped) {
        private static final Pattern TYPE = Pattern.compile("CEX([4-8])([ACP])");

        public Adapter {
            if (!TYPE.matcher(type).matches()) {
                throw new IllegalArgumentException("not CEX4A to CEX8P: " + type);
            }
        }

        /** A configured, healthy adapter; empty when there is no such type. */
        public static Optional<Adapter> of(AdapterId id, String type) {
            return TYPE.matcher(type).matches() ? Optional.of(new Adapter(id, type, true, false)) : Optional.empty();
        }

        public Adapter withConfigured(boolean newConfigured) {
            return new Adapter(id, type, newConfigured, checkstopped);
        }

        public Adapter withCheckstopped(boolean newCheckstopped) {
            return new Adapter(id, type, configured, newCheckstopped);
        }

        /** The type number of arch/s390/include/asm/ap.h: CEX4 is 10, CEX8 is 14. */
        int hardwareType() {
            return 6 + part(1).charAt(0) - '0';
        }

        char mode() {
            return part(2).charAt(0);
        }

        private String part(int group) {
            Matcher matcher = TYPE.matcher(type);
            if (!matcher.matches()) {
                throw new IllegalStateException(type);
            }
            return matcher.group(group);
        }
    }

    public SimulatedMachine {
        adapters = List.copyOf(adapters);
        masterKeys = Map.copyOf(masterKeys);
        if (maxAdapterId < 0 || maxAdapterId > 255 || maxDomainId < 0 || maxDomainId > 255) {
            throw new IllegalArgumentException("maximum not 0 to 255");
        }
        if (adapters.stream().map(Adapter::id).distinct().count() != adapters.size()) {
            throw new IllegalArgumentException("an adapter twice");
        }
        if (adapters.stream().anyMatch(adapter -> adapter.id().value() > maxAdapterId)) {
            throw new IllegalArgumentException("an adapter above the maximum " + maxAdapterId);
        }
        if (!ApMask.upTo(maxDomainId).containsAll(usageDomains.or(controlDomains))) {
            throw new IllegalArgumentException("a domain above the maximum " + maxDomainId);
        }
    }

    /** A machine whose HSMs do not answer, as those of an emulated one. */
    public SimulatedMachine(
            boolean hasAp,
            boolean hasQci,
            List<Adapter> adapters,
            ApMask usageDomains,
            ApMask controlDomains,
            int maxAdapterId,
            int maxDomainId) {
        this(hasAp, hasQci, adapters, usageDomains, controlDomains, maxAdapterId, maxDomainId, Map.of());
    }

    /** The machine of the example in Documentation/arch/s390/vfio-ap.rst. */
    public static SimulatedMachine example() {
        ApMask domains = ApMask.of(4, 0x47, 0xab, 0xff);
        return of(
                List.of(
                        new Adapter(new AdapterId(5), "CEX5C", true, false),
                        new Adapter(new AdapterId(6), "CEX5A", true, false)),
                domains,
                domains);
    }

    /** A machine with AP and QCI whose maxima are 255. */
    public static SimulatedMachine of(List<Adapter> adapters, ApMask usageDomains, ApMask controlDomains) {
        return new SimulatedMachine(true, true, adapters, usageDomains, controlDomains, 255, 255);
    }

    /** A machine without AP instructions. */
    public static SimulatedMachine withoutAp() {
        return new SimulatedMachine(false, false, List.of(), ApMask.NONE, ApMask.NONE, 255, 255);
    }

    public SimulatedMachine withAdapters(List<Adapter> newAdapters) {
        return new SimulatedMachine(
                hasAp, hasQci, newAdapters, usageDomains, controlDomains, maxAdapterId, maxDomainId, masterKeys);
    }

    public SimulatedMachine withDomains(ApMask newUsageDomains, ApMask newControlDomains) {
        return new SimulatedMachine(
                hasAp, hasQci, adapters, newUsageDomains, newControlDomains, maxAdapterId, maxDomainId, masterKeys);
    }

    public SimulatedMachine withMaxima(int newMaxAdapterId, int newMaxDomainId) {
        return new SimulatedMachine(
                hasAp, hasQci, adapters, usageDomains, controlDomains, newMaxAdapterId, newMaxDomainId, masterKeys);
    }

    public SimulatedMachine withoutQci() {
        return new SimulatedMachine(
                hasAp, false, adapters, usageDomains, controlDomains, maxAdapterId, maxDomainId, masterKeys);
    }

    /** The same machine with these keys in the HSM behind a queue; {@link Mkvps#UNTOLD} for one that does not answer. */
    public SimulatedMachine withMasterKeys(Apqn apqn, Mkvps keys) {
        Map<Apqn, Mkvps> next = new HashMap<>(masterKeys);
        next.put(apqn, keys);
        next.values().removeIf(none -> !none.isTold());
        return withMasterKeys(next);
    }

    public SimulatedMachine withMasterKeys(Map<Apqn, Mkvps> newMasterKeys) {
        return new SimulatedMachine(
                hasAp, hasQci, adapters, usageDomains, controlDomains, maxAdapterId, maxDomainId, newMasterKeys);
    }

    public Optional<Adapter> adapter(int id) {
        return adapters.stream().filter(adapter -> adapter.id().value() == id).findFirst();
    }

    /** What PQAP(QCI) answers: all masks empty when the machine cannot say. */
    ApConfiguration configuration() {
        if (!hasQci) {
            return ApConfiguration.UNKNOWN;
        }
        ApMask present =
                ApMask.of(adapters.stream().map(adapter -> adapter.id().value()).toList());
        return new ApConfiguration(present, usageDomains, controlDomains);
    }
}
