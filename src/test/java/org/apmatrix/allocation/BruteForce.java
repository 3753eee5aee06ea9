package org.apmatrix.allocation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/** The search as it is defined, without a thought: every set of adapters with every set of domains, queue by queue. */
final class BruteForce {
    private final Map<Apqn, Supply.Queue> queues = new TreeMap<>();
    private final List<Integer> adapters;
    private final List<Integer> domains;
    private final Supply supply;

    /** A product with the five numbers by which products are compared. */
    record Product(List<Integer> adapters, List<Integer> domains, int extra, int leaving, int rest) {}

    private static final Comparator<Product> ORDER = Comparator.comparingInt(Product::extra)
            .thenComparingInt(Product::leaving)
            .thenComparing(product -> -product.adapters.size())
            .thenComparing(product -> -product.rest)
            .thenComparing(Product::adapters, BruteForce::compareLists)
            .thenComparing(Product::domains, BruteForce::compareLists);

    BruteForce(Supply supply) {
        this.supply = supply;
        supply.queues().forEach(queue -> queues.put(queue.apqn(), queue));
        adapters = queues.keySet().stream()
                .map(apqn -> apqn.adapter().value())
                .distinct()
                .sorted()
                .toList();
        domains = queues.keySet().stream()
                .map(apqn -> apqn.domain().value())
                .distinct()
                .sorted()
                .toList();
    }

    /** The same host after these mediated devices gave their queues back and these queues were repaired. */
    static Supply after(Supply supply, Set<MdevId> returned, List<Apqn> repaired) {
        List<Supply.Queue> changed = supply.queues().stream()
                .map(queue -> {
                    boolean nobodys = repaired.contains(queue.apqn())
                            || (queue.holder() instanceof Holder.Mdev mdev && returned.contains(mdev.id()));
                    boolean reserved = supply.apmask()
                                    .contains(queue.apqn().adapter().value())
                            && supply.aqmask().contains(queue.apqn().domain().value());
                    Holder holder = !nobodys ? queue.holder() : reserved ? new Holder.Host() : new Holder.Free();
                    return new Supply.Queue(queue.apqn(), holder, queue.mode(), queue.hwType(), queue.masterKey());
                })
                .toList();
        return supply.whyHostKeeps().isPresent()
                ? Supply.keptByHost(changed, supply.whyHostKeeps().get(), supply.maximum())
                : Supply.dividedByMasks(changed, supply.apmask(), supply.aqmask(), supply.maximum());
    }

    Optional<Product> best(Wish wish) {
        @Nullable Product best = null;
        for (List<Integer> some : subsets(adapters)) {
            for (List<Integer> others : subsets(domains)) {
                if (isLegal(wish, some, others)) {
                    int extra = some.size() * others.size() - wish.queues();
                    int leaving = leaving(some, others);
                    // what stays takes long to count, so it is counted for the promising ones only
                    Product product = new Product(some, others, extra, leaving, Integer.MAX_VALUE);
                    if (best == null || ORDER.compare(product, best) < 0) {
                        product = new Product(some, others, extra, leaving, rest(wish, some, others));
                        if (best == null || ORDER.compare(product, best) < 0) {
                            best = product;
                        }
                    }
                }
            }
        }
        return Optional.ofNullable(best);
    }

    boolean isLegal(Wish wish, List<Integer> some, List<Integer> others) {
        int size = some.size() * others.size();
        if (size < wish.queues()
                || size > supply.maximum()
                || (wish.distinctAdapters() && (others.size() != 1 || some.size() != wish.queues()))) {
            return false;
        }
        List<Optional<String>> keys = new ArrayList<>();
        for (int adapter : some) {
            for (int domain : others) {
                Supply.Queue queue = queues.get(Apqn.of(adapter, domain));
                if (queue == null || queue.mode() != wish.mode() || !mayHave(wish, queue.holder())) {
                    return false;
                }
                if (wish.minHwType() != null && (queue.hwType() == null || queue.hwType() < wish.minHwType())) {
                    return false;
                }
                keys.add(queue.masterKey());
            }
        }
        return !wish.sameMasterKey()
                || (keys.get(0).isPresent() && Set.copyOf(keys).size() == 1);
    }

