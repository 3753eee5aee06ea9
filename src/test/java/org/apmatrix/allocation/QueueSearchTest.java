package org.apmatrix.allocation;

import static org.apmatrix.allocation.Hosts.queue;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.host.Card;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class QueueSearchTest {
    private static final Wish ONE = Wish.of(Card.Mode.EP11, 1);
    private static final Holder FREE = new Holder.Free();
    private static final Holder HOST = new Holder.Host();

    @Test
    void spreadsOverAsManyAdaptersAsThereAre() {
        assertThat(names(choice(Hosts.allFree(5, 5), ONE.withQueues(4))))
                .containsExactly("00.0000", "01.0000", "02.0000", "03.0000");
        assertThat(names(choice(Hosts.allFree(3, 5), ONE.withQueues(4))))
                .containsExactly("00.0000", "00.0001", "01.0000", "01.0001");
    }

    @Test
    void givesMoreThanWishedOnlyWhenNoShapeHasTheNumber() {
        Choice seven = choice(Hosts.allFree(4, 4), ONE.withQueues(7));
        assertThat(seven.matrix().apqns()).hasSize(8);
        assertThat(seven.extra()).isEqualTo(1);
        assertThat(seven.explanation())
                .contains(
                        "A matrix is adapters × domains, and none of exactly 7 queues can be had: this one has 1 more.");
        assertThat(choice(Hosts.allFree(7, 4), ONE.withQueues(7)).extra()).isZero();
    }

    @Test
    void keepsTheLargestFreeRectangleForLater() {
        // adapter 0 has its domain 0 with an mdev, so the rectangle of 3 × 2 is where the others are
        Supply supply = withoutMasks(
                queue(0, 1, FREE),
                queue(1, 0, FREE),
                queue(1, 1, FREE),
                queue(1, 2, FREE),
                queue(2, 0, FREE),
                queue(2, 1, FREE),
                queue(2, 2, FREE));
        Choice choice = choice(supply, ONE);
        assertThat(names(choice)).containsExactly("00.0001");
        assertThat(choice.explanation()).contains("The largest free product of EP11 queues that stays has 6 queues.");
    }

    @Test
    void neverChoosesAQueueThatIsAbsentOrNotUsable() {
        Supply supply = withoutMasks(
                queue(0, 0, new Holder.Unusable("checkstopped")),
                queue(1, 1, FREE),
                queue(2, 0, FREE),
                queue(2, 1, FREE));
        assertThat(names(choice(supply, ONE.withQueues(2).withDistinctAdapters(true))))
                .containsExactly("01.0001", "02.0001");
        Impossible impossible = impossible(supply, ONE.withQueues(3));
        assertThat(impossible.missing())
                .containsExactly(
                        "There is no product of 3 EP11 queues, free now.",
                        "This host has 4 EP11 queues: 3 free, 1 not usable.",
                        "Not usable: 00.0000 (checkstopped).",
                        "3 of the wished kind are free, but not as adapters × domains.");
    }

    @Test
    void prefersWhatIsFreeToWhatIsTheHosts() {
        Supply supply = Supply.dividedByMasks(
                List.of(queue(0, 0, HOST), queue(1, 0, FREE)), ApMask.ALL.without(1), ApMask.ALL, 511);
        Choice choice = choice(supply, ONE.withMayTakeFromHost(true));
        assertThat(names(choice)).containsExactly("01.0000");
        assertThat(choice.explanation()).contains("All of them are free now.");
    }

    @Test
    void clearsTheBitsThatTakeFewerQueuesFromTheHostAndNamesTheOthers() {
        Supply supply = Supply.dividedByMasks(
                List.of(
                        queue(5, 4, HOST),
                        queue(5, 0x47, HOST),
                        queue(5, 0xab, HOST),
                        queue(6, 4, HOST),
                        queue(7, 0x47, HOST),
                        queue(7, 0xab, HOST)),
                ApMask.ALL,
                ApMask.ALL,
                511);
        Wish wish = ONE.withQueues(2).withDistinctAdapters(true).withMayTakeFromHost(true);
        Choice choice = choice(supply, wish);
        assertThat(names(choice)).containsExactly("05.0004", "06.0004");
        assertThat(choice.domainsToFree()).isEqualTo(ApMask.of(4));
        assertThat(choice.adaptersToFree()).isEqualTo(ApMask.NONE);
        assertThat(choice.collateral()).isEmpty();
        Choice one = choice(supply, wish.withQueues(1));
        assertThat(names(one)).containsExactly("06.0004");
        assertThat(one.adaptersToFree()).isEqualTo(ApMask.of(6));
        Choice four = choice(supply, ONE.withQueues(4).withMayTakeFromHost(true));
        assertThat(names(four)).containsExactly("05.0047", "05.00ab", "07.0047", "07.00ab");
        assertThat(four.domainsToFree()).isEqualTo(ApMask.of(0x47, 0xab));
        Choice whole = choice(supply, ONE.withQueues(3).withMayTakeFromHost(true));
        assertThat(names(whole)).containsExactly("05.0004", "05.0047", "05.00ab");
        assertThat(whole.adaptersToFree()).isEqualTo(ApMask.of(5));
    }

    @Test
    void saysWhatLeavesTheHostThoughNobodyAskedForIt() {
        Supply supply = Supply.dividedByMasks(
                List.of(queue(5, 4, HOST), queue(5, 7, HOST), queue(6, 4, HOST), queue(6, 7, HOST)),
                ApMask.ALL,
                ApMask.ALL,
                511);
        Choice choice = choice(supply, ONE.withMayTakeFromHost(true));
        assertThat(choice.fromHost()).containsExactly(Apqn.of(5, 4));
        assertThat(choice.collateral()).containsExactly(Apqn.of(5, 7));
        assertThat(choice.explanation())
                .containsExactly(
                        "1 EP11 queue on 1 adapter in 1 domain: 05.0004.",
                        "05.0004 is taken from the host by clearing apmask bit 5.",
                        "That takes from the host's drivers also 05.0007, which nobody asked for.",
                        "No other EP11 queue stays free.");
    }

    @Test
    void takesNothingFromTheHostWithoutBeingAllowedTo() {
        Supply supply =
                Supply.dividedByMasks(List.of(queue(5, 4, HOST), queue(6, 4, HOST)), ApMask.ALL, ApMask.ALL, 511);
        assertThat(sentences(impossible(supply, ONE.withQueues(2).withDistinctAdapters(true))))
                .containsExactly(
                        "mayTakeFromHost=true would give 05.0004 and 06.0004, of which 05.0004 and 06.0004 from the host.");
    }

    @Test
    void takesNothingFromTheHostWhereMasksDoNotDivideTheQueues() {
        Supply supply = Supply.keptByHost(
                List.of(queue(5, 4, HOST)), "This bus is divided by driver overrides, and masks cannot change.", 511);
        Impossible impossible = impossible(supply, ONE.withMayTakeFromHost(true));
        assertThat(impossible.missing())
                .contains(
                        "Nothing can be taken from the host: This bus is divided by driver overrides, and masks cannot change.");
        assertThat(impossible.wouldHelp()).isEmpty();
    }

    @Test
    void takesOnlyKnownAndEqualMasterKeysWhenTheyMustBeTheSame() {
        Supply supply = withoutMasks(keyed(0, 0, "a"), keyed(1, 0, null), keyed(2, 0, "b"), keyed(3, 0, "b"));
        Wish wish = ONE.withQueues(2).withDistinctAdapters(true).withSameMasterKey(true);
        Choice choice = choice(supply, wish);
        assertThat(names(choice)).containsExactly("02.0000", "03.0000");
        assertThat(choice.explanation()).contains("All have the same master key pattern: b.");
        Impossible impossible = impossible(supply, wish.withQueues(3));
        assertThat(impossible.missing())
                .contains(
                        "The master key pattern of 1 queue of them is not known.",
                        "3 of the wished kind are free, but not on 3 adapters in one domain with one master key pattern.");
        assertThat(sentences(impossible))
                .containsExactly(
                        "sameMasterKey=false would give 00.0000, 01.0000 and 02.0000.",
                        "Fewer queues: 2 can be had, 02.0000 and 03.0000.");
    }

    @Test
    void namesTheMdevThatHoldsWhatIsMissing() {
        Supply supply = withoutMasks(
                queue(5, 4, new Holder.Mdev(Hosts.mdev(1))),
                queue(5, 5, new Holder.Mdev(Hosts.mdev(2))),
                queue(6, 4, FREE));
        assertThat(sentences(impossible(supply, ONE.withQueues(2).withDistinctAdapters(true))))
                .containsExactly(
                        "Fewer queues: 1 can be had, 06.0004.",
                        "mdev 00000000-0000-0000-0000-000000000001 holds 05.0004 of the wished kind: without it 05.0004 and 06.0004 could be had.");
    }

    @Test
    void offersTheSameAdapterTwiceOrOlderHardwareOrARepair() {
        Supply supply = withoutMasks(
                queue(5, 4, FREE),
                queue(5, 0x47, FREE),
                queue(6, 4, new Holder.Unusable("offline")),
                new Supply.Queue(Apqn.of(7, 4), FREE, Card.Mode.EP11, 12, Optional.empty()));
        assertThat(sentences(impossible(
                        supply, ONE.withQueues(2).withDistinctAdapters(true).withMinHwType(14))))
                .containsExactly(
                        "distinctAdapters=false would give 05.0004 and 05.0047.",
                        "minHwType=12 would give 05.0004 and 07.0004.",
                        "Fewer queues: 1 can be had, 05.0047.",
                        "If 06.0004 was usable, 05.0004 and 06.0004 could be had.");
    }

    @Test
    void neverMakesAMatrixBeyondTheMaximum() {
        Supply supply = Hosts.allFree(60, 85);
        assertThat(choice(supply, ONE.withQueues(511)).matrix().apqnCount()).isEqualTo(511);
        // 509 is a prime: the next product is 6 × 85
        assertThat(choice(supply, ONE.withQueues(509)).extra()).isEqualTo(1);
        assertThat(sentences(impossible(supply, ONE.withQueues(512))))
                .singleElement()
                .asString()
                .startsWith("Fewer queues: 511 can be had, ");
    }

    @Test
    void grantsEachOf64QueuesOnceToThoseWhoWishOneAfterTheOther() {
        List<Supply.Queue> queues = new ArrayList<>(Hosts.allFree(8, 8).queues());
        Set<Apqn> granted = new HashSet<>();
        int refused = 0;
        for (int wish = 0; wish < 200; wish++) {
            Answer answer = QueueSearch.search(Supply.dividedByMasks(queues, ApMask.NONE, ApMask.ALL, 511), ONE);
            if (answer instanceof Choice choice) {
                Apqn apqn = choice.matrix().apqns().get(0);
                assertThat(granted.add(apqn)).isTrue();
                Holder.Mdev mdev = new Holder.Mdev(Hosts.mdev(wish));
                queues.replaceAll(queue -> queue.apqn().equals(apqn)
                        ? queue(apqn.adapter().value(), apqn.domain().value(), mdev)
                        : queue);
            } else if (answer instanceof Impossible impossible) {
                refused++;
                assertThat(impossible.missing()).contains("This host has 64 EP11 queues: 64 with mediated devices.");
            }
        }
        assertThat(granted).hasSize(64);
        assertThat(refused).isEqualTo(136);
    }

    static List<Wish> wishesOfTheBenchmark() {
        return List.copyOf(QueueSearchBenchmark.wishes().values());
    }

    /** Steps, not milliseconds: a step is well below a microsecond. */
    @ParameterizedTest
    @MethodSource("wishesOfTheBenchmark")
    void staysWithinItsStepsOnALargeHost(Wish wish) {
        assertThat(stepsOf(Hosts.large(1), wish)).isLessThan(300_000);
    }

    @ParameterizedTest
    @MethodSource("wishesOfTheBenchmark")
    void staysWithinItsStepsOnALargeHostWithNothingInOrder(Wish wish) {
        assertThat(stepsOf(Hosts.noise(1), wish)).isLessThan(1_000_000);
    }

    @Test
    void saysSoWhenItDidNotTryEverything() {
        Answer answer = QueueSearch.search(Hosts.noise(1), ONE.withQueues(200).withMayTakeFromHost(true));
        assertThat(answer.certainty()).isEqualTo(Answer.Certainty.BOUNDED);
        assertThat(((Impossible) answer).missing())
                .contains("The host is too large to try every product: there may be one that was not tried.");
    }

    @Test
    void isNotAskedAboutAHostThatContradictsItself() {
        assertThatThrownBy(() -> Supply.dividedByMasks(List.of(queue(0, 0, FREE)), ApMask.ALL, ApMask.ALL, 511))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Supply.dividedByMasks(List.of(queue(0, 0, HOST)), ApMask.NONE, ApMask.ALL, 511))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> withoutMasks(queue(0, 0, FREE), queue(0, 0, FREE)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static long stepsOf(Supply supply, Wish wish) {
        Work work = new Work();
        QueueSearch.search(supply, wish, work);
        return work.steps();
    }

    private static Supply withoutMasks(Supply.Queue... queues) {
        return Supply.dividedByMasks(List.of(queues), ApMask.NONE, ApMask.NONE, 511);
    }

    private static Supply.Queue keyed(int adapter, int domain, @Nullable String key) {
        return new Supply.Queue(Apqn.of(adapter, domain), FREE, Card.Mode.EP11, 14, Optional.ofNullable(key));
    }

    private static Choice choice(Supply supply, Wish wish) {
        Answer answer = QueueSearch.search(supply, wish);
        assertThat(answer).isInstanceOf(Choice.class);
        return (Choice) answer;
    }

    private static Impossible impossible(Supply supply, Wish wish) {
        Answer answer = QueueSearch.search(supply, wish);
        assertThat(answer).isInstanceOf(Impossible.class);
        return (Impossible) answer;
    }

    private static List<String> names(Choice choice) {
        return choice.matrix().apqns().stream().map(Apqn::toString).toList();
    }

    private static List<String> sentences(Impossible impossible) {
        return impossible.wouldHelp().stream().map(Impossible.Help::sentence).toList();
    }
}
