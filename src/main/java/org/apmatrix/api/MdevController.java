package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.service.MdevService;
import org.apmatrix.service.MdevState;
import org.apmatrix.service.Outcome;
import org.apmatrix.service.StateTag;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Mediated matrix devices. */
@RestController
@RequestMapping(path = "/api/v1/mdevs", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Mediated devices")
class MdevController {
    private final MdevService mdevs;

    MdevController(MdevService mdevs) {
        this.mdevs = mdevs;
    }

    /** The answer of every write that leaves a device. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ApiResponse(
            responseCode = "200",
            description = "The device as the kernel holds it now, with its ETag; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {MdevResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "mdev", value = Examples.MDEV),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @interface AnswersMdev {}

    /** The answer of a write that made a device. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ApiResponse(
            responseCode = "201",
            description = "It was made; Location names it",
            content =
                    @Content(
                            schema = @Schema(implementation = MdevResource.class),
                            examples = @ExampleObject(name = "mdev", value = Examples.MDEV)))
    @interface MakesMdev {}

    @GetMapping
    @Operation(
            operationId = "listMdevs",
            summary = "List the mediated devices",
            description = "Every mediated matrix device of the host, whoever made it, by UUID.")
    @ApiResponse(
            responseCode = "200",
            description = "The devices",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.MDEVS)))
    Items<MdevResource> list() {
        return new Items<>(mdevs.list().stream().map(MdevResource::from).toList());
    }

    @GetMapping("/{uuid}")
    @Operation(
            operationId = "getMdev",
            summary = "Show one mediated device",
            description = "Its matrix, what a guest has of it and why not all, and who uses it.")
    @ApiResponse(
            responseCode = "200",
            description = "The device, with an ETag",
            content =
                    @Content(
                            schema = @Schema(implementation = MdevResource.class),
                            examples = @ExampleObject(Examples.MDEV)))
    @Refuses(ErrorCode.MDEV_NOT_FOUND)
    ResponseEntity<MdevResource> get(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid) {
        MdevState state = mdevs.get(uuid);
        return ResponseEntity.ok().eTag(StateTag.of(state)).body(MdevResource.from(state));
    }

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "createMdev",
            summary = "Make a mediated device",
            description =
                    "With a matrix or without, all or nothing: when an assignment is refused, the new device is gone again. Queues must be freed by the"
                            + " masks first; adapters or domains alone make no queue yet.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content =
                    @Content(
                            examples = {
                                @ExampleObject(
                                        name = "adaptersFirst",
                                        summary = "Adapters first: works whatever the masks are",
                                        value = Examples.NEW_MDEV),
                                @ExampleObject(
                                        name = "withQueues",
                                        summary = "Four queues: free them first with PATCH /api/v1/masks",
                                        value = Examples.NEW_MDEV_WITH_QUEUES)
                            }))
    @MakesMdev
    @ApiResponse(
            responseCode = "200",
            description = "With dryRun: what would happen",
            content =
                    @Content(
                            schema = @Schema(implementation = DryRunResource.class),
                            examples = @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)))
    @Refuses({
        ErrorCode.MDEV_EXISTS,
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.APQN_RESERVED,
        ErrorCode.APQN_IN_USE,
        ErrorCode.MATRIX_TOO_LARGE,
        ErrorCode.IDEMPOTENCY_KEY_REUSED
    })
    ResponseEntity<Object> create(
            @RequestBody MdevResource.Request body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.IDEMPOTENCY_KEY)
                    @RequestHeader(name = "Idempotency-Key", required = false)
                    @Nullable
                    String idempotencyKey,
            HttpServletRequest request) {
        MdevId uuid = body.uuid() == null ? null : ApiConverters.mdevId("uuid", body.uuid());
        return answer(
                mdevs.create(uuid, body.matrix(), Answers.ownKey(idempotencyKey), Answers.options(dryRun, null, null)),
                request);
    }

    @PutMapping(path = "/{uuid}", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "putMdev",
            summary = "Make a mediated device, or give it this matrix",
            description = "The device stands afterwards with exactly this matrix; a list that is left out is empty.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.NEW_MDEV)))
    @MakesMdev
    @AnswersMdev
    @Refuses({
        ErrorCode.MDEV_IN_USE,
        ErrorCode.LIVE_CHANGE_FORBIDDEN,
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.APQN_RESERVED,
        ErrorCode.APQN_IN_USE,
        ErrorCode.MATRIX_TOO_LARGE,
        ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> put(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @RequestBody MdevResource.Request body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        if (body.uuid() != null && !ApiConverters.mdevId("uuid", body.uuid()).equals(uuid)) {
            throw new InvalidValue("uuid", "The body names another device than the path.");
        }
        return answer(mdevs.put(uuid, body.matrix(), Answers.options(dryRun, live, ifMatch)), request);
    }

    @PutMapping(path = "/{uuid}/matrix", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "putMatrix",
            summary = "Replace the whole matrix",
            description =
                    "All or nothing: in one write of ap_config where the kernel has it, else by the fewest single writes, undone in reverse order when one"
                            + " is refused.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.MATRIX)))
    @AnswersMdev
    @Refuses({
        ErrorCode.MDEV_NOT_FOUND,
        ErrorCode.MDEV_IN_USE,
        ErrorCode.LIVE_CHANGE_FORBIDDEN,
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.APQN_RESERVED,
        ErrorCode.APQN_IN_USE,
        ErrorCode.MATRIX_TOO_LARGE,
        ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> putMatrix(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @RequestBody MatrixRequest body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return answer(mdevs.replaceMatrix(uuid, body.matrix(), Answers.options(dryRun, live, ifMatch)), request);
    }

    @PutMapping("/{uuid}/adapters/{adapter}")
    @Operation(
            operationId = "assignAdapter",
            summary = "Assign an adapter",
            description =
                    "Adds the queues of this adapter in every domain of the matrix. Already so: 200, and nothing is written.")
    @AnswersMdev
    @Refuses({
        ErrorCode.MDEV_NOT_FOUND,
        ErrorCode.MDEV_IN_USE,
        ErrorCode.LIVE_CHANGE_FORBIDDEN,
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.APQN_RESERVED,
        ErrorCode.APQN_IN_USE,
        ErrorCode.MATRIX_TOO_LARGE,
        ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> assignAdapter(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @Parameter(description = Docs.ID, schema = @Schema(type = "string"), example = "0x05") @PathVariable
                    AdapterId adapter,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return answer(mdevs.assignAdapter(uuid, adapter, Answers.options(dryRun, live, ifMatch)), request);
    }

    @DeleteMapping("/{uuid}/adapters/{adapter}")
    @Operation(
            operationId = "unassignAdapter",
            summary = "Unassign an adapter",
            description =
                    "Takes the adapter out of the matrix; its queues are reset. Already so: 200, and nothing is written.")
    @AnswersMdev
    @Refuses({ErrorCode.MDEV_NOT_FOUND, ErrorCode.MDEV_IN_USE, ErrorCode.LIVE_CHANGE_FORBIDDEN, ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> unassignAdapter(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @Parameter(description = Docs.ID, schema = @Schema(type = "string"), example = "0x05") @PathVariable
                    AdapterId adapter,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return answer(mdevs.unassignAdapter(uuid, adapter, Answers.options(dryRun, live, ifMatch)), request);
    }

    @PutMapping("/{uuid}/domains/{domain}")
    @Operation(
            operationId = "assignDomain",
            summary = "Assign a usage domain",
            description =
                    "Adds the queues of this domain on every adapter of the matrix. Already so: 200, and nothing is written.")
    @AnswersMdev
    @Refuses({
        ErrorCode.MDEV_NOT_FOUND,
        ErrorCode.MDEV_IN_USE,
        ErrorCode.LIVE_CHANGE_FORBIDDEN,
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.APQN_RESERVED,
        ErrorCode.APQN_IN_USE,
        ErrorCode.MATRIX_TOO_LARGE,
        ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> assignDomain(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @Parameter(description = Docs.ID, schema = @Schema(type = "string"), example = "0x04") @PathVariable
                    DomainId domain,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return answer(mdevs.assignDomain(uuid, domain, Answers.options(dryRun, live, ifMatch)), request);
    }

    @DeleteMapping("/{uuid}/domains/{domain}")
    @Operation(
            operationId = "unassignDomain",
            summary = "Unassign a usage domain",
            description =
                    "Takes the domain out of the matrix; its queues are reset. Already so: 200, and nothing is written.")
    @AnswersMdev
    @Refuses({ErrorCode.MDEV_NOT_FOUND, ErrorCode.MDEV_IN_USE, ErrorCode.LIVE_CHANGE_FORBIDDEN, ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> unassignDomain(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @Parameter(description = Docs.ID, schema = @Schema(type = "string"), example = "0x04") @PathVariable
                    DomainId domain,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return answer(mdevs.unassignDomain(uuid, domain, Answers.options(dryRun, live, ifMatch)), request);
    }

    @PutMapping("/{uuid}/control-domains/{domain}")
    @Operation(
            operationId = "assignControlDomain",
            summary = "Assign a control domain",
            description =
                    "Lets the guest manage this domain, master keys included. Already so: 200, and nothing is written.")
    @AnswersMdev
    @Refuses({
        ErrorCode.MDEV_NOT_FOUND,
        ErrorCode.MDEV_IN_USE,
        ErrorCode.LIVE_CHANGE_FORBIDDEN,
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> assignControlDomain(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @Parameter(description = Docs.ID, schema = @Schema(type = "string"), example = "0x04") @PathVariable
                    DomainId domain,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return answer(mdevs.assignControlDomain(uuid, domain, Answers.options(dryRun, live, ifMatch)), request);
    }

    @DeleteMapping("/{uuid}/control-domains/{domain}")
    @Operation(
            operationId = "unassignControlDomain",
            summary = "Unassign a control domain",
            description = "Takes the right to manage this domain away. Already so: 200, and nothing is written.")
    @AnswersMdev
    @Refuses({ErrorCode.MDEV_NOT_FOUND, ErrorCode.MDEV_IN_USE, ErrorCode.LIVE_CHANGE_FORBIDDEN, ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> unassignControlDomain(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @Parameter(description = Docs.ID, schema = @Schema(type = "string"), example = "0x04") @PathVariable
                    DomainId domain,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.LIVE) @RequestParam(required = false) @Nullable Boolean live,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return answer(mdevs.unassignControlDomain(uuid, domain, Answers.options(dryRun, live, ifMatch)), request);
    }

    @DeleteMapping("/{uuid}")
    @Operation(
            operationId = "deleteMdev",
            summary = "Remove a mediated device",
            description =
                    "Only one that nobody uses: the kernel would block for ever, or pull it out of the guest. Already gone: 204.")
    @ApiResponse(responseCode = "204", description = "It is gone", content = @Content)
    @ApiResponse(
            responseCode = "200",
            description = "With dryRun: what would happen",
            content =
                    @Content(
                            schema = @Schema(implementation = DryRunResource.class),
                            examples = @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)))
    @Refuses({ErrorCode.MDEV_IN_USE, ErrorCode.STATE_CHANGED})
    ResponseEntity<Object> delete(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        return Answers.of(
                mdevs.remove(uuid, Answers.options(dryRun, null, ifMatch)),
                request.getRequestURI(),
                done -> ResponseEntity.noContent().build());
    }

    private static ResponseEntity<Object> answer(Outcome<MdevState> outcome, HttpServletRequest request) {
        return Answers.of(outcome, request.getRequestURI(), done -> {
            MdevResource mdev = MdevResource.from(done.state());
            return Answers.tagged(done, mdev, request.getContextPath() + "/api/v1/mdevs/" + mdev.uuid());
        });
    }
}
