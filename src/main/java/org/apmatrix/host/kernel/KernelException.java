package org.apmatrix.host.kernel;

import java.nio.file.Path;

/** A system call that the kernel refused. */
public final class KernelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;
    private final String operation;
    private final transient Path path;

    /**
     * Made once, where the call came back.
     *
     * @param operation the call: {@code open}, {@code read}, {@code write}, {@code readlink}, …
     */
    public KernelException(Errno errno, String operation, Path path) {
        super(operation + " " + path + ": " + errno);
        this.errno = errno;
        this.operation = operation;
        this.path = path;
    }

    public Errno errno() {
        return errno;
    }

    public String operation() {
        return operation;
    }

    public Path path() {
        return path;
    }
}
