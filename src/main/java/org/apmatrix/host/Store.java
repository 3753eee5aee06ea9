package org.apmatrix.host;

import java.nio.file.Path;

/**
 * One write into sysfs that is to be done.
 *
 * @param action the kernel's verb, mostly the attribute's name: {@code create}, {@code assign_adapter}, {@code apmask}, {@code unbind}, …
 * @param target the attribute
 * @param value the text without a newline; an empty one is written as a single newline, which clears a driver override
 */
public record Store(String action, Path target, String value) {
    /** What is written. */
    public String text() {
        return value + "\n";
    }
}
