package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a write to apmask or aqmask makes of the mask that stands there; the texts are those that real kernels were given. */
@Domain(ApValues.class)
@Domain(DomainContext.Global.class)
class ApMaskWriteTest {
    @ParameterizedTest
    @ValueSource(strings = {"-4", "-0x4", "-0X4", "-04", "-4,", "-4,,", "-4\n", "-4\n\n", "-4-4", "+9,-4,+4-4,-4"})
    void takesFourAway(String text) {
        assertThat(ApMask.ALL.after(text)).contains(ApMask.ALL.without(4));
    }

    @Test
    void readsALeadingZeroAsOctal() {
        assertThat(ApMask.ALL.after("-010")).contains(ApMask.ALL.without(8));
        assertThat(ApMask.ALL.after("-08")).isEmpty();
    }

    @Test
    void readsTwoNumbersAsARangeAndTheSecondDashAsASign() {
        assertThat(ApMask.ALL.after("-5-6")).contains(ApMask.ALL.minus(ApMask.of(5, 6)));
        assertThat(ApMask.ALL.after("-5-6-7")).contains(ApMask.ALL.minus(ApMask.of(5, 6, 7)));
        assertThat(ApMask.ALL.after("-0-255")).contains(ApMask.NONE);
        assertThat(ApMask.ALL.after("-4\n-5")).contains(ApMask.ALL.minus(ApMask.of(4, 5)));
    }

