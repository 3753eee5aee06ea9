package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.service.MaskService;
import org.apmatrix.service.StateTag;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The masks. */
@RestController
@RequestMapping(path = "/api/v1/masks", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Masks")
class MaskController {
    private final MaskService masks;

    MaskController(MaskService masks) {
        this.masks = masks;
    }

    @GetMapping
    @Operation(
            operationId = "getMasks",
            summary = "Show the masks",
            description =
                    "A queue belongs to the host's drivers when the bits of its adapter and of its domain are both 1; otherwise it is for guests.")
    @ApiResponse(
            responseCode = "200",
            description = "Both masks, with an ETag",
            content =
                    @Content(
                            schema = @Schema(implementation = MasksResource.class),
                            examples = @ExampleObject(Examples.MASKS)))
    ResponseEntity<MasksResource> get() {
        MaskService.Masks state = masks.get();
        return ResponseEntity.ok().eTag(StateTag.of(state)).body(MasksResource.from(state));
    }

    @PatchMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "patchMasks",
            summary = "Change the masks",
            description =
                    "Frees queues for guests or gives them back to the host; both masks or neither. The cross product decides: apmask -5 alone frees every"
                            + " domain of adapter 5, aqmask -4 alone frees domain 4 of every adapter. A queue that a mediated device has does not go back.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.MASKS_PATCH)))
    @ApiResponse(
            responseCode = "200",
            description = "The masks as they are now and the queues that moved, or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {MasksResource.Changed.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "masks", value = Examples.MASKS_CHANGED),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @Refuses({ErrorCode.APQN_IN_USE, ErrorCode.QUEUE_ASSIGNMENT_MIXED, ErrorCode.STATE_CHANGED})
    ResponseEntity<Object> patch(
            @RequestBody MasksResource.Patch body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return Answers.of(
                masks.change(body.apmask(), body.aqmask(), Answers.options(dryRun, null, ifMatch)),
                request.getRequestURI(),
                done -> ResponseEntity.ok()
                        .eTag(StateTag.of(done.state().masks()))
                        .body(MasksResource.Changed.from(done.state())));
    }
}
