package org.apmatrix.host.sim;

import org.apmatrix.ap.Apqn;
import org.jspecify.annotations.Nullable;

/** A queue device: one usage domain of a card. */
final class ApQueue extends ApDevice {
    private final Apqn apqn;
    private final ApCard card;
    private @Nullable String driverOverride;
    /** Whether the queue's state machine was started: it is when the bus finds the queue or zcrypt takes it, and no more once a driver left it. */
    private boolean initialised;

    private boolean interruptsEnabled;
    private boolean interruptsOnceEnabled;
    /** A new queue begins with a reset, which is done once the state machine is started. */
    private boolean resetPending = true;
    /** vfio_ap's last reset of the queue ended in a way that keeps it from guests. */
    private boolean resetFailed;

    ApQueue(Apqn apqn, ApCard card, SimulatedMachine.Adapter adapter) {
        super(adapter);
        this.apqn = apqn;
        this.card = card;
    }

    Apqn apqn() {
        return apqn;
    }

    ApCard card() {
        return card;
    }

    @Override
    String name() {
        return apqn.toString();
    }

    @Override
    int type() {
        return card.type();
    }

    @Nullable
    String driverOverride() {
        return driverOverride;
    }

    void setDriverOverride(@Nullable String newDriverOverride) {
        driverOverride = newDriverOverride;
    }

    boolean isInitialised() {
        return initialised;
    }

    boolean hasInterruptsEnabled() {
        return interruptsEnabled;
    }

    /** What the kernel remembers, whatever resets did since. */
    boolean hadInterruptsEnabled() {
        return interruptsOnceEnabled;
    }

    boolean isResetPending() {
        return resetPending;
    }

    /** drivers/s390/crypto/ap_queue.c, ap_queue_init_state: reset, then interrupts on. */
    void initialise() {
        initialised = true;
        interruptsEnabled = true;
        interruptsOnceEnabled = true;
        resetPending = false;
    }

    /** drivers/s390/crypto/ap_queue.c, ap_queue_remove: the queue is reset and its state machine is stopped. */
    void abandon() {
        initialised = false;
        zeroize();
    }

    /** PQAP(ZAPQ): requests are dropped, interrupts are off. */
    void zeroize() {
        interruptsEnabled = false;
    }

    boolean hasResetFailed() {
        return resetFailed;
    }

    void setResetFailed(boolean newResetFailed) {
        resetFailed = newResetFailed;
    }

    /** A write to reset: a queue whose state machine does not run never gets further than its beginning (ap_queue.c, reset_store). */
    void reset() {
        resetPending = !initialised || !isUsable();
    }
}
