package org.apmatrix.access;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The static tokens of a site, read again when the file changes. One a line, as {@code name:roles:hash}, such as {@code ci:operator,viewer:$argon2id$v=19$…}; the
 * hash is Argon2 or bcrypt, of the secret alone. Empty lines and those that begin with {@code #} say nothing.
 *
 * <p>A line that cannot be read lets nobody in and keeps nobody out: the log names it. A file that is gone lets nobody in.
 */
final class TokenFile {
    private static final Logger LOG = LoggerFactory.getLogger(TokenFile.class);

    private final Path file;
    private Version version = Version.NONE;
    private Map<String, Entry> entries = Map.of();

    /**
     * Reads the file.
     *
     * @throws StartRefused when it cannot be read, a line cannot, or others than its owner may write it
     */
    TokenFile(Path file) {
        this.file = file;
        try {
            refuseWhenOthersMayWrite();
            List<String> wrong = new ArrayList<>();
            Version now = Version.of(file);
            entries = parse(Files.readAllLines(file), wrong);
            version = now;
            if (!wrong.isEmpty()) {
                throw new StartRefused(
                        "The tokens file " + file + " cannot be used: " + String.join("; ", wrong) + ".",
                        "Correct the line, or make the token anew: java -jar apmatrix.jar token add --file " + file
                                + " --name NAME --roles viewer");
            }
        } catch (IOException e) {
            throw new StartRefused(
                    "The tokens file " + file + " cannot be read: " + e,
                    "Make it with: java -jar apmatrix.jar token add --file " + file + " --name NAME --roles viewer");
        }
    }

    /**
     * A line of the file.
     *
     * @param hash as Argon2 or bcrypt write it
     */
    record Entry(String name, Set<Role> roles, String hash) {
        String line() {
            return name + ":"
                    + String.join(",", roles.stream().map(Role::toString).toList()) + ":" + hash;
        }
    }

    /** The token of this name as the file has it now. */
    synchronized Optional<Entry> find(String name) {
        reread();
        return Optional.ofNullable(entries.get(name));
    }

    private void reread() {
        try {
            Version now = Version.of(file);
            if (now.equals(version)) {
                return;
            }
            List<String> wrong = new ArrayList<>();
            entries = parse(Files.readAllLines(file), wrong);
            version = now;
            wrong.forEach(line -> LOG.error("tokens file {}: {}; the others are valid", file, line));
            LOG.info("tokens file {}: {} tokens", file, entries.size());
        } catch (IOException e) {
            if (!version.equals(Version.NONE)) {
                LOG.error("tokens file {} cannot be read, no token is valid until it can", file, e);
            }
            version = Version.NONE;
            entries = Map.of();
        }
    }

    /** What tells that a file has changed. */
    private record Version(@Nullable Object key, @Nullable FileTime modified, long size) {
        static final Version NONE = new Version(null, null, -1);

        static Version of(Path file) throws IOException {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new Version(attributes.fileKey(), attributes.lastModifiedTime(), attributes.size());
        }
    }

    /** @param wrong takes what cannot be read, with its line number and without any of its text */
    static Map<String, Entry> parse(List<String> lines, List<String> wrong) {
        Map<String, Entry> entries = new HashMap<>();
        for (int number = 1; number <= lines.size(); number++) {
            String line = lines.get(number - 1).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            String[] parts = line.split(":", 3);
            if (parts.length < 3 || !Token.isName(parts[0])) {
                wrong.add("line " + number + " is not name:roles:hash");
            } else if (entries.containsKey(parts[0])) {
                wrong.add("line " + number + " has a name that an earlier line has");
            } else if (!Token.isHash(parts[2])) {
                wrong.add("line " + number + " has no Argon2 or bcrypt hash");
            } else {
                Optional<Set<Role>> roles = Token.roles(parts[1]);
                if (roles.isEmpty()) {
                    wrong.add("line " + number + " has an unknown role");
                } else {
                    entries.put(parts[0], new Entry(parts[0], roles.get(), parts[2]));
                }
            }
        }
        return entries;
    }

    private void refuseWhenOthersMayWrite() throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        if (permissions.contains(PosixFilePermission.GROUP_WRITE)
                || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
            throw new StartRefused(
                    "Others than its owner may write the tokens file " + file + ", and so make themselves admin.",
                    "chmod go-w " + file);
        }
    }
}
