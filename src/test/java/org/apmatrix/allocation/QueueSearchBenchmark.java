package org.apmatrix.allocation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apmatrix.host.Card;
import org.junit.jupiter.api.Test;

/**
 * How long the search takes on a host of 60 adapters × 85 domains with 500 mediated devices. Not one of the tests: {@code ./mvnw test
 * -Dtest=QueueSearchBenchmark} prints the table.
 */
class QueueSearchBenchmark {
    private static final int RUNS = 21;

    /** From one queue to more than there are, easy and impossible. */
    static Map<String, Wish> wishes() {
        Wish one = Wish.of(Card.Mode.EP11, 1);
        Map<String, Wish> wishes = new LinkedHashMap<>();
        wishes.put("1 EP11", one);
        wishes.put("2 EP11 on 2 adapters", one.withQueues(2).withDistinctAdapters(true));
        wishes.put(
                "2 EP11 on 2 adapters, one key",
                one.withQueues(2).withDistinctAdapters(true).withSameMasterKey(true));
        wishes.put("8 EP11", one.withQueues(8));
        wishes.put("13 CCA, CEX8", Wish.of(Card.Mode.CCA, 13).withMinHwType(14));
        wishes.put("24 EP11", one.withQueues(24));
        wishes.put("64 EP11", one.withQueues(64));
        wishes.put("64 EP11, host's too", one.withQueues(64).withMayTakeFromHost(true));
        wishes.put(
                "64 EP11, one key, host's too",
                one.withQueues(64).withSameMasterKey(true).withMayTakeFromHost(true));
        wishes.put("200 EP11, host's too", one.withQueues(200).withMayTakeFromHost(true));
        wishes.put("511 EP11, host's too", one.withQueues(511).withMayTakeFromHost(true));
        wishes.put("40 EP11 on 40 adapters", one.withQueues(40).withDistinctAdapters(true));
        wishes.put("40 EP11 on 40 adapters, CEX8, one key", new Wish(Card.Mode.EP11, 40, true, 14, true, false));
        wishes.put("2 EP11 of a type that is not there", one.withQueues(2).withMinHwType(15));
        return wishes;
    }

    @Test
    void printsTheTables() {
        System.out.println("60 adapters x 85 domains, 500 mdevs");
        print(Hosts.large(1));
        System.out.println("The same with nothing in order");
        print(Hosts.noise(1));
    }

    private static void print(Supply supply) {
        System.out.printf(
                "%-40s %-12s %-15s %9s %9s %9s%n", "wish", "answer", "certainty", "steps", "median ms", "worst ms");
        wishes().forEach((name, wish) -> {
            double[] times = new double[RUNS];
            Work work = new Work();
            Answer answer = QueueSearch.search(supply, wish, work);
            for (int run = 0; run < RUNS; run++) {
                long start = System.nanoTime();
                Answer again = QueueSearch.search(supply, wish);
                times[run] = (System.nanoTime() - start) / 1e6;
                assertThat(again).isEqualTo(answer);
            }
            Arrays.sort(times);
            System.out.printf(
                    "%-40s %-12s %-15s %9d %9.1f %9.1f%n",
                    name,
                    answer instanceof Choice choice
                            ? choice.matrix().adapters().size() + " x "
                                    + choice.matrix().domains().size()
                            : "impossible",
                    answer.certainty(),
                    work.steps(),
                    times[RUNS / 2],
                    times[RUNS - 1]);
        });
    }
}
