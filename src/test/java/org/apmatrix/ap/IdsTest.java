package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
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

/** Adapter and domain numbers in the contract's spelling and in the kernel's. */
@Domain(ApValues.class)
@Domain(DomainContext.Global.class)
class IdsTest {
    @Test
    void areReadInDecimalOrHex() {
        assertThat(AdapterId.parse("71")).contains(new AdapterId(71));
        assertThat(AdapterId.parse("0x47")).contains(new AdapterId(71));
        assertThat(DomainId.parse("0xaB")).contains(new DomainId(171));
        assertThat(DomainId.parse("0")).contains(new DomainId(0));
        assertThat(DomainId.parse("255")).contains(new DomainId(255));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "05",
                "010",
                "00",
                "256",
                "999",
                "1000",
                "4294967301",
                "-1",
                "+5",
                "5 ",
                " 5",
                "5\n",
                "0x",
                "0x100",
                "0x005",
                "0X47",
                "x5",
                "47h",
                "ab",
                "5.0",
                "1e2",
                "٥",
                "5\u0000",
                "0x-1",
                "null"
            })
    void areRefusedInAnyOtherSpelling(String text) {
        assertThat(AdapterId.parse(text)).isEmpty();
        assertThat(DomainId.parse(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 256, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void areZeroTo255(int value) {
        assertThatThrownBy(() -> new AdapterId(value)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new DomainId(value)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void arePrintedAsTheKernelNamesCardsAndQueues() {
        assertThat(new AdapterId(5)).hasToString("05");
        assertThat(new AdapterId(255)).hasToString("ff");
        assertThat(new DomainId(4)).hasToString("0004");
        assertThat(new DomainId(171)).hasToString("00ab");
    }

    @Property
    void areReadBackFromEverySpellingOfTheContract(@ForAll @IntRange(max = 255) int id) {
        String hex = Integer.toHexString(id);
        for (String text : new String[] {
            Integer.toString(id), "0x" + hex, "0x" + hex.toUpperCase(Locale.ROOT), String.format("0x%02x", id)
        }) {
            assertThat(AdapterId.parse(text)).contains(new AdapterId(id));
            assertThat(DomainId.parse(text)).contains(new DomainId(id));
        }
    }

    @Property
    void areNeverReadFromALeadingZero(
            @ForAll @Chars({'0', '1', '5', '7', '8'}) @StringLength(min = 1, max = 4) String digits) {
        assertThat(Ids.parse("0" + digits)).isEmpty();
    }

    @Property(tries = 2000)
    void areNeverReadFromTextThatIsNotASpellingOfThem(
            @ForAll @Chars({'0', '1', '2', '5', '9', 'a', 'F', 'x', 'X', '-', '+', ' ', '\n'}) @StringLength(max = 5)
                    String text) {
        Ids.parse(text)
                .ifPresent(id -> assertThat(text.toLowerCase(Locale.ROOT))
                        .isIn(Integer.toString(id), String.format("0x%x", id), String.format("0x%02x", id)));
    }

    @Property
    void areOrderedByNumberAndSoByText(
            @ForAll AdapterId one, @ForAll AdapterId other, @ForAll DomainId left, @ForAll DomainId right) {
        assertThat(Integer.signum(one.compareTo(other)))
                .isEqualTo(Integer.signum(one.toString().compareTo(other.toString())));
        assertThat(Integer.signum(left.compareTo(right)))
                .isEqualTo(Integer.signum(left.toString().compareTo(right.toString())));
    }
}
