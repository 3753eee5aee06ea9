package org.apmatrix.host;

import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apmatrix.host.kernel.Procfs;

/** What the machine and its kernel call themselves. */
public final class Machine {
    private static final Pattern RELEASE = Pattern.compile("([0-9]{1,4})\\..*");

    private final Procfs procfs;
    private final boolean simulated;

    public Machine(Procfs procfs, boolean simulated) {
        this.procfs = procfs;
        this.simulated = simulated;
    }

    /** Whether all of this is only a simulation. */
    public boolean isSimulated() {
        return simulated;
    }

    /** {@code IBM-<type>-<sequence>} from {@code /proc/sysinfo} (arch/s390/kernel/sysinfo.c): the same APQN on two machines is two HSMs. */
    public Optional<String> id() {
        return procfs.read(Path.of("/proc/sysinfo"))
                .flatMap(sysinfo -> value(sysinfo, "Manufacturer")
                        .flatMap(maker -> value(sysinfo, "Type")
                                .flatMap(type ->
                                        value(sysinfo, "Sequence Code").map(code -> maker + "-" + type + "-" + code))));
    }

    /** As {@code uname -r} prints it; empty where the kernel does not tell. */
    public Optional<String> kernelRelease() {
        return procfs.read(Path.of("/proc/sys/kernel/osrelease")).map(String::strip);
    }

    /** The release's first number; 0 where the kernel does not tell. */
    public int majorRelease() {
        return kernelRelease()
                .map(RELEASE::matcher)
                .filter(Matcher::matches)
                .map(matcher -> Integer.parseInt(matcher.group(1)))
                .orElse(0);
    }

    private static Optional<String> value(String sysinfo, String key) {
        return sysinfo.lines()
                .filter(line -> line.startsWith(key + ":"))
                .map(line -> line.substring(key.length() + 1).strip())
                .filter(text -> !text.isEmpty())
                .findFirst();
    }
}
