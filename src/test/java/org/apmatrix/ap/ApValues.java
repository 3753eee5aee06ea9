package org.apmatrix.ap;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.domains.DomainContextBase;

/** Arbitrary values of the vocabulary: few bits, all but a few, any. */
final class ApValues extends DomainContextBase {
    @Provide
    Arbitrary<ApMask> masks() {
        Arbitrary<Long> word = Arbitraries.longs();
        Arbitrary<ApMask> any =
                Combinators.combine(word, word, word, word).as(ApMask::new).withoutEdgeCases();
        return Arbitraries.oneOf(sparse(), sparse().map(ApMask::complement), any);
    }

    /** Matrices of at most 15 by 15 queues: what they print and share can be counted by hand. */
    @Provide
    Arbitrary<Matrix> matrices() {
        return Combinators.combine(sparse(), sparse(), masks().withoutEdgeCases())
                .as(Matrix::new);
    }

    @Provide
    Arbitrary<Apqn> apqns() {
        return Combinators.combine(ids(), ids()).as(Apqn::of);
    }

    @Provide
    Arbitrary<AdapterId> adapters() {
        return ids().map(AdapterId::new);
    }

    @Provide
    Arbitrary<DomainId> domains() {
        return ids().map(DomainId::new);
    }

    static Arbitrary<Integer> ids() {
        return Arbitraries.integers().between(0, 255).edgeCases(config -> config.includeOnly(0, 255));
    }

    /** Mostly near each other, or two masks would hardly ever have a bit in common. */
    private static Arbitrary<ApMask> sparse() {
        Arbitrary<Integer> near = Arbitraries.integers().between(0, 11);
        Arbitrary<Integer> edge = Arbitraries.of(63, 64, 127, 128, 191, 192, 255);
        Arbitrary<List<Integer>> bits = Arbitraries.frequencyOf(Tuple.of(3, near), Tuple.of(1, edge))
                .list()
                .ofMaxSize(15);
        return bits.map(ApMask::of).withoutEdgeCases();
    }
}
