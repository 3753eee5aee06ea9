package org.apmatrix.access;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;

/** What somebody may do. None includes another, but {@link #ADMIN}, which includes all. */
public enum Role {
    /** Reads. */
    VIEWER,
    /** Mediated devices, plug and unplug. */
    OPERATOR,
    /** The masks and driver overrides: which queues leave the host. */
    RESERVATION_ADMIN,
    /** Control domains: whoever has one can load its master keys. */
    CONTROL_DOMAIN_ADMIN,
    /** Everything. */
    ADMIN;

    /** As it stands in files, claims and answers: {@code reservation-admin}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Empty for a text that is no role. */
    public static Optional<Role> parse(String text) {
        return Stream.of(values()).filter(role -> role.toString().equals(text)).findFirst();
    }

    /** All that somebody with these roles has. */
    static Set<Role> reached(Collection<Role> roles) {
        if (roles.contains(ADMIN)) {
            return EnumSet.allOf(Role.class);
        }
        return roles.isEmpty() ? Set.of() : EnumSet.copyOf(roles);
    }

    static List<GrantedAuthority> authorities(Collection<Role> roles) {
        return reached(roles).stream()
                .<GrantedAuthority>map(role -> new SimpleGrantedAuthority(role.toString()))
                .toList();
    }
}
