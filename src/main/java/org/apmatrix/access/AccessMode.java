package org.apmatrix.access;

import java.util.ArrayList;
import java.util.List;
import org.apmatrix.access.AccessProperties.Mode;

/**
 * Whether this service asks who calls.
 *
 * @param isLoopbackOnly open, and to this machine alone
 * @param reason for the log
 */
record AccessMode(boolean isOpen, boolean isLoopbackOnly, String reason) {
    private static final String REMEDY =
            "Set apmatrix.security.tokens-file (java -jar apmatrix.jar token add makes it),"
                    + " spring.security.oauth2.resourceserver.jwt.issuer-uri or .public-key-location, or apmatrix.security.certificates.";

    /**
     * Decides it, once at start.
     *
     * @param jwt whether somebody is configured who issues JWTs
     * @param loopback whether the service listens on the loopback address alone
     * @throws StartRefused for an open service that the network could reach, and for one beyond loopback that could let nobody in
     */
    static AccessMode of(AccessProperties properties, boolean simulated, boolean jwt, boolean loopback) {
        List<String> ways = new ArrayList<>();
        if (properties.tokensFile() != null) {
            ways.add("tokens");
        }
        if (jwt) {
            ways.add("JWT");
        }
        if (!properties.certificates().isEmpty()) {
            ways.add("client certificates");
        }
        if (properties.socket().path() != null) {
            ways.add("the socket " + properties.socket().path());
        }
        if (!ways.isEmpty()) {
            return new AccessMode(false, false, "who calls is told by " + String.join(", ", ways));
        }
        Mode mode = properties.mode() == null ? (simulated ? Mode.OPEN : Mode.REQUIRED) : properties.mode();
        if (loopback) {
            return mode == Mode.OPEN
                    ? new AccessMode(true, true, "open to everybody on this machine (apmatrix.security.mode)")
                    : new AccessMode(
                            false,
                            false,
                            "an identity is asked for and there is no way to have one: every call is answered with 401. "
                                    + REMEDY);
        }
        if (simulated && properties.openBeyondLoopback() && mode == Mode.OPEN) {
            return new AccessMode(
                    true, false, "SIMULATED and open to the network (apmatrix.security.open-beyond-loopback)");
        }
        throw new StartRefused(
                "It would listen beyond this machine (server.address, management.server.address) and has no way to tell who calls.",
                REMEDY
                        + (simulated
                                ? " Or, as it is only simulated, let everybody in: --apmatrix.security.open-beyond-loopback=true"
                                : " Or listen on this machine alone: --server.address=127.0.0.1"));
    }
}
