package org.apmatrix.preflight;

import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;

/** The masks as the next boot will set them: all ones, or what the kernel command line says, then what chzdev keeps in a udev rule. */
record BootMasks(ApMask apmask, ApMask aqmask) {
    private static final Pattern RULE = Pattern.compile("ATTR\\{[^}]*\\b(apmask|aqmask)\\}=\"(0x[0-9a-fA-F]{64})\"");

    static BootMasks of(Ground ground) {
        String commandLine = Ground.text(ground.proc("cmdline")).orElse("");
        ApMask apmask = parameter(commandLine, "apmask");
        ApMask aqmask = parameter(commandLine, "aqmask");
        for (Path file : Ground.files(ground.hostPath("/etc/udev/rules.d"))) {
            if (!file.toString().endsWith(".rules")) {
                continue;
            }
            for (MatchResult rule :
                    RULE.matcher(Ground.text(file).orElse("")).results().toList()) {
                ApMask mask = ApMask.parse(rule.group(2)).orElseThrow();
                if (rule.group(1).equals("apmask")) {
                    apmask = mask;
                } else {
                    aqmask = mask;
                }
            }
        }
        return new BootMasks(apmask, aqmask);
    }

    /** A parameter starts from an empty mask, so that relative terms have nothing to take from (ap_bus.c, ap_perms_init). */
    private static ApMask parameter(String commandLine, String name) {
        Optional<String> text = Pattern.compile("(?:^|\\s)ap\\." + name + "=(\\S*)")
                .matcher(commandLine)
                .results()
                .map(result -> result.group(1))
                .reduce((first, last) -> last);
        return text.map(value -> ApMask.isRelative(value) ? ApMask.NONE.after(value) : ApMask.parseAbsolute(value))
                .map(mask -> mask.orElse(ApMask.NONE))
                .orElse(ApMask.ALL);
    }

    /** Whether the host's drivers keep the queue. */
    boolean keepForHost(Apqn apqn) {
        return apmask.contains(apqn.adapter().value())
                && aqmask.contains(apqn.domain().value());
    }

    /** As chzdev's absolute form has it, such as {@code 0-4,7-255}; {@code -0-255}, which takes all away, for the empty mask. */
    static String ranges(ApMask mask) {
        if (mask.isEmpty()) {
            return "-0-255";
        }
        StringBuilder text = new StringBuilder();
        int start = -1;
        for (int id = 0; id <= ApMask.SIZE; id++) {
            boolean in = id < ApMask.SIZE && mask.contains(id);
            if (in && start < 0) {
                start = id;
            } else if (!in && start >= 0) {
                text.append(text.isEmpty() ? "" : ",")
                        .append(start == id - 1 ? String.valueOf(start) : start + "-" + (id - 1));
                start = -1;
            }
        }
        return text.toString();
    }
}
