package org.apmatrix.audit;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal as files of JSON lines, {@code audit-000000000001.jsonl} and so on, each named for its first record.
 *
 * <p>A file ends where its last whole record ends. What a crash cut off goes into {@code audit-….torn}, what a full disk cut off is taken back. Written by {@link
 * RandomAccessFile}, which an interrupt of the request's thread does not close, as it does a channel.
 */
final class FileLedger implements Ledger {
    private static final Logger LOG = LoggerFactory.getLogger(FileLedger.class);
    private static final Pattern NAME = Pattern.compile("audit-([0-9]{12})\\.jsonl");
    private static final int TAIL = 8 * 1024 * 1024;

    private final Path directory;
    private final long maxFileSize;
    private final @Nullable Integer keepFiles;
    private final NavigableMap<Long, Path> files = new ConcurrentSkipListMap<>();

    private @Nullable RandomAccessFile head;
    private @Nullable RandomAccessFile journal;
    private Chain.Link last = Chain.Link.START;
    private long first = 1;
    private long openSince = 1;
    private long end;
    private boolean halfWritten;

    /**
     * @param maxFileSize in bytes, after which the next file begins
     * @param keepFiles null keeps all
     */
    FileLedger(Path directory, long maxFileSize, @Nullable Integer keepFiles) {
        this.directory = directory;
        this.maxFileSize = maxFileSize;
        this.keepFiles = keepFiles;
    }

    @Override
    public Chain.Link last() {
        return last;
    }

    @Override
    public long openSince() {
        return openSince;
    }

    @Override
    public Optional<String> open() throws IOException {
        if (journal != null && Files.exists(files.lastEntry().getValue())) {
            takeBack(journal);
            return Optional.empty();
        }
        close();
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        lock();
        files.putAll(journalFiles(directory));
        Optional<Head> told = Head.read(directory);
        Map.Entry<Long, Path> newest = files.lastEntry();
        Optional<String> torn = newest == null ? Optional.empty() : setTornAside(newest.getValue());
        last = lastRecord(told);
        first = told.map(Head::first).orElse(newest == null ? 1L : files.firstKey());
        openSince = told.map(Head::openSince).orElse(1L);
        if (newest == null) {
            begin(last.sequence() + 1);
        } else {
            journal = new RandomAccessFile(newest.getValue().toFile(), "rw");
            end = journal.length();
        }
        LOG.info("audit journal {}: its last record is {} with the hash {}", directory, last.sequence(), last.hash());
        return torn;
    }

    /** The files of a journal by their first record. */
    static NavigableMap<Long, Path> journalFiles(Path directory) throws IOException {
        NavigableMap<Long, Path> found = new ConcurrentSkipListMap<>();
        try (Stream<Path> entries = Files.list(directory)) {
            for (Path file : entries.toList()) {
                firstRecord(file).ifPresent(sequence -> found.put(sequence, file));
            }
        }
        return found;
    }

    /** What a file's name says that its first record is; empty when it is no file of a journal. */
    static Optional<Long> firstRecord(Path file) {
        Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
        return name.matches() ? Optional.of(Long.parseLong(name.group(1))) : Optional.empty();
    }

    /** Two writers would make two chains. */
    private void lock() throws IOException {
        Path file = directory.resolve(Head.FILE);
        if (!Files.exists(file)) {
            create(file);
        }
        head = new RandomAccessFile(file.toFile(), "rw");
        try {
            if (head.getChannel().tryLock() == null) {
                throw new OverlappingFileLockException();
            }
        } catch (OverlappingFileLockException taken) {
            head.close();
            head = null;
            throw new IOException("another process writes the journal in " + directory, taken);
        }
    }

    /** Moves what stands behind the last newline into a file of its own; says so when there was something. */
    private static Optional<String> setTornAside(Path file) throws IOException {
        try (RandomAccessFile written = new RandomAccessFile(file.toFile(), "rw")) {
            byte[] tail = tail(written);
            int whole = lastNewline(tail, tail.length) + 1;
            if (whole == tail.length) {
                return Optional.empty();
            }
            Path aside = file.resolveSibling(String.valueOf(file.getFileName()).replace(".jsonl", ".torn"));
            if (!Files.exists(aside)) {
                create(aside);
            }
            try (RandomAccessFile torn = new RandomAccessFile(aside.toFile(), "rw")) {
                torn.seek(torn.length());
                torn.write(tail, whole, tail.length - whole);
                torn.getFD().sync();
            }
            written.setLength(written.length() - (tail.length - whole));
            written.getFD().sync();
            String said = (tail.length - whole)
                    + " bytes of a record that was being written when the process or the machine stopped are in "
                    + aside.getFileName();
            LOG.warn("audit journal: {}", said);
            return Optional.of(said);
        }
    }

