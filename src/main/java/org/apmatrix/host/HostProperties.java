package org.apmatrix.host;

import jakarta.validation.constraints.NotNull;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Where this machine shows itself, and how long to wait for it.
 *
 * @param sysfsRoot where the kernel's sysfs is mounted
 * @param procRoot where the kernel's proc file system is mounted
 * @param deviceRoot where the device nodes are
 * @param lockFile the lock file of the AP configuration that chzdev and ap-check share; without one only this process is kept apart from itself
 * @param lockWait how long a write waits while another tool has the lock file before it is answered with 423
 * @param storeTimeout how long a write into sysfs may take before it counts as blocked; unassigning resets queues, which takes seconds
 * @param stateDirectory where work in flight is noted, to be found after a crash; without one nothing is noted
 * @param simulatedBesideRealOne whether a simulated host may be started on a machine that has an AP bus
 */
@Validated
@ConfigurationProperties("apmatrix.host")
public record HostProperties(
        @NotNull @DefaultValue("/sys") Path sysfsRoot,
        @NotNull @DefaultValue("/proc") Path procRoot,
        @NotNull @DefaultValue("/dev") Path deviceRoot,
        @Nullable Path lockFile,
        @NotNull @DefaultValue("2s") Duration lockWait,
        @NotNull @DefaultValue("30s") Duration storeTimeout,
        @Nullable Path stateDirectory,
        @DefaultValue("false") boolean simulatedBesideRealOne) {}
