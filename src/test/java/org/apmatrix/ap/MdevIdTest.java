package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MdevIdTest {
    @Test
    void isLowerCaseHoweverItWasWritten() {
        assertThat(MdevId.parse("ABCDEF01-2345-6789-ABCD-EF0123456789").map(MdevId::toString))
                .contains("abcdef01-2345-6789-abcd-ef0123456789");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1-1-1-1-1",
                "11111111-2222-4333-8444-55555555555",
                "11111111-2222-4333-8444-5555555555555",
                "11111111-2222-4333-8444-55555555555g",
                "11111111_2222_4333_8444_555555555555",
                "111111112222433384445555555555555555",
                "{11111111-2222-4333-8444-555555555555}",
                "11111111-2222-4333-8444-555555555555\n",
                "../../../../etc/passwd/aaaaaaaaaaaaa",
            })
    void isRefusedInAnyOtherSpelling(String text) {
        assertThat(MdevId.parse(text)).isEmpty();
    }

    @Test
    void isAnotherOneEachTime() {
        assertThat(MdevId.random()).isNotEqualTo(MdevId.random());
    }

    @Property
    void isReadBackFromItsText(@ForAll long high, @ForAll long low) {
        MdevId id = new MdevId(new UUID(high, low));
        assertThat(MdevId.parse(id.toString())).contains(id);
        assertThat(MdevId.parse(id.toString().toUpperCase(Locale.ROOT))).contains(id);
    }

    @Property
    void isOrderedByItsText(@ForAll long one, @ForAll long other) {
        MdevId left = new MdevId(new UUID(one, other));
        MdevId right = new MdevId(new UUID(other, one));
        assertThat(Integer.signum(left.compareTo(right)))
                .isEqualTo(Integer.signum(left.toString().compareTo(right.toString())));
    }
}
