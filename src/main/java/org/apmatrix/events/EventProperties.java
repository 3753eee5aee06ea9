package org.apmatrix.events;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMin;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How events are noticed, kept and told.
 *
 * @param journal how many events are kept for listeners that come back; a listener that falls behind by more is disconnected
 * @param maxListeners how many may listen at once
 * @param heartbeat after how much silence a listener is told that there is nothing to tell
 * @param pollInterval how often the host is looked at for what the kernel does not tell by itself
 * @param guestInterval how often each guest is asked, beside whenever it or the kernel gives a sign
 */
@Validated
@ConfigurationProperties("apmatrix.events")
public record EventProperties(
        @Min(1) @Max(1_000_000) @DefaultValue("10000") int journal,
        @Min(1) @Max(1_000) @DefaultValue("64") int maxListeners,

        @NotNull @DurationMin(millis = 1) @DefaultValue("15s")
        Duration heartbeat,

        @NotNull @DurationMin(millis = 1) @DefaultValue("1s")
        Duration pollInterval,

        @NotNull @DurationMin(millis = 1) @DefaultValue("30s")
        Duration guestInterval) {}
