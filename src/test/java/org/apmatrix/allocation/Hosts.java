package org.apmatrix.allocation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.Card;

/** Hosts to search: random small ones that have everything, and the large one of the benchmark. */
final class Hosts {
    private static final List<Integer> IDS = List.of(0, 1, 4, 5, 62, 63, 64, 65, 127, 128, 200, 254, 255);

    private Hosts() {}

    static MdevId mdev(int number) {
        return new MdevId(new UUID(0, number));
    }

    /** At most so many adapters and domains, every holder, mode, hardware type and key, masks or none. */
    static Supply random(Random random, int maxAdapters, int maxDomains) {
        List<Integer> adapters = pick(random, count(random, maxAdapters));
        List<Integer> domains = pick(random, count(random, maxDomains));
        ApMask apmask = ApMask.ALL.minus(ApMask.of(
                adapters.stream().filter(adapter -> random.nextInt(10) < 4).toList()));
        ApMask aqmask = ApMask.ALL.minus(ApMask.of(
                domains.stream().filter(domain -> random.nextInt(10) < 4).toList()));
        boolean masks = random.nextInt(8) > 0;
        int mixed = Math.max(0, random.nextInt(4) - 1); // how much is in the way
        List<Supply.Queue> queues = new ArrayList<>();
        for (int adapter : adapters) {
            Card.Mode mode = random.nextInt(6) > 0 ? Card.Mode.EP11 : Card.Mode.CCA;
            Integer hwType = random.nextInt(6) == 0 ? null : Integer.valueOf(10 + random.nextInt(5));
            for (int domain : domains) {
                boolean reserved = masks ? apmask.contains(adapter) && aqmask.contains(domain) : random.nextInt(3) == 0;
                int lot = random.nextInt(10);
                if (lot >= mixed) {
                    Holder theirs = reserved ? new Holder.Host() : new Holder.Free();
                    Holder other = random.nextBoolean()
                            ? new Holder.Mdev(mdev(random.nextInt(3)))
                            : new Holder.Unusable("offline");
                    queues.add(new Supply.Queue(
                            Apqn.of(adapter, domain),
                            random.nextInt(10) < 2 * mixed ? other : theirs,
                            random.nextInt(20) == 0 ? null : mode,
                            hwType,
                            Optional.of("key" + random.nextInt(2)).filter(key -> random.nextInt(5) > 0)));
                }
            }
        }
        int maximum = random.nextInt(4) == 0 ? 1 + random.nextInt(8) : 511;
        return masks
                ? Supply.dividedByMasks(queues, apmask, aqmask, maximum)
                : Supply.keptByHost(queues, "Driver overrides divide the queues.", maximum);
    }

    static Wish wish(Random random, int maxQueues) {
        return new Wish(
                random.nextInt(8) > 0 ? Card.Mode.EP11 : Card.Mode.CCA,
                1 + Math.min(random.nextInt(maxQueues), random.nextInt(maxQueues)),
                random.nextInt(4) == 0,
                random.nextInt(5) == 0 ? Integer.valueOf(10 + random.nextInt(5)) : null,
                random.nextInt(5) == 0,
                random.nextBoolean());
    }

    /** Nothing but free EP11 queues. */
    static Supply allFree(int adapters, int domains) {
        List<Supply.Queue> queues = new ArrayList<>();
        for (int adapter = 0; adapter < adapters; adapter++) {
            for (int domain = 0; domain < domains; domain++) {
                queues.add(queue(adapter, domain, new Holder.Free()));
            }
        }
        return Supply.dividedByMasks(queues, ApMask.NONE, ApMask.ALL, 511);
    }

    /** An EP11 queue of a CEX8 without a key. */
    static Supply.Queue queue(int adapter, int domain, Holder holder) {
        return new Supply.Queue(Apqn.of(adapter, domain), holder, Card.Mode.EP11, 14, Optional.empty());
    }

