package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.ap.Matrix;
import org.apmatrix.fault.InvalidValue;
import org.jspecify.annotations.Nullable;

/** A whole matrix. All three lists must be there: a forgotten one would silently be emptied. */
@Schema(name = "MatrixRequest")
record MatrixRequest(
        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @Nullable
        List<@Nullable Integer> adapters,

        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @Nullable
        List<@Nullable Integer> domains,

        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @Nullable
        List<@Nullable Integer> controlDomains) {
    Matrix matrix() {
        require("adapters", adapters);
        require("domains", domains);
        require("controlDomains", controlDomains);
        return new MdevResource.Request(null, adapters, domains, controlDomains).matrix();
    }

    private static void require(String field, @Nullable List<@Nullable Integer> ids) {
        if (ids == null) {
            throw new InvalidValue(field, "The whole matrix is replaced: name all three lists, an empty one as [].");
        }
    }
}
