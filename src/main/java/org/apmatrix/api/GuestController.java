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
import java.time.Duration;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.NotFound;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.service.GuestService;
import org.apmatrix.service.HotplugService;
import org.apmatrix.service.MigrationService;
import org.apmatrix.service.SecureKeys;
import org.apmatrix.service.StoredDevices;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
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

/** Guests: what is plugged into each, hot plug, hot unplug, and what a migration needs. */
@RestController
@RequestMapping(path = "/api/v1/guests", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Guests")
class GuestController {
    private final GuestService guests;
    private final HotplugService hotplug;
    private final StoredDevices stored;
    private final MigrationService migrations;
    private final SecureKeys secureKeys;
    private final GuestProperties properties;

    GuestController(
            GuestService guests,
            HotplugService hotplug,
            StoredDevices stored,
            MigrationService migrations,
            SecureKeys secureKeys,
            GuestProperties properties) {
        this.guests = guests;
        this.hotplug = hotplug;
        this.stored = stored;
        this.migrations = migrations;
        this.secureKeys = secureKeys;
        this.properties = properties;
    }

    @GetMapping
    @Operation(
            operationId = "listGuests",
            summary = "List the guests",
            description =
                    "Every guest whose monitor this service was told about. All are asked at once; one whose QEMU does not answer is unreachable.")
    @ApiResponse(
            responseCode = "200",
            description = "The guests, by name",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.GUESTS)))
    Items<GuestResource> list() {
        return new Items<>(guests.list().stream()
                .map(guest -> GuestResource.from(guest, secureKeys))
                .toList());
    }

    @GetMapping("/{guest}")
    @Operation(
            operationId = "getGuest",
            summary = "Show one guest",
            description =
                    "Its state in QEMU's own word, its CPU features, and what its AP bus holds, whoever plugged it.")
    @ApiResponse(
            responseCode = "200",
            description = "The guest",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.GUEST)))
    @Refuses(ErrorCode.GUEST_NOT_FOUND)
    GuestResource get(@Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest) {
        return GuestResource.from(guests.get(name(guest)), secureKeys);
    }

    @GetMapping("/{guest}/ap-device")
    @Operation(
            operationId = "getApDevice",
            summary = "Show what is plugged in",
            description = "The guest's vfio-ap device, asked of QEMU's AP bus.")
    @ApiResponse(
            responseCode = "200",
            description = "The device",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.AP_DEVICE)))
    @Refuses({ErrorCode.GUEST_NOT_FOUND, ErrorCode.AP_DEVICE_NOT_FOUND})
    ApDeviceResource getDevice(@Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest) {
        return ApDeviceResource.from(guests.device(name(guest)), secureKeys);
    }

    @PutMapping(path = "/{guest}/ap-device", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "plugApDevice",
            summary = "Plug a mediated device in",
            description =
                    "While the guest runs, is paused or waits in prelaunch. Answers when QEMU's AP bus holds the device; the guest sees its queues after its own bus"
                            + " scan, by guestVisibleBy. When QEMU falls silent the answer is 503, the device stays ATTACHING and in use, and the service finds out.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples = @ExampleObject(Examples.PLUG)))
    @ApiResponse(
            responseCode = "201",
            description = "It was plugged in",
            content =
                    @Content(
                            schema = @Schema(implementation = ApDeviceResource.class),
                            examples = @ExampleObject(name = "apDevice", value = Examples.AP_DEVICE)))
    @ApiResponse(
            responseCode = "200",
            description = "This very device was plugged in already; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {ApDeviceResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "apDevice", value = Examples.AP_DEVICE),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_PLUG)
                            }))
    @Refuses({
        ErrorCode.GUEST_NOT_FOUND,
        ErrorCode.MDEV_NOT_FOUND,
        ErrorCode.GUEST_NOT_RUNNING,
        ErrorCode.GUEST_HAS_AP_DEVICE,
        ErrorCode.MDEV_ATTACHED_ELSEWHERE,
        ErrorCode.CPU_FEATURE_MISSING,
        ErrorCode.MATRIX_EMPTY,
        ErrorCode.MDEV_NOT_AUTOSTARTED,
        ErrorCode.QEMU_REFUSED,
        ErrorCode.QEMU_UNREACHABLE
    })
    ResponseEntity<Object> plug(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest,
            @RequestBody ApDeviceResource.Request body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        GuestName name = name(guest);
        if (body.mdev() == null) {
            throw new InvalidValue("mdev", "The UUID of the mediated device that is to be plugged in.");
        }
        MdevId mdev = ApiConverters.mdevId("mdev", body.mdev());
        Duration patience = Patience.of(prefer, properties.patience());
        return Answers.of(
                Boolean.TRUE.equals(body.persistent())
                        ? stored.plug(name, mdev, patience, Boolean.TRUE.equals(dryRun))
                        : hotplug.plug(name, mdev, patience, Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> ResponseEntity.status(done.created() ? HttpStatus.CREATED : HttpStatus.OK)
                        .headers(headers -> {
                            if (done.created()) {
                                headers.setLocation(URI.create(request.getRequestURI()));
                            }
                        })
                        .body(ApDeviceResource.from(done.state(), secureKeys)));
    }

    @DeleteMapping("/{guest}/ap-device")
    @Operation(
            operationId = "unplugApDevice",
            summary = "Unplug what is plugged in",
            description =
                    "Answers when QEMU's AP bus is empty. Its queues are zeroized by the kernel then. When QEMU does not say so in time, 202: the device stays DETACHING and"
                            + " in use until it is certain; asking again joins the same unplug. There is no force.")
    @ApiResponse(responseCode = "204", description = "Nothing is plugged in any more", content = @Content)
    @ApiResponse(
            responseCode = "202",
            description = "QEMU did not say in time that the device is gone",
            headers =
                    @Header(
                            name = HttpHeaders.LOCATION,
                            description = "What to poll: 404 when it is gone",
                            schema = @Schema(type = "string")),
            content =
                    @Content(
                            schema = @Schema(implementation = ApDeviceResource.class),
                            examples = @ExampleObject(name = "detaching", value = Examples.DETACHING)))
    @ApiResponse(
            responseCode = "200",
            description = "With dryRun: what would happen",
            content =
                    @Content(
                            schema = @Schema(implementation = DryRunResource.class),
                            examples = @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_UNPLUG)))
    @Refuses({
        ErrorCode.GUEST_NOT_FOUND,
        ErrorCode.AP_DEVICE_MISMATCH,
        ErrorCode.QEMU_REFUSED,
        ErrorCode.QEMU_UNREACHABLE
    })
    ResponseEntity<Object> unplug(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest,
            @Parameter(
                            description = "Only when it is this one that is plugged in",
                            schema = @Schema(type = "string", format = "uuid"))
                    @RequestParam(required = false)
                    @Nullable
                    MdevId mdev,
            @Parameter(
                            description =
                                    "Also out of what the guest's next start gives it; only for guests with a stored definition (libvirt's)")
                    @RequestParam(required = false)
                    @Nullable
                    Boolean persistent,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        Duration patience = Patience.of(prefer, properties.patience());
        return Answers.of(
                Boolean.TRUE.equals(persistent)
                        ? stored.unplug(name(guest), mdev, patience, Boolean.TRUE.equals(dryRun))
                        : hotplug.unplug(name(guest), mdev, patience, Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> done.state()
                        .map(device -> ResponseEntity.accepted()
                                .location(URI.create(request.getRequestURI()))
                                .<Object>body(ApDeviceResource.from(device, secureKeys)))
                        .orElseGet(() -> ResponseEntity.noContent().build()));
    }

    @GetMapping("/{guest}/migration-readiness")
    @Operation(
            operationId = "getMigrationReadiness",
            summary = "Tell what keeps a guest from migrating",
            description =
                    "Everything at once: the plugged device, QEMU's own reasons, and a guest that is not in a state to migrate.")
    @ApiResponse(
            responseCode = "200",
            description = "Ready, or what is in the way",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.READINESS)))
    @Refuses(ErrorCode.GUEST_NOT_FOUND)
    MigrationResources.Readiness readiness(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest) {
        return MigrationResources.Readiness.from(migrations.blockers(name(guest)));
    }

    @PostMapping(path = "/{guest}/migration-readiness", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "compareMigrationTarget",
            summary = "Compare a guest's queues with a migration's target",
            description =
                    "Takes what the target's apmatrix answers to GET /api/v1/queues, and tells for each queue of the guest's matrix what is at the same APQN there: mode, hardware type,"
                            + " master keys, and who has it. Compared is the device that is plugged in, or the one that a prepared migration took out. Changes nothing. An inventory that is"
                            + " larger than a body may be can be filtered by adapter or domain.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.QUEUES)))
    @ApiResponse(
            responseCode = "200",
            description = "What is in the way here, and what differs there",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.COMPARISON)))
    @Refuses({ErrorCode.GUEST_NOT_FOUND, ErrorCode.MDEV_NOT_FOUND})
    MigrationResources.Comparison compare(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest,
            @RequestBody MigrationTargetBody body) {
        return MigrationResources.Comparison.from(migrations.compare(name(guest), body.inventory(), body.targetMdev()));
    }

    @GetMapping("/{guest}/migration-preparation")
    @Operation(
            operationId = "getMigrationPreparation",
            summary = "Show a prepared migration",
            description = "What was unplugged for it, and whether it is out.")
    @ApiResponse(
            responseCode = "200",
            description = "The preparation",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.PREPARATION)))
    @Refuses({ErrorCode.GUEST_NOT_FOUND, ErrorCode.NOT_FOUND})
    MigrationResources.Preparation preparation(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest) {
        return MigrationResources.Preparation.from(migrations.get(name(guest)));
    }

    @PostMapping("/{guest}/migration-preparation")
    @Operation(
            operationId = "prepareMigration",
            summary = "Prepare a migration",
            description =
                    "Unplugs the guest and remembers what, over a restart of the service too. Again: the same answer, and nothing is done twice, so it needs no Idempotency-Key.")
    @ApiResponse(
            responseCode = "200",
            description = "The guest is unplugged; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {MigrationResources.Preparation.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "preparation", value = Examples.PREPARATION),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_UNPLUG)
                            }))
    @ApiResponse(
            responseCode = "202",
            description = "QEMU did not say in time that the device is gone",
            headers =
                    @Header(
                            name = HttpHeaders.LOCATION,
                            description = "What to poll",
                            schema = @Schema(type = "string")),
            content =
                    @Content(
                            schema = @Schema(implementation = MigrationResources.Preparation.class),
                            examples = @ExampleObject(name = "detaching", value = Examples.PREPARING)))
    @Refuses({ErrorCode.GUEST_NOT_FOUND, ErrorCode.QEMU_REFUSED, ErrorCode.QEMU_UNREACHABLE})
    ResponseEntity<Object> prepare(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        return Answers.of(
                migrations.prepare(
                        name(guest), Patience.of(prefer, properties.patience()), Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> done.state().progress() == MigrationService.Progress.PREPARED
                        ? ResponseEntity.ok(MigrationResources.Preparation.from(done.state()))
                        : ResponseEntity.accepted()
                                .location(URI.create(request.getRequestURI()))
                                .body(MigrationResources.Preparation.from(done.state())));
    }

    @DeleteMapping("/{guest}/migration-preparation")
    @Operation(
            operationId = "restoreAfterMigration",
            summary = "Take a preparation back",
            description =
                    "Plugs in again what was unplugged, under the laws of every plug: a device that was given away meanwhile is refused, and the preparation stays.")
    @ApiResponse(
            responseCode = "200",
            description = "It is plugged in again; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {ApDeviceResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "apDevice", value = Examples.AP_DEVICE),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_PLUG)
                            }))
    @ApiResponse(
            responseCode = "204",
            description = "Nothing was prepared, or nothing had been plugged in",
            content = @Content)
    @Refuses({
        ErrorCode.GUEST_NOT_FOUND,
        ErrorCode.MDEV_NOT_FOUND,
        ErrorCode.GUEST_NOT_RUNNING,
        ErrorCode.GUEST_HAS_AP_DEVICE,
        ErrorCode.MDEV_ATTACHED_ELSEWHERE,
        ErrorCode.CPU_FEATURE_MISSING,
        ErrorCode.MATRIX_EMPTY,
        ErrorCode.QEMU_REFUSED,
        ErrorCode.QEMU_UNREACHABLE
    })
    ResponseEntity<Object> restore(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest,
            @Parameter(description = "false: forget the preparation and plug nothing in")
                    @RequestParam(required = false)
                    @Nullable
                    Boolean plug,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.PREFER, example = "wait=10")
                    @RequestHeader(name = "Prefer", required = false)
                    @Nullable
                    String prefer,
            HttpServletRequest request) {
        boolean dry = Boolean.TRUE.equals(dryRun);
        return Answers.of(
                Boolean.FALSE.equals(plug)
                        ? migrations.forget(name(guest), dry)
                        : migrations.restore(name(guest), Patience.of(prefer, properties.patience()), dry),
                request.getRequestURI(),
                done -> done.state()
                        .<ResponseEntity<Object>>map(
                                device -> ResponseEntity.ok(ApDeviceResource.from(device, secureKeys)))
                        .orElseGet(() -> ResponseEntity.noContent().build()));
    }

    /** A text that cannot be a guest's name is the name of no guest. */
    private static GuestName name(String text) {
        return GuestName.parse(text).orElseThrow(() -> NotFound.guest(ApiConverters.excerpt(text)));
    }
}
