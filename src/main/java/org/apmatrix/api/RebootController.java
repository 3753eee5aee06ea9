package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import org.apmatrix.service.RebootService;
import org.apmatrix.service.Restoration;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** What a reboot would leave, and what the last start has restored. */
@RestController
@RequestMapping(path = "/api/v1/host", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Host")
class RebootController {
    private final RebootService reboots;
    private final Restoration restoration;

    RebootController(RebootService reboots, Restoration restoration) {
        this.reboots = reboots;
        this.restoration = restoration;
    }

    @GetMapping("/after-reboot")
    @Operation(
            operationId = "getAfterReboot",
            summary = "Tell what comes back after a reboot",
            description =
                    "The masks that the next boot sets and who says so, which devices it makes, and what does not come back and why. It is read from the kernel command"
                            + " line, chzdev's udev rule, modules-load.d and mdevctl's definitions; nothing is changed.")
    @ApiResponse(
            responseCode = "200",
            description = "The host after its next boot",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.AFTER_REBOOT)))
    AfterRebootResource get() {
        return AfterRebootResource.from(reboots.look());
    }

    @GetMapping("/boot-report")
    @Operation(
            operationId = "getBootReport",
            summary = "Tell what the last start has restored",
            description =
                    "With apmatrix.restore-on-start, the service applies every document again when it starts. This is how that went, owner by owner.")
    @ApiResponse(
            responseCode = "200",
            description = "The report",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.BOOT_REPORT)))
    BootReportResource bootReport(HttpServletRequest request) {
        return BootReportResource.from(restoration.report(), request.getRequestURI());
    }
}
