package org.apmatrix.service;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * What the site allows with mediated devices.
 *
 * @param liveChanges whether {@code live=true} may change the matrix of a device that a guest uses
 * @param matrix limits of a matrix
 */
@Validated
@ConfigurationProperties("apmatrix")
public record MdevProperties(
        @NotNull @DefaultValue("forbidden") LiveChanges liveChanges,
        @NotNull @DefaultValue MatrixLimits matrix) {

    /** The two words of {@code apmatrix.live-changes}. */
    public enum LiveChanges {
        FORBIDDEN,
        ALLOWED
    }

    /**
     * Limits of a matrix.
     *
     * @param maxApqns the most queues that a write may leave in one matrix; beyond 511 some kernels crash when they print it
     */
    public record MatrixLimits(
            @Min(1) @Max(65_536) @DefaultValue("511") int maxApqns) {}
}
