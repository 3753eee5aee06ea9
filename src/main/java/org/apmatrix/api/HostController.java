package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.service.HostService;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** The host and its adapters. */
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Host")
class HostController {
    private final HostService hosts;

    HostController(HostService hosts) {
        this.hosts = hosts;
    }

    @GetMapping("/host")
    @Operation(
            operationId = "getHost",
            summary = "Describe the host",
            description =
                    "What the kernel and the vfio_ap driver of this host can do, and how queues are given away on it.")
    @ApiResponse(
            responseCode = "200",
            description = "The host",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.HOST)))
    HostResource host() {
        return HostResource.from(hosts.summary());
    }

    @GetMapping("/adapters")
    @Operation(
            operationId = "listAdapters",
            summary = "List the adapters",
            description = "Every adapter that has a device on the AP bus, ascending by number.")
    @ApiResponse(
            responseCode = "200",
            description = "The adapters",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.ADAPTERS)))
    Items<AdapterResource> adapters() {
        return new Items<>(hosts.adapters().stream().map(AdapterResource::from).toList());
    }

    @GetMapping("/adapters/{adapter}")
    @Operation(
            operationId = "getAdapter",
            summary = "Show one adapter",
            description = "Its type, mode and state; a field that this kernel does not tell is null.")
    @ApiResponse(
            responseCode = "200",
            description = "The adapter",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.ADAPTER)))
    @Refuses(ErrorCode.ADAPTER_NOT_FOUND)
    AdapterResource adapter(
            @Parameter(description = Docs.ID, schema = @Schema(type = "string"), example = "0x05") @PathVariable
                    AdapterId adapter) {
        return AdapterResource.from(hosts.adapter(adapter));
    }
}
