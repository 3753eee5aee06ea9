package org.apmatrix.host.qmp;

import jakarta.validation.constraints.NotNull;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Where the monitors of bare QEMUs are, and how they are spoken to.
 *
 * @param sockets globs of the unix sockets that {@code -qmp unix:PATH,server=on,wait=off} makes, such as {@code /run/guests/*.qmp}; none when empty
 * @param greetingTimeout how long after the connection QEMU may take to greet before the socket counts as taken by another client
 * @param replyTimeout how long QEMU may take for one answer
 * @param reconnectAfter the pause after the first failed connection, at least 1 ms; it doubles with each further one
 * @param reconnectAtMost the longest pause between two tries
 * @param maxMessage the largest message that is taken from a QEMU, 1 MB to 1 GB; beyond it the connection is dropped
 */
@Validated
@ConfigurationProperties("apmatrix.guests.qmp")
public record QmpProperties(
        @NotNull @DefaultValue List<String> sockets,
        @NotNull @DefaultValue("2s") Duration greetingTimeout,
        @NotNull @DefaultValue("2s") Duration replyTimeout,
        @NotNull @DefaultValue("100ms") Duration reconnectAfter,
        @NotNull @DefaultValue("5s") Duration reconnectAtMost,
        @NotNull @DefaultValue("16MB") DataSize maxMessage) {

    /** Throws {@link IllegalArgumentException} where a value is out of its range. */
    public QmpProperties {
        if (reconnectAfter.toMillis() < 1 || reconnectAtMost.compareTo(reconnectAfter) < 0) {
            throw new IllegalArgumentException("reconnect-after must be at least 1 ms, and reconnect-at-most no less: "
                    + reconnectAfter + ", " + reconnectAtMost);
        }
        if (maxMessage.compareTo(DataSize.ofMegabytes(1)) < 0 || maxMessage.compareTo(DataSize.ofGigabytes(1)) > 0) {
            throw new IllegalArgumentException("max-message must be 1MB to 1GB: " + maxMessage);
        }
        sockets = List.copyOf(sockets);
    }

    /** The same with one more glob. */
    public QmpProperties withSockets(String glob) {
        List<String> more = new ArrayList<>(sockets);
        more.add(glob);
        return new QmpProperties(more, greetingTimeout, replyTimeout, reconnectAfter, reconnectAtMost, maxMessage);
    }
}
