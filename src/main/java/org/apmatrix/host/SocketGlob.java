package org.apmatrix.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

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
        Map<Path, Object> sockets = new HashMap<>();
        FileVisitor<Path> visitor = new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (attributes.isOther() && matcher.matches(file)) {
                    // the number of an inode alone is soon given to the next file
                    sockets.put(file, List.of(String.valueOf(attributes.fileKey()), attributes.lastModifiedTime()));
                }
                return FileVisitResult.CONTINUE;
            }

            /** What went meanwhile, or may not be read, has no socket for us. */
            @Override
            public FileVisitResult visitFileFailed(Path file, IOException why) {
                return FileVisitResult.CONTINUE;
            }
        };
        try {
            Files.walkFileTree(root, Set.of(FileVisitOption.FOLLOW_LINKS), depth, visitor);
            return sockets;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
