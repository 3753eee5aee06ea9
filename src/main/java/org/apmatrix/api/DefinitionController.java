package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.service.DefinitionService;
import org.apmatrix.service.Outcome;
import org.apmatrix.service.StateTag;
import org.apmatrix.service.WriteOptions;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.util.MimeTypeUtils;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Definitions of devices, as mdevctl and libvirt keep them. */
@RestController
@RequestMapping("/api/v1")
@Tag(name = "Definitions")
class DefinitionController {
    private final DefinitionService definitions;

    DefinitionController(DefinitionService definitions) {
        this.definitions = definitions;
    }

    @GetMapping(path = "/definitions", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "listDefinitions",
            summary = "Compare what is defined with what stands",
            description =
                    "Every device that is defined or stands, by UUID: what mdevctl has in mind against what the kernel holds.")
    @ApiResponse(
            responseCode = "200",
            description = "The devices, and the files that are no definitions",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.DEFINITIONS)))
    DefinitionResources.DefinitionsResource list() {
        return DefinitionResources.DefinitionsResource.from(definitions.list());
    }

    @GetMapping(
            path = "/mdevs/{uuid}/definition",
            produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.APPLICATION_XML_VALUE})
    @Operation(
            operationId = "getDefinition",
            summary = "Show the definition of a device",
            description =
                    "As mdevctl keeps it, byte by byte; with Accept: application/xml as a node device for virsh nodedev-define, which has no word for the start.")
    @ApiResponse(
            responseCode = "200",
            description = "The definition; as JSON with an ETag",
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(type = "object", description = "mdevctl's own document"),
                        examples = @ExampleObject(Examples.DEFINITION_FILE)),
                @Content(
                        mediaType = MediaType.APPLICATION_XML_VALUE,
                        schema = @Schema(type = "string", description = "libvirt's node device"),
                        examples = @ExampleObject(Examples.NODE_DEVICE))
            })
    @Refuses(ErrorCode.DEFINITION_NOT_FOUND)
    ResponseEntity<byte[]> get(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            HttpServletRequest request) {
        if (prefersXml(request.getHeader(HttpHeaders.ACCEPT))) {
            return ResponseEntity.ok()
                    .varyBy(HttpHeaders.ACCEPT)
                    .contentType(MediaType.APPLICATION_XML)
                    .body(definitions.nodeDevice(uuid).getBytes(StandardCharsets.UTF_8));
        }
        DefinitionService.Defined state = definitions.get(uuid);
        return ResponseEntity.ok()
                .eTag(StateTag.of(state))
                .varyBy(HttpHeaders.ACCEPT)
                .contentType(MediaType.APPLICATION_JSON)
                .body(state.text().getBytes(StandardCharsets.UTF_8));
    }

    /** JSON where both are as welcome. */
    private static boolean prefersXml(@Nullable String accept) {
        List<MediaType> welcome = accept == null ? List.of() : MediaType.parseMediaTypes(accept);
        return quality(welcome, MediaType.APPLICATION_XML) > quality(welcome, MediaType.APPLICATION_JSON);
    }

    /** What the most specific range that has the type says (RFC 9110, 12.5.1). */
    private static double quality(List<MediaType> welcome, MediaType type) {
        List<MediaType> fitting =
                welcome.stream().filter(range -> range.includes(type)).toList();
        List<MediaType> sorted = new ArrayList<>(fitting);
        MimeTypeUtils.sortBySpecificity(sorted);
        return sorted.isEmpty() ? 0 : sorted.get(0).getQualityValue();
    }

    @PutMapping(
            path = "/mdevs/{uuid}/definition",
            consumes = {MediaType.APPLICATION_JSON_VALUE, MediaType.APPLICATION_XML_VALUE},
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "putDefinition",
            summary = "Define a device, so that it can come back after a boot",
            description =
                    "Keeps mdevctl's JSON as it is sent, or a node device of libvirt. mdev_type may be left out. Without attrs, what stands is kept with the members"
                            + " that are sent: {\"start\": \"auto\"} makes the device that stands come back at boot. autostart, true or false, is taken for start where"
                            + " there is none. No body keeps what stands. Two definitions that start at boot do not share a queue. The device itself is not touched.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(type = "object", description = "mdevctl's own document, or a part of it"),
                        examples = {
                            @ExampleObject(
                                    name = "whole",
                                    summary = "mdevctl's own document",
                                    value = Examples.DEFINITION_FILE),
                            @ExampleObject(
                                    name = "comeBack",
                                    summary = "Make what stands come back at boot",
                                    value = Examples.DEFINITION_AUTO)
                        }),
                @Content(
                        mediaType = MediaType.APPLICATION_XML_VALUE,
                        schema = @Schema(type = "string", description = "libvirt's node device"),
                        examples = @ExampleObject(Examples.NODE_DEVICE))
            })
    @ApiResponse(
            responseCode = "201",
            description = "It was defined; Location names the definition",
            content =
                    @Content(
                            schema = @Schema(implementation = DefinitionResources.DefinitionResource.class),
                            examples = @ExampleObject(name = "definition", value = Examples.DEFINITION)))
    @ApiResponse(
            responseCode = "200",
            description = "The definition as it is kept now, with its ETag; or with dryRun what would happen",
            content =
                    @Content(
                            schema =
                                    @Schema(
                                            oneOf = {DefinitionResources.DefinitionResource.class, DryRunResource.class
                                            }),
                            examples = {
                                @ExampleObject(name = "definition", value = Examples.DEFINITION),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_DEFINITION)
                            }))
    @Refuses({
        ErrorCode.ID_ABOVE_MAXIMUM,
        ErrorCode.MATRIX_TOO_LARGE,
        ErrorCode.DEFINITION_CONFLICT,
        ErrorCode.DEFINITION_NOT_STARTABLE,
        ErrorCode.STATE_CHANGED
    })
    ResponseEntity<Object> put(
            @Parameter(
                            description = Docs.UUID,
                            schema = @Schema(type = "string", format = "uuid"),
                            example = Examples.UUID)
                    @PathVariable
                    MdevId uuid,
            @RequestBody(required = false) byte @Nullable [] body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            @Parameter(description = Docs.IF_MATCH)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    @Nullable
                    String ifMatch,
            HttpServletRequest request) {
        WriteOptions options = Answers.options(dryRun, null, ifMatch);
        Outcome<DefinitionService.Defined> outcome = body != null && isXml(request.getContentType())
                ? definitions.putNodeDevice(uuid, body, options)
                : definitions.put(uuid, body == null ? "{}" : text(body), options);
        return Answers.of(
                outcome,
                request.getRequestURI(),
                done -> Answers.tagged(
                        done,
                        DefinitionResources.DefinitionResource.from(done.state()),
                        request.getContextPath() + "/api/v1/mdevs/" + uuid + "/definition"));
    }

    private static boolean isXml(@Nullable String contentType) {
        return contentType != null
                && MediaType.APPLICATION_XML.equalsTypeAndSubtype(MediaType.parseMediaType(contentType));
    }

    private static String text(byte[] body) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new InvalidValue("body", "The JSON is not in UTF-8.");
        }
    }

    @DeleteMapping(path = "/mdevs/{uuid}/definition", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "deleteDefinition",
            summary = "Undefine a device",
            description =
                    "It then does not come back after a boot. The device itself stands as before. Already gone: 204.")
    @ApiResponse(responseCode = "204", description = "There is no definition", content = @Content)
    @ApiResponse(
            responseCode = "200",
            description = "With dryRun: what would happen",
            content =
                    @Content(
                            schema = @Schema(implementation = DryRunResource.class),
                            examples = @ExampleObject(name = "dryRun", value = Examples.DRY_RUN_UNDEFINE)))
    @Refuses(ErrorCode.STATE_CHANGED)
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
                definitions.delete(uuid, Answers.options(dryRun, null, ifMatch)),
                request.getRequestURI(),
                done -> ResponseEntity.noContent().build());
    }
}
