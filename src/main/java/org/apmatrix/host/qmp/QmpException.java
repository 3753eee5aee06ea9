package org.apmatrix.host.qmp;

import org.jspecify.annotations.Nullable;

/** Why a command has no reply. */
public abstract sealed class QmpException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private QmpException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** QEMU said no, and did nothing. */
    public static final class Refused extends QmpException {
        private static final long serialVersionUID = 1L;

        private final String errorClass;
        private final String description;

        /** Made once, where the answer came back. */
        public Refused(String execute, String errorClass, String description) {
            super(execute + ": " + errorClass + ": " + description, null);
            this.errorClass = errorClass;
            this.description = description;
        }

        /** {@code GenericError}, {@code DeviceNotFound}, {@code CommandNotFound}, … (qapi/error.json: QapiErrorClass). */
        public String errorClass() {
            return errorClass;
        }

        /** QEMU's own words. They are no interface: nearly all about VFIO changed between 7.2 and 10.0. */
        public String description() {
            return description;
        }

        /** Whether what the command names is not there (qapi/error.json, QapiErrorClass). */
        public boolean isDeviceNotFound() {
            return errorClass.equals("DeviceNotFound");
        }
    }

    /** Nothing was sent: there is no connection, or QEMU owes an answer since earlier, or others were asking for as long as the patience lasted. */
    public static final class Unreachable extends QmpException {
        private static final long serialVersionUID = 1L;

        public Unreachable(String message) {
            super(message, null);
        }
    }

    /** It was sent, and no reply came in time or the connection broke: whether it was carried out is unknown, ask for the state. */
    public static final class NoAnswer extends QmpException {
        private static final long serialVersionUID = 1L;

        public NoAnswer(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /**
     * QEMU sent something that is no QMP, or of the wrong shape. To a caller that waited for a reply it is as {@link NoAnswer}: whether the command was carried
     * out is unknown.
     */
    public static final class Unreadable extends QmpException {
        private static final long serialVersionUID = 1L;

        public Unreadable(String message, @Nullable Throwable cause) {
            super(message, cause);
        }

        public Unreadable(String message) {
            super(message, null);
        }
    }
}
