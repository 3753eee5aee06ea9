package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditRecord;
import org.apmatrix.audit.Snapshot;
import org.jspecify.annotations.Nullable;

/** A record of the audit journal. */
@Schema(name = "AuditRecord", description = "One record of the audit journal, as it stands in the file.")
record AuditResource(
        @Schema(description = "Counts from 1 without a gap", example = "4711")
        long sequence,

        Instant time,

        @Schema(description = "INTENT: about to be done; OUTCOME: how it ended")
        AuditRecord.Kind kind,

        @Schema(description = "What an intent and its outcome have in common", format = "uuid", example = Examples.UUID)
        String attempt,

        ActorResource actor,

        @Schema(
                types = {"string", "null"},
                example = "192.0.2.7")
        @Nullable
        String sourceAddress,

        @Schema(
                description = "The operationId of this document; null where none was reached",
                types = {"string", "null"},
                example = "putMdev")
        @Nullable
        String operation,

        TargetResource target,
        boolean dryRun,

        @Schema(
                description = "The query's and the body's, as they were read; never a header",
                types = {"object", "null"})
        @Nullable
        Map<String, @Nullable Object> parameters,

        @Schema(description = "What is to be written, in order")
        List<String> steps,

        @Schema(description = "The target before; null where nothing was looked at") @Nullable
        SnapshotResource before,

        @Schema(description = "The target afterwards; null where nothing was done, or nobody knows") @Nullable
        SnapshotResource after,

        @Schema(
                description =
                        "Of an outcome: the code of a problem, the name of the HTTP status of a success, UNKNOWN after a crash, SETTLED for what ended after its request",
                types = {"string", "null"},
                example = "OK")
        @Nullable
        String code,

        @Schema(
                types = {"integer", "null"},
                example = "200")
        @Nullable
        Integer status,

        @Schema(
                types = {"string", "null"},
                example = "EBUSY")
        @Nullable
        String errno,

        @Schema(types = {"string", "null"}) @Nullable String reason,

        @Schema(
                description = "How many attempts the record stands for: more than 1 only in the summary of a flood",
                example = "1")
        int attempts,

        @Schema(types = {"string", "null"}) @Nullable String requestId,
        @Schema(types = {"string", "null"}) @Nullable String traceId,
        String previousHash,

        @Schema(description = "SHA-256 over the bytes of the line in the file before ,\"hash\":")
        String hash) {
    /** Who. */
    @Schema(name = "AuditActor")
    record ActorResource(
            @Schema(example = "ci") String name,

            @Schema(allowableValues = {"token", "jwt", "certificate", "socket", "anonymous", "none"})
            String authentication) {}

    /** On what. */
    @Schema(name = "AuditTarget")
    record TargetResource(
            @Schema(types = {"string", "null"}) @Nullable String method,
            @Schema(types = {"string", "null"}) @Nullable String path,
            @Schema(types = {"string", "null"}) @Nullable String mdev,
            @Schema(types = {"string", "null"}) @Nullable String guest,
            @Schema(types = {"string", "null"}) @Nullable String queue) {}

    /** What was there. */
    @Schema(name = "AuditSnapshot", description = "What the target was: what it is not about is null.")
    record SnapshotResource(
            @Schema(description = "Whether the device stands, or one is plugged in")
            boolean exists,

            @Schema(types = {"array", "null"}) @Nullable List<Integer> adapters,
            @Schema(types = {"array", "null"}) @Nullable List<Integer> domains,
            @Schema(types = {"array", "null"}) @Nullable List<Integer> controlDomains,
            @Schema(types = {"string", "null"}) @Nullable String apmask,
            @Schema(types = {"string", "null"}) @Nullable String aqmask,

            @Schema(
                    description = "What is plugged into the guest",
                    types = {"string", "null"})
            @Nullable
            String mdev,

            @Schema(types = {"string", "null"}) @Nullable String state,

            @Schema(
                    description = "The queue's",
                    types = {"string", "null"})
            @Nullable
            String driver) {
        static @Nullable SnapshotResource from(@Nullable Snapshot snapshot) {
            return snapshot == null
                    ? null
                    : new SnapshotResource(
                            snapshot.exists(),
                            snapshot.adapters(),
                            snapshot.domains(),
                            snapshot.controlDomains(),
                            snapshot.apmask(),
                            snapshot.aqmask(),
                            snapshot.mdev(),
                            snapshot.state(),
                            snapshot.driver());
        }
    }

    /** A piece of the journal. */
    @Schema(name = "AuditPage")
    record Page(
            List<AuditResource> items,

            @Schema(
                    description = "What to give as after for the next page; null at the end",
                    types = {"integer", "null"})
            @Nullable
            Long next) {
        static Page from(AuditJournal.Page page) {
            return new Page(page.items().stream().map(AuditResource::from).toList(), page.next());
        }
    }

    static AuditResource from(AuditRecord record) {
        return new AuditResource(
                record.sequence(),
                record.time(),
                record.kind(),
                record.attempt(),
                new ActorResource(record.actor().name(), record.actor().authentication()),
                record.sourceAddress(),
                record.operation(),
                new TargetResource(
                        record.target().method(),
                        record.target().path(),
                        record.target().mdev(),
                        record.target().guest(),
                        record.target().queue()),
                record.dryRun(),
                record.parameters(),
                record.steps(),
                SnapshotResource.from(record.before()),
                SnapshotResource.from(record.after()),
                record.code(),
                record.status(),
                record.errno(),
                record.reason(),
                record.attempts(),
                record.requestId(),
                record.traceId(),
                record.previousHash(),
                record.hash());
    }
}
