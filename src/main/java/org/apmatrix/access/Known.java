package org.apmatrix.access;

import java.util.Collection;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;

/** Somebody whom this service itself has recognised. */
final class Known extends AbstractAuthenticationToken {
    private static final long serialVersionUID = 1L;

    private final String name;
    private final Caller.Kind kind;
    private final transient BooleanSupplier isStillKnown;

    Known(String name, Caller.Kind kind, Collection<Role> roles) {
        this(name, kind, roles, () -> true);
    }

    /** @param isStillKnown whether this identity has not been taken back */
    Known(String name, Caller.Kind kind, Collection<Role> roles, BooleanSupplier isStillKnown) {
        super(Role.authorities(roles));
        this.name = name;
        this.kind = kind;
        this.isStillKnown = isStillKnown;
        setAuthenticated(true);
    }

    BooleanSupplier isStillKnown() {
        return isStillKnown;
    }

    Caller.Kind kind() {
        return kind;
    }

    @Override
    public Object getPrincipal() {
        return name;
    }

    /** Nothing that could come into a log. */
    @Override
    public Object getCredentials() {
        return "";
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other) && other instanceof Known known && kind == known.kind;
    }

    @Override
    public int hashCode() {
        return 31 * super.hashCode() + kind.hashCode();
    }
}
