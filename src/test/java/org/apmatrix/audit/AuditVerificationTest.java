package org.apmatrix.audit;

import static org.apmatrix.audit.Journals.files;
import static org.apmatrix.audit.Journals.verify;
import static org.apmatrix.audit.Journals.write;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.springframework.util.unit.DataSize;

/** Whatever is done to one record of a journal of many files is found, and the right record is named. */
class AuditVerificationTest {
    private static final int RECORDS = 24;

    private static Path original;
    private static Path copy;

    @BeforeContainer
    static void aJournal() throws IOException {
        original = Files.createTempDirectory("audit-original");
        copy = Files.createTempDirectory("audit-copy");
        try (AuditJournal journal = Journals.in(original, DataSize.ofKilobytes(4), null, Ticker.systemTicker())) {
            IntStream.range(0, RECORDS / 2).forEach(i -> write(journal, "writer-" + i));
        }
        assertThat(files(original)).hasSizeGreaterThan(2);
        assertThat(verify(original).isWhole()).isTrue();
    }

    @AfterContainer
    static void gone() throws IOException {
        empty(original);
        empty(copy);
    }

    @Property
    void anAlteredByteIsFound(
            @ForAll @IntRange(min = 1, max = RECORDS) int record,
            @ForAll @IntRange(max = 2000) int at,
            @ForAll @IntRange(min = 1, max = 255) int flip) {
        byte[] line = lines().get(record - 1).getBytes(StandardCharsets.UTF_8);
        int where = at % line.length;
        line[where] ^= (byte) flip;
        tamper(
                lines -> lines.set(record - 1, new String(line, StandardCharsets.ISO_8859_1)),
                StandardCharsets.ISO_8859_1);
        assertNames(record);
    }

    @Property
    void anAlteredRecordWithAHashMadeAnewIsFound(@ForAll @IntRange(min = 1, max = RECORDS) int record) {
        tamper(lines -> {
            AuditRecord altered =
                    Chain.JSON.readValue(lines.get(record - 1).replace("\"writer-", "\"forger-"), AuditRecord.class);
            Chain.Link before = new Chain.Link(record - 1, altered.previousHash());
            lines.set(record - 1, Chain.line(altered, before).text().strip());
        });
        assertNames(record);
    }

    @Property
    void aDeletedRecordIsFound(@ForAll @IntRange(min = 1, max = RECORDS) int record) {
        tamper(lines -> lines.remove(record - 1));
        assertNames(record);
    }

    @Property
    void aCutAtTheEndIsFound(@ForAll @IntRange(min = 1, max = RECORDS) int record) {
        tamper(lines -> lines.subList(record - 1, lines.size()).clear());
        assertNames(record);
    }

    @Property
    void aRecordThatStandsTwiceIsFound(
            @ForAll @IntRange(min = 1, max = RECORDS) int record, @ForAll @IntRange(max = RECORDS) int at) {
        String line = lines().get(record - 1);
        tamper(lines -> lines.add(at, line));
        assertThat(verify(copy).isWhole()).isFalse();
    }

    @Property
    void anInsertedRecordIsFound(@ForAll @IntRange(max = RECORDS) int at) {
        tamper(lines -> {
            AuditRecord other = Chain.JSON.readValue(lines.get(0), AuditRecord.class);
            String previous = at == 0
                    ? Chain.BEGINNING
                    : Chain.JSON.readValue(lines.get(at - 1), AuditRecord.class).hash();
            lines.add(at, Chain.line(other, new Chain.Link(at, previous)).text().strip());
        });
        if (at == RECORDS) {
            // a service that is killed leaves as much; it is told
            assertThat(verify(copy).sentence()).contains("1 more than the file head tells of");
        } else {
            assertThat(verify(copy).isWhole()).isFalse();
        }
    }

    @Property
    void twoRecordsThatChangePlacesAreFound(
            @ForAll @IntRange(min = 1, max = RECORDS) int one, @ForAll @IntRange(min = 1, max = RECORDS) int other) {
        if (one == other) {
            return;
        }
        tamper(lines -> {
            String moved = lines.get(one - 1);
            lines.set(one - 1, lines.get(other - 1));
            lines.set(other - 1, moved);
        });
        assertNames(Math.min(one, other));
    }

    @Property(tries = 20)
    void aDeletedFileIsFound(@ForAll @IntRange(max = 100) int which) throws IOException {
        tamper(lines -> {});
        List<Path> files = files(copy);
        Path deleted = files.get(which % files.size());
        long first = FileLedger.firstRecord(deleted).orElseThrow();
        Files.delete(deleted);
        assertNames((int) first);
    }

    @Property(tries = 1)
    void nothingIsFoundWhereNothingIsDone() {
        tamper(lines -> {});
        assertThat(verify(copy).isWhole()).isTrue();
        assertThat(verify(files(copy).get(1)).isWhole()).isTrue();
        assertThat(verify(files(copy).get(1)).sentence()).contains("earlier ones are not here");
    }

    private static void assertNames(int record) {
        AuditVerification.Result found = verify(copy);
        assertThat(found.isWhole()).isFalse();
        assertThat(found.sentence()).containsPattern("record " + record + "\\b");
    }

    private static List<String> lines() {
        List<String> lines = new ArrayList<>();
        files(original).forEach(file -> Journals.read(file).lines().forEach(lines::add));
        return lines;
    }

    private interface Tampering {
        void with(List<String> lines);
    }

    private static void tamper(Tampering tampering) {
        tamper(tampering, StandardCharsets.UTF_8);
    }

    /** Does it to a copy; each line stays in the file that it is in, and what is added goes where the one before it is. */
    private static void tamper(Tampering tampering, java.nio.charset.Charset charset) {
        try {
            empty(copy);
            Files.createDirectories(copy);
            List<String> before = lines();
            List<String> after = new ArrayList<>(before);
            tampering.with(after);
            Files.copy(original.resolve(Head.FILE), copy.resolve(Head.FILE));
            int shift = after.size() - before.size();
            int changed = 0;
            while (changed < Math.min(before.size(), after.size())
                    && before.get(changed).equals(after.get(changed))) {
                changed++;
            }
            int from = 0;
            int standsUpTo = 0;
            for (Path file : files(original)) {
                standsUpTo += (int) Journals.read(file).lines().count();
                int to = standsUpTo == before.size()
                        ? after.size()
                        : Math.min(after.size(), standsUpTo <= changed || shift < -1 ? standsUpTo : standsUpTo + shift);
                String text = String.join("\n", after.subList(from, to));
                Files.write(copy.resolve(file.getFileName()), (text.isEmpty() ? "" : text + "\n").getBytes(charset));
                from = to;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void empty(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> found = Files.walk(directory)) {
            for (Path path : found.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
