package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.RequestDenied;
import org.junit.jupiter.api.Test;

class IdempotencyKeysTest {
    private final AtomicLong now = new AtomicLong();
    private final IdempotencyKeys keys = new IdempotencyKeys(Duration.ofHours(24), 100, now::get);
    private final AtomicInteger carriedOut = new AtomicInteger();

    @Test
    void aRequestIsCarriedOutOnce() {
        assertThat(keys.<Integer>once("key", "wish", carriedOut::incrementAndGet))
                .isEqualTo(1);
        assertThat(keys.<Integer>once("key", "wish", carriedOut::incrementAndGet))
                .isEqualTo(1);
    }

    @Test
    void withoutAKeyItIsCarriedOutEachTime() {
        keys.once(null, "wish", carriedOut::incrementAndGet);
        assertThat(keys.<Integer>once(null, "wish", carriedOut::incrementAndGet))
                .isEqualTo(2);
    }

    @Test
    void anotherKeyIsAnotherRequest() {
        keys.once("key", "wish", carriedOut::incrementAndGet);
        assertThat(keys.<Integer>once("other", "wish", carriedOut::incrementAndGet))
                .isEqualTo(2);
    }

    @Test
    void theSameKeyWithAnotherWishIsRefused() {
        keys.once("key", "wish", carriedOut::incrementAndGet);
        assertThatThrownBy(() -> keys.once("key", "another wish", carriedOut::incrementAndGet))
                .isInstanceOfSatisfying(
                        RequestDenied.class,
                        denied -> assertThat(denied.code()).isEqualTo(ErrorCode.IDEMPOTENCY_KEY_REUSED));
        assertThat(carriedOut).hasValue(1);
    }

    @Test
    void aKeyIsForgottenAfterItsTime() {
        keys.once("key", "wish", carriedOut::incrementAndGet);
        now.set(Duration.ofHours(24).minusSeconds(1).toNanos());
        assertThat(keys.<Integer>once("key", "wish", carriedOut::incrementAndGet))
                .isEqualTo(1);
        now.set(Duration.ofHours(24).plusSeconds(1).toNanos());
        assertThat(keys.<Integer>once("key", "wish", carriedOut::incrementAndGet))
                .isEqualTo(2);
    }

    @Test
    void aRefusalIsRemembered() {
        fails(RequestDenied.driverOverrideUnsupported());
        assertThatThrownBy(() -> keys.once("key", "wish", carriedOut::incrementAndGet))
                .isInstanceOf(RequestDenied.class);
        assertThat(carriedOut).hasValue(0);
    }

    @Test
    void aFailureOfTheHostIsNotRemembered() {
        fails(HostFailure.refused("EIO", "broken"));
        assertThat(keys.<Integer>once("key", "wish", carriedOut::incrementAndGet))
                .isEqualTo(1);
    }

    @Test
    void aHeldLockIsNotRemembered() {
        fails(RequestDenied.hostLocked(1L));
        assertThat(keys.<Integer>once("key", "wish", carriedOut::incrementAndGet))
                .isEqualTo(1);
    }

    @Test
    void aFaultOfOurOwnIsNotRemembered() {
        assertThatThrownBy(() -> keys.once("key", "wish", () -> {
                    throw new IllegalStateException("bug");
                }))
                .hasMessage("bug");
        assertThat(keys.<Integer>once("key", "wish", carriedOut::incrementAndGet))
                .isEqualTo(1);
    }

    @Test
    void whoComesMeanwhileGetsTheSameAnswer() throws Exception {
        CountDownLatch underWay = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Supplier<Integer> slow = () -> {
            underWay.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return carriedOut.incrementAndGet();
        };
        CompletableFuture<Integer> first = CompletableFuture.supplyAsync(() -> keys.<Integer>once("key", "wish", slow));
        underWay.await();
        CompletableFuture<Integer> second =
                CompletableFuture.supplyAsync(() -> keys.<Integer>once("key", "wish", carriedOut::incrementAndGet));
        goOn.countDown();
        assertThat(first.get()).isEqualTo(1);
        assertThat(second.get()).isEqualTo(1);
    }

    private void fails(Fault fault) {
        assertThatThrownBy(() -> keys.once("key", "wish", () -> {
                    throw fault;
                }))
                .isSameAs(fault);
    }
}
