package org.apmatrix.access;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Adds tokens to the tokens file of a site and takes them away; other lines, also comments, stay as they are. The file is replaced at once, never half written. */
public final class TokenFileEditor {
    private static final Set<PosixFilePermission> OWNER_ALONE = PosixFilePermissions.fromString("rw-------");

    private final Path file;

    public TokenFileEditor(Path file) {
        this.file = file.toAbsolutePath();
    }

    /** The file cannot be used as it is asked. */
    public static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String why) {
            super(why);
        }
    }

    /**
     * Adds a token and makes the file where there is none, for its owner alone.
     *
     * @param name lower-case letters, digits and hyphens, at most 32
     * @return the token, which stands nowhere else: the file has its Argon2 hash
     */
    public String add(String name, Collection<Role> roles) throws IOException, Refused {
        if (!Token.isName(name)) {
            throw new Refused("a name is lower-case letters, digits and hyphens, at most 32");
        }
        List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
        if (read(lines).containsKey(name)) {
            throw new Refused("there is a token " + name + " already; remove it first");
        }
        Token token = Token.random(name);
        List<String> more = new ArrayList<>(lines);
        more.add(new TokenFile.Entry(name, Set.copyOf(roles), token.hash()).line());
        write(more);
        return token.text();
    }

    /** Takes a token away: a service that runs refuses it from now on. */
    public void remove(String name) throws IOException, Refused {
        List<String> lines = Files.readAllLines(file);
        if (!read(lines).containsKey(name)) {
            throw new Refused("there is no token " + name);
        }
        write(lines.stream()
                .filter(line -> !line.strip().startsWith(name + ":"))
                .toList());
    }

    /** The names of the tokens and the roles of each. */
    public Map<String, Set<Role>> list() throws IOException, Refused {
        Map<String, Set<Role>> roles = new TreeMap<>();
        read(Files.readAllLines(file)).values().forEach(entry -> roles.put(entry.name(), entry.roles()));
        return roles;
    }

    private Map<String, TokenFile.Entry> read(List<String> lines) throws Refused {
        List<String> wrong = new ArrayList<>();
        Map<String, TokenFile.Entry> entries = TokenFile.parse(lines, wrong);
        if (!wrong.isEmpty()) {
            throw new Refused(file + ": " + String.join("; ", wrong));
        }
        return entries;
    }

    private void write(List<String> lines) throws IOException {
        Path target = Files.exists(file) ? file.toRealPath() : file;
        Files.createDirectories(target.getParent());
        FileAttribute<Set<PosixFilePermission>> ownerAlone = PosixFilePermissions.asFileAttribute(OWNER_ALONE);
        Path written = Files.createTempFile(target.getParent(), ".tokens", null, ownerAlone);
        try {
            Files.write(written, lines);
            if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
                PosixFileAttributes before = Files.readAttributes(target, PosixFileAttributes.class);
                Files.setOwner(written, before.owner());
                Files.setPosixFilePermissions(written, before.permissions());
            }
            Files.move(written, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(written);
        }
    }
}
