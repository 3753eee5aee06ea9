package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Domain(ApValues.class)
@Domain(DomainContext.Global.class)
class MatrixTest {
    private static final Matrix FIRST_GUEST = new Matrix(ApMask.of(5, 6), ApMask.of(4, 0xab), ApMask.of(4));
    private static final String MASK = ApMask.of(5).toString();

    @Test
    void isWithinAnotherOnlyByAllThreeOfItsMasks() {
        assertThat(FIRST_GUEST.isWithin(FIRST_GUEST)).isTrue();
        assertThat(Matrix.EMPTY.isWithin(FIRST_GUEST)).isTrue();
        assertThat(FIRST_GUEST.isWithin(Matrix.EMPTY)).isFalse();
        assertThat(new Matrix(ApMask.of(5, 7), ApMask.of(4), ApMask.of(4)).isWithin(FIRST_GUEST))
                .isFalse();
        assertThat(new Matrix(ApMask.of(5), ApMask.of(4, 5), ApMask.of(4)).isWithin(FIRST_GUEST))
                .isFalse();
        assertThat(new Matrix(ApMask.of(5), ApMask.of(4), ApMask.of(4, 5)).isWithin(FIRST_GUEST))
                .isFalse();
    }

    @Test
    void isReadFromTheKernelsLines() {
        assertThat(Matrix.parseLines("05.0004\n05.00ab\n06.0004\n06.00ab\n"))
                .contains(FIRST_GUEST.withControlDomains(ApMask.NONE));
        assertThat(Matrix.parseLines("05.\n06.\n")).contains(Matrix.of(ApMask.of(5, 6), ApMask.NONE));
        assertThat(Matrix.parseLines(".0004\n.00ab\n")).contains(Matrix.of(ApMask.NONE, ApMask.of(4, 0xab)));
        assertThat(Matrix.parseLines("")).contains(Matrix.EMPTY);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\n",
                ".\n",
                "05\n",
                "0004\n",
                "05.0004\n\n",
                "05.4\n",
                "5.0004\n",
                "05.0104\n",
                "05.0004 06.0004\n",
                "05.00AB\n"
            })
    void isNotReadFromAnythingElse(String text) {
        assertThat(Matrix.parseLines(text)).isEmpty();
    }

    @Property
    void isReadBackFromWhatTheKernelPrints(@ForAll Matrix matrix) {
        Statistics.collect(matrix.adapters().isEmpty(), matrix.domains().isEmpty());
        Statistics.coverage(coverage -> {
            coverage.check(true, false).count(times -> times > 0);
            coverage.check(false, true).count(times -> times > 0);
        });
        assertThat(Matrix.parseLines(asTheKernelPrints(matrix))).contains(matrix.withControlDomains(ApMask.NONE));
    }

    @Test
    void isReadBackWhenItHasAll65536Queues() {
        Matrix all = Matrix.of(ApMask.ALL, ApMask.ALL);
        assertThat(all.apqnCount()).isEqualTo(65_536);
        assertThat(Matrix.parseLines(asTheKernelPrints(all))).contains(all);
    }

    @Test
    void isReadFromAndPrintedAsApConfig() {
        String text =
                "0x06" + "0".repeat(62) + ",0x08" + "0".repeat(40) + "1" + "0".repeat(21) + ",0x08" + "0".repeat(62);
        assertThat(Matrix.parseApConfig(text + "\n")).contains(FIRST_GUEST);
        assertThat(FIRST_GUEST.toApConfig()).isEqualTo(text).hasSize(200);
    }

    @Property
    void isReadBackFromItsApConfig(@ForAll ApMask adapters, @ForAll ApMask domains, @ForAll ApMask controlDomains) {
        Matrix matrix = new Matrix(adapters, domains, controlDomains);
        assertThat(Matrix.parseApConfig(matrix.toApConfig())).contains(matrix);
        assertThat(Matrix.parseApConfig(matrix.toApConfig() + "\n")).contains(matrix);
    }

    @Test
    void isNotReadFromAnApConfigThatIsNotThreeMasks() {
        assertThat(Matrix.parseApConfig("")).isEmpty();
        assertThat(Matrix.parseApConfig(MASK + "," + MASK)).isEmpty();
        assertThat(Matrix.parseApConfig(MASK + "," + MASK + "," + MASK + "," + MASK))
                .isEmpty();
        assertThat(Matrix.parseApConfig(MASK + "," + MASK + ",0x04")).isEmpty();
        assertThat(Matrix.parseApConfig("junk," + MASK + "," + MASK + "," + MASK))
                .isEmpty();
        assertThat(Matrix.parseApConfig(MASK + "," + MASK + "," + MASK + ",")).isEmpty();
        assertThat(Matrix.parseApConfig(MASK + ", " + MASK + "," + MASK)).isEmpty();
        assertThat(Matrix.parseApConfig(MASK + "," + MASK + "," + MASK + "\n\n"))
                .isEmpty();
    }

    @Property
    void sharesWhatTheNestedLoopFinds(@ForAll Matrix one, @ForAll Matrix other) {
        List<Apqn> both = new ArrayList<>();
        for (Apqn mine : one.apqns()) {
            for (Apqn theirs : other.apqns()) {
                if (mine.equals(theirs)) {
                    both.add(mine);
                }
            }
        }
        Statistics.collect(both.isEmpty() ? "nothing" : "something");
        Statistics.coverage(coverage -> coverage.check("something").percentage(share -> share > 3));
        Matrix shared = one.shared(other);
        assertThat(shared.apqns()).containsExactlyElementsOf(both);
        assertThat(shared.hasNoApqn()).isEqualTo(both.isEmpty());
        assertThat(shared.controlDomains()).isEqualTo(ApMask.NONE);
        assertThat(shared).isEqualTo(other.shared(one));
    }

    @Property
    void leavesToItselfWhatTheOtherHasNot(@ForAll Matrix one, @ForAll Matrix other) {
        List<Apqn> rest = new ArrayList<>(one.apqns());
        rest.removeAll(other.apqns());
        assertThat(one.apqnsNotIn(other)).containsExactlyElementsOf(rest);
    }

    @Property
    void holdsTheProductOfItsAdaptersAndDomains(@ForAll Matrix matrix, @ForAll Apqn any) {
        assertThat(matrix.apqns()).isSorted().doesNotHaveDuplicates().hasSize(matrix.apqnCount());
        assertThat(matrix.apqns()).allMatch(matrix::contains);
        assertThat(matrix.contains(any)).isEqualTo(matrix.apqns().contains(any));
        assertThat(matrix.hasNoApqn()).isEqualTo(matrix.apqns().isEmpty());
    }

    @Property
    void coversQueuesByTheSmallestProduct(@ForAll @Size(max = 6) List<Apqn> apqns) {
        Matrix covering = Matrix.covering(apqns);
        assertThat(covering.apqns()).containsAll(apqns);
        assertThat(covering.adapters().ids())
                .allMatch(id -> apqns.stream().anyMatch(apqn -> apqn.adapter().value() == id));
        assertThat(covering.domains().ids())
                .allMatch(id -> apqns.stream().anyMatch(apqn -> apqn.domain().value() == id));
    }

    @Property
    void isChangedInOneDimensionOnly(@ForAll Matrix matrix, @ForAll ApMask mask) {
        assertThat(matrix.withAdapters(mask)).isEqualTo(new Matrix(mask, matrix.domains(), matrix.controlDomains()));
        assertThat(matrix.withDomains(mask)).isEqualTo(new Matrix(matrix.adapters(), mask, matrix.controlDomains()));
        assertThat(matrix.withControlDomains(mask)).isEqualTo(new Matrix(matrix.adapters(), matrix.domains(), mask));
    }

    /** drivers/s390/crypto/vfio_ap_ops.c, vfio_ap_mdev_matrix_show. */
    private static String asTheKernelPrints(Matrix matrix) {
        StringBuilder text = new StringBuilder();
        if (matrix.domains().isEmpty()) {
            matrix.adapters().ids().forEach(adapter -> text.append(String.format("%02x.\n", adapter)));
        } else if (matrix.adapters().isEmpty()) {
            matrix.domains().ids().forEach(domain -> text.append(String.format(".%04x\n", domain)));
        } else {
            for (int adapter : matrix.adapters().ids()) {
                for (int domain : matrix.domains().ids()) {
                    text.append(String.format("%02x.%04x\n", adapter, domain));
                }
            }
        }
        return text.toString();
    }
}