    private boolean mayHave(Wish wish, Holder holder) {
        boolean takeable = wish.mayTakeFromHost() && supply.whyHostKeeps().isEmpty();
        return holder instanceof Holder.Free || (takeable && holder instanceof Holder.Host);
    }

    /** What is the host's by the masks now and is no longer with these bits cleared. */
    List<Apqn> leaving(ApMask adaptersToFree, ApMask domainsToFree) {
        return queues.keySet().stream()
                .filter(apqn -> isReserved(apqn, supply.apmask(), supply.aqmask()))
                .filter(apqn -> !isReserved(
                        apqn,
                        supply.apmask().minus(adaptersToFree),
                        supply.aqmask().minus(domainsToFree)))
                .toList();
    }

    static boolean isReserved(Apqn apqn, ApMask apmask, ApMask aqmask) {
        return apmask.contains(apqn.adapter().value())
                && aqmask.contains(apqn.domain().value());
    }

    /** Every way to clear bits of the product that frees all of it, the cheapest. */
    private int leaving(List<Integer> some, List<Integer> others) {
        int fewest = Integer.MAX_VALUE;
        List<Integer> reserved = some.stream()
                .filter(adapter -> others.stream()
                        .anyMatch(domain -> isReserved(Apqn.of(adapter, domain), supply.apmask(), supply.aqmask())))
                .toList();
        if (reserved.isEmpty()) {
            return 0;
        }
        List<Integer> columns = others.stream()
                .filter(domain -> some.stream()
                        .anyMatch(adapter -> isReserved(Apqn.of(adapter, domain), supply.apmask(), supply.aqmask())))
                .toList();
        for (List<Integer> rows : subsetsAndNone(reserved)) {
            for (List<Integer> lines : subsetsAndNone(columns)) {
                ApMask apmask = supply.apmask().minus(ApMask.of(rows));
                ApMask aqmask = supply.aqmask().minus(ApMask.of(lines));
                boolean frees = some.stream()
                        .noneMatch(adapter -> others.stream()
                                .anyMatch(domain -> isReserved(Apqn.of(adapter, domain), apmask, aqmask)));
                if (frees) {
                    fewest = Math.min(
                            fewest, leaving(ApMask.of(rows), ApMask.of(lines)).size());
                }
            }
        }
        return fewest;
    }

    /** The largest product of free queues of the mode that has none of the chosen ones. */
    private int rest(Wish wish, List<Integer> some, List<Integer> others) {
        int largest = 0;
        for (List<Integer> rows : subsets(adapters)) {
            long columns = domains.stream()
                    .filter(domain -> rows.stream().allMatch(adapter -> {
                        Supply.Queue queue = queues.get(Apqn.of(adapter, domain));
                        return queue != null
                                && queue.mode() == wish.mode()
                                && queue.holder() instanceof Holder.Free
                                && !(some.contains(adapter) && others.contains(domain));
                    }))
                    .count();
            largest = Math.max(largest, rows.size() * (int) columns);
        }
        return largest;
    }

    private static int compareLists(List<Integer> one, List<Integer> other) {
        for (int i = 0; i < Math.min(one.size(), other.size()); i++) {
            if (!one.get(i).equals(other.get(i))) {
                return Integer.compare(one.get(i), other.get(i));
            }
        }
        return Integer.compare(one.size(), other.size());
    }

    static List<List<Integer>> subsets(List<Integer> ids) {
        return subsetsAndNone(ids).stream().filter(subset -> !subset.isEmpty()).collect(Collectors.toList());
    }

    private static List<List<Integer>> subsetsAndNone(List<Integer> ids) {
        List<List<Integer>> subsets = new ArrayList<>();
        for (int bits = 0; bits < 1 << ids.size(); bits++) {
            List<Integer> subset = new ArrayList<>();
            for (int i = 0; i < ids.size(); i++) {
                if ((bits >> i & 1) == 1) {
                    subset.add(ids.get(i));
                }
            }
            subsets.add(subset);
        }
        return subsets;
    }
}
