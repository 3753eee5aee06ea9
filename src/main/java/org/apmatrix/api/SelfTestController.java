package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import org.apmatrix.service.SelfTestService;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The self-test of the host. */
@RestController
@RequestMapping(path = "/api/v1/host/self-test", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Host")
class SelfTestController {
    private final SelfTestService selfTests;

    SelfTestController(SelfTestService selfTests) {
        this.selfTests = selfTests;
    }

    @PostMapping
    @Operation(
            operationId = "runSelfTest",
            summary = "Try VFIO on a device made for it",
            description =
                    "Makes a mediated device without any queue, asks VFIO for its group, its status and the device itself, compares what the kernel answers and"
                            + " refuses with what kernels of this generation are known to, and removes the device. No guest and no queue is touched.")
    @ApiResponse(
            responseCode = "200",
            description =
                    "What was asked and answered, also when it was not what was expected; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {SelfTestResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "selfTest", value = Examples.SELF_TEST),
                                @ExampleObject(name = "dryRun", value = Examples.SELF_TEST_DRY_RUN)
                            }))
    ResponseEntity<Object> run(
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                selfTests.run(Answers.options(dryRun, null, null)),
                request.getRequestURI(),
                done -> ResponseEntity.ok(SelfTestResource.from(done.state())));
    }
}
