package org.apmatrix;

import com.github.benmanes.caffeine.cache.Ticker;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.apmatrix.audit.AuditJournal;
import org.apmatrix.audit.AuditProperties;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventProperties;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.DeviceUsers;
import org.apmatrix.host.GuardedSysfs;
import org.apmatrix.host.GuestProperties;
import org.apmatrix.host.Guests;
import org.apmatrix.host.HostLock;
import org.apmatrix.host.HostProperties;
import org.apmatrix.host.KernelSigns;
import org.apmatrix.host.Machine;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NextBoot;
import org.apmatrix.host.VfioSelfTest;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.kernel.Uevents;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.linux.LinuxClock;
import org.apmatrix.preflight.Ground;
import org.apmatrix.preflight.Preflight;
import org.apmatrix.preflight.PreflightProperties;
import org.apmatrix.service.Aftermath;
import org.apmatrix.service.AllocationProperties;
import org.apmatrix.service.AllocationService;
import org.apmatrix.service.Attachments;
import org.apmatrix.service.DefinitionService;
import org.apmatrix.service.GuestNotes;
import org.apmatrix.service.GuestService;
import org.apmatrix.service.GuestWatcher;
import org.apmatrix.service.Host;
import org.apmatrix.service.HostService;
import org.apmatrix.service.HostWatcher;
import org.apmatrix.service.HotplugService;
import org.apmatrix.service.IdempotencyKeys;
import org.apmatrix.service.MaskService;
import org.apmatrix.service.MasterKeys;
import org.apmatrix.service.MdevProperties;
import org.apmatrix.service.MdevService;
import org.apmatrix.service.MigrationService;
import org.apmatrix.service.PlanService;
import org.apmatrix.service.QueueService;
import org.apmatrix.service.RebootService;
import org.apmatrix.service.Restoration;
import org.apmatrix.service.RestoreProperties;
import org.apmatrix.service.SecureKeys;
import org.apmatrix.service.SelfTestService;
import org.apmatrix.service.Settlement;
import org.apmatrix.service.StoredDevices;
import org.apmatrix.service.WorkInFlight;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.json.JsonMapper;

/** Wires the services over whichever host there is. */
@Configuration(proxyBeanMethods = false)
class ServiceConfiguration {
    private static final Duration IDEMPOTENCY_RETENTION = Duration.ofHours(24);
    private static final long IDEMPOTENCY_KEYS = 10_000;

    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    @Bean
    GuestNotes guestNotes(HostProperties properties, JsonMapper json) {
        return new GuestNotes(properties.stateDirectory(), json);
    }

    @Bean
    Settlement settlement(
            Host host, Guests guests, GuestNotes notes, Clock clock, GuestProperties properties, AuditJournal journal) {
        return new Settlement(host, guests, notes, clock, properties.patience(), journal);
    }

    /** Below the state directory, where nothing else is said. */
    @Bean
    AuditJournal auditJournal(AuditProperties properties, HostProperties host, Clock clock) {
        Path state = host.stateDirectory();
        Path directory =
                properties.directory() == null && state != null ? state.resolve("audit") : properties.directory();
        return new AuditJournal(directory, properties, clock, Ticker.systemTicker());
    }

    /** Before the first request is taken. */
    @Bean
    Aftermath aftermath(Host host, GuestService guests, AuditJournal journal) {
        Aftermath aftermath = new Aftermath(host, guests, journal);
        aftermath.closeAll();
        return aftermath;
    }

    @Bean
    GuestService guestService(
            Host host, Guests guests, GuestNotes notes, Settlement settlement, GuestProperties properties) {
        return new GuestService(host, guests, notes, settlement, properties);
    }

    @Bean
    HotplugService hotplugService(
            Host host,
            GuestService guests,
            GuestNotes notes,
            Settlement settlement,
            Clock clock,
            MeterRegistry meters) {
        return new HotplugService(host, guests, notes, settlement, clock, meters);
    }

    @Bean
    StoredDevices storedDevices(Host host, GuestService guests, HotplugService hotplug, MdevctlStore definitions) {
        return new StoredDevices(host, guests, hotplug, definitions);
    }

    @Bean
    PlanService planService(
            Host host,
            WorkInFlight inFlight,
            GuestService guests,
            HotplugService hotplug,
            MdevctlStore definitions,
            MdevProperties mdevs,
            EventJournal journal,
            Clock clock,
            HostProperties properties,
            JsonMapper json) {
        return new PlanService(
                host, inFlight, guests, hotplug, definitions, mdevs, journal, clock, properties.stateDirectory(), json);
    }

    @Bean
    Restoration restoration(
            PlanService plans,
            AllocationService allocations,
            AuditJournal journal,
            RestoreProperties properties,
            GuestProperties guests,
            Clock clock) {
        return new Restoration(plans, allocations, journal, properties, guests.patience(), clock);
    }

