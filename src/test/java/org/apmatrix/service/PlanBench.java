package org.apmatrix.service;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.Journals;
import org.apmatrix.events.EventJournal;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.DeviceUsers;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.host.Guests;
import org.apmatrix.host.HostLock;
import org.apmatrix.host.Machine;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.libvirt.Libvirt;
import org.apmatrix.host.qmp.QmpProperties;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.json.JsonMapper;

/** One process of the service, as far as plans need it, over a kernel, a state directory, definitions and the sockets of guests. */
final class PlanBench implements AutoCloseable {
    static final Clock CLOCK = Clock.fixed(House.NOW, ZoneOffset.UTC);
    private static final JsonMapper JSON = JsonMapper.shared();

    final Guests guests;
    final Host host;
    final HotplugService hotplug;
    final MdevctlStore definitions;
    final PlanService plans;
    final WorkInFlight inFlight;
    final GuestService guestService;
    final Settlement settlement;
    final HostWatcher watcher = new HostWatcher(House.journal(), mdev -> false, CLOCK);
    final AuditJournal audit = Journals.in(null);

    /** @param sockets the monitors of its guests, as a glob */
    PlanBench(Sysfs sysfs, Procfs procfs, Path state, MdevctlStore definitions, List<String> sockets) {
        this(sysfs, procfs, state, definitions, sockets, House.journal());
    }

    PlanBench(
            Sysfs sysfs,
            Procfs procfs,
            Path state,
            MdevctlStore definitions,
            List<String> sockets,
            EventJournal journal) {
        this(sysfs, procfs, state, definitions, sockets, journal, null);
    }

    PlanBench(
            Sysfs sysfs,
            Procfs procfs,
            Path state,
            MdevctlStore definitions,
            List<String> sockets,
            EventJournal journal,
            @Nullable Libvirt libvirt) {
        this.definitions = definitions;
        guests = new Guests(
                new QmpProperties(
                        sockets,
                        Duration.ofSeconds(2),
                        Duration.ofMillis(400),
                        Duration.ofMillis(5),
                        Duration.ofMillis(50),
                        DataSize.ofMegabytes(16)),
                procfs,
                null,
                new SimpleMeterRegistry(),
                libvirt);
        GuestNotes notes = new GuestNotes(state, JSON);
        ApBus bus = new ApBus(sysfs);
        MdevTree tree = new MdevTree(sysfs);
        host = new Host(
                sysfs,
                bus,
                tree,
                new DeviceUsers(sysfs, procfs, bus, tree),
                new HostLock(null, Duration.ofSeconds(2), Clock.systemUTC(), new SimpleMeterRegistry()),
                new Machine(procfs, true),
                new Attachments(guests, notes),
                watcher,
                definitions,
                new MasterKeys(bus, new Machine(procfs, true), state, JSON, CLOCK));
        GuestProperties patience =
                new GuestProperties(Duration.ofSeconds(1), Duration.ofSeconds(30), Duration.ofSeconds(1));
        settlement = new Settlement(host, guests, notes, CLOCK, Duration.ofSeconds(1), audit);
        guestService = new GuestService(host, guests, notes, settlement, patience);
        hotplug = new HotplugService(host, guestService, notes, settlement, CLOCK, new SimpleMeterRegistry());
        inFlight = new WorkInFlight(state, CLOCK, JSON);
        plans = new PlanService(
                host,
                inFlight,
                guestService,
                hotplug,
                definitions,
                new MdevProperties(MdevProperties.LiveChanges.FORBIDDEN, new MdevProperties.MatrixLimits(511)),
                journal,
                CLOCK,
                state,
                JSON);
    }

    @Override
    public void close() {
        guests.close();
    }

    /** A directory in memory, where there is such a file system: thousands of runs that each force files to the disk take their time. */
    static Path fastDirectory() {
        try {
            Path memory = Path.of("/dev/shm");
            return Files.isWritable(memory)
                    ? Files.createTempDirectory(memory, "apmatrix-plans")
                    : Files.createTempDirectory("apmatrix-plans");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.exists(from) ? Files.walk(from) : Stream.of()) {
            for (Path file : files.toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void delete(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path emptied, IOException failure) throws IOException {
                    Files.delete(emptied);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
