package org.apmatrix.host.linux;

/** This machine's clock, as far as the kernel knows whether it is right. */
public final class LinuxClock {
    /** sizeof(struct timex) on 64-bit Linux (include/uapi/linux/timex.h); modes, the first field, is 0: nothing is set. */
    private static final int TIMEX = 208;

    /** What adjtimex(2) returns while nobody keeps the clock right (TIME_ERROR); a refused call is -1. */
    private static final int TIME_ERROR = 5;

    private LinuxClock() {}

    /** Whether a time service (chrony, ntpd, systemd-timesyncd, …) keeps the clock right; false as well when the kernel does not tell. */
    public static boolean isSynchronised() {
        int state = LibC.adjtimex(new byte[TIMEX]);
        return state >= 0 && state != TIME_ERROR;
    }
}
