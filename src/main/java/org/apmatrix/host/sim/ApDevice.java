package org.apmatrix.host.sim;

import org.jspecify.annotations.Nullable;

/** A device on the AP bus: a card or one of its queues. */
abstract sealed class ApDevice permits ApCard, ApQueue {
    private @Nullable ApDriver driver;
    private boolean configured;
    private boolean checkstopped;
    /** What zcrypt's online says; only seen while a zcrypt driver has the device. */
    private boolean online = true;

    ApDevice(SimulatedMachine.Adapter adapter) {
        configured = adapter.configured();
        checkstopped = adapter.checkstopped();
    }

    abstract String name();

    /** The type number after mapping to one that the kernel knows. */
    abstract int type();

    @Nullable
    ApDriver driver() {
        return driver;
    }

    boolean isBoundTo(ApDriver other) {
        return driver == other;
    }

    void setDriver(@Nullable ApDriver newDriver) {
        driver = newDriver;
    }

    boolean isConfigured() {
        return configured;
    }

    boolean isCheckstopped() {
        return checkstopped;
    }

    boolean isOnline() {
        return online;
    }

    boolean isUsable() {
        return configured && !checkstopped;
    }

    void setOnline(boolean newOnline) {
        online = newOnline;
    }

    /** What a bus scan finds out about an adapter that stays. */
    void update(SimulatedMachine.Adapter adapter) {
        configured = adapter.configured();
        checkstopped = adapter.checkstopped();
    }
}
