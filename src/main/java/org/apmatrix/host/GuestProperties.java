package org.apmatrix.host;

import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How long to wait for guests.
 *
 * @param patience how long a plug or unplug waits for QEMU when the request does not say ({@code Prefer: wait=SECONDS})
 * @param scanInterval how often a guest's AP bus looks for new queues (its {@code /sys/bus/ap/config_time}, 30 s by default): until then it does not see what was plugged
 * @param reconcileInterval how often what did not end in time is looked at again, and the sockets for guests that came or went
 */
@Validated
@ConfigurationProperties("apmatrix.guests")
public record GuestProperties(
        @NotNull @DefaultValue("10s") Duration patience,
        @NotNull @DefaultValue("30s") Duration scanInterval,
        @NotNull @DefaultValue("1s") Duration reconcileInterval) {}
