package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.util.List;
import org.apmatrix.access.Caller;
import org.apmatrix.access.Role;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.service.AllocationService;
import org.apmatrix.service.Forecast;
import org.apmatrix.service.Rights;
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

/** Queues by wish, and leases of them. */
@RestController
@RequestMapping(path = "/api/v1/allocations", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Allocations")
class AllocationController {
    private static final String ID = "The allocation's id";

    private final AllocationService allocations;
    private final GuestProperties properties;

    AllocationController(AllocationService allocations, GuestProperties properties) {
        this.allocations = allocations;
        this.properties = properties;
    }

    @GetMapping
    @Operation(
            operationId = "listAllocations",
            summary = "List the allocations",
            description = "All, or one owner's, in the order in which they were made.")
    @ApiResponse(
            responseCode = "200",
            description = "The allocations",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.ALLOCATIONS)))
    Items<AllocationResource> list(
            @Parameter(description = "Only this owner's; all without it", example = "payments")
                    @RequestParam(required = false)
                    @Nullable
                    String owner) {
        return new Items<>(
                allocations.list(owner).stream().map(AllocationResource::from).toList());
    }

    @GetMapping("/{id}")
    @Operation(
            operationId = "getAllocation",
            summary = "Show one allocation",
            description = "Its queues and its device, and when it is over.")
    @ApiResponse(
            responseCode = "200",
            description = "The allocation",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.ALLOCATION)))
    @Refuses(ErrorCode.ALLOCATION_NOT_FOUND)
    AllocationResource get(@Parameter(description = ID, example = Examples.ALLOCATION_ID) @PathVariable String id) {
        return AllocationResource.from(allocations.get(id));
    }

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(operationId = "allocate", summary = "Get queues by wish", description = """
                    Chooses adapters and domains whose product is free, makes a device of them and plugs it in where a guest is named: all of it, or nothing is left. It \
                    prefers queues that are free already, spreads over adapters, and keeps large free products for later. Queues leave the host only with \
                    mayTakeFromHost, and they come back when the allocation goes. With ttl it is a lease: renewed with PUT, given back with DELETE or when it is over.""")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content =
                    @Content(
                            examples = {
                                @ExampleObject(name = "lease", value = Examples.ALLOCATION_REQUEST),
                                @ExampleObject(name = "smallest", value = Examples.SMALLEST_ALLOCATION_REQUEST)
                            }))
    @ApiResponse(
            responseCode = "201",
            description = "It was made; Location names it",
            content =
                    @Content(
                            schema = @Schema(implementation = AllocationResource.class),
                            examples = @ExampleObject(name = "allocation", value = Examples.ALLOCATION)))
    @ApiResponse(
            responseCode = "200",
            description = "With dryRun: what would happen",
            content =
                    @Content(
                            schema = @Schema(implementation = DryRunResource.class),
                            examples = @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)))
    @Refuses({
        ErrorCode.ALLOCATION_IMPOSSIBLE,
        ErrorCode.GUEST_NOT_FOUND,
        ErrorCode.APQN_RESERVED,
        ErrorCode.APQN_IN_USE,
        ErrorCode.GUEST_NOT_RUNNING,
        ErrorCode.GUEST_HAS_AP_DEVICE,
        ErrorCode.MDEV_ATTACHED_ELSEWHERE,
        ErrorCode.CPU_FEATURE_MISSING,
        ErrorCode.QEMU_REFUSED,
        ErrorCode.QEMU_UNREACHABLE,
        ErrorCode.IDEMPOTENCY_KEY_REUSED
    })
    ResponseEntity<Object> allocate(
            @RequestBody AllocationResource.Request body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.IDEMPOTENCY_KEY)
                    @RequestHeader(name = "Idempotency-Key", required = false)
                    @Nullable
                    String idempotencyKey,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        return Answers.of(
                allocations.allocate(
                        body.request(),
                        Answers.ownKey(idempotencyKey),
                        rights(),
                        Patience.of(prefer, properties.patience()),
                        Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> ResponseEntity.created(URI.create(
                                request.getRequestURI() + "/" + done.state().id()))
                        .body(AllocationResource.from(done.state())));
    }

    @PutMapping(path = "/{id}", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "renewAllocation",
            summary = "Renew a lease",
            description =
                    "The lease begins anew, now: as long as before, or for another ttl. A ttl makes a lease of an allocation that was none. One that is over and still"
                            + " stands is a lease again.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.RENEWAL_REQUEST)))
    @ApiResponse(
            responseCode = "200",
            description = "The allocation as it is now; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {AllocationResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "allocation", value = Examples.ALLOCATION),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_NOTHING)
                            }))
    @Refuses(ErrorCode.ALLOCATION_NOT_FOUND)
    ResponseEntity<Object> renew(
            @Parameter(description = ID, example = Examples.ALLOCATION_ID) @PathVariable String id,
            @RequestBody AllocationResource.Renewal body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        boolean dry = Boolean.TRUE.equals(dryRun);
        AllocationResource renewed =
                AllocationResource.from(allocations.renew(id, body.duration(), body.expiry(), dry));
        return ResponseEntity.ok(
                dry
                        ? DryRunResource.from(
                                new Forecast(List.of(), List.of(), List.of(), List.of(), List.of()),
                                request.getRequestURI())
                        : renewed);
    }

    @DeleteMapping("/{id}")
    @Operation(
            operationId = "releaseAllocation",
            summary = "Give an allocation back",
            description =
                    "Unplugs the device from the guest that has it, removes it, and gives the masks back as they were found, less what others want of them by now. A guest"
                            + " that does not let go in time: 202, and the rest follows by itself.")
    @ApiResponse(responseCode = "204", description = "It is gone, or there was none", content = @Content)
    @ApiResponse(
            responseCode = "202",
            description = "Its guest did not let go in time",
            headers =
                    @Header(
                            name = HttpHeaders.LOCATION,
                            description = "What to poll: 404 when it is gone",
                            schema = @Schema(type = "string")),
            content =
                    @Content(
                            schema = @Schema(implementation = AllocationResource.class),
                            examples = @ExampleObject(name = "releasing", value = Examples.ALLOCATION_RELEASING)))
    @ApiResponse(
            responseCode = "200",
            description = "With dryRun: what would happen",
            content =
                    @Content(
                            schema = @Schema(implementation = DryRunResource.class),
                            examples = @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_UNPLUG)))
    @Refuses({ErrorCode.MDEV_IN_USE, ErrorCode.QEMU_REFUSED})
    ResponseEntity<Object> release(
            @Parameter(description = ID, example = Examples.ALLOCATION_ID) @PathVariable String id,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        return Answers.of(
                allocations.release(id, Patience.of(prefer, properties.patience()), Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> done.state()
                        .map(left -> ResponseEntity.accepted()
                                .location(URI.create(request.getRequestURI()))
                                .<Object>body(AllocationResource.from(left)))
                        .orElseGet(() -> ResponseEntity.noContent().build()));
    }

    private static Rights rights() {
        Caller caller = Caller.current();
        return new Rights(caller.has(Role.RESERVATION_ADMIN), caller.has(Role.CONTROL_DOMAIN_ADMIN));
    }
}