    @Test
    void letsTheLastTermWin() {
        assertThat(ApMask.ALL.after("-5,+5")).contains(ApMask.ALL);
        assertThat(ApMask.ALL.after("+5,-5")).contains(ApMask.ALL.without(5));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-6-5",
                "-4-",
                ",-4",
                "-4 -5",
                "-4, -5",
                " -4",
                "-4 ",
                "-4,garbage",
                "-4,-256",
                "-256",
                "+256",
                "+",
                "-",
                "--4",
                "+-4",
                "-1e",
                "-99999999999999999999",
                "+0x",
                "+0x100",
                "-0-256",
                "+4-0x",
                "+4+"
            })
    void refusesTheWholeOfABrokenChange(String text) {
        assertThat(ApMask.ALL.after(text)).isEmpty();
        assertThat(ApMask.NONE.after(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"f7", "0xf7", "0xF7", "xf7", "f7\n", "0xf70"})
    void replacesTheMaskByAnAbsoluteOneFilledUpWithZeros(String text) {
        assertThat(ApMask.ALL.after(text)).contains(ApMask.of(0, 1, 2, 3, 5, 6, 7));
    }

    @Test
    void readsABareNumberAsHexDigitsFromTheLeft() {
        assertThat(ApMask.ALL.after("4")).contains(ApMask.of(1));
        assertThat(ApMask.ALL.after("04")).contains(ApMask.of(5));
        assertThat(ApMask.ALL.after("5")).contains(ApMask.of(1, 3));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "0x", "x", "0", "0x\n"})
    void clearsTheMaskWhenThereIsNoDigit(String text) {
        assertThat(ApMask.ALL.after(text)).contains(ApMask.NONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0XF7", "f7\n\n", " f7", "f7 ", "f 7", "0xfg", "garbage", "0x-1", "0x0xf7", "xxf7", "f7,"})
    void refusesABrokenAbsoluteMask(String text) {
        assertThat(ApMask.ALL.after(text)).isEmpty();
    }

    @Test
    void takesSixtyFourDigitsAndNotOneMore() {
        assertThat(ApMask.NONE.after("f".repeat(64))).contains(ApMask.ALL);
        assertThat(ApMask.NONE.after("0x" + "f".repeat(64) + "\n")).contains(ApMask.ALL);
        assertThat(ApMask.NONE.after("f".repeat(63))).contains(ApMask.ALL.minus(ApMask.of(252, 253, 254, 255)));
        assertThat(ApMask.NONE.after("f".repeat(65))).isEmpty();
    }

    @Test
    void isLeftAloneByAWriteOfNoBytes() {
        assertThat(ApMask.of(5).after("")).contains(ApMask.of(5));
    }

    @Property(tries = 4000)
    void agreesWithTheSlowReading(@ForAll ApMask before, @ForAll("texts") String text) {
        var expected = SlowMask.after(ApMaskTest.bits(before), text);
        Statistics.collect(
                ApMask.isRelative(text) ? "relative" : "absolute", expected.isPresent() ? "taken" : "refused");
        Statistics.coverage(coverage -> {
            coverage.check("relative", "taken").percentage(share -> share > 3);
            coverage.check("relative", "refused").percentage(share -> share > 3);
            coverage.check("absolute", "taken").percentage(share -> share > 3);
            coverage.check("absolute", "refused").percentage(share -> share > 3);
        });
        assertThat(before.after(text).map(ApMaskTest::bits)).isEqualTo(expected);
    }

    @Property
    void getsFromAnyMaskToAnyOtherByTheirDifference(@ForAll ApMask from, @ForAll ApMask to) {
        StringBuilder text = new StringBuilder();
        from.minus(to).ids().forEach(id -> text.append('-').append(id).append(','));
        to.minus(from).ids().forEach(id -> text.append("+0x").append(Integer.toHexString(id)));
        assertThat(from.after(text.toString())).contains(to);
    }

    @Property
    void readsARangeAsItsMembers(@ForAll ApMask before, @ForAll("range") List<Integer> range) {
        BitSet expected = ApMaskTest.bits(before);
        expected.set(range.get(0), range.get(1) + 1);
        assertThat(before.after("+" + range.get(0) + "-" + range.get(1)).map(ApMaskTest::bits))
                .contains(expected);
    }

    @Provide
    Arbitrary<List<Integer>> range() {
        return ApValues.ids()
                .list()
                .ofSize(2)
                .map(bounds -> bounds.stream().sorted().toList());
    }

    /** Right ones, right ones with one character spoilt, and noise of the same letters. */
    @Provide
    Arbitrary<String> texts() {
        Arbitrary<String> right = Arbitraries.oneOf(relative(), relative(), absolute());
        Arbitrary<String> noise = letters().list().ofMaxSize(8).map(letters -> String.join("", letters));
        Arbitrary<String> spoilt = Combinators.combine(
                        right, letters(), Arbitraries.integers().between(0, 80), Arbitraries.of(true, false))
                .as((text, letter, where, insert) -> {
                    int at = where % (text.length() + 1);
                    return text.substring(0, at)
                            + letter
                            + text.substring(Math.min(text.length(), insert ? at : at + 1));
                });
        return Arbitraries.oneOf(right, spoilt, spoilt, noise);
    }

    private static Arbitrary<String> letters() {
        return Arbitraries.of(
                "+", "-", "0", "1", "2", "5", "7", "8", "9", "a", "F", "x", "X", ",", "\n", " ", "g", "é", "٥");
    }

    private static Arbitrary<String> relative() {
        Arbitrary<String> sign = Arbitraries.of("+", "-");
        Arbitrary<String> end = Arbitraries.of("", ",", "\n", ",,", ",\n");
        Arbitrary<String> one = Combinators.combine(sign, number(), end).as((s, n, e) -> s + n + e);
        Arbitrary<String> range =
                Combinators.combine(sign, number(), number(), end).as((s, a, b, e) -> s + a + "-" + b + e);
        return Arbitraries.oneOf(one, one, one, range)
                .list()
                .ofMinSize(1)
                .ofMaxSize(3)
                .map(terms -> String.join("", terms));
    }

    private static Arbitrary<String> number() {
        Arbitrary<Integer> value = Arbitraries.integers().between(0, 260);
        return Combinators.combine(value, Arbitraries.of("%d", "0x%x", "0X%X", "0x0%x", "0%o"))
                .as((number, spelling) -> String.format(spelling, number));
    }

    private static Arbitrary<String> absolute() {
        Arbitrary<Integer> length = Arbitraries.oneOf(
                Arbitraries.integers().between(0, 66), Arbitraries.integers().between(63, 65));
        Arbitrary<String> digits = length.flatMap(size ->
                Arbitraries.strings().withChars("0123456789abcdefABCDEF").ofLength(size));
        return Combinators.combine(Arbitraries.of("", "0x", "x"), digits, Arbitraries.of("", "\n"))
                .as((prefix, middle, end) -> prefix + middle + end);
    }
}
