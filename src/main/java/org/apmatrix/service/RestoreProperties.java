package org.apmatrix.service;

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * What becomes of applied documents at a start of the service.
 *
 * @param restoreOnStart whether the host is made like them again, as after a reboot; then it is in a report
 * @param restoreAttempts how often that is tried for each owner, until it succeeds
 * @param restoreInterval the time between two tries
 */
@Validated
@ConfigurationProperties("apmatrix")
public record RestoreProperties(
        @DefaultValue("false") boolean restoreOnStart,
        @Min(1) @DefaultValue("20") int restoreAttempts,
        @NotNull @DefaultValue("15s") Duration restoreInterval) {}
