package org.apmatrix.audit;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.HostFailure;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to change something, from its request to its answer, bound to the thread that works on it.
 *
 * <p>Whoever is about to touch the kernel, QEMU or a note says {@link #intend} first. Where no request is being worked on, {@link #current} is an attempt of nobody,
 * which records nothing.
 */
public final class Attempt implements AutoCloseable {
    private static final ThreadLocal<@Nullable Attempt> CURRENT = new ThreadLocal<>();

    private final String id;
    private final @Nullable AuditJournal journal;
    private final Origin origin;
    private Actor actor = Actor.ANONYMOUS;
    private @Nullable String operation;
    private @Nullable String mdev;
    private @Nullable String guest;
    private @Nullable String queue;
    private boolean dryRun;
    private @Nullable Map<String, @Nullable Object> parameters;
    private List<String> steps = List.of();
    private @Nullable Snapshot before;
    private @Nullable Snapshot after;
    private @Nullable String code;
    private @Nullable String errno;
    private boolean isIntended;
    private boolean hasEnded;

    /**
     * Where a request comes from and where it goes to.
     *
     * @param traceId null where nobody traces
     */
    public record Origin(
            @Nullable String sourceAddress,
            @Nullable String method,
            @Nullable String path,
            @Nullable String requestId,
            @Nullable String traceId) {
        static final Origin NOWHERE = new Origin(null, null, null, null, null);
    }

    private Attempt(@Nullable AuditJournal journal, Origin origin) {
        this.id = journal == null ? "" : UUID.randomUUID().toString();
        this.journal = journal;
        this.origin = origin;
    }

    /** Begins one in this thread. */
    static Attempt begin(AuditJournal journal, Origin origin) {
        Attempt attempt = new Attempt(journal, origin);
        CURRENT.set(attempt);
        return attempt;
    }

    /** The attempt that this thread works on. */
    public static Attempt current() {
        Attempt current = CURRENT.get();
        return current == null ? new Attempt(null, Origin.NOWHERE) : current;
    }

    /** What all records of this attempt have in common; null where nothing is recorded. */
    public @Nullable String id() {
        return journal == null ? null : id;
    }

    /** Who it is. */
    public void by(Actor who) {
        actor = who;
    }

    /**
     * Which operation was reached.
     *
     * @param operationId of the OpenAPI document
     * @param asDryRun whether nothing is to be changed
     * @param read the parameters, without any header
     */
    public void of(String operationId, boolean asDryRun, Map<String, @Nullable Object> read) {
        operation = operationId;
        dryRun = asDryRun;
        parameters = read;
    }

    /** The parameters again, with the body. */
    public void with(Map<String, @Nullable Object> read) {
        parameters = read;
    }

    public @Nullable Map<String, @Nullable Object> parameters() {
        return parameters;
    }

    public void on(MdevId id) {
        mdev = id.toString();
    }

    public void on(GuestName name) {
        guest = name.toString();
    }

    public void on(Apqn apqn) {
        queue = apqn.toString();
    }

    /** What the target is before anything is touched. */
    public void before(@Nullable Snapshot snapshot) {
        before = snapshot;
    }

    /** What the target is now; null when nothing was done, or nobody knows. */
    public void after(@Nullable Snapshot snapshot) {
        after = snapshot;
    }

    /** What is going to be written, in order. */
    public void steps(List<String> planned) {
        steps = List.copyOf(planned);
    }

    /** Says again what the whole is about, after parts of it have said what they are about: it has no single target. */
    public void whole(List<String> all, @Nullable Snapshot was, @Nullable Snapshot now) {
        steps = List.copyOf(all);
        before = was;
        after = now;
        mdev = null;
        guest = null;
        queue = null;
    }

    /**
     * Puts on disk what is going to be done, and returns when it is there; once is enough.
     *
     * @throws HostFailure AUDIT_UNAVAILABLE: nothing may be touched then
     */
    public void intend() {
        if (journal != null && !isIntended) {
            journal.intend(record(AuditRecord.Kind.INTENT));
            isIntended = true;
        }
    }

    /** What it is refused for. */
    public void refused(String errorCode, @Nullable String kernelErrno) {
        code = errorCode;
        errno = kernelErrno;
    }

    /** Whether it was said that something is going to be done. */
    public boolean isIntended() {
        return isIntended;
    }

    /**
     * Records how work of the service's own ended.
     *
     * @param result such as {@code RELEASED}, or the code of what it failed for
     * @param kernelErrno null where the kernel said nothing
     */
    public void endOwn(String result, @Nullable String kernelErrno) {
        if (journal == null || hasEnded) {
            return;
        }
        hasEnded = true;
        journal.outcome(
                record(AuditRecord.Kind.OUTCOME).ended(journal.now(), after, result, null, kernelErrno, null, 1),
                isIntended,
                true);
    }

    /** Whether the outcome is recorded, or still to come. */
    public boolean hasEnded() {
        return hasEnded;
    }

    /**
     * Records how it ended; only the first end counts.
     *
     * @param status of the answer
     * @param codeOfStatus where nobody has said what it was refused for
     */
    public void end(int status, String codeOfStatus) {
        if (journal == null || hasEnded) {
            return;
        }
        hasEnded = true;
        String result = code != null && status >= 400 ? code : codeOfStatus;
        AuditRecord outcome = record(AuditRecord.Kind.OUTCOME)
                .ended(journal.now(), after, result, status, status >= 400 ? errno : null, null, 1);
        journal.outcome(outcome, isIntended, operation != null);
    }

    private AuditRecord record(AuditRecord.Kind kind) {
        return new AuditRecord(
                0,
                journal == null ? Instant.EPOCH : journal.now(),
                kind,
                id,
                actor,
                origin.sourceAddress(),
                operation,
                new Target(origin.method(), origin.path(), mdev, guest, queue),
                dryRun,
                parameters,
                steps,
                before,
                null,
                null,
                null,
                null,
                null,
                1,
                origin.requestId(),
                origin.traceId(),
                "",
                "");
    }

    /** The thread works on something else from now on. */
    @Override
    public void close() {
        CURRENT.remove();
    }
}
