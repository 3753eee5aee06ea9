package org.apmatrix.host;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where the definitions of devices are kept.
 *
 * @param directory mdevctl's own, {@code /etc/mdevctl.d}; without one that of the host's root directory, on the simulated host a temporary one
 */
@ConfigurationProperties("apmatrix.definitions")
public record DefinitionProperties(@Nullable Path directory) {
    /** The directory in any case, on a real host. */
    public Path directoryOrBelow(Path root) {
        return directory == null ? root.resolve("etc/mdevctl.d") : directory;
    }
}
