package org.apmatrix.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class WrongTokensTest {
    private final AtomicLong now = new AtomicLong();
    private final WrongTokens wrong = new WrongTokens(3, now::get);

    @Test
    void anAddressThatGuessesWaitsAMinuteAndOthersDoNot() {
        for (int i = 0; i < 3; i++) {
            assertThat(wrong.mayTry("10.0.0.1")).isTrue();
            assertThat(wrong.count("10.0.0.1")).isTrue();
        }
        assertThat(wrong.mayTry("10.0.0.1")).isFalse();
        assertThat(wrong.count("10.0.0.1")).isFalse();
        assertThat(wrong.mayTry("10.0.0.2")).isTrue();
        now.addAndGet(Duration.ofSeconds(61).toNanos());
        assertThat(wrong.mayTry("10.0.0.1")).isTrue();
    }
}
