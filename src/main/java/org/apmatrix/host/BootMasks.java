package org.apmatrix.host;

import java.util.Optional;
import java.util.regex.Pattern;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;

/**
 * The masks as the next boot will set them.
 *
 * @param source who has the last word in that
 */
public record BootMasks(ApMask apmask, ApMask aqmask, Source source) {
    /** All ones: nobody says anything, and the host keeps every queue. */
    public static final BootMasks DEFAULT = new BootMasks(ApMask.ALL, ApMask.ALL, Source.DEFAULT);

    /** Who sets masks at boot, each over those before it. */
    public enum Source {
        /** The kernel's own: all ones. */
        DEFAULT,
        /** The kernel parameters ap.apmask and ap.aqmask. */
        KERNEL_COMMAND_LINE,
        /** The udev rule in which chzdev keeps what is persistent. */
        CHZDEV,
        /** This service, from the state that it saved. */
        APMATRIX
    }

    /** What the kernel makes of its command line (ap_bus.c, ap_perms_init). */
    static BootMasks ofCommandLine(String commandLine) {
        Optional<ApMask> apmask = parameter(commandLine, "apmask");
        Optional<ApMask> aqmask = parameter(commandLine, "aqmask");
        return apmask.isEmpty() && aqmask.isEmpty()
                ? DEFAULT
                : new BootMasks(apmask.orElse(ApMask.ALL), aqmask.orElse(ApMask.ALL), Source.KERNEL_COMMAND_LINE);
    }

    /** A parameter starts from an empty mask, so that relative terms have nothing to take from. */
    private static Optional<ApMask> parameter(String commandLine, String name) {
        Optional<String> text = Pattern.compile("(?:^|\\s)ap\\." + name + "=(\\S*)")
                .matcher(commandLine)
                .results()
                .map(result -> result.group(1))
                .reduce((first, last) -> last);
        return text.map(value -> (ApMask.isRelative(value) ? ApMask.NONE.after(value) : ApMask.parseAbsolute(value))
                .orElse(ApMask.NONE));
    }

    /** These with one of them replaced by somebody who comes later. */
    BootMasks with(String name, ApMask mask, Source by) {
        return name.equals("apmask") ? new BootMasks(mask, aqmask, by) : new BootMasks(apmask, mask, by);
    }

    /** The queues of a matrix that the host's drivers keep then, as a product again. */
    public Matrix kept(Matrix matrix) {
        return matrix.shared(Matrix.of(apmask, aqmask));
    }

    /** Whether both are these. */
    public boolean are(ApMask otherApmask, ApMask otherAqmask) {
        return apmask.equals(otherApmask) && aqmask.equals(otherAqmask);
    }

    /** As chzdev's absolute form has it, such as {@code 0-4,7-255}; {@code -0-255}, which takes all away, for the empty mask. */
    public static String ranges(ApMask mask) {
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
