package org.apmatrix.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.apmatrix.access.AccessProperties.Mode;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When an identity is asked for, and when the service does not start. */
class AccessModeTest {
    private static final boolean SIMULATED = true;
    private static final boolean REAL = false;
    private static final boolean LOOPBACK = true;
    private static final boolean NETWORK = false;

    @Test
    void theSimulatedHostIsOpenToItsOwnMachine() {
        AccessMode mode = AccessMode.of(nothing(null, false), SIMULATED, false, LOOPBACK);
        assertThat(mode.isOpen()).isTrue();
        assertThat(mode.isLoopbackOnly()).isTrue();
    }

    @Test
    void aRealHostAsksForAnIdentityOnLoopbackTooAndSaysThatNobodyCanHaveOne() {
        AccessMode mode = AccessMode.of(nothing(null, false), REAL, false, LOOPBACK);
        assertThat(mode.isOpen()).isFalse();
        assertThat(mode.reason()).contains("401").contains("apmatrix.security.tokens-file");
    }

    @Test
    void aRealHostIsOpenToItsOwnMachineWhenTheSiteSaysSo() {
        assertThat(AccessMode.of(nothing(Mode.OPEN, false), REAL, false, LOOPBACK)
                        .isOpen())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"OPEN", "REQUIRED"})
    void aRealHostDoesNotListenToTheNetworkWithoutAWayToTellWhoCalls(Mode mode) {
        assertThatThrownBy(() -> AccessMode.of(nothing(mode, true), REAL, false, NETWORK))
                .isInstanceOfSatisfying(
                        StartRefused.class,
                        refusal -> assertThat(refusal.remedy())
                                .contains("apmatrix.security.tokens-file", "--server.address=127.0.0.1"));
    }

    @Test
    void aSimulatedHostListensToTheNetworkOnlyWhenItIsInsistedOn() {
        assertThatThrownBy(() -> AccessMode.of(nothing(null, false), SIMULATED, false, NETWORK))
                .isInstanceOfSatisfying(
                        StartRefused.class,
                        refusal ->
                                assertThat(refusal.remedy()).contains("--apmatrix.security.open-beyond-loopback=true"));
        AccessMode insisted = AccessMode.of(nothing(null, true), SIMULATED, false, NETWORK);
        assertThat(insisted.isOpen()).isTrue();
        assertThat(insisted.isLoopbackOnly()).isFalse();
    }

    @Test
    void anyWayToTellWhoCallsMakesItAsk() {
        AccessProperties tokens = properties(Mode.OPEN, Path.of("tokens"), List.of(), false);
        AccessProperties certificates =
                properties(null, null, List.of(new AccessProperties.Certificate("CN=a", List.of(Role.VIEWER))), true);
        AccessProperties socket =
                AccessPropertiesTest.bind(java.util.Map.of("apmatrix.security.socket.path", "/run/s"));
        assertThat(AccessMode.of(socket, SIMULATED, false, LOOPBACK).isOpen()).isFalse();
        assertThat(AccessMode.of(tokens, SIMULATED, false, LOOPBACK).isOpen()).isFalse();
        assertThat(AccessMode.of(certificates, SIMULATED, false, NETWORK).isOpen())
                .isFalse();
        assertThat(AccessMode.of(nothing(Mode.OPEN, true), SIMULATED, true, NETWORK)
                        .isOpen())
                .isFalse();
    }

    private static AccessProperties nothing(@Nullable Mode mode, boolean openBeyondLoopback) {
        return properties(mode, null, List.of(), openBeyondLoopback);
    }

    private static AccessProperties properties(
            @Nullable Mode mode,
            @Nullable Path tokens,
            List<AccessProperties.Certificate> certificates,
            boolean openBeyondLoopback) {
        AccessProperties defaults = AccessPropertiesTest.bind(java.util.Map.of());
        return new AccessProperties(
                mode,
                openBeyondLoopback,
                tokens,
                certificates,
                defaults.socket(),
                defaults.jwt(),
                defaults.allowedOrigins(),
                defaults.limits());
    }
}
