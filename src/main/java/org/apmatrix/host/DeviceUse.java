package org.apmatrix.host;

import org.jspecify.annotations.Nullable;

/**
 * Whether somebody holds a mediated device.
 *
 * @param pid the process, where it is known
 */
public record DeviceUse(Verdict verdict, @Nullable Integer pid) {
    /** What the kernel's own signals and a look at all processes say together. */
    public enum Verdict {
        FREE,
        IN_USE,
        /** No sign of use, but the descriptors of some processes could not be read. */
        UNKNOWN
    }
}
