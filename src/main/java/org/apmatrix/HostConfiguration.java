package org.apmatrix;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apmatrix.host.DefinitionProperties;
import org.apmatrix.host.Guests;
import org.apmatrix.host.HostFiles;
import org.apmatrix.host.HostProperties;
import org.apmatrix.host.Machine;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NextBoot;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.kernel.Uevents;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.libvirt.Libvirt;
import org.apmatrix.host.libvirt.LibvirtProperties;
import org.apmatrix.host.linux.LinuxProcfs;
import org.apmatrix.host.linux.LinuxSysfs;
import org.apmatrix.host.linux.LinuxUevents;
import org.apmatrix.host.linux.LinuxVfio;
import org.apmatrix.host.qmp.QmpProperties;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.apmatrix.preflight.PreflightProperties;
import org.apmatrix.service.Host;
import org.apmatrix.service.QueueService;
import org.apmatrix.service.SimulationService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.util.FileSystemUtils;

/** Chooses the kernel and what is around it: this machine's, or with the profile {@code simulated} one in this process. */
@Configuration(proxyBeanMethods = false)
class HostConfiguration {
    private static final Logger LOG = LoggerFactory.getLogger(HostConfiguration.class);
    private static final List<String> EXAMPLE_GUESTS = List.of("guest1", "guest2", "guest3");

    /** This machine. */
    @Configuration(proxyBeanMethods = false)
    @Profile("!simulated")
    static class RealHost {
        @Bean
        Sysfs sysfs(HostProperties properties) {
            LinuxSysfs sysfs = new LinuxSysfs(properties.sysfsRoot());
            if (!sysfs.exists(Path.of("/sys/bus/ap"))) {
                LOG.warn(
                        "there is no AP bus at {}: every request will be answered with 503 AP_UNAVAILABLE;"
                                + " to try apmatrix without the hardware, start it with --spring.profiles.active=simulated",
                        properties.sysfsRoot().resolve("bus/ap"));
            }
            return sysfs;
        }

        @Bean
        Procfs procfs(HostProperties properties) {
            return new LinuxProcfs(properties.procRoot());
        }

        @Bean
        Vfio vfio(HostProperties properties) {
            return new LinuxVfio(properties.deviceRoot());
        }

        @Bean
        Uevents uevents() {
            return new LinuxUevents();
        }

        @Bean
        Machine machine(Procfs procfs) {
            return new Machine(procfs, false);
        }

        @Bean
        Guests guests(QmpProperties properties, LibvirtProperties libvirt, Procfs procfs, MeterRegistry meters) {
            return new Guests(properties, procfs, null, meters, Libvirt.of(libvirt));
        }

        @Bean
        MdevctlStore definitions(DefinitionProperties properties, PreflightProperties host) {
            return new MdevctlStore(properties.directoryOrBelow(host.rootOrOwn()));
        }

        @Bean
        NextBoot nextBoot(PreflightProperties preflight, HostProperties host) {
            return new NextBoot(new HostFiles(preflight.rootOrOwn(), host.procRoot()));
        }
    }

    /** A machine in this process, with the kernel's own refusals. */
    @Configuration(proxyBeanMethods = false)
    @Profile("simulated")
    static class SimulatedHost {
        @Bean
        SimulatedKernel kernel(HostProperties properties) {
            if (Files.exists(Path.of("/sys/bus/ap")) && !properties.simulatedBesideRealOne()) {
                throw new IllegalStateException(
                        "This host has an AP bus: refusing to start simulated, where nobody would notice. Start without the profile"
                                + " simulated, or insist with --apmatrix.host.simulated-beside-real-one=true");
            }
            LOG.warn("this is a SIMULATED host: no real queue is shown or changed");
            return new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
        }

        @Bean
        Sysfs sysfs(SimulatedKernel kernel) {
            return kernel;
        }

        @Bean
        Procfs procfs(SimulatedKernel kernel) {
            return kernel.procfs();
        }

        @Bean
        Vfio vfio(SimulatedKernel kernel) {
            return kernel.vfio();
        }

        @Bean
        Uevents uevents(SimulatedKernel kernel) {
            return kernel.uevents();
        }

        @Bean
        Machine machine(Procfs procfs) {
            return new Machine(procfs, true);
        }

        /** Their sockets are real, in a directory that goes with the service. */
        @Bean
        SimulatedGuests simulatedGuests(SimulatedKernel kernel) throws IOException {
            Path directory = Files.createTempDirectory("apmatrix-guests");
            directory.toFile().deleteOnExit();
            SimulatedGuests guests = new SimulatedGuests(kernel, directory);
            EXAMPLE_GUESTS.forEach(name -> guests.start(name, SimulatedQemu.Settings.DEFAULT));
            return guests;
        }

        /** The simulated ones, beside those that the configuration names. */
        @Bean
        Guests guests(
                QmpProperties properties,
                LibvirtProperties libvirt,
                Procfs procfs,
                SimulatedGuests simulated,
                MeterRegistry meters) {
            return new Guests(
                    properties.withSockets(simulated.directory() + "/*.sock"),
                    procfs,
                    simulated.directory(),
                    meters,
                    Libvirt.of(libvirt));
        }

        /** Never those of the machine that it is tried on, unless somebody says so. */
        @Bean
        MdevctlStore definitions(DefinitionProperties properties, TemporaryDefinitions temporary) {
            return new MdevctlStore(properties.directory() == null ? temporary.directory() : properties.directory());
        }

        @Bean
        TemporaryDefinitions temporaryDefinitions() throws IOException {
            return new TemporaryDefinitions(Files.createTempDirectory("apmatrix-definitions"));
        }

        @Bean
        NextBoot nextBoot() {
            return new NextBoot(null);
        }

        @Bean
        SimulationService simulationService(
                SimulatedKernel kernel, SimulatedGuests simulated, Host host, QueueService queues) {
            return new SimulationService(kernel, simulated, host, queues);
        }
    }

    /** A directory that goes with the service. */
    record TemporaryDefinitions(Path directory) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            FileSystemUtils.deleteRecursively(directory);
        }
    }
}
