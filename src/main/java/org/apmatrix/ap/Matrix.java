package org.apmatrix.ap;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a mediated device is given: the cross product of adapters and usage domains, and the control domains beside it.
 *
 * <p>Sharing is found by arithmetic on masks, never by walking the up to 65,536 queues of a product.
 */
public record Matrix(ApMask adapters, ApMask domains, ApMask controlDomains) {
    public static final Matrix EMPTY = new Matrix(ApMask.NONE, ApMask.NONE, ApMask.NONE);

    /** Adapters and usage domains without control domains. */
    public static Matrix of(ApMask adapters, ApMask domains) {
        return new Matrix(adapters, domains, ApMask.NONE);
    }

    /**
     * Reads the kernel's {@code matrix} or {@code guest_matrix} file (drivers/s390/crypto/vfio_ap_ops.c, vfio_ap_mdev_matrix_show): lines {@code 05.00ab},
     * or {@code 05.} with adapters only, or {@code .00ab} with domains only. Empty when a line is none of these.
     */
    public static Optional<Matrix> parseLines(String text) {
        ApMask adapters = ApMask.NONE;
        ApMask domains = ApMask.NONE;
        for (String line : text.lines().toList()) {
            int dot = line.indexOf('.');
            String adapter = dot < 0 ? line : line.substring(0, dot);
            String domain = dot < 0 ? "" : line.substring(dot + 1);
            Optional<Apqn> apqn =
                    Apqn.parse((adapter.isEmpty() ? "00" : adapter) + "." + (domain.isEmpty() ? "0000" : domain));
            if (dot < 0 || line.length() == 1 || apqn.isEmpty()) {
                return Optional.empty();
            }
            if (!adapter.isEmpty()) {
                adapters = adapters.with(apqn.get().adapter().value());
            }
            if (!domain.isEmpty()) {
                domains = domains.with(apqn.get().domain().value());
            }
        }
        return Optional.of(of(adapters, domains));
    }

    /**
     * Reads the kernel's {@code ap_config} file: three full masks (adapters, usage, control domains) with commas between, one newline behind or none. Empty
     * for anything else.
     */
    public static Optional<Matrix> parseApConfig(String text) {
        String line = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
        List<Optional<ApMask>> masks =
                Stream.of(line.split(",", -1)).map(ApMask::parse).toList();
        if (masks.size() != 3 || !masks.stream().allMatch(Optional::isPresent)) {
            return Optional.empty();
        }
        return Optional.of(new Matrix(
                masks.get(0).orElseThrow(),
                masks.get(1).orElseThrow(),
                masks.get(2).orElseThrow()));
    }

    /** The text for {@code ap_config}, without a newline. */
    public String toApConfig() {
        return adapters + "," + domains + "," + controlDomains;
    }

    public int apqnCount() {
        return adapters.size() * domains.size();
    }

    /** The queues, ascending by adapter and then by domain. */
    public List<Apqn> apqns() {
        List<Apqn> apqns = new ArrayList<>(apqnCount());
        List<Integer> columns = domains.ids();
        for (int adapter : adapters.ids()) {
            for (int domain : columns) {
                apqns.add(Apqn.of(adapter, domain));
            }
        }
        return apqns;
    }

    /** Whether it has nothing that the other has not. */
    public boolean isWithin(Matrix other) {
        return other.adapters.containsAll(adapters)
                && other.domains.containsAll(domains)
                && other.controlDomains.containsAll(controlDomains);
    }

    public boolean contains(Apqn apqn) {
        return adapters.contains(apqn.adapter().value())
                && domains.contains(apqn.domain().value());
    }

    /** The queues that both products have, as a product again. Control domains are nobody's own and are left out. */
    public Matrix shared(Matrix other) {
        return of(adapters.and(other.adapters), domains.and(other.domains));
    }

    /** Whether there is no queue; adapters alone, domains alone or control domains make none. */
    public boolean hasNoApqn() {
        return adapters.isEmpty() || domains.isEmpty();
    }

    /** The queues of this product that are not in {@code other}'s. */
    public List<Apqn> apqnsNotIn(Matrix other) {
        return apqns().stream().filter(apqn -> !other.contains(apqn)).toList();
    }

    public Matrix withAdapters(ApMask changed) {
        return new Matrix(changed, domains, controlDomains);
    }

    public Matrix withDomains(ApMask changed) {
        return new Matrix(adapters, changed, controlDomains);
    }

    public Matrix withControlDomains(ApMask changed) {
        return new Matrix(adapters, domains, changed);
    }

    /** The smallest product that covers these queues. */
    public static Matrix covering(Collection<Apqn> apqns) {
        return of(
                ApMask.of(apqns.stream().map(apqn -> apqn.adapter().value()).toList()),
                ApMask.of(apqns.stream().map(apqn -> apqn.domain().value()).toList()));
    }
}
