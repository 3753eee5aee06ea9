package org.apmatrix.audit;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.HostFailure;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The journal: what is not in it is not done.
 *
 * <p>When it cannot be written, the next attempts are refused and reads go on; every further attempt, and every look at the health, tries again, and writes first
 * what is still owed: the outcomes of what had begun.
 */
public final class AuditJournal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditJournal.class);

    /** A filter that fits nothing does not make one request read the whole journal. */
    private static final int SCANNED_A_PAGE = 50_000;

    private static final int SCANNED_FROM_THE_END = 10_000;

    private final Ledger ledger;
    private final Clock clock;
    private final Refusals refusals;
    private final Map<String, AuditRecord> unfinished = new LinkedHashMap<>();

    /** The INTENTs without an OUTCOME, by attempt. */
    private final Map<String, Long> waiting = new ConcurrentHashMap<>();

    private final Deque<AuditRecord> owed = new ArrayDeque<>();
    private boolean isOpen;
    private boolean knowsUnfinished;
    private int refusedMeanwhile;
    private @Nullable Instant troubleSince;
    private volatile @Nullable String trouble;

    /**
     * Opens the journal. Where that fails the service starts all the same, and refuses to write.
     *
     * @param directory null to keep records in memory only
     */
    public AuditJournal(@Nullable Path directory, AuditProperties properties, Clock clock, Ticker ticker) {
        this.ledger = directory == null
                ? new MemoryLedger()
                : new FileLedger(directory, properties.maxFileSize().toBytes(), properties.keepFiles());
        this.clock = clock;
        this.refusals = new Refusals(properties.refusalsPerMinute(), ticker, this::summary);
        try {
            catchUp();
        } catch (IOException e) {
            fail(e);
        }
    }

    /** Begins an attempt in this thread, which must close it. */
    public Attempt begin(Attempt.Origin origin) {
        return Attempt.begin(this, origin);
    }

    /**
     * Begins an attempt of the service itself, that no request asks for.
     *
     * @param operation what it is, such as {@code restoreOnStart}
     * @param about what it is about
     */
    public Attempt beginOwn(String operation, Map<String, @Nullable Object> about) {
        Attempt attempt = begin(Attempt.Origin.NOWHERE);
        attempt.by(Actor.APMATRIX);
        attempt.of(operation, false, about);
        return attempt;
    }

    /** Throws AUDIT_UNAVAILABLE where it is known that nothing can be recorded. */
    public synchronized void requireAvailable() {
        if (trouble().isPresent()) {
            throw HostFailure.auditUnavailable();
        }
    }

    /** Why the journal cannot be written, after one more try where it could not; empty when all is well. */
    public synchronized Optional<String> trouble() {
        if (trouble != null) {
            try {
                catchUp();
            } catch (IOException e) {
                trouble = said(e);
            }
        }
        return Optional.ofNullable(trouble);
    }

    Instant now() {
        return clock.instant();
    }

    synchronized void intend(AuditRecord intent) {
        try {
            append(intent);
        } catch (IOException e) {
            fail(e);
            throw HostFailure.auditUnavailable();
        }
    }

    /**
     * @param wasIntended whether there is an INTENT that waits for it
     * @param reachedOperation whether anything but a refusal was possible
     */
    void outcome(AuditRecord outcome, boolean wasIntended, boolean reachedOperation) {
        if (wasIntended || reachedOperation || refusals.mayStandAlone(outcome)) {
            record(outcome, wasIntended);
        }
    }

    /** The summary of a flood. */
    private void summary(AuditRecord last, int many) {
        record(
                last.ended(
                        now(),
                        null,
                        last.code(),
                        last.status(),
                        null,
                        "this many attempts that reached no operation had no record of their own; this was the last one",
                        many),
                false);
    }

    /**
     * What was settled when no request waited for it any more: a late unplug, a plug that was not answered.
     *
     * @param attempt of the request that began it; null where that is not known
     * @param how in words, such as {@code DETACHING -> FREE}
     */
    public void settled(@Nullable String attempt, @Nullable String mdev, String guest, Snapshot after, String how) {
        String id = attempt == null ? UUID.randomUUID().toString() : attempt;
        Target target = new Target(null, null, mdev, guest, null);
        record(AuditRecord.ofTheService(now(), id, "settle", target, after, "SETTLED", how), false);
    }

    /** The INTENTs that an earlier process left without an OUTCOME and that nobody has closed yet, oldest first. */
    public synchronized List<AuditRecord> unfinished() {
        return List.copyOf(unfinished.values());
    }

    /**
     * Closes an INTENT of an earlier process.
     *
     * @param after what is there now; null when the look failed
     * @param reason why nobody knows more
     */
    public synchronized void close(AuditRecord intent, @Nullable Snapshot after, String reason) {
        unfinished.remove(intent.attempt());
        record(intent.ended(now(), after, AuditRecord.UNKNOWN, null, null, reason, 1), true);
        LOG.warn(
                "audit: attempt {} ({} {}) was cut off: {}",
                intent.attempt(),
                intent.operation(),
                intent.target(),
                reason);
    }

    /** Records what has happened already: where that fails, it is owed, or counted. */
    private synchronized void record(AuditRecord record, boolean isOwed) {
        if (trouble != null && !isOwed && ErrorCode.AUDIT_UNAVAILABLE.name().equals(record.code())) {
            refusedMeanwhile++;
            return;
        }
        try {
            append(record);
        } catch (IOException e) {
            if (isOwed) {
                owed.add(record);
            } else {
                refusedMeanwhile++;
            }
            fail(e);
            LOG.error("audit: not recorded{}: {}", isOwed ? " yet" : "", record, e);
        }
    }

    private void fail(IOException e) {
        if (trouble == null) {
            troubleSince = now();
            LOG.error("the audit journal cannot be written: every write is refused until it can", e);
        }
        trouble = said(e);
    }

    private static String said(IOException e) {
        return String.valueOf(e.getMessage());
    }

    private void append(AuditRecord record) throws IOException {
        if (!isOpen || trouble != null) {
            catchUp();
        }
        write(record);
    }

    /** Opens what is not open, and writes what is owed before anything else. */
    private void catchUp() throws IOException {
        Optional<String> torn = ledger.open();
        isOpen = true;
        if (!knowsUnfinished) {
            findUnfinished();
        }
        if (torn.isPresent()) {
            write(AuditRecord.ofTheService(
                    now(), UUID.randomUUID().toString(), "recoverJournal", Target.NONE, null, "TORN", torn.get()));
        }
        while (!owed.isEmpty()) {
            write(owed.getFirst());
            owed.removeFirst();
        }
        if (trouble != null) {
            write(AuditRecord.ofTheService(
                    now(),
                    UUID.randomUUID().toString(),
                    "recoverJournal",
                    Target.NONE,
                    null,
                    "RECOVERED",
                    "the journal could not be written since " + troubleSince + "; " + refusedMeanwhile
                            + " attempts were refused or recorded nowhere meanwhile"));
            LOG.info("the audit journal can be written again");
            trouble = null;
            refusedMeanwhile = 0;
        }
    }

    private void write(AuditRecord record) throws IOException {
        Chain.Line line = Chain.line(record, ledger.last());
        long sequence = line.link().sequence();
        boolean isIntent = record.kind() == AuditRecord.Kind.INTENT;
        long openSince = waiting.entrySet().stream()
                .filter(open -> !open.getKey().equals(record.attempt()))
                .mapToLong(Map.Entry::getValue)
                .min()
                .orElse(isIntent ? sequence : sequence + 1);
        ledger.append(line, openSince);
        if (isIntent) {
            waiting.put(record.attempt(), sequence);
        } else {
            waiting.remove(record.attempt());
        }
    }

    private void findUnfinished() throws IOException {
        ledger.read(ledger.openSince() - 1, line -> {
            Optional<AuditRecord> record = tryToParse(line);
            if (record.isPresent() && record.get().kind() == AuditRecord.Kind.INTENT) {
                unfinished.put(record.get().attempt(), record.get());
            } else {
                record.ifPresent(outcome -> unfinished.remove(outcome.attempt()));
            }
            return true;
        });
        unfinished.forEach((attempt, intent) -> waiting.put(attempt, intent.sequence()));
        knowsUnfinished = true;
    }

    private static Optional<AuditRecord> tryToParse(byte[] line) {
        try {
            return Optional.of(parse(line));
        } catch (IOException e) {
            LOG.error("audit: looking for attempts that were cut off", e);
            return Optional.empty();
        }
    }

    private static AuditRecord parse(byte[] line) throws IOException {
        try {
            return Chain.JSON.readValue(line, AuditRecord.class);
        } catch (JacksonException altered) {
            throw new IOException("the journal has a line that is no record; audit verify names it", altered);
        }
    }

    /**
     * A piece of the journal.
     *
     * @param next from where to go on; null at the end
     */
    public record Page(List<AuditRecord> items, @Nullable Long next) {}

    /**
     * Reads on from a record; may be called while others write. A page may have fewer records than the limit, also none, and still not be the last.
     *
     * @param after the sequence to go on behind, 0 for the beginning
     * @param wanted see {@link #wanted}
     * @throws HostFailure HOST_REFUSED when the files cannot be read
     */
    public Page read(long after, int limit, Predicate<AuditRecord> wanted) {
        List<AuditRecord> items = new ArrayList<>();
        long[] seen = {after, 0};
        boolean[] more = {false};
        try {
            ledger.read(after, line -> {
                if (Chain.sequence(line) <= after) {
                    return true;
                }
                AuditRecord record = parse(line);
                if (items.size() == limit || seen[1] == SCANNED_A_PAGE) {
                    more[0] = true;
                    return false;
                }
                seen[0] = record.sequence();
                seen[1]++;
                if (wanted.test(record)) {
                    items.add(record);
                }
                return true;
            });
        } catch (IOException | UncheckedIOException e) {
            LOG.error("the audit journal cannot be read", e);
            throw HostFailure.refused(
                    null,
                    "The audit journal cannot be read; java -jar apmatrix.jar audit verify and the log of the service tell more.");
        }
        return new Page(List.copyOf(items), more[0] ? seen[0] : null);
    }

    /**
     * The newest of the wanted records, oldest first, out of the last 10,000; may be called while others write.
     *
     * @throws HostFailure as {@link #read}
     */
    public List<AuditRecord> last(int many, Predicate<AuditRecord> wanted) {
        long end;
        synchronized (this) {
            end = ledger.last().sequence();
        }
        List<AuditRecord> found = read(Math.max(0, end - SCANNED_FROM_THE_END), Integer.MAX_VALUE, wanted)
                .items();
        return found.subList(Math.max(0, found.size() - many), found.size());
    }

    /** Records that are of this actor, operation, target and code; null for any. A target is a path, a device's UUID, a guest's name or an APQN. */
    public static Predicate<AuditRecord> wanted(
            @Nullable String actor, @Nullable String operation, @Nullable String target, @Nullable String code) {
        return record -> (actor == null || actor.equals(record.actor().name()))
                && (operation == null || operation.equals(record.operation()))
                && (target == null || record.target().names(target))
                && (code == null || code.equals(record.code()));
    }

    /** Writes the summaries that are still being counted, and lets go of the files. */
    @Override
    public void close() {
        refusals.close();
        synchronized (this) {
            try {
                ledger.close();
                isOpen = false;
            } catch (IOException e) {
                LOG.warn("the audit journal cannot be closed", e);
            }
        }
    }
}
