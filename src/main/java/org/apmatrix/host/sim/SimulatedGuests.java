package org.apmatrix.host.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The simulated guests of a simulated host: one QEMU each, with its socket {@code NAME.sock} in one directory. Thread safe. */
public final class SimulatedGuests implements AutoCloseable {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");

    private final SimulatedKernel kernel;
    private final Path directory;
    /** Those that ended stay here, because their socket files may. */
    private final Map<String, SimulatedQemu> guests = new TreeMap<>();

    /**
     * A host without guests.
     *
     * @param directory where the sockets will be; made, for its owner only, if it is missing
     */
    public SimulatedGuests(SimulatedKernel kernel, Path directory) {
        this.kernel = kernel;
        this.directory = directory;
        try {
            if (!Files.isDirectory(directory)) {
                Files.createDirectories(
                        directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    public Path directory() {
        return directory;
    }

    /**
     * Starts a guest.
     *
     * @throws IllegalArgumentException for a name that is no file's (letters, digits, dot, dash and underscore), or that a guest has
     */
    public synchronized SimulatedQemu start(String name, SimulatedQemu.Settings settings) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("no name of a guest: " + name);
        }
        if (find(name).isPresent()) {
            throw new IllegalArgumentException("there is a guest " + name);
        }
        SimulatedQemu guest = new SimulatedQemu(kernel, directory.resolve(name + ".sock"), name, settings);
        guests.put(name, guest);
        return guest;
    }

    /** The guest of this name; one that ended, in whatever way, is no guest. */
    public synchronized Optional<SimulatedQemu> find(String name) {
        return Optional.ofNullable(guests.get(name)).filter(SimulatedQemu::isRunning);
    }

    /** By name. */
    public synchronized List<SimulatedQemu> all() {
        return guests.values().stream().filter(SimulatedQemu::isRunning).toList();
    }

    /** SIGKILL, and the socket file is removed too. Nothing happens when there is no such guest. */
    public synchronized void kill(String name) {
        SimulatedQemu guest = guests.remove(name);
        if (guest != null) {
            guest.close();
        }
    }

    /** The host was booted: no guest lived through it, and each is started anew, as it was. */
    public synchronized void rebooted() {
        Map<String, SimulatedQemu.Settings> before = new TreeMap<>();
        all().forEach(guest -> before.put(guest.name(), guest.settings()));
        close();
        before.forEach(this::start);
    }

    /** Ends all guests and removes their sockets. */
    @Override
    public synchronized void close() {
        guests.values().forEach(SimulatedQemu::close);
        guests.clear();
    }
}
