package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.function.Predicate;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.apmatrix.fault.InvalidValue;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The audit journal. */
@RestController
@RequestMapping(path = "/api/v1/audit", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Audit")
class AuditController {
    private static final int USUAL = 100;
    private static final int MOST = 1000;

    private final AuditJournal journal;

    AuditController(AuditJournal journal) {
        this.journal = journal;
    }

    @GetMapping
    @Operation(
            operationId = "listAuditRecords",
            summary = "Page through the audit journal",
            description =
                    "Every attempt to change something, refused ones and dry runs included, in the order in which it was recorded. Filters may be combined; go on with"
                            + " next as after until it is null: a page may have fewer records than the limit and not be the last.")
    @ApiResponse(
            responseCode = "200",
            description = "The records behind the given one",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.AUDIT)))
    AuditResource.Page list(
            @Parameter(
                            description = "Only records behind this sequence; 0 for the beginning",
                            schema = @Schema(type = "integer", format = "int64", minimum = "0", defaultValue = "0"))
                    @RequestParam(required = false)
                    @Nullable
                    Long after,
            @Parameter(
                            description = "How many records at most",
                            schema = @Schema(type = "integer", minimum = "1", maximum = "1000", defaultValue = "100"))
                    @RequestParam(required = false)
                    @Nullable
                    Integer limit,
            @Parameter(
                            description =
                                    "This many of the last records, instead of those behind `after`; of the last 10,000 at most",
                            schema = @Schema(type = "integer", minimum = "1", maximum = "1000"))
                    @RequestParam(required = false)
                    @Nullable
                    Integer last,
            @Parameter(description = "Only dry runs, or only what was none") @RequestParam(required = false) @Nullable
                    Boolean dryRun,
            @Parameter(description = "Only of who has this name") @RequestParam(required = false) @Nullable
                    String actor,
            @Parameter(description = "Only of this operation, by its operationId, such as putMdev")
                    @RequestParam(required = false)
                    @Nullable
                    String operation,
            @Parameter(description = "Only about this path, device (UUID), guest or queue (APQN)")
                    @RequestParam(required = false)
                    @Nullable
                    String target,
            @Parameter(description = "Only with this code, such as MDEV_IN_USE or UNKNOWN")
                    @RequestParam(required = false)
                    @Nullable
                    String code) {
        long from = after == null ? 0 : after;
        int most = limit == null ? USUAL : limit;
        if (from < 0) {
            throw new InvalidValue("after", "A sequence is 0 or more.");
        }
        if (most < 1 || most > MOST) {
            throw new InvalidValue("limit", "From 1 to " + MOST + ".");
        }
        Predicate<AuditRecord> wanted = AuditJournal.wanted(actor, operation, target, code)
                .and(record -> dryRun == null || dryRun == record.dryRun());
        if (last == null) {
            return AuditResource.Page.from(journal.read(from, most, wanted));
        }
        if (last < 1 || last > MOST) {
            throw new InvalidValue("last", "From 1 to " + MOST + ".");
        }
        if (after != null || limit != null) {
            throw new InvalidValue("last", "Either the last records, or those behind a sequence (after, limit).");
        }
        return AuditResource.Page.from(new AuditJournal.Page(journal.last(last, wanted), null));
    }
}
