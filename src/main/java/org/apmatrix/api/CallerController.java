package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.apmatrix.access.Caller;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Who calls, as the service knows it: for a page that shows only what its reader may do. */
@RestController
@RequestMapping(path = "/api/v1/caller", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Caller")
class CallerController {
    @GetMapping
    @Operation(
            operationId = "getCaller",
            summary = "Show who calls",
            description =
                    "The caller's own name and roles: what it may do. Where the service asks nobody, it is `anonymous` with every role.")
    @ApiResponse(
            responseCode = "200",
            description = "The caller",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.CALLER)))
    CallerResource caller() {
        return CallerResource.from(Caller.current());
    }
}
