package org.apmatrix.audit;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How records hang together: each names the hash of the one before.
 *
 * <p>A line ends with {@code ,"hash":"…"}} and a newline. The hash is the SHA-256, in 64 lower-case hex digits, over the bytes of the line before {@code
 * ,"hash":"}: so {@code sed -E 's/,"hash":"[0-9a-f]{64}"\}$//' | tr -d '\n' | sha256sum} of one line says it.
 */
final class Chain {
    static final JsonMapper JSON = JsonMapper.builder().build();

    /** What the first record names as the hash before it. */
    static final String BEGINNING = "0".repeat(64);

    private static final String NO_HASH = ",\"hash\":\"\"}";
    private static final byte[] LABEL = ",\"hash\":\"".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] START = "{\"sequence\":".getBytes(StandardCharsets.US_ASCII);
    private static final int ENDING = LABEL.length + 64 + 2;

    /** A token or a JWT that somebody put where it does not belong: into a path, a parameter or a body. */
    private static final Pattern SECRET = Pattern.compile(
            "(apm_[a-z0-9-]{1,32}_)[A-Za-z0-9_-]+|(?<=eyJ)[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*");

    private Chain() {}

    /** A place in the chain: a record's sequence and hash. */
    record Link(long sequence, String hash) {
        static final Link START = new Link(0, BEGINNING);
    }

    /** A record as a line, with its newline. */
    record Line(String text, Link link) {
        byte[] bytes() {
            return text.getBytes(StandardCharsets.UTF_8);
        }
    }

    /** Gives a record its place, its hash and its bytes. */
    static Line line(AuditRecord record, Link previous) {
        AuditRecord placed = record.behind(previous);
        String json = JSON.writeValueAsString(placed);
        if (!json.endsWith(NO_HASH)) {
            throw new IllegalStateException("the hash is not the last member of a record");
        }
        String content = SECRET.matcher(json.substring(0, json.length() - NO_HASH.length()))
                .replaceAll(found -> (found.group(1) == null ? "" : found.group(1)) + "…");
        String hash = sha256(content.getBytes(StandardCharsets.UTF_8));
        return new Line(content + ",\"hash\":\"" + hash + "\"}\n", new Link(placed.sequence(), hash));
    }

    /** The sequence that a line begins with, without a look at the rest; the largest number when it begins otherwise. */
    static long sequence(byte[] line) {
        int at = START.length;
        if (line.length <= at || !Arrays.equals(line, 0, at, START, 0, at)) {
            return Long.MAX_VALUE;
        }
        long sequence = 0;
        while (at < line.length && line[at] >= '0' && line[at] <= '9') {
            sequence = sequence * 10 + (line[at] - '0');
            at++;
        }
        return sequence;
    }

    /** What a line says of its place, without its newline; empty when it is no record. */
    static Optional<Said> read(byte[] line) {
        int label = line.length - ENDING;
        if (label < 0
                || line[line.length - 1] != '}'
                || line[line.length - 2] != '"'
                || !Arrays.equals(line, label, label + LABEL.length, LABEL, 0, LABEL.length)) {
            return Optional.empty();
        }
        try {
            JsonNode json = JSON.readTree(line);
            if (!json.path("sequence").isIntegralNumber()
                    || !json.path("previousHash").isString()) {
                return Optional.empty();
            }
            String stated = new String(line, label + LABEL.length, 64, StandardCharsets.US_ASCII);
            return Optional.of(new Said(
                    new Link(json.path("sequence").longValue(), stated),
                    json.path("previousHash").stringValue(),
                    sha256(Arrays.copyOf(line, label)).equals(stated)));
        } catch (JacksonException noJson) {
            return Optional.empty();
        }
    }

    /**
     * What a line says.
     *
     * @param isIntact whether its hash is that of its bytes
     */
    record Said(Link link, String previousHash, boolean isIntact) {}

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException everyJdkHasIt) {
            throw new IllegalStateException(everyJdkHasIt);
        }
    }
}
