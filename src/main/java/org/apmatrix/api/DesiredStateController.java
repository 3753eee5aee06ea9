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
import java.util.List;
import org.apmatrix.access.Caller;
import org.apmatrix.access.Role;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.service.DesiredState;
import org.apmatrix.service.PlanService;
import org.apmatrix.service.Rights;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Whole documents of what should be. */
@RestController
@RequestMapping(path = "/api/v1/desired-state", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Desired state")
class DesiredStateController {
    private static final String OWNER = "Only this owner's; all without it";

    private final PlanService plans;
    private final GuestProperties properties;

    DesiredStateController(PlanService plans, GuestProperties properties) {
        this.plans = plans;
        this.properties = properties;
    }

    /** The answer of what applies documents, and all that it can be refused for. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ApiResponse(
            responseCode = "200",
            description = "What was done; or with dryRun what would be done, with each queue's old and new holder",
            content =
                    @Content(
                            schema =
                                    @Schema(
                                            oneOf = {
                                                DesiredStateResource.Applied.class,
                                                DesiredStateResource.Preview.class
                                            }),
                            examples = {
                                @ExampleObject(name = "applied", value = Examples.DESIRED_STATE_APPLIED),
                                @ExampleObject(name = "dryRun", value = Examples.DESIRED_STATE_DRY_RUN)
                            }))
    @Refuses({
        ErrorCode.FOREIGN_MDEV,
        ErrorCode.MASKS_CLAIMED,
        ErrorCode.GUEST_NOT_FOUND,
        ErrorCode.MDEV_IN_USE,
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.APQN_RESERVED,
        ErrorCode.APQN_IN_USE,
        ErrorCode.MATRIX_TOO_LARGE,
        ErrorCode.QUEUE_ASSIGNMENT_MIXED,
        ErrorCode.GUEST_NOT_RUNNING,
        ErrorCode.GUEST_HAS_AP_DEVICE,
        ErrorCode.MDEV_ATTACHED_ELSEWHERE,
        ErrorCode.CPU_FEATURE_MISSING,
        ErrorCode.MATRIX_EMPTY,
        ErrorCode.QEMU_REFUSED,
        ErrorCode.QEMU_UNREACHABLE
    })
    @interface AppliesDocuments {}

    @GetMapping
    @Operation(
            operationId = "listDesiredStates",
            summary = "List the documents",
            description = "What was applied last, or is being applied, of each owner.")
    @ApiResponse(
            responseCode = "200",
            description = "The documents, by owner",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.DESIRED_STATES)))
    Items<DesiredStateResource> list() {
        return new Items<>(
                plans.documents().stream().map(DesiredStateResource::from).toList());
    }

    @PutMapping(consumes = {MediaType.APPLICATION_JSON_VALUE, MediaType.APPLICATION_YAML_VALUE})
    @Operation(operationId = "putDesiredState", summary = "Make the host like a document", description = """
                    Masks, devices, definitions and what is plugged in where, in one document of an owner: applied as a whole, or the host is as it was before. What \
                    the owner's document before had and this one has not is taken away: devices are unplugged and removed, mask bits that it cleared are given back. \
                    Only what this owner's documents have made is changed; what others have made clashes. A device whose matrix changes while it is plugged in by its \
                    document is unplugged before and plugged in again after. Changing masks needs the role `reservation-admin`, control domains \
                    `control-domain-admin`. An empty document (`{"owner": "demo"}`) takes all of it away.""")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(implementation = DesiredStateResource.Request.class),
                        examples = @ExampleObject(Examples.DESIRED_STATE)),
                @Content(
                        mediaType = MediaType.APPLICATION_YAML_VALUE,
                        schema = @Schema(implementation = DesiredStateResource.Request.class))
            })
    @AppliesDocuments
    ResponseEntity<Object> put(
            @RequestBody DesiredStateResource.Request body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        DesiredState document = body.document();
        if (Boolean.TRUE.equals(dryRun)) {
            return ResponseEntity.ok(DesiredStateResource.Preview.from(
                    List.of(plans.preview(document, rights())), request.getRequestURI()));
        }
        return ResponseEntity.ok(DesiredStateResource.Applied.from(
                plans.apply(document, rights(), Patience.of(prefer, properties.patience()))));
    }

    @GetMapping("/drift")
    @Operation(
            operationId = "getDrift",
            summary = "Compare what was applied with what is",
            description =
                    "In what the host differs by now from the documents that were applied last, whoever has changed it.")
    @ApiResponse(
            responseCode = "200",
            description = "The differences",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.DRIFT)))
    DesiredStateResource.Drift drift(
            @Parameter(description = OWNER, example = "demo") @RequestParam(required = false) @Nullable String owner) {
        return DesiredStateResource.Drift.from(plans.drift(owner));
    }

    @PostMapping("/reconcile")
    @Operation(
            operationId = "reconcile",
            summary = "Mend the drift",
            description =
                    "Applies again what was applied last, or was being applied when that was cut off: as a whole for each owner, one after another.")
    @AppliesDocuments
    ResponseEntity<Object> reconcile(
            @Parameter(description = OWNER, example = "demo") @RequestParam(required = false) @Nullable String owner,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        if (Boolean.TRUE.equals(dryRun)) {
            return ResponseEntity.ok(DesiredStateResource.Preview.from(
                    plans.previewReconcile(owner, rights()), request.getRequestURI()));
        }
        return ResponseEntity.ok(DesiredStateResource.Applied.from(
                plans.reconcile(owner, rights(), Patience.of(prefer, properties.patience()))));
    }

    private static Rights rights() {
        Caller caller = Caller.current();
        return new Rights(caller.has(Role.RESERVATION_ADMIN), caller.has(Role.CONTROL_DOMAIN_ADMIN));
    }
}
