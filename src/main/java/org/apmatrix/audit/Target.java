package org.apmatrix.audit;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import org.jspecify.annotations.Nullable;

/**
 * What a write is about, as far as it is known.
 *
 * @param method null where there was no request
 * @param path the path of the request, null where there was none
 * @param mdev a UUID
 * @param queue an APQN
 */
@JsonPropertyOrder({"method", "path", "mdev", "guest", "queue"})
public record Target(
        @Nullable String method,
        @Nullable String path,
        @Nullable String mdev,
        @Nullable String guest,
        @Nullable String queue) {
    static final Target NONE = new Target(null, null, null, null, null);

    /** Whether one of its parts is this text. */
    boolean names(String text) {
        return text.equals(path) || text.equals(mdev) || text.equals(guest) || text.equals(queue);
    }
}
