package org.apmatrix.audit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import tools.jackson.core.JacksonException;

/**
 * The file {@code head} beside the journal: what its last record is, so that a cut at the end shows.
 *
 * @param first the first record that is still kept
 * @param openSince no INTENT before this record is without its OUTCOME
 */
record Head(long sequence, String hash, long first, long openSince) {
    static final String FILE = "head";

    /** Always as long, so that a new one overwrites the old one in place, also on a disk that is full. */
    private static final int LENGTH = 256;

    Chain.Link link() {
        return new Chain.Link(sequence, hash);
    }

    byte[] bytes() {
        String json = Chain.JSON.writeValueAsString(this);
        return (json + " ".repeat(LENGTH - 1 - json.length()) + "\n").getBytes(StandardCharsets.US_ASCII);
    }

    /** Empty where there is none; one that cannot be read is an IOException. */
    static Optional<Head> read(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        if (!Files.exists(file) || Files.size(file) == 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(Chain.JSON.readValue(Files.readAllBytes(file), Head.class));
        } catch (JacksonException altered) {
            throw new IOException(
                    file + " cannot be read: it is not what this service writes. After audit verify it may be deleted",
                    altered);
        }
    }
}
