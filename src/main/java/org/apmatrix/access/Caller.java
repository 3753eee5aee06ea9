package org.apmatrix.access;

import java.time.Instant;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;

/**
 * Who sends the request that this thread works on.
 *
 * @param name the token's name, the JWT's subject, the certificate's distinguished name; {@code anonymous} for nobody in particular
 */
public record Caller(String name, Kind kind, Set<Role> roles) {
    /** How it is known who calls. */
    public enum Kind {
        TOKEN,
        JWT,
        CERTIFICATE,
        SOCKET,
        ANONYMOUS
    }

    private static final Caller NOBODY = new Caller("anonymous", Kind.ANONYMOUS, Set.of());

    /** Nobody with no role where it is not known. */
    public static Caller current() {
        return of(SecurityContextHolder.getContext().getAuthentication());
    }

    static Caller of(@Nullable Authentication authentication) {
        if (authentication == null || authentication instanceof AnonymousAuthenticationToken) {
            return NOBODY;
        }
        Set<Role> roles = authentication.getAuthorities().stream()
                .flatMap(authority -> Role.parse(String.valueOf(authority.getAuthority())).stream())
                .collect(Collectors.toUnmodifiableSet());
        return new Caller(authentication.getName(), kind(authentication), roles);
    }

    /** Tells later on whether the identity of this thread's request still holds: a token that has not been removed, a JWT that has not expired. */
    public static BooleanSupplier validity() {
        Authentication authentication = SecurityContextHolder.getContext().getAuthentication();
        if (authentication instanceof Known known) {
            return known.isStillKnown();
        }
        if (authentication instanceof JwtAuthenticationToken jwt) {
            Instant end = jwt.getToken().getExpiresAt();
            return () -> end == null || Instant.now().isBefore(end);
        }
        return () -> true;
    }

    private static Kind kind(Authentication authentication) {
        if (authentication instanceof JwtAuthenticationToken) {
            return Kind.JWT;
        }
        if (authentication instanceof PreAuthenticatedAuthenticationToken) {
            return Kind.CERTIFICATE;
        }
        return authentication instanceof Known known ? known.kind() : Kind.ANONYMOUS;
    }

    /** Whether this caller may do what the role allows. */
    public boolean has(Role role) {
        return roles.contains(role);
    }
}
