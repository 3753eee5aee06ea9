package org.apmatrix.host;

import java.util.Optional;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * The vfio-ap device on a guest's AP bus, whoever plugged it, named or anonymous, hot or cold.
 *
 * @param link its link on the bus, such as {@code /machine/ap-bridge/ap-bus/child[3]}: the number counts up over the life of a QEMU, so
 *     there a link never names another device later; a QEMU that is started anew begins at 0 again
 * @param path its canonical path, such as {@code /machine/peripheral/ap0}
 * @param sysfsdev the property as QEMU was given it; null where the device was passed as a descriptor
 */
public record ApDevice(String link, String path, @Nullable String sysfsdev) {
    private static final String NAMED = "/machine/peripheral/";

    /** The device id; empty for an anonymous device. */
    public Optional<String> id() {
        return path.startsWith(NAMED) ? Optional.of(path.substring(NAMED.length())) : Optional.empty();
    }

    /** The mediated device, by the last element of {@link #sysfsdev}; empty when that is no UUID. */
    public Optional<MdevId> mdev() {
        return Optional.ofNullable(sysfsdev).flatMap(MdevId::atEndOf);
    }

    /** For a person. */
    @Override
    public String toString() {
        return sysfsdev == null ? path : sysfsdev;
    }
}
