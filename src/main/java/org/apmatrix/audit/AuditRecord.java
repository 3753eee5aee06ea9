package org.apmatrix.audit;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One line of the journal. The order of its members is the order in the file, and {@code hash} is the last one: see {@link Chain}.
 *
 * @param sequence counts from 1, without a gap, over all files
 * @param attempt what INTENT and OUTCOME have in common
 * @param sourceAddress the peer's, null where there was no request
 * @param operation the operationId of the OpenAPI document; null where none was reached
 * @param parameters the query's and the body's, as they were read; never a header
 * @param steps what is to be written, in order; empty where QEMU is asked
 * @param before null where nothing was looked at
 * @param after null where nothing was done, or nobody knows
 * @param code of an OUTCOME: an ErrorCode, the name of the HTTP status of a success, UNKNOWN after a crash, or the state in which the service settled something
 * @param errno the kernel's word
 * @param reason in words, where the code does not say all
 * @param attempts how many attempts the record stands for: more than one only in the summary of a flood
 */
@JsonPropertyOrder({
    "sequence",
    "time",
    "kind",
    "attempt",
    "actor",
    "sourceAddress",
    "operation",
    "target",
    "dryRun",
    "parameters",
    "steps",
    "before",
    "after",
    "code",
    "status",
    "errno",
    "reason",
    "attempts",
    "requestId",
    "traceId",
    "previousHash",
    "hash"
})
public record AuditRecord(
        long sequence,
        Instant time,
        Kind kind,
        String attempt,
        Actor actor,
        @Nullable String sourceAddress,
        @Nullable String operation,
        Target target,
        boolean dryRun,
        @Nullable Map<String, @Nullable Object> parameters,
        List<String> steps,
        @Nullable Snapshot before,
        @Nullable Snapshot after,
        @Nullable String code,
        @Nullable Integer status,
        @Nullable String errno,
        @Nullable String reason,
        int attempts,
        @Nullable String requestId,
        @Nullable String traceId,
        String previousHash,
        String hash) {
    /** Before and after. */
    public enum Kind {
        INTENT,
        OUTCOME
    }

    /** The code of an attempt whose end a crash has hidden. */
    public static final String UNKNOWN = "UNKNOWN";

    /** The same as it ended. */
    AuditRecord ended(
            Instant when,
            @Nullable Snapshot then,
            @Nullable String result,
            @Nullable Integer httpStatus,
            @Nullable String kernelErrno,
            @Nullable String why,
            int many) {
        return new AuditRecord(
                0,
                when,
                Kind.OUTCOME,
                attempt,
                actor,
                sourceAddress,
                operation,
                target,
                dryRun,
                parameters,
                steps,
                before,
                then,
                result,
                httpStatus,
                kernelErrno,
                why,
                many,
                requestId,
                traceId,
                "",
                "");
    }

    /** The same at its place in the chain, still without a hash of its own. */
    AuditRecord behind(Chain.Link previous) {
        return new AuditRecord(
                previous.sequence() + 1,
                time,
                kind,
                attempt,
                actor,
                sourceAddress,
                operation,
                target,
                dryRun,
                parameters,
                steps,
                before,
                after,
                code,
                status,
                errno,
                reason,
                attempts,
                requestId,
                traceId,
                previous.hash(),
                "");
    }

    /** A record of the service's own. */
    static AuditRecord ofTheService(
            Instant when,
            String attempt,
            String operation,
            Target target,
            @Nullable Snapshot after,
            String code,
            @Nullable String reason) {
        return new AuditRecord(
                0,
                when,
                Kind.OUTCOME,
                attempt,
                Actor.APMATRIX,
                null,
                operation,
                target,
                false,
                null,
                List.of(),
                null,
                after,
                code,
                null,
                null,
                reason,
                1,
                null,
                null,
                "",
                "");
    }
}
