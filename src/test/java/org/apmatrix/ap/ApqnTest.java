package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.domains.Domain;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Domain(ApValues.class)
class ApqnTest {
    @Test
    void isSpelledAsTheKernelSpellsIt() {
        assertThat(Apqn.of(5, 0xab)).hasToString("05.00ab");
        assertThat(Apqn.parse("05.00ab")).contains(Apqn.of(5, 0xab));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "5.00ab",
                "05.ab",
                "05.00AB",
                "05.01ab",
                "05.0ab",
                "05.000ab",
                "005.00ab",
                "05-00ab",
                "05.00ab\n",
                " 05.00ab",
                "0x05.00ab",
                "05.",
                ".00ab",
                "05.00ag",
                "card05"
            })
    void isRefusedInAnyOtherSpelling(String text) {
        assertThat(Apqn.parse(text)).isEmpty();
    }

    @Test
    void isReadBackFromItsTextWhicheverOfThe65536ItIs() {
        for (int adapter = 0; adapter < 256; adapter++) {
            for (int domain = 0; domain < 256; domain++) {
                Apqn apqn = Apqn.of(adapter, domain);
                assertThat(Apqn.parse(apqn.toString())).contains(apqn);
            }
        }
    }

    @Property
    void isOrderedByAdapterAndThenByDomainAsItsTextIs(@ForAll Apqn one, @ForAll Apqn other) {
        assertThat(Integer.signum(one.compareTo(other)))
                .isEqualTo(Integer.signum(one.toString().compareTo(other.toString())));
    }
}
