package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** The kernel's attribute mkvps, in the formats of zcrypt_cex4.c. */
class MkvpsTest {
    private static final String A = "0x0123456789abcdef";
    private static final String B = "0xfedcba9876543210";
    private static final String CCA = """
            AES NEW: partial 0x1111111111111111
            AES CUR: valid 0x0123456789abcdef
            AES OLD: valid 0xaaaaaaaaaaaaaaaa
            APKA NEW: empty 0x0000000000000000
            APKA CUR: valid 0xfedcba9876543210
            APKA OLD: invalid 0x0000000000000000
            ASYM NEW: full 0x00112233445566778899aabbccddeeff
            ASYM CUR: invalid 0x00000000000000000000000000000000
            ASYM OLD: invalid 0x00000000000000000000000000000000
            """;
    private static final String WK = "0x" + "5".repeat(32) + "0".repeat(32);
    private static final String EP11 = "WK CUR: valid " + WK + "\nWK NEW: uncommitted 0x" + "7".repeat(64) + "\n";

    @Test
    void readsACcaQueue() {
        Mkvps keys = Mkvps.parse(CCA);
        assertThat(keys.keys())
                .hasSize(9)
                .contains(
                        new Mkvps.Key(Mkvps.Type.AES, Mkvps.Register.NEW, "partial", "0x1111111111111111"),
                        new Mkvps.Key(Mkvps.Type.APKA, Mkvps.Register.CUR, "valid", B),
                        new Mkvps.Key(
                                Mkvps.Type.ASYM, Mkvps.Register.NEW, "full", "0x00112233445566778899aabbccddeeff"));
        assertThat(keys.isTold()).isTrue();
        assertThat(keys.toString()).isEqualTo(CCA);
    }

    @Test
    void thePatternIsThatOfAllCurrentValidKeys() {
        assertThat(Mkvps.parse(CCA).pattern()).contains("AES:" + A + ",APKA:" + B);
        assertThat(Mkvps.parse(EP11).pattern()).contains("WK:" + WK);
    }

    @Test
    void readsAnEp11Queue() {
        assertThat(Mkvps.parse(EP11).keys())
                .containsExactly(
                        new Mkvps.Key(Mkvps.Type.WK, Mkvps.Register.CUR, "valid", WK),
                        new Mkvps.Key(Mkvps.Type.WK, Mkvps.Register.NEW, "uncommitted", "0x" + "7".repeat(64)));
        Mkvps none = Mkvps.parse("WK CUR: invalid -\nWK NEW: empty -\n");
        assertThat(none.keys())
                .containsExactly(
                        new Mkvps.Key(Mkvps.Type.WK, Mkvps.Register.CUR, "invalid", null),
                        new Mkvps.Key(Mkvps.Type.WK, Mkvps.Register.NEW, "empty", null));
        assertThat(none.isTold()).isTrue();
        assertThat(none.pattern()).isEmpty();
    }

    @Test
    void aCardThatDoesNotAnswerHasToldNothing() {
        for (String text : List.of("AES NEW: - -\nAES CUR: - -\nAES OLD: - -\n", "WK CUR: - -\nWK NEW: - -\n", "")) {
            assertThat(Mkvps.parse(text).isTold()).isFalse();
            assertThat(Mkvps.parse(text).pattern()).isEmpty();
            assertThat(Mkvps.parse(text).toString()).isEqualTo(text);
        }
    }

    @Test
    void passesOverLinesThatItDoesNotKnow() {
        assertThat(Mkvps.parse("PQC CUR: valid " + A + "\nAES CUR: valid " + A + "\nAES CUR\nAES CUR: valid 0x\n")
                        .keys())
                .containsExactly(new Mkvps.Key(Mkvps.Type.AES, Mkvps.Register.CUR, "valid", A));
    }

    @Test
    void comparesWhatBothTell() {
        Mkvps old = Mkvps.parse("AES CUR: valid " + A + "\n");
        Mkvps same = Mkvps.parse("AES CUR: valid " + A + "\nASYM CUR: valid " + B + "\n");
        Mkvps other = Mkvps.parse("AES CUR: valid " + B + "\n");
        Mkvps unset = Mkvps.parse("AES CUR: invalid 0x0000000000000000\n");
        assertThat(old.isInterchangeableWith(same)).isTrue();
        assertThat(old.isInterchangeableWith(other)).isFalse();
        assertThat(old.isInterchangeableWith(unset)).isFalse();
        assertThat(unset.isInterchangeableWith(unset)).isTrue();
    }

    @Property
    void readsWhatItWrites(@ForAll("mkvps") Mkvps keys) {
        assertThat(Mkvps.parse(keys.toString())).isEqualTo(keys);
    }

    @Property
    void readsAnyTextWithoutComplaint(@ForAll String text) {
        Mkvps keys = Mkvps.parse(text);
        assertThat(Mkvps.parse(keys.toString())).isEqualTo(keys);
    }

    @Property
    void isInterchangeableWithItselfAndBothWays(@ForAll("mkvps") Mkvps one, @ForAll("mkvps") Mkvps other) {
        assertThat(one.isInterchangeableWith(one)).isTrue();
        assertThat(one.isInterchangeableWith(other)).isEqualTo(other.isInterchangeableWith(one));
    }

    @Property
    void thePatternDoesNotDependOnTheOrderOfLines(@ForAll("mkvps") Mkvps keys) {
        List<Mkvps.Key> reversed = new ArrayList<>(keys.keys());
        Collections.reverse(reversed);
        Optional<String> pattern = new Mkvps(reversed).pattern();
        assertThat(pattern).isEqualTo(keys.pattern());
    }

    @Provide
    Arbitrary<Mkvps> mkvps() {
        Arbitrary<String> states =
                Arbitraries.of("valid", "invalid", "empty", "full").injectNull(0.1);
        Arbitrary<String> patterns =
                Arbitraries.of("0", "1").map(digit -> "0x" + digit.repeat(16)).injectNull(0.1);
        return Combinators.combine(
                        Arbitraries.of(Mkvps.Type.class), Arbitraries.of(Mkvps.Register.class), states, patterns)
                .as(Mkvps.Key::new)
                .list()
                .ofMaxSize(9)
                .map(Mkvps::new);
    }
}
