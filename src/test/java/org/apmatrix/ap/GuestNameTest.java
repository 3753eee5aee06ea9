package org.apmatrix.ap;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuestNameTest {
    @ParameterizedTest
    @ValueSource(strings = {"guest1", "Crypto guest 2", "db2.prod:1", "Gast-Ü", "..."})
    void takesWhatQemuTakes(String name) {
        assertThat(GuestName.parse(name)).contains(new GuestName(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "a\\b", "a;b", "100%", "what?", "#1", "two\nlines", "nul\0"})
    void refusesWhatAPathOfAUrlWouldBreak(String name) {
        assertThat(GuestName.parse(name)).isEmpty();
    }

    @Test
    void isNotLongerThanAFileName() {
        assertThat(GuestName.parse("x".repeat(255))).isPresent();
        assertThat(GuestName.parse("x".repeat(256))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"guest1, guest1", "run/qemu/a;b.sock, run_qemu_a_b.sock", ".., _"})
    void makesANameOfAPath(String path, String name) {
        assertThat(GuestName.closestTo(path)).hasToString(name);
    }
}
