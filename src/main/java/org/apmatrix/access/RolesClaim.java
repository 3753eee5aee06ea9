package org.apmatrix.access;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads the roles of a JWT. What is no role of ours is one of another service. */
final class RolesClaim {
    private RolesClaim() {}

    /** @param path with dots into objects, such as {@code realm_access.roles}; a claim of the whole name comes first */
    static Set<Role> read(Map<String, Object> claims, String path) {
        return texts(find(claims, path))
                .flatMap(text -> Role.parse(text).stream())
                .collect(Collectors.toSet());
    }

    private static @Nullable Object find(Map<?, ?> claims, String path) {
        if (claims.containsKey(path)) {
            return claims.get(path);
        }
        int dot = path.indexOf('.');
        return dot > 0 && claims.get(path.substring(0, dot)) instanceof Map<?, ?> inner
                ? find(inner, path.substring(dot + 1))
                : null;
    }

    private static Stream<String> texts(@Nullable Object value) {
        if (value instanceof Collection<?> list) {
            return list.stream().filter(String.class::isInstance).map(String.class::cast);
        }
        return value instanceof String text ? List.of(text.split(" ")).stream() : Stream.of();
    }
}
