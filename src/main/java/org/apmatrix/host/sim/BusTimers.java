package org.apmatrix.host.sim;

import org.apmatrix.host.kernel.Errno;

/** The settings of the AP bus's timers (drivers/s390/crypto/ap_bus.c); no timer runs here, so they are only kept. */
final class BusTimers {
    private static final long LONGEST_POLL = 120_000_000_000L;

    private final KernelVersion version;
    private int configTime = 30;
    private long pollTimeout = 250_000;

    BusTimers(KernelVersion version) {
        this.version = version;
    }

    int configTime() {
        return configTime;
    }

    long pollTimeout() {
        return pollTimeout;
    }

    /** config_time_store: seconds between scans. */
    void writeConfigTime(String text) {
        int seconds = KernelText.scannedInt(text, false).orElseThrow(() -> new Refusal(Errno.EINVAL));
        if (seconds < 5 || seconds > 120) {
            throw new Refusal(Errno.EINVAL);
        }
        configTime = seconds;
    }

    /** poll_thread_store: with interrupts, as here, the thread is never started. */
    void writePollThread(String text) {
        if (version.readsQueueStateFromHardware()) {
            KernelText.bool(text);
        } else if (KernelText.scannedInt(text, false).isEmpty()) {
            throw new Refusal(Errno.EINVAL);
        }
    }

    /** poll_timeout_store: nanoseconds. */
    void writePollTimeout(String text) {
        boolean strict = version.readsQueueStateFromHardware();
        long time = strict
                ? KernelText.unsignedLong(text)
                : KernelText.scannedUnsignedLong(text).orElseThrow(() -> new Refusal(Errno.EINVAL));
        if (Long.compareUnsigned(time, LONGEST_POLL) > 0 || (!strict && time == 0)) {
            throw new Refusal(Errno.EINVAL);
        }
        pollTimeout = time;
    }
}
