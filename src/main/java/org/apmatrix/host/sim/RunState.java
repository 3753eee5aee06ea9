package org.apmatrix.host.sim;

import java.util.Arrays;
import java.util.Optional;

/** What a virtual machine is doing (qapi/run-state.json, RunState), and before all of it: QEMU started with {@code -preconfig}. */
enum RunState {
    /** No word of QEMU's: query-status says prelaunch, and most commands are refused. */
    PRECONFIG("preconfig"),
    DEBUG("debug"),
    INMIGRATE("inmigrate"),
    INTERNAL_ERROR("internal-error"),
    IO_ERROR("io-error"),
    PAUSED("paused"),
    POSTMIGRATE("postmigrate"),
    PRELAUNCH("prelaunch"),
    FINISH_MIGRATE("finish-migrate"),
    RESTORE_VM("restore-vm"),
    RUNNING("running"),
    SAVE_VM("save-vm"),
    SHUTDOWN("shutdown"),
    SUSPENDED("suspended"),
    WATCHDOG("watchdog"),
    GUEST_PANICKED("guest-panicked"),
    COLO("colo");

    private final String word;

    RunState(String word) {
        this.word = word;
    }

    static Optional<RunState> parse(String word) {
        return Arrays.stream(values()).filter(state -> state.word.equals(word)).findFirst();
    }

    /** What query-status answers. */
    String status() {
        return this == PRECONFIG ? PRELAUNCH.word : word;
    }

    /** system/runstate.c, runstate_needs_reset: {@code cont} is refused. */
    boolean needsReset() {
        return this == INTERNAL_ERROR || this == SHUTDOWN;
    }

    @Override
    public String toString() {
        return word;
    }
}
