package org.apmatrix.host;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apmatrix.ap.ApMask;
import org.jspecify.annotations.Nullable;

/** What the files of this host say about its next boot: the module, the masks, and who starts what is defined. */
public final class NextBoot {
    private static final List<String> MODULES =
            List.of("/etc/modules-load.d", "/run/modules-load.d", "/usr/lib/modules-load.d");

    private static final List<String> MDEVCTL = List.of("/usr/sbin/mdevctl", "/usr/bin/mdevctl", "/sbin/mdevctl");

    private static final Pattern RULE = Pattern.compile("ATTR\\{[^}]*\\b(apmask|aqmask)\\}=\"(0x[0-9a-fA-F]{64})\"");

    private final @Nullable HostFiles files;

    /** @param files null for a simulated machine, of which the files of this one say nothing: it boots with what a kernel has by itself, and all is installed */
    public NextBoot(@Nullable HostFiles files) {
        this.files = files;
    }

    /** Whether vfio_ap is loaded: files of modules-load.d(5) and the kernel parameter of the same name. Throws {@link java.io.UncheckedIOException}. */
    public boolean loadsVfioAp() {
        return files == null
                || Stream.concat(
                                MODULES.stream()
                                        .flatMap(directory -> HostFiles.list(files.path(directory)).stream())
                                        .filter(file -> file.toString().endsWith(".conf")),
                                Stream.of(files.path("/etc/modules")))
                        .flatMap(file -> HostFiles.text(file).orElse("").lines())
                        .anyMatch(NextBoot::isVfioAp)
                || commandLine(files).matches("(?s).*modules[-_]load=\\S*vfio[-_]ap.*");
    }

    private static boolean isVfioAp(String line) {
        return line.strip().replace('-', '_').equals("vfio_ap");
    }

    /**
     * The masks: all ones, or what the kernel command line says, then what chzdev keeps in a udev rule. Whoever restores masks after those adds itself here, as
     * {@link BootMasks.Source#APMATRIX}. Throws {@link java.io.UncheckedIOException}.
     */
    public BootMasks masks() {
        if (files == null) {
            return BootMasks.DEFAULT;
        }
        BootMasks masks = BootMasks.ofCommandLine(commandLine(files));
        for (Path file : HostFiles.list(files.path("/etc/udev/rules.d"))) {
            if (!file.toString().endsWith(".rules")) {
                continue;
            }
            for (MatchResult rule :
                    RULE.matcher(HostFiles.text(file).orElse("")).results().toList()) {
                ApMask mask = ApMask.parse(rule.group(2)).orElseThrow();
                masks = masks.with(rule.group(1), mask, BootMasks.Source.CHZDEV);
            }
        }
        return masks;
    }

    /** Whether somebody is there who starts what is defined. */
    public boolean hasMdevctl() {
        return files == null || mdevctl().isPresent();
    }

    /** Where mdevctl is; empty where it is not installed, and on a simulated machine. */
    public Optional<String> mdevctl() {
        HostFiles present = files;
        return present == null
                ? Optional.empty()
                : MDEVCTL.stream()
                        .filter(path -> present.path(path).toFile().exists())
                        .findFirst();
    }

    private static String commandLine(HostFiles files) {
        return HostFiles.text(files.proc("cmdline")).orElse("");
    }
}
