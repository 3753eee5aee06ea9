package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.apmatrix.preflight.Preflight;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Whether the host is ready. */
@RestController
@RequestMapping(path = "/api/v1/host/preflight", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Host")
class PreflightController {
    private final Preflight preflight;

    PreflightController(Preflight preflight) {
        this.preflight = preflight;
    }

    @GetMapping
    @Operation(
            operationId = "getPreflight",
            summary = "Check whether the host is ready",
            description =
                    "Looks at the kernel, the driver, the rights of the service, the lock, other managers of AP queues, and what the next boot will bring; changes"
                            + " nothing. On the simulated host the checks about this machine's files and rights are left out.")
    @ApiResponse(
            responseCode = "200",
            description = "What each check found, also when it failed",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.PREFLIGHT)))
    PreflightResource preflight() {
        return PreflightResource.from(preflight.isSimulated(), preflight.run());
    }
}
