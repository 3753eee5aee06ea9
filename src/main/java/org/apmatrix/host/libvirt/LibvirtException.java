package org.apmatrix.host.libvirt;

/** What libvirt said no with. */
final class LibvirtException extends Exception {
    private static final long serialVersionUID = 1L;

    /** virterror.h, virErrorNumber. */
    static final int NO_DOMAIN = 42;

    static final int OPERATION_TIMEOUT = 68;
    static final int DEVICE_MISSING = 99;

    private final int code;
    private final boolean isConnectionLost;

    /** @param isConnectionLost whether there is no libvirtd any more to say more */
    LibvirtException(int code, String message, boolean isConnectionLost) {
        super(message);
        this.code = code;
        this.isConnectionLost = isConnectionLost;
    }

    int code() {
        return code;
    }

    boolean isConnectionLost() {
        return isConnectionLost;
    }
}
