package org.apmatrix.access;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Who may call.
 *
 * @param mode null for {@link Mode#OPEN} on the simulated host and {@link Mode#REQUIRED} on a real one; a way to tell who calls makes it {@link Mode#REQUIRED}
 * @param openBeyondLoopback whether a simulated host may be open to the network
 * @param tokensFile the file of static tokens ({@link TokenFile})
 * @param certificates the client certificates that are let in
 * @param socket the unix socket for tools of this machine
 * @param jwt how a JWT is read; who issues it is Spring's {@code spring.security.oauth2.resourceserver.jwt}
 * @param allowedOrigins web pages of other origins that may call, such as {@code https://console.example.com}; none by default
 */
@Validated
@ConfigurationProperties("apmatrix.security")
public record AccessProperties(
        @Nullable Mode mode,
        @DefaultValue("false") boolean openBeyondLoopback,
        @Nullable Path tokensFile,
        @NotNull @DefaultValue List<@Valid Certificate> certificates,
        @Valid @NotNull @DefaultValue Socket socket,
        @Valid @NotNull @DefaultValue Jwt jwt,
        @NotNull @DefaultValue List<String> allowedOrigins,
        @Valid @NotNull @DefaultValue Limits limits) {

    /** Whether an identity is asked for. */
    public enum Mode {
        OPEN,
        REQUIRED
    }

    /**
     * A client certificate, issued by an authority that the server's trust store has.
     *
     * @param subject the whole distinguished name, such as {@code CN=ci,O=Example}; the order counts, spaces and case do not (X.500)
     */
    public record Certificate(
            @NotEmpty String subject, @NotEmpty List<Role> roles) {}

    /**
     * Whom the kernel vouches for.
     *
     * @param path such as {@code /run/apmatrix/apmatrix.sock}; null for no socket
     * @param users the roles of each user of this machine, by name, or by number where it has no name
     */
    public record Socket(
            @Nullable Path path, @NotNull @DefaultValue Map<String, List<Role>> users) {
        /** Those of the configuration; root is admin unless it says otherwise. */
        Map<String, List<Role>> usersAndRoot() {
            Map<String, List<Role>> all = new HashMap<>(users);
            all.putIfAbsent("root", List.of(Role.ADMIN));
            return all;
        }
    }

    /**
     * Where a JWT tells what.
     *
     * @param nameClaim who calls
     * @param rolesClaim an array of roles, or a text with spaces between them; dots lead into objects, such as {@code realm_access.roles}
     */
    public record Jwt(
            @NotEmpty @DefaultValue("sub") String nameClaim,
            @NotEmpty @DefaultValue("roles") String rolesClaim) {}

    /**
     * What one caller can take.
     *
     * @param body the largest body
     * @param inFlightPerCaller how many requests of one caller may be under way; callers without an identity are told apart by their address
     * @param wrongTokensPerMinute how many wrong tokens of one address are checked
     */
    public record Limits(
            @NotNull @DefaultValue("1MB") DataSize body,
            @Min(1) @DefaultValue("128") int inFlightPerCaller,
            @Min(1) @DefaultValue("10") int wrongTokensPerMinute) {}
}
