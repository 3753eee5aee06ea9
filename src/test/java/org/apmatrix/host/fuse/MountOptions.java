package org.apmatrix.host.fuse;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;

/** What was asked for on the command line of {@link MountSimulatedSysfs}. */
record MountOptions(Path mountPoint, KernelVersion kernel, SimulatedMachine machine) {
    static final String USAGE = """
            usage: mount-simulated-sysfs DIR [option value]...
              --kernel           5.10, 6.1, 6.12 or 7.2 (default 6.12)
              --adapters         hex number and type, such as 05:CEX5C,06:CEX5A (the default)
              --domains          usage domains, decimal or 0x hex (default 4,0x47,0xab,0xff)
              --control-domains  control domains (default: the usage domains)
              --max-adapter      highest adapter number of the machine (default 255)
              --max-domain       highest domain number of the machine (default 255)
            """;

    private static final List<String> NAMES =
            List.of("--kernel", "--adapters", "--domains", "--control-domains", "--max-adapter", "--max-domain");

    /** @throws IllegalArgumentException with one line that says what is wrong */
    static MountOptions parse(String... words) {
        Map<String, String> options = new HashMap<>();
        Optional<Path> mountPoint = Optional.empty();
        Deque<String> rest = new ArrayDeque<>(List.of(words));
        while (!rest.isEmpty()) {
            String word = rest.remove();
            if (!word.startsWith("--")) {
                if (mountPoint.isPresent()) {
                    throw new IllegalArgumentException("one directory, not two: " + word);
                }
                mountPoint = Optional.of(Path.of(word));
                continue;
            }
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals);
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("unknown option " + name);
            }
            if (equals < 0 && rest.isEmpty()) {
                throw new IllegalArgumentException(name + " needs a value");
            }
            options.put(name, equals < 0 ? rest.remove() : word.substring(equals + 1));
        }
        if (mountPoint.isEmpty()) {
            throw new IllegalArgumentException("no directory to mount on");
        }
        KernelVersion kernel =
                option(options, "--kernel", "6.12", KernelVersion::parse, "is not 5.10, 6.1, 6.12 or 7.2");
        return new MountOptions(mountPoint.get(), kernel, machine(options));
    }

    private static SimulatedMachine machine(Map<String, String> options) {
        String domains = options.getOrDefault("--domains", "4,0x47,0xab,0xff");
        List<SimulatedMachine.Adapter> adapters = option(
                options,
                "--adapters",
                "05:CEX5C,06:CEX5A",
                MachineText::adapters,
                "is not a list such as 05:CEX5C,06:CEX5A");
        String notDomains = "is not a list such as 4,0x47";
        ApMask usage = option(options, "--domains", domains, MachineText::domains, notDomains);
        ApMask control = option(options, "--control-domains", domains, MachineText::domains, notDomains);
        // an adapter's number has the same range and spelling as any maximum
        int maxAdapter = option(options, "--max-adapter", "255", AdapterId::parse, "is not 0 to 255")
                .value();
        int maxDomain = option(options, "--max-domain", "255", AdapterId::parse, "is not 0 to 255")
                .value();
        return new SimulatedMachine(true, true, adapters, usage, control, maxAdapter, maxDomain);
    }

    private static <T> T option(
            Map<String, String> options,
            String name,
            String byDefault,
            Function<String, Optional<T>> parser,
            String complaint) {
        String text = options.getOrDefault(name, byDefault);
        return parser.apply(text)
                .orElseThrow(() -> new IllegalArgumentException(name + ": '" + text + "' " + complaint));
    }
}
