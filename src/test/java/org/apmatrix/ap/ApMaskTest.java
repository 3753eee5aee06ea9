package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Domain(ApValues.class)
@Domain(DomainContext.Global.class)
class ApMaskTest {
    private static final String ZEROS = "0".repeat(62);

    @Test
    void hasBitZeroLeftmost() {
        assertThat(ApMask.of(0)).hasToString("0x80" + ZEROS);
        assertThat(ApMask.of(1, 7)).hasToString("0x41" + ZEROS);
        assertThat(ApMask.of(255)).hasToString("0x" + ZEROS + "01");
        assertThat(ApMask.of()).isEqualTo(ApMask.NONE).hasToString("0x00" + ZEROS);
        assertThat(ApMask.ALL).hasToString("0x" + "f".repeat(64));
    }

    @Test
    void isTheMaskOfTheKernelsThreeGuestExample() {
        assertThat(ApMask.ALL.without(5).without(6)).hasToString("0xf9" + "f".repeat(62));
        assertThat(ApMask.ALL.minus(ApMask.of(4, 0x47, 0xab, 0xff)))
                .hasToString("0xf7fffffffffffffffeffffffffffffffffffffffffeffffffffffffffffffffe");
    }

    @Test
    void reachesFromZeroToALast() {
        assertThat(ApMask.upTo(0)).isEqualTo(ApMask.of(0));
        assertThat(ApMask.upTo(63)).isEqualTo(new ApMask(-1, 0, 0, 0));
        assertThat(ApMask.upTo(255)).isEqualTo(ApMask.ALL);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 256, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void hasNoBitOutsideOf256(int id) {
        assertThatThrownBy(() -> ApMask.of(id)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ApMask.NONE.with(id)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ApMask.NONE.without(id)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ApMask.NONE.contains(id)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void readsOnlyTheFullSpellingAsAWholeMask() {
        String full = "F9" + "f".repeat(62);
        assertThat(ApMask.parse("0x" + full)).contains(ApMask.ALL.without(5).without(6));
        assertThat(ApMask.parse(full)).isEmpty();
        assertThat(ApMask.parse("0X" + full)).isEmpty();
        assertThat(ApMask.parse("0x" + full + "\n")).isEmpty();
        assertThat(ApMask.parse("0x" + full + "0")).isEmpty();
        assertThat(ApMask.parse("0x" + full.substring(1))).isEmpty();
        assertThat(ApMask.parse("")).isEmpty();
    }

    @Property
    void readsBackWhatItPrints(@ForAll ApMask mask) {
        assertThat(ApMask.parse(mask.toString())).contains(mask);
        assertThat(ApMask.parseAbsolute(mask + "\n")).contains(mask);
    }

    @Property
    void printsIdNInDigitNOverFour(@ForAll ApMask mask, @ForAll @IntRange(max = 255) int id) {
        int digit = Character.digit(mask.toString().charAt(2 + id / 4), 16);
        assertThat(mask.contains(id)).isEqualTo((digit & (8 >> id % 4)) != 0);
    }

    @Property
    void padsAShortMaskOnTheRight(@ForAll @Chars({'0', '1', '8', 'a', 'F'}) @StringLength(max = 64) String digits) {
        assertThat(ApMask.parseAbsolute(digits))
                .isEqualTo(ApMask.parse("0x" + digits + "0".repeat(64 - digits.length())));
    }

    @Property
    void isTheSetOfItsIds(@ForAll ApMask mask) {
        assertThat(mask.ids()).isSorted().doesNotHaveDuplicates().hasSize(mask.size());
        assertThat(ApMask.of(mask.ids())).isEqualTo(mask);
        assertThat(mask.isEmpty()).isEqualTo(mask.size() == 0);
        assertThat(bits(mask).cardinality()).isEqualTo(mask.size());
    }

    @Property
    void countsAsSetsDo(@ForAll ApMask one, @ForAll ApMask other) {
        var left = new TreeSet<>(one.ids());
        var right = new TreeSet<>(other.ids());

        assertThat(one.containsAll(other)).isEqualTo(left.containsAll(right));
        assertThat(one.intersects(other)).isEqualTo(left.stream().anyMatch(right::contains));

        var union = new TreeSet<>(left);
        union.addAll(right);
        assertThat(one.or(other).ids()).containsExactlyElementsOf(union);
        var intersection = new TreeSet<>(left);
        intersection.retainAll(right);
        assertThat(one.and(other).ids()).containsExactlyElementsOf(intersection);
        var difference = new TreeSet<>(left);
        difference.removeAll(right);
        assertThat(one.minus(other).ids()).containsExactlyElementsOf(difference);
    }

    @Property
    void isSplitByItsComplement(@ForAll ApMask mask) {
        assertThat(mask.complement().complement()).isEqualTo(mask);
        assertThat(mask.or(mask.complement())).isEqualTo(ApMask.ALL);
        assertThat(mask.intersects(mask.complement())).isFalse();
        assertThat(mask.size() + mask.complement().size()).isEqualTo(ApMask.SIZE);
    }

    @Property
    void changesOneBit(@ForAll ApMask mask, @ForAll @IntRange(max = 255) int id) {
        assertThat(mask.with(id).contains(id)).isTrue();
        assertThat(mask.without(id).contains(id)).isFalse();
        assertThat(mask.with(id).without(id)).isEqualTo(mask.without(id));
        assertThat(mask.with(id).size() - mask.without(id).size()).isEqualTo(1);
    }

    static BitSet bits(ApMask mask) {
        BitSet bits = new BitSet();
        for (int id = 0; id < ApMask.SIZE; id++) {
            bits.set(id, mask.contains(id));
        }
        return bits;
    }
}
