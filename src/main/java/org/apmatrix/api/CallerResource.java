package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Locale;
import org.apmatrix.access.Caller;
import org.apmatrix.access.Role;

/** Who calls. */
@Schema(name = "Caller")
record CallerResource(
        @Schema(
                description =
                        "The token's name, the JWT's subject, the certificate's distinguished name; `anonymous` for nobody in particular",
                example = "ci")
        String name,

        @Schema(
                description = "How it is known who calls",
                allowableValues = {"token", "jwt", "certificate", "socket", "anonymous"})
        String authentication,

        @Schema(description = "All that the caller has; `admin` comes with every other")
        List<String> roles) {
    static CallerResource from(Caller caller) {
        return new CallerResource(
                caller.name(),
                caller.kind().name().toLowerCase(Locale.ROOT),
                caller.roles().stream().sorted().map(Role::toString).toList());
    }
}
