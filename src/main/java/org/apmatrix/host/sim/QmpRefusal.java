package org.apmatrix.host.sim;

import java.io.Serial;

/** An error that a command answers: one of QEMU's classes (qapi/error.json) and its text for people. */
final class QmpRefusal extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String errorClass;
    private final String description;

    private QmpRefusal(String errorClass, String description) {
        super(description, null, false, false);
        this.errorClass = errorClass;
        this.description = description;
    }

    static QmpRefusal generic(String description) {
        return new QmpRefusal("GenericError", description);
    }

    static QmpRefusal deviceNotFound(String device) {
        return new QmpRefusal("DeviceNotFound", "Device '" + device + "' not found");
    }

    static QmpRefusal commandNotFound(String description) {
        return new QmpRefusal("CommandNotFound", description);
    }

    String errorClass() {
        return errorClass;
    }

    String description() {
        return description;
    }
}
