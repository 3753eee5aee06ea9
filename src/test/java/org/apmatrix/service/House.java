package org.apmatrix.service;

import com.github.benmanes.caffeine.cache.Ticker;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventProperties;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.DeviceUsers;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.host.Guests;
import org.apmatrix.host.HostLock;
import org.apmatrix.host.InterferingSysfs;
import org.apmatrix.host.Machine;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.qmp.QmpProperties;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.json.JsonMapper;

/** The services over the example machine with all queues freed, between them a seam at which a test can interfere. */
final class House {
    static final MdevId A = MdevId.parse("11111111-2222-4333-8444-555555555555").orElseThrow();
    static final MdevId B = MdevId.parse("22222222-3333-4444-8555-666666666666").orElseThrow();
    private static final QmpProperties NO_GUESTS = new QmpProperties(
            List.of(),
            Duration.ofSeconds(2),
            Duration.ofSeconds(2),
            Duration.ofMillis(100),
            Duration.ofSeconds(5),
            DataSize.ofMegabytes(16));
    static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    final SimulatedKernel kernel;
    final InterferingSysfs sysfs;
    final MdevService mdevs;
    final MaskService masks;
    final QueueService queues;
    final HostService host;
    final EventJournal journal = journal();
    final Host machine;

    House(KernelVersion version) {
        this(version, MdevProperties.LiveChanges.FORBIDDEN, null);
    }

    House(KernelVersion version, MdevProperties.LiveChanges liveChanges, @Nullable Path stateDirectory) {
        this(version, liveChanges, stateDirectory, Clock.fixed(NOW, ZoneOffset.UTC));
    }

    House(KernelVersion version, MdevProperties.LiveChanges liveChanges, @Nullable Path stateDirectory, Clock clock) {
        kernel = new SimulatedKernel(version, SimulatedMachine.example());
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        sysfs = new InterferingSysfs(kernel);
        machine = machine(sysfs, kernel.procfs(), journal, stateDirectory, clock);
        WorkInFlight inFlight = inFlight(stateDirectory);
        mdevs = new MdevService(
                machine,
                inFlight,
                new IdempotencyKeys(Duration.ofHours(1), 10, Ticker.systemTicker()),
                new MdevProperties(liveChanges, new MdevProperties.MatrixLimits(511)));
        masks = new MaskService(machine, inFlight);
        queues = new QueueService(machine, inFlight);
        host = new HostService(machine, inFlight);
    }

    static WorkInFlight inFlight(@Nullable Path directory) {
        return new WorkInFlight(directory, Clock.fixed(NOW, ZoneOffset.UTC), JsonMapper.shared());
    }

    static Host machine(Sysfs sysfs, Procfs procfs) {
        return machine(sysfs, procfs, journal(), null, Clock.fixed(NOW, ZoneOffset.UTC));
    }

    static EventJournal journal() {
        return new EventJournal(
                new EventProperties(1_000, 10, Duration.ofSeconds(15), Duration.ofSeconds(1), Duration.ofSeconds(30)),
                Clock.fixed(NOW, ZoneOffset.UTC));
    }

    static Host machine(Sysfs sysfs, Procfs procfs, EventJournal journal, @Nullable Path stateDirectory, Clock clock) {
        ApBus bus = new ApBus(sysfs);
        MdevTree tree = new MdevTree(sysfs);
        return new Host(
                sysfs,
                bus,
                tree,
                new DeviceUsers(sysfs, procfs, bus, tree),
                new HostLock(null, Duration.ofSeconds(2), Clock.systemUTC(), new SimpleMeterRegistry()),
                new Machine(procfs, true),
                new Attachments(
                        new Guests(NO_GUESTS, procfs, null, new SimpleMeterRegistry()),
                        new GuestNotes(null, JsonMapper.shared())),
                new HostWatcher(journal, mdev -> false, Clock.fixed(NOW, ZoneOffset.UTC)),
                new MdevctlStore(Path.of("target/no-definitions")),
                new MasterKeys(bus, new Machine(procfs, true), stateDirectory, JsonMapper.shared(), clock));
    }

    /** The guests of a host that has none. */
    static GuestService guests(Host host, Procfs procfs, AuditJournal journal) {
        Guests none = new Guests(NO_GUESTS, procfs, null, new SimpleMeterRegistry());
        GuestNotes notes = new GuestNotes(null, JsonMapper.shared());
        Settlement settlement = new Settlement(host, none, notes, Clock.systemUTC(), Duration.ofSeconds(1), journal);
        return new GuestService(
                host,
                none,
                notes,
                settlement,
                new GuestProperties(Duration.ofSeconds(1), Duration.ofSeconds(30), Duration.ofSeconds(1)));
    }

    House with(MdevId id, Matrix matrix) {
        mdevs.put(id, matrix, WriteOptions.NONE);
        return this;
    }

    Matrix matrixOf(MdevId id) {
        return mdevs.get(id).entry().mdev().matrixOrEmpty();
    }

    List<MdevId> ids() {
        return mdevs.list().stream().map(state -> state.entry().mdev().id()).toList();
    }

    static Matrix matrix(List<Integer> adapters, List<Integer> domains) {
        return Matrix.of(ApMask.of(adapters), ApMask.of(domains));
    }
}
