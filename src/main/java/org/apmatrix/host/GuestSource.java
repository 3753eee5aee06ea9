package org.apmatrix.host;

import java.util.Locale;

/** Who owns a guest, and so how it is talked to. */
public enum GuestSource {
    /** This process: a simulated QEMU on a real socket. */
    SIMULATED,
    /** Nobody: a QEMU with a monitor socket for us. */
    QMP,
    /** libvirt, which owns the monitor. */
    LIBVIRT;

    /** As the API tells it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
