package org.apmatrix.access;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

/**
 * Which role each operation needs: the first rule that fits decides. What no rule names needs {@link Role#ADMIN}, so nothing new is open by oversight.
 *
 * <p>Control domains in the body of a device are decided where the matrix before is known: {@code Invariants.mayChangeControlDomains}.
 */
public final class Permissions {
    private static final List<Rule> RULES = List.of(
            open("/"),
            open("/index.html"),
            open("/ui/**"),
            open("/webjars/**"),
            open("/v3/api-docs/**"),
            open("/v3/api-docs.yaml"),
            open("/swagger-ui/**"),
            open("/swagger-ui.html"),
            open("/problems/*"),
            open("/error"),
            open("/actuator/health/**"),
            needs(Role.VIEWER, null, "/actuator/**"),
            needs(Role.ADMIN, null, "/api/v1/simulation/**"),
            needs(Role.VIEWER, HttpMethod.GET, "/api/v1/**"),
            needs(Role.VIEWER, HttpMethod.HEAD, "/api/v1/**"),
            needs(Role.VIEWER, HttpMethod.OPTIONS, "/api/v1/**"),
            // compares, and changes nothing: a POST for its body
            needs(Role.VIEWER, HttpMethod.POST, "/api/v1/guests/*/migration-readiness"),
            needs(Role.RESERVATION_ADMIN, null, "/api/v1/masks"),
            needs(Role.RESERVATION_ADMIN, null, "/api/v1/queues/*/driver"),
            needs(Role.CONTROL_DOMAIN_ADMIN, null, "/api/v1/mdevs/*/control-domains/*"),
            needs(Role.OPERATOR, null, "/api/v1/**"));

    private Permissions() {}

    private record Rule(@Nullable Role role, @Nullable HttpMethod method, PathPattern pattern) {
        boolean fits(HttpMethod called, PathContainer path) {
            return (method == null || method.equals(called)) && pattern.matches(path);
        }
    }

    /** The role that a request needs; empty for what everybody may read. */
    public static Optional<Role> needed(HttpMethod method, PathContainer path) {
        for (Rule rule : RULES) {
            if (rule.fits(method, path)) {
                return Optional.ofNullable(rule.role());
            }
        }
        return Optional.of(Role.ADMIN);
    }

    private static Rule open(String pattern) {
        return new Rule(null, null, PathPatternParser.defaultInstance.parse(pattern));
    }

    private static Rule needs(Role role, @Nullable HttpMethod method, String pattern) {
        return new Rule(role, method, PathPatternParser.defaultInstance.parse(pattern));
    }
}
