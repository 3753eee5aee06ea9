package org.apmatrix.preflight;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where the checks find the host's own files.
 *
 * @param root the host's root directory, below which {@code /etc}, {@code /run}, {@code /usr} and {@code /var} are looked at; in a container with the host's
 *     processes {@code /proc/1/root}; without one this process's own
 */
@ConfigurationProperties("apmatrix.preflight")
public record PreflightProperties(@Nullable Path root) {
    /** The root in any case. */
    public Path rootOrOwn() {
        // no default in the annotation: Spring takes "/" for the root of the class path where that is a directory
        // (PathEditor)
        return root == null ? Path.of("/") : root;
    }
}
