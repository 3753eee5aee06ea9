package org.apmatrix.allocation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.statistics.Statistics;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;

/** What holds for every host and every wish; on small hosts by comparison with a search that has no ideas. */
class QueueSearchPropertyTest {
    /** A host and a wish for it. */
    record Case(Supply supply, Wish wish) {
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(wish.toString());
            text.append(" apmask clear ").append(supply.apmask().complement().ids());
            text.append(" aqmask clear ").append(supply.aqmask().complement().ids());
            text.append(" maximum ").append(supply.maximum());
            supply.queues().forEach(queue -> text.append("\n  ").append(queue));
            return text.toString();
        }
    }

    @Provide
    Arbitrary<Case> small() {
        return Arbitraries.randomValue(random -> new Case(Hosts.random(random, 5, 5), Hosts.wish(random, 7)));
    }

    @Provide
    Arbitrary<Case> large() {
        return Arbitraries.randomValue(random -> new Case(Hosts.random(random, 40, 40), Hosts.wish(random, 60)));
    }

    @Property(tries = 3000)
    void findsTheProductThatBruteForceFinds(@ForAll("small") Case any) {
        Answer answer = QueueSearch.search(any.supply(), any.wish());
        Optional<BruteForce.Product> best = new BruteForce(any.supply()).best(any.wish());
        Statistics.collect(kind(answer));
        Statistics.coverage(coverage -> {
            for (String kind : List.of("free", "extra", "host", "collateral", "impossible")) {
                coverage.check(kind).count(times -> times > 15);
            }
        });
        assertThat(answer.certainty()).isEqualTo(Answer.Certainty.EXACT);
        assertThat(answer instanceof Choice).isEqualTo(best.isPresent());
        if (answer instanceof Choice choice) {
            BruteForce.Product product = best.orElseThrow();
            int leaving = choice.fromHost().size() + choice.collateral().size();
            assertThat(choice.extra()).isEqualTo(product.extra());
            assertThat(leaving).isEqualTo(product.leaving());
            assertThat(choice.matrix().adapters().ids()).isEqualTo(product.adapters());
            assertThat(choice.matrix().domains().ids()).isEqualTo(product.domains());
        }
    }

    @Property(tries = 500)
    void choosesOnlyWhatIsLegalAndFreesWhatItSays(@ForAll("large") Case any) {
        Answer answer = QueueSearch.search(any.supply(), any.wish());
        Statistics.collect(answer instanceof Choice, answer.certainty());
        if (answer instanceof Choice choice) {
            isLegal(any.supply(), any.wish(), choice.matrix());
            freesWhatItSays(any.supply(), choice);
            assertThat(choice.extra())
                    .isEqualTo(choice.matrix().apqnCount() - any.wish().queues());
            assertThat(choice.explanation()).isNotEmpty();
        }
    }

    @Property(tries = 500)
    void knowsForSureWhetherThereAreDistinctAdaptersOnHostsOfAnySize(@ForAll("large") Case any) {
        Wish wish = any.wish().withDistinctAdapters(true).withQueues(any.wish().queues() / 4 + 1);
        Answer answer = QueueSearch.search(any.supply(), wish);
        boolean hosts = wish.mayTakeFromHost() && any.supply().whyHostKeeps().isEmpty();
        Map<String, Long> adaptersByColumn = any.supply().queues().stream()
                .filter(wish::isMetBy)
                .filter(queue ->
                        queue.holder() instanceof Holder.Free || (hosts && queue.holder() instanceof Holder.Host))
                .collect(Collectors.groupingBy(
                        queue -> queue.apqn().domain()
                                + (wish.sameMasterKey() ? queue.masterKey().orElseThrow() : ""),
                        Collectors.counting()));
        Statistics.collect(answer instanceof Choice);
        assertThat(answer.certainty()).isNotEqualTo(Answer.Certainty.BOUNDED);
        assertThat(answer instanceof Choice)
                .isEqualTo(wish.queues() <= any.supply().maximum()
                        && adaptersByColumn.values().stream().anyMatch(count -> count >= wish.queues()));
    }

    @Property(tries = 3000)
    void saysOfAnImpossibleWishOnlyWhatReallyHelps(@ForAll("small") Case any) {
        if (QueueSearch.search(any.supply(), any.wish()) instanceof Impossible impossible) {
            Statistics.collect(impossible.wouldHelp().size());
            assertThat(impossible.missing()).isNotEmpty();
            for (Impossible.Help help : impossible.wouldHelp()) {
                Supply then = BruteForce.after(any.supply(), help.returned(), help.repaired());
                isLegal(then, help.wish(), help.matrix());
                assertThat(help.sentence())
                        .contains(help.matrix().apqns().get(0).toString());
            }
            nothingThatHelpsIsLeftOut(any, impossible.wouldHelp());
        }
    }

    @Property(tries = 200)
    void givesTheSameAnswerAgain(@ForAll("large") Case any) {
        List<Supply.Queue> shuffled = new ArrayList<>(any.supply().queues());
        Collections.reverse(shuffled);
        Supply again = any.supply().whyHostKeeps().isPresent()
                ? Supply.keptByHost(
                        shuffled,
                        any.supply().whyHostKeeps().get(),
                        any.supply().maximum())
                : Supply.dividedByMasks(
                        shuffled,
                        any.supply().apmask(),
                        any.supply().aqmask(),
                        any.supply().maximum());
        assertThat(QueueSearch.search(again, any.wish())).isEqualTo(QueueSearch.search(any.supply(), any.wish()));
    }

    private static void nothingThatHelpsIsLeftOut(Case any, List<Impossible.Help> helps) {
        Wish wish = any.wish();
        BruteForce bruteForce = new BruteForce(any.supply());
        Stream<UnaryOperator<Wish>> relaxations = Stream.of(
                other -> other.withMayTakeFromHost(true),
                other -> other.withDistinctAdapters(false),
                other -> other.withSameMasterKey(false));
        relaxations
                .map(relaxation -> relaxation.apply(wish))
                .forEach(other -> assertThat(
                                helps.stream().anyMatch(help -> help.wish().equals(other) && isAsItIs(help)))
                        .as("%s", other)
                        .isEqualTo(bruteForce.best(other).isPresent()));
        int most = 0;
        for (int fewer = 1; fewer < wish.queues(); fewer++) {
            most = bruteForce.best(wish.withQueues(fewer)).isPresent() ? fewer : most;
        }
        assertThat(helps.stream()
                        .filter(help -> help.wish().queues() < wish.queues())
                        .map(help -> help.wish().queues()))
                .isEqualTo(most == 0 ? List.of() : List.of(most));
        Supply returned =
                BruteForce.after(any.supply(), Set.of(Hosts.mdev(0), Hosts.mdev(1), Hosts.mdev(2)), List.of());
        assertThat(helps.stream().anyMatch(help -> !help.returned().isEmpty()))
                .isEqualTo(new BruteForce(returned).best(wish).isPresent());
    }

    private static boolean isAsItIs(Impossible.Help help) {
        return help.returned().isEmpty() && help.repaired().isEmpty();
    }

    private static void isLegal(Supply supply, Wish wish, Matrix matrix) {
        assertThat(new BruteForce(supply)
                        .isLegal(wish, matrix.adapters().ids(), matrix.domains().ids()))
                .as("%s", matrix.apqns())
                .isTrue();
    }

    private static void freesWhatItSays(Supply supply, Choice choice) {
        List<Apqn> leaving = new BruteForce(supply).leaving(choice.adaptersToFree(), choice.domainsToFree());
        assertThat(Stream.concat(choice.fromHost().stream(), choice.collateral().stream())
                        .sorted())
                .isEqualTo(leaving);
        assertThat(choice.matrix().apqns()).containsAll(choice.fromHost()).noneMatch(choice.collateral()::contains);
        ApMask apmask = supply.apmask().minus(choice.adaptersToFree());
        ApMask aqmask = supply.aqmask().minus(choice.domainsToFree());
        assertThat(choice.matrix().apqns()).noneMatch(apqn -> BruteForce.isReserved(apqn, apmask, aqmask));
        assertThat(supply.apmask().containsAll(choice.adaptersToFree())).isTrue();
        assertThat(supply.aqmask().containsAll(choice.domainsToFree())).isTrue();
    }

    private static String kind(Answer answer) {
        if (answer instanceof Choice choice) {
            if (!choice.collateral().isEmpty()) {
                return "collateral";
            }
            return !choice.fromHost().isEmpty() ? "host" : choice.extra() > 0 ? "extra" : "free";
        }
        return "impossible";
    }
}
