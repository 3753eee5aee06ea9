package org.apmatrix.command;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apmatrix.host.DefinitionProperties;
import org.apmatrix.host.Guests;
import org.apmatrix.host.HostProperties;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.libvirt.Libvirt;
import org.apmatrix.host.libvirt.LibvirtProperties;
import org.apmatrix.host.linux.LinuxClock;
import org.apmatrix.host.linux.LinuxProcfs;
import org.apmatrix.host.linux.LinuxSysfs;
import org.apmatrix.host.qmp.QmpProperties;
import org.apmatrix.preflight.Ground;
import org.apmatrix.preflight.Item;
import org.apmatrix.preflight.Preflight;
import org.apmatrix.preflight.PreflightProperties;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.ConfigurationPropertiesBindException;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.env.Profiles;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Tells whether this host is ready, as {@code GET /host/preflight} does, before the service runs. Reads the configuration as the service would. */
@Command(
        name = "preflight",
        description = "Checks whether this host is ready. The exit code is 0 when nothing failed, 1 otherwise.",
        mixinStandardHelpOptions = true,
        customSynopsis = "apmatrix preflight [--json] [--NAME=VALUE...]",
        footer = "NAME is any configuration property of the service, such as apmatrix.host.sysfs-root.")
final class PreflightCommand implements Callable<Integer> {
    private static final String PROPERTY = "--[a-z][A-Za-z0-9_.\\[\\]-]*=.*";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(names = "--json", description = "Prints what GET /api/v1/host/preflight answers.")
    private boolean json;

    @Unmatched
    private List<String> properties = new ArrayList<>();

    /** No component, or the service would find it: what the checks need of the configuration, and nothing else. */
    @EnableConfigurationProperties({
        HostProperties.class,
        QmpProperties.class,
        LibvirtProperties.class,
        PreflightProperties.class,
        DefinitionProperties.class
    })
    static final class Settings {}

    @Override
    public Integer call() {
        for (String argument : properties) {
            if (!argument.matches(PROPERTY)) {
                throw new CommandLine.ParameterException(
                        spec.commandLine(), "Neither an option nor a property (--name=value): " + argument);
            }
        }
        try (ConfigurableApplicationContext settings = settings()) {
            if (settings.getEnvironment().acceptsProfiles(Profiles.of("simulated"))) {
                throw new CommandLine.ParameterException(
                        spec.commandLine(),
                        "The simulated host lives in the service: ask that for GET /api/v1/host/preflight.");
            }
            List<Item> items = look(
                    settings.getBean(HostProperties.class),
                    settings.getBean(QmpProperties.class),
                    settings.getBean(LibvirtProperties.class),
                    settings.getBean(PreflightProperties.class),
                    settings.getBean(DefinitionProperties.class));
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                printJson(out, items);
            } else {
                printTable(out, items);
            }
            out.flush();
            return items.stream().anyMatch(item -> item.result() == Item.Result.FAIL) ? 1 : 0;
        }
    }

    private ConfigurableApplicationContext settings() {
        try {
            return new SpringApplicationBuilder(Settings.class)
                    .web(WebApplicationType.NONE)
                    .bannerMode(Banner.Mode.OFF)
                    .logStartupInfo(false)
                    .registerShutdownHook(false)
                    // what is printed is the answer alone
                    .properties("logging.threshold.console=OFF")
                    .run(properties.toArray(String[]::new));
        } catch (ConfigurationPropertiesBindException unreadable) {
            Throwable property = unreadable.getCause();
            throw new CommandLine.ParameterException(
                    spec.commandLine(),
                    (property == null ? unreadable : property).getMessage() + ": "
                            + NestedExceptionUtils.getMostSpecificCause(unreadable)
                                    .getMessage(),
                    unreadable);
        }
    }

    private static List<Item> look(
            HostProperties host,
            QmpProperties qmp,
            LibvirtProperties libvirt,
            PreflightProperties preflight,
            DefinitionProperties definitions) {
        Procfs procfs = new LinuxProcfs(host.procRoot());
        try (Guests guests = new Guests(qmp, procfs, null, new SimpleMeterRegistry(), Libvirt.of(libvirt))) {
            return new Preflight(new Ground(
                            new LinuxSysfs(host.sysfsRoot()),
                            procfs,
                            guests,
                            host,
                            preflight.rootOrOwn(),
                            new MdevctlStore(definitions.directoryOrBelow(preflight.rootOrOwn())),
                            LinuxClock::isSynchronised,
                            false))
                    .run();
        }
    }

    private static void printJson(PrintWriter out, List<Item> items) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("simulated", false);
        answer.put(
                "items",
                items.stream()
                        .map(item -> {
                            Map<String, Object> line = new LinkedHashMap<>();
                            line.put("check", item.check());
                            line.put("result", item.result().name().toLowerCase(Locale.ROOT));
                            line.put("found", item.found());
                            line.put("means", item.means());
                            line.put("mend", item.mend());
                            return line;
                        })
                        .toList());
        out.println(JsonMapper.builder()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .build()
                .writeValueAsString(answer));
    }

    /** One line a check; below what is not well, what it means and what mends it. */
    private static void printTable(PrintWriter out, List<Item> items) {
        for (Item item : items) {
            out.printf(Locale.ROOT, "%-4s  %-20s  %s%n", item.result(), item.check(), item.found());
            if (item.result() != Item.Result.OK) {
                out.printf(Locale.ROOT, "%28s%s%n", "", item.means());
            }
            if (item.mend() != null) {
                out.printf(Locale.ROOT, "%28s# %s%n", "", item.mend());
            }
        }
    }
}