    @Bean
    AllocationService allocationService(
            Host host,
            GuestService guests,
            HotplugService hotplug,
            PlanService plans,
            HostWatcher watcher,
            EventJournal journal,
            AuditJournal audit,
            AllocationProperties allocations,
            MdevProperties mdevs,
            Clock clock,
            HostProperties properties,
            JsonMapper json) {
        return new AllocationService(
                host,
                guests,
                hotplug,
                plans,
                watcher,
                new IdempotencyKeys(IDEMPOTENCY_RETENTION, IDEMPOTENCY_KEYS, Ticker.systemTicker()),
                journal,
                audit,
                allocations,
                mdevs,
                clock,
                properties.stateDirectory(),
                json);
    }

    @Bean
    MigrationService migrationService(
            GuestService guests, HotplugService hotplug, QueueService queues, GuestNotes notes, Clock clock) {
        return new MigrationService(guests, hotplug, queues, notes, clock);
    }

    @Bean
    Host host(
            Sysfs kernel,
            Procfs procfs,
            Machine machine,
            HostProperties properties,
            Guests guests,
            GuestNotes notes,
            HostWatcher watcher,
            MdevctlStore definitions,
            Clock clock,
            JsonMapper json,
            MeterRegistry meters) {
        Sysfs sysfs = new GuardedSysfs(kernel, properties.storeTimeout(), meters);
        ApBus bus = new ApBus(sysfs);
        MdevTree mdevs = new MdevTree(sysfs);
        DeviceUsers users = new DeviceUsers(sysfs, procfs, bus, mdevs);
        HostLock lock = new HostLock(properties.lockFile(), properties.lockWait(), clock, meters);
        MasterKeys masterKeys = new MasterKeys(bus, machine, properties.stateDirectory(), json, clock);
        return new Host(
                sysfs,
                bus,
                mdevs,
                users,
                lock,
                machine,
                new Attachments(guests, notes),
                watcher,
                definitions,
                masterKeys);
    }

    @Bean
    SecureKeys secureKeys(Host host) {
        return new SecureKeys(host);
    }

    @Bean
    MasterKeys masterKeys(Host host) {
        return host.masterKeys();
    }

    @Bean
    EventJournal eventJournal(EventProperties properties, Clock clock) {
        return new EventJournal(properties, clock);
    }

    @Bean
    GuestWatcher guestWatcher(Guests guests, GuestNotes notes, EventJournal journal) {
        return new GuestWatcher(guests, notes, journal);
    }

    @Bean
    HostWatcher hostWatcher(EventJournal journal, GuestWatcher guests, Clock clock) {
        return new HostWatcher(journal, guests::isWithAGuest, clock);
    }

    @Bean
    KernelSigns kernelSigns(Uevents uevents) {
        return new KernelSigns(uevents);
    }

    @Bean
    Preflight preflight(
            Sysfs sysfs,
            Procfs procfs,
            Guests guests,
            HostProperties host,
            PreflightProperties properties,
            MdevctlStore definitions,
            Machine machine) {
        return new Preflight(new Ground(
                sysfs,
                procfs,
                guests,
                host,
                properties.rootOrOwn(),
                definitions,
                LinuxClock::isSynchronised,
                machine.isSimulated()));
    }

    @Bean
    WorkInFlight workInFlight(HostProperties properties, Clock clock, JsonMapper json) {
        return new WorkInFlight(properties.stateDirectory(), clock, json);
    }

    @Bean
    HostService hostService(Host host, WorkInFlight inFlight) {
        return new HostService(host, inFlight);
    }

    @Bean
    DefinitionService definitionService(Host host, MdevctlStore definitions, MdevProperties properties) {
        return new DefinitionService(host, definitions, properties);
    }

    @Bean
    RebootService rebootService(
            Host host, MdevctlStore definitions, NextBoot boot, PlanService plans, RestoreProperties properties) {
        return new RebootService(
                host, definitions, boot, () -> properties.restoreOnStart() ? plans.documents() : List.of());
    }

    @Bean
    VfioSelfTest vfioSelfTest(Vfio vfio) {
        return new VfioSelfTest(vfio);
    }

    @Bean
    SelfTestService selfTestService(Host host, WorkInFlight inFlight, VfioSelfTest vfio) {
        return new SelfTestService(host, inFlight, vfio);
    }

    @Bean
    QueueService queueService(Host host, WorkInFlight inFlight) {
        return new QueueService(host, inFlight);
    }

    @Bean
    MaskService maskService(Host host, WorkInFlight inFlight) {
        return new MaskService(host, inFlight);
    }

    @Bean
    MdevService mdevService(Host host, WorkInFlight inFlight, MdevProperties properties) {
        IdempotencyKeys keys = new IdempotencyKeys(IDEMPOTENCY_RETENTION, IDEMPOTENCY_KEYS, Ticker.systemTicker());
        return new MdevService(host, inFlight, keys, properties);
    }
}
