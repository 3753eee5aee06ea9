package org.apmatrix.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Follows the chain of a journal from its first record to its last, and finds the first one that was altered, deleted, inserted or moved.
 *
 * <p>Whoever may write the files can make the whole chain anew, and the head with it: against that only a copy elsewhere helps, or the hashes that the service
 * writes to its log at every start and with every new file.
 */
public final class AuditVerification {
    private final List<String> remarks = new ArrayList<>();
    private final @Nullable Head head;
    private Chain.@Nullable Link previous;
    private long records;
    private @Nullable String atHead;

    private AuditVerification(@Nullable Head head) {
        this.head = head;
    }

    /**
     * What was found.
     *
     * @param isWhole whether nothing is wrong
     * @param sentence one line for a person: what is there, or the first thing that is wrong with file, line and sequence
     */
    public record Result(boolean isWhole, String sentence) {}

    private static final class Broken extends Exception {
        private static final long serialVersionUID = 1L;

        Broken(String what) {
            super(what);
        }
    }

    /**
     * Follows the chain; may be asked while the service writes.
     *
     * @param journal the directory, or one file of it, which is then followed by itself
     */
    public static Result verify(Path journal) throws IOException {
        if (!Files.exists(journal)) {
            throw new NoSuchFileException(journal.toString());
        }
        NavigableMap<Long, Path> files = new TreeMap<>();
        Optional<Head> head;
        if (Files.isDirectory(journal)) {
            // before the files, which may grow meanwhile
            head = Head.read(journal);
            files.putAll(FileLedger.journalFiles(journal));
        } else {
            Path directory = journal.toAbsolutePath().getParent();
            long first = FileLedger.firstRecord(journal).orElse(1L);
            boolean isNewest = directory != null
                    && FileLedger.firstRecord(journal).isPresent()
                    && FileLedger.journalFiles(directory).lastKey() == first;
            head = isNewest && directory != null ? Head.read(directory) : Optional.empty();
            files.put(first, journal);
        }
        AuditVerification verification = new AuditVerification(head.orElse(null));
        try {
            boolean isDirectory = Files.isDirectory(journal);
            verification.follow(files, isDirectory);
            return new Result(true, verification.summary(head.isPresent()));
        } catch (Broken broken) {
            return new Result(false, String.valueOf(broken.getMessage()));
        }
    }

    private void follow(NavigableMap<Long, Path> files, boolean allOfThem) throws IOException, Broken {
        if (allOfThem && files.isEmpty() && head == null) {
            throw new Broken("there is no journal");
        }
        if (allOfThem && head == null) {
            throw new Broken(
                    "the file head is missing, which tells of the last record: a cut at the end cannot be seen");
        }
        if (allOfThem && head != null && head.sequence() > 0 && (files.isEmpty() || files.firstKey() > head.first())) {
            throw new Broken("record " + head.first() + " is missing: "
                    + (files.isEmpty()
                            ? "there is no file"
                            : "the first file is " + files.firstEntry().getValue()));
        }
        for (var file : files.entrySet()) {
            follow(file.getKey(), file.getValue(), file.getKey().equals(files.lastKey()));
        }
        compareWithHead();
    }

    private void follow(long firstSequence, Path file, boolean isLast) throws IOException, Broken {
        long number = 0;
        try (Lines lines = new Lines(file)) {
            for (byte[] line = lines.next(); line != null; line = lines.next()) {
                number++;
                String where = file + " line " + number + ": ";
                if (!lines.isComplete()) {
                    if (!isLast) {
                        throw new Broken(where + "the file ends in the middle of record " + next(firstSequence));
                    }
                    remarks.add("behind it stand " + line.length
                            + " bytes of a record that is not whole, as a crash leaves them");
                    return;
                }
                take(line, where, firstSequence);
            }
        }
    }

    private long next(long firstSequence) {
        return previous == null ? firstSequence : previous.sequence() + 1;
    }

    private void take(byte[] line, String where, long firstSequence) throws Broken {
        long expected = next(firstSequence);
        Chain.Said said = Chain.read(line)
                .orElseThrow(() -> new Broken(where + "record " + expected + " was altered: the line is no record"));
        long sequence = said.link().sequence();
        if (!said.isIntact()) {
            throw new Broken(where + "record " + (sequence == expected ? sequence : expected)
                    + " was altered: its hash is not that of its bytes");
        }
        if (sequence > expected) {
            throw new Broken(where + "record " + expected + " is missing: here stands record " + sequence);
        }
        if (sequence < expected) {
            throw new Broken(where + "record " + sequence + " stands where record " + expected
                    + " belongs: it was moved or inserted");
        }
        String before = previous != null ? previous.hash() : sequence == 1 ? Chain.BEGINNING : said.previousHash();
        if (!before.equals(said.previousHash())) {
            throw new Broken(where + "record " + (sequence == 1 ? 1 : sequence - 1) + " is not the one that record "
                    + sequence + " was written behind: one of them was replaced");
        }
        if (previous == null && sequence > 1) {
            remarks.add("the chain begins with record " + sequence + ", earlier ones are not here");
        }
        previous = said.link();
        records++;
        if (head != null && head.sequence() == sequence) {
            atHead = said.link().hash();
        }
    }

    private void compareWithHead() throws Broken {
        if (head == null || head.sequence() == 0) {
            return;
        }
        long last = previous == null ? head.first() - 1 : previous.sequence();
        if (last < head.sequence()) {
            throw new Broken(
                    "record " + (last + 1) + " is missing: the file head tells of records up to " + head.sequence());
        }
        if (atHead != null && !atHead.equals(head.hash())) {
            throw new Broken("record " + head.sequence() + " was replaced: the file head tells of another hash");
        }
        if (last > head.sequence()) {
            remarks.add((last - head.sequence()) + " more than the file head tells of, as a crash may leave it");
        }
    }

    private String summary(boolean hasHead) {
        if (!hasHead) {
            remarks.add("without the file head beside the last file a cut at the end cannot be seen");
        }
        String found = previous == null
                ? "no record"
                : records + " records, whole, the last one is " + previous.sequence() + " with the hash "
                        + previous.hash();
        return remarks.isEmpty() ? found : found + "; " + String.join("; ", remarks);
    }
}
