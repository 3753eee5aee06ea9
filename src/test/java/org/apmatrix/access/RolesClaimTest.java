package org.apmatrix.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RolesClaimTest {
    private static final Set<Role> BOTH = Set.of(Role.VIEWER, Role.RESERVATION_ADMIN);

    @Test
    void aListATextAndANestedClaimAreRead() {
        assertThat(RolesClaim.read(Map.of("roles", List.of("viewer", "reservation-admin")), "roles"))
                .isEqualTo(BOTH);
        assertThat(RolesClaim.read(Map.of("scope", "openid viewer reservation-admin"), "scope"))
                .isEqualTo(BOTH);
        assertThat(RolesClaim.read(
                        Map.of("realm_access", Map.of("roles", List.of("viewer", "reservation-admin"))),
                        "realm_access.roles"))
                .isEqualTo(BOTH);
        assertThat(RolesClaim.read(Map.of("https://example.com/roles", List.of("viewer")), "https://example.com/roles"))
                .isEqualTo(Set.of(Role.VIEWER));
    }

    @Test
    void whatIsNoRoleGivesNone() {
        assertThat(RolesClaim.read(Map.of(), "roles")).isEmpty();
        assertThat(RolesClaim.read(Map.of("roles", 7), "roles")).isEmpty();
        assertThat(RolesClaim.read(Map.of("roles", List.of(7, "VIEWER", "viewer ")), "roles"))
                .isEmpty();
        assertThat(RolesClaim.read(Map.of("a", "viewer"), "a.b")).isEmpty();
    }
}