    /**
     * 60 adapters × 85 domains with 500 mediated devices of 1 to 8 queues each: every sixth adapter is the host's, half of the others do EP11, a third CCA; a
     * domain has one of four master keys, a few queues none; a few are offline.
     */
    static Supply large(long seed) {
        Random random = new Random(seed);
        ApMask apmask = ApMask.of(
                IntStream.range(0, 60).filter(adapter -> adapter % 6 == 0).toArray());
        Map<Apqn, Holder> taken = new HashMap<>();
        int made = 0;
        while (made < 500) {
            ApMask adapters = some(random, 60, 1 + random.nextInt(2)).minus(apmask);
            ApMask domains = some(random, 85, 1 + random.nextInt(4));
            List<Apqn> apqns = Matrix.of(adapters, domains).apqns();
            if (!apqns.isEmpty() && Collections.disjoint(apqns, taken.keySet())) {
                Holder holder = new Holder.Mdev(mdev(made++));
                apqns.forEach(apqn -> taken.put(apqn, holder));
            }
        }
        List<Supply.Queue> queues = new ArrayList<>();
        for (int adapter = 0; adapter < 60; adapter++) {
            Card.Mode mode = List.of(
                            Card.Mode.EP11,
                            Card.Mode.CCA,
                            Card.Mode.EP11,
                            Card.Mode.CCA,
                            Card.Mode.EP11,
                            Card.Mode.ACCELERATOR)
                    .get((adapter + adapter / 6) % 6);
            for (int domain = 0; domain < 85; domain++) {
                Apqn apqn = Apqn.of(adapter, domain);
                Holder untaken = apmask.contains(adapter) ? new Holder.Host() : new Holder.Free();
                Holder holder =
                        random.nextInt(100) == 0 ? new Holder.Unusable("offline") : taken.getOrDefault(apqn, untaken);
                queues.add(new Supply.Queue(
                        apqn,
                        holder,
                        mode,
                        12 + adapter % 3,
                        Optional.of("key" + domain % 4).filter(key -> random.nextInt(20) > 0)));
            }
        }
        return Supply.dividedByMasks(queues, apmask, ApMask.ALL, 511);
    }

    /**
     * As large, and as hard as it gets: EP11 everywhere, one key or the other in no order, every third queue with one of 500 mediated devices as if products
     * were none, and two thirds of both masks set.
     */
    static Supply noise(long seed) {
        Random random = new Random(seed);
        ApMask apmask = ApMask.of(
                IntStream.range(0, 60).filter(adapter -> adapter % 3 > 0).toArray());
        ApMask aqmask = ApMask.of(
                IntStream.range(0, 85).filter(domain -> domain % 3 > 0).toArray());
        List<Supply.Queue> queues = new ArrayList<>();
        for (int adapter = 0; adapter < 60; adapter++) {
            for (int domain = 0; domain < 85; domain++) {
                boolean reserved = apmask.contains(adapter) && aqmask.contains(domain);
                Holder untaken = reserved ? new Holder.Host() : new Holder.Free();
                queues.add(new Supply.Queue(
                        Apqn.of(adapter, domain),
                        random.nextInt(3) == 0 ? new Holder.Mdev(mdev(random.nextInt(500))) : untaken,
                        Card.Mode.EP11,
                        12 + random.nextInt(3),
                        Optional.of("key" + random.nextInt(2))));
            }
        }
        return Supply.dividedByMasks(queues, apmask, aqmask, 511);
    }

    private static ApMask some(Random random, int below, int count) {
        return ApMask.of(random.ints(count, 0, below).toArray());
    }

    private static List<Integer> pick(Random random, int count) {
        List<Integer> ids = new ArrayList<>(
                count <= IDS.size()
                        ? IDS
                        : IntStream.range(0, ApMask.SIZE).boxed().toList());
        Collections.shuffle(ids, random);
        return ids.subList(0, count);
    }

    /** Up to so many, and often nearly as many. */
    private static int count(Random random, int most) {
        return 1 + Math.max(random.nextInt(most), random.nextInt(most));
    }
}
