package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.service.HostView;
import org.apmatrix.service.QueueService;
import org.apmatrix.service.QueueService.QueueState;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** AP queues. */
@RestController
@RequestMapping(path = "/api/v1/queues", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Queues")
class QueueController {
    private final QueueService queues;

    QueueController(QueueService queues) {
        this.queues = queues;
    }

    @GetMapping
    @Operation(
            operationId = "listQueues",
            summary = "List the queues",
            description = "Every queue that has a device, by adapter and domain. Filters may be combined.")
    @ApiResponse(
            responseCode = "200",
            description = "The queues",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.QUEUES)))
    Items<QueueResource> list(
            @Parameter(description = "Only this adapter; decimal or 0x hex", schema = @Schema(type = "string"))
                    @RequestParam(required = false)
                    @Nullable
                    AdapterId adapter,
            @Parameter(description = "Only this domain; decimal or 0x hex", schema = @Schema(type = "string"))
                    @RequestParam(required = false)
                    @Nullable
                    DomainId domain,
            @Parameter(description = "Only queues of this driver; none for those that are not bound")
                    @RequestParam(required = false)
                    @Nullable
                    String driver,
            @Parameter(
                            description = "Only queues that are assigned to this mediated device",
                            schema = @Schema(type = "string", format = "uuid"))
                    @RequestParam(required = false)
                    @Nullable
                    MdevId mdev,
            @Parameter(description = "Only queues that this guest uses") @RequestParam(required = false) @Nullable
                    String guest) {
        return new Items<>(queues
                .list(queue -> (adapter == null || queue.apqn().adapter().equals(adapter))
                        && (domain == null || queue.apqn().domain().equals(domain))
                        && (driver == null || driver.equals(queue.driver() == null ? "none" : queue.driver()))
                        && (mdev == null || isOwnedBy(queue, mdev)))
                .stream()
                .map(QueueResource::from)
                .filter(queue -> guest == null || guest.equals(queue.guest()))
                .toList());
    }

    private static boolean isOwnedBy(QueueState queue, MdevId mdev) {
        HostView.Entry owner = queue.owner();
        return owner != null && owner.mdev().id().equals(mdev);
    }

    @GetMapping("/{apqn}")
    @Operation(
            operationId = "getQueue",
            summary = "Show one queue",
            description =
                    "Its driver, whether it is reserved for the host, and the mediated device that it is assigned to.")
    @ApiResponse(
            responseCode = "200",
            description = "The queue",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.QUEUE)))
    @Refuses(ErrorCode.QUEUE_NOT_FOUND)
    QueueResource get(
            @Parameter(description = "In the kernel's spelling", schema = @Schema(type = "string"), example = "05.0004")
                    @PathVariable
                    Apqn apqn) {
        return QueueResource.from(queues.get(apqn));
    }

    /** What a caller wants a queue's driver to be. */
    @Schema(name = "DriverRequest")
    record DriverRequest(
            @Schema(
                    allowableValues = {"vfio_ap", "default"},
                    requiredMode = Schema.RequiredMode.REQUIRED)
            @Nullable
            String driver) {
        boolean toVfioAp() {
            if ("vfio_ap".equals(driver) || "default".equals(driver)) {
                return "vfio_ap".equals(driver);
            }
            throw new InvalidValue("driver", "Either vfio_ap or default.");
        }
    }

    @PutMapping(path = "/{apqn}/driver", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "putQueueDriver",
            summary = "Hand over one queue",
            description =
                    "Gives a single queue to vfio_ap, or back to the host's default driver, through driver_override and re-binding: kernels from 6.19 on,"
                            + " while both masks are all ones.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.DRIVER)))
    @ApiResponse(
            responseCode = "200",
            description = "The queue as it is now, or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {QueueResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "queue", value = Examples.QUEUE),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @Refuses({
        ErrorCode.QUEUE_NOT_FOUND,
        ErrorCode.APQN_IN_USE,
        ErrorCode.DRIVER_OVERRIDE_UNSUPPORTED,
        ErrorCode.QUEUE_ASSIGNMENT_MIXED
    })
    ResponseEntity<Object> putDriver(
            @Parameter(description = "In the kernel's spelling", schema = @Schema(type = "string"), example = "05.0004")
                    @PathVariable
                    Apqn apqn,
            @RequestBody DriverRequest body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                queues.handOver(apqn, body.toVfioAp(), Answers.options(dryRun, null, null)),
                request.getRequestURI(),
                done -> ResponseEntity.ok(QueueResource.from(done.state())));
    }
}