    /** What the head tells counts where it tells of more, or of another, than the files: so the chain shows for ever that something is missing. */
    private Chain.Link lastRecord(Optional<Head> told) throws IOException {
        Chain.Link written = Chain.Link.START;
        for (Path file : files.descendingMap().values()) {
            byte[] tail;
            try (RandomAccessFile read = new RandomAccessFile(file.toFile(), "r")) {
                tail = tail(read);
            }
            if (tail.length > 0) {
                int from = lastNewline(tail, tail.length - 1) + 1;
                byte[] line = Arrays.copyOfRange(tail, from, tail.length - 1);
                Optional<Chain.Said> said = Chain.read(line);
                if (said.isEmpty() && told.isEmpty()) {
                    throw new IOException("the last line of " + file
                            + " is no record, and there is no head: look at it, then move the" + " directory away");
                }
                written = said.map(Chain.Said::link).orElse(Chain.Link.START);
                break;
            }
        }
        Chain.Link expected = told.map(Head::link).orElse(Chain.Link.START);
        if (expected.sequence() < written.sequence()) {
            return written;
        }
        if (!expected.equals(written)) {
            LOG.error(
                    "audit journal {}: record {} was the last one, and is not there any more: audit verify tells what is missing",
                    directory,
                    expected.sequence());
        }
        return expected;
    }

    private static byte[] tail(RandomAccessFile file) throws IOException {
        byte[] tail = new byte[(int) Math.min(TAIL, file.length())];
        file.seek(file.length() - tail.length);
        file.readFully(tail);
        return tail;
    }

    private static int lastNewline(byte[] bytes, int before) {
        int at = before - 1;
        while (at >= 0 && bytes[at] != '\n') {
            at--;
        }
        return at;
    }

    private RandomAccessFile begin(long sequence) throws IOException {
        Path file = directory.resolve("audit-%012d.jsonl".formatted(sequence));
        create(file);
        RandomAccessFile next = new RandomAccessFile(file.toFile(), "rw");
        try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        } catch (IOException e) {
            next.close();
            Files.delete(file);
            throw e;
        }
        if (journal != null) {
            journal.close();
        }
        journal = next;
        end = 0;
        files.put(sequence, file);
        return next;
    }

    private static void create(Path file) throws IOException {
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }

    @Override
    public void append(Chain.Line line, long stillOpenSince) throws IOException {
        RandomAccessFile file = journal;
        if (file == null || !Files.exists(files.lastEntry().getValue())) {
            throw new IOException("the journal's file in " + directory + " is not there");
        }
        byte[] bytes = line.bytes();
        takeBack(file);
        if (end > 0 && end + bytes.length > maxFileSize) {
            file = begin(line.link().sequence());
            LOG.info(
                    "audit journal {}: the next file follows record {} with the hash {}",
                    directory,
                    last.sequence(),
                    last.hash());
        }
        try {
            halfWritten = true;
            file.seek(end);
            file.write(bytes);
            file.getFD().sync();
            halfWritten = false;
        } catch (IOException e) {
            takeBackOr(e, file);
            throw e;
        }
        end += bytes.length;
        last = line.link();
        openSince = stillOpenSince;
        forgetOldFiles();
        tellHead();
    }

    private void takeBack(RandomAccessFile file) throws IOException {
        if (halfWritten) {
            file.setLength(end);
            halfWritten = false;
        }
    }

    private void takeBackOr(IOException why, RandomAccessFile file) {
        try {
            takeBack(file);
        } catch (IOException e) {
            why.addSuppressed(e); // the next append tries again
        }
    }

    /** A head that is behind is no harm: it is only not as good a guard. */
    private void tellHead() {
        try {
            if (head != null) {
                head.seek(0);
                head.write(new Head(last.sequence(), last.hash(), first, openSince).bytes());
            }
        } catch (IOException e) {
            LOG.warn("audit journal {}: the file head cannot be written", directory, e);
        }
    }

    /** Only whole files go, the oldest first, and none with an INTENT that still waits. */
    private void forgetOldFiles() {
        if (keepFiles == null) {
            return;
        }
        while (files.size() > keepFiles) {
            Map.Entry<Long, Path> oldest = files.firstEntry();
            long next = files.higherKey(oldest.getKey());
            if (next > openSince) {
                return;
            }
            first = next;
            tellHead();
            try {
                Files.deleteIfExists(oldest.getValue());
            } catch (IOException e) {
                LOG.warn("audit journal: {} cannot be deleted", oldest.getValue(), e);
                return;
            }
            files.remove(oldest.getKey());
            LOG.info("audit journal: {} is deleted (apmatrix.audit.keep-files)", oldest.getValue());
        }
    }

    @Override
    public void read(long after, Reader reader) throws IOException {
        Long from = files.floorKey(after + 1);
        NavigableMap<Long, Path> present = from == null ? files : files.tailMap(from, true);
        for (Path file : new ArrayList<>(present.values())) {
            try (Lines lines = new Lines(file)) {
                for (byte[] line = lines.next(); line != null && lines.isComplete(); line = lines.next()) {
                    if (!reader.take(line)) {
                        return;
                    }
                }
            } catch (NoSuchFileException forgotten) {
                LOG.debug("{} was deleted meanwhile", file, forgotten);
            }
        }
    }

    @Override
    public void close() throws IOException {
        if (journal != null) {
            journal.close();
            journal = null;
        }
        if (head != null) {
            head.close();
            head = null;
        }
        files.clear();
        halfWritten = false;
    }
}
