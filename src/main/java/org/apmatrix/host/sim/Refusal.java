package org.apmatrix.host.sim;

import org.apmatrix.host.kernel.Errno;

/** A driver's negative return code on its way to the system call that caused it. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    Refusal(Errno errno) {
        super(errno.name(), null, false, false);
        this.errno = errno;
    }

    Errno errno() {
        return errno;
    }
}
