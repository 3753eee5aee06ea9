package org.apmatrix.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A pattern of paths such as {@code /run/qemu/*.qmp}, in the grammar of {@link java.nio.file.FileSystem#getPathMatcher}'s globs. */
final class SocketGlob {
    private static final Pattern WILDCARD = Pattern.compile(".*[*?\\[{].*");

    private final Path pattern;
    private final Path root;
    private final PathMatcher matcher;

    /** @param text an absolute path; IllegalArgumentException for one that is not */
    SocketGlob(String text) {
        pattern = Path.of(text);
        if (!pattern.isAbsolute()) {
            throw new IllegalArgumentException("apmatrix.guests.qmp.sockets: not an absolute path: " + text);
        }
        matcher = FileSystems.getDefault().getPathMatcher("glob:" + text);
        Path fixed = Path.of("/");
        for (Path name : pattern) {
            if (WILDCARD.matcher(name.toString()).matches()) {
                break;
            }
            fixed = fixed.resolve(name);
        }
        root = fixed;
    }

    /**
     * What is there now and is a socket. A directory that is missing has none.
     *
     * @return by path, what tells one socket from another that later takes its path
     */
    Map<Path, Object> sockets() {
        int depth =
                pattern.toString().contains("**") ? Integer.MAX_VALUE : pattern.getNameCount() - root.getNameCount();
        if (!Files.exists(root)) {
            return Map.of();
        }
        Map<Path, Object> sockets = new HashMap<>();
        try (Stream<Path> found =
                Files.find(root, depth, (path, attributes) -> attributes.isOther(), FileVisitOption.FOLLOW_LINKS)) {
            for (Path path : (Iterable<Path>) found.filter(matcher::matches)::iterator) {
                identity(path).ifPresent(identity -> sockets.put(path, identity));
            }
            return sockets;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A number of an inode alone is soon given to the next file. Empty for a socket that has gone. */
    private static Optional<Object> identity(Path socket) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(socket, BasicFileAttributes.class);
            return Optional.of(List.of(String.valueOf(attributes.fileKey()), attributes.lastModifiedTime()));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }
}
