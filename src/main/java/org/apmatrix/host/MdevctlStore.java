package org.apmatrix.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.HostFailure;

/**
 * mdevctl's own directory of definitions, where libvirt keeps node devices, too: one file a device in {@code matrix}. Files of others are neither read nor touched.
 */
public final class MdevctlStore {
    /** The parent device of every mediated device of vfio_ap; definitions of other parents lie beside it. */
    private static final String PARENT = "matrix";

    /** What mdevctl's own files and directories have; this process's mask may be narrower. */
    private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-r--r--");

    private static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("rwxr-xr-x");

    private final Path directory;

    /** @param directory {@code /etc/mdevctl.d} or what stands for it; need not exist */
    public MdevctlStore(Path directory) {
        this.directory = directory;
    }

    /**
     * What is defined.
     *
     * @param definitions by UUID
     * @param unreadable by file name
     */
    public record All(List<MdevDefinition> definitions, List<UnreadableFile> unreadable) {}

    /**
     * A file that bears a UUID and is no definition.
     *
     * @param stopsMdevctl whether mdevctl fails over it: 1.2.0 then starts nothing at boot, newer releases pass over it
     */
    public record UnreadableFile(String name, String why, boolean stopsMdevctl) {}

    public Path directory() {
        return directory;
    }

    /** Where the definition of a device is, or would be. */
    public Path file(MdevId id) {
        return directory.resolve(PARENT).resolve(id.toString());
    }

    /** Every definition that can be read, by UUID. Throws what {@link #look} throws. */
    public List<MdevDefinition> all() {
        return look().definitions();
    }

    /**
     * Every definition, and the files that are none.
     *
     * @throws HostFailure HOST_REFUSED where the directory cannot be read: a look that failed is not an empty one
     */
    public All look() {
        List<MdevDefinition> definitions = new ArrayList<>();
        List<UnreadableFile> unreadable = new ArrayList<>();
        for (String name : names()) {
            Optional<MdevId> id = MdevId.parse(name);
            if (id.isEmpty()) {
                // as mdevctl does: a file that is called otherwise is none of its own
                continue;
            }
            try {
                if (name.equals(id.get().toString())) {
                    load(id.get()).ifPresent(definitions::add);
                } else {
                    unreadable.add(
                            new UnreadableFile(name, "mdevctl looks for it in lower case, as " + id.get(), false));
                }
            } catch (MdevDefinition.Unreadable e) {
                unreadable.add(new UnreadableFile(name, why(e), e.toMdevctl()));
            } catch (IOException e) {
                unreadable.add(new UnreadableFile(name, why(e), e instanceof CharacterCodingException));
            }
        }
        return new All(List.copyOf(definitions), List.copyOf(unreadable));
    }

    /**
     * One definition; empty when there is none.
     *
     * @throws HostFailure HOST_REFUSED when there is a file that is none
     */
    public Optional<MdevDefinition> read(MdevId id) {
        try {
            return load(id);
        } catch (MdevDefinition.Unreadable | IOException e) {
            throw HostFailure.refused(null, file(id) + " cannot be read as a definition: " + why(e) + ".");
        }
    }

    /** Whether there is a file for the device, readable or not. */
    public boolean isDefined(MdevId id) {
        return Files.exists(file(id));
    }

    private Optional<MdevDefinition> load(MdevId id) throws IOException {
        try {
            return Optional.of(MdevDefinition.parse(id, Files.readString(file(id))));
        } catch (NoSuchFileException | NotDirectoryException e) {
            return Optional.empty();
        }
    }

    /**
     * Puts a definition in the place of the one before: whatever happens to the machine, it is the old one or the new one. Permissions stay.
     *
     * @throws HostFailure HOST_REFUSED when it cannot; the old one then stands
     */
    public void write(MdevDefinition definition) {
        Path file = file(definition.id());
        // mdevctl passes over a file that is not called after a UUID
        Path fresh = file.resolveSibling("." + definition.id() + ".apmatrix");
        try {
            prepare();
            Files.deleteIfExists(fresh);
            try (FileChannel channel =
                    FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                Files.setPosixFilePermissions(fresh, Files.exists(file) ? Files.getPosixFilePermissions(file) : FILE);
                ByteBuffer bytes = ByteBuffer.wrap(definition.text().getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            forceEntries();
        } catch (IOException e) {
            discard(fresh);
            throw HostFailure.refused(null, file + " cannot be written: " + why(e) + ".");
        }
    }

    /**
     * Takes a definition away, also one that cannot be read.
     *
     * @return whether there was one
     * @throws HostFailure HOST_REFUSED when it cannot
     */
    public boolean delete(MdevId id) {
        try {
            boolean deleted = Files.deleteIfExists(file(id));
            if (deleted) {
                forceEntries();
            }
            return deleted;
        } catch (NotDirectoryException e) {
            return false;
        } catch (IOException e) {
            throw HostFailure.refused(null, file(id) + " cannot be removed: " + why(e) + ".");
        }
    }

    private void prepare() throws IOException {
        for (Path needed : List.of(directory, directory.resolve(PARENT))) {
            if (!Files.isDirectory(needed)) {
                Files.createDirectories(needed);
                Files.setPosixFilePermissions(needed, DIRECTORY);
            }
        }
    }

    /** A rename is on disk when its directory is. */
    private void forceEntries() throws IOException {
        try (FileChannel entries = FileChannel.open(directory.resolve(PARENT), StandardOpenOption.READ)) {
            entries.force(true);
        }
    }

    private static void discard(Path fresh) {
        try {
            Files.deleteIfExists(fresh);
        } catch (IOException stays) {
            // the next write takes it away
        }
    }

    private List<String> names() {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory.resolve(PARENT))) {
            entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw unlisted(e);
        } catch (IOException e) {
            throw unlisted(e);
        }
        Collections.sort(names);
        return names;
    }

    private HostFailure unlisted(Exception e) {
        return HostFailure.refused(null, directory.resolve(PARENT) + " cannot be listed: " + why(e) + ".");
    }

    private static String why(Exception e) {
        if (e instanceof DirectoryIteratorException && e.getCause() instanceof IOException listing) {
            return why(listing);
        }
        if (e instanceof CharacterCodingException) {
            return "it is no UTF-8";
        }
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        return e instanceof FileSystemException refused && refused.getReason() != null
                ? refused.getReason()
                : String.valueOf(e.getMessage());
    }
}
