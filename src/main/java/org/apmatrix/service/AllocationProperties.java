package org.apmatrix.service;

import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How allocations are kept.
 *
 * @param expiryInterval how often leases that are over, and what could not be given back yet, are looked at
 * @param maxTtl the longest lease that somebody may ask for
 */
@Validated
@ConfigurationProperties("apmatrix.allocations")
public record AllocationProperties(
        @NotNull @DefaultValue("1s") Duration expiryInterval,
        @NotNull @DefaultValue("365d") Duration maxTtl) {}
