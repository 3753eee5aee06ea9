package org.apmatrix.host;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The features of a guest's CPU model that crypto needs (target/s390x/cpu_features_def.h.inc); null where QEMU did not tell.
 *
 * @param ap the AP instructions; without them the guest has no AP bus
 * @param apqci query of the configuration; without it a Linux guest sees domains 0 to 15 only
 * @param apft facilities test; without it a Linux guest cannot identify its queues
 */
public record CpuFeatures(
        @Nullable Boolean ap,
        @Nullable Boolean apqci,
        @Nullable Boolean apft) {
    static final CpuFeatures UNKNOWN = new CpuFeatures(null, null, null);

    /** What is known to be missing of what a guest cannot use its queues without. */
    public List<String> missing() {
        List<String> missing = new ArrayList<>();
        if (Boolean.FALSE.equals(ap)) {
            missing.add("ap");
        }
        if (Boolean.FALSE.equals(apft)) {
            missing.add("apft");
        }
        return missing;
    }
}
