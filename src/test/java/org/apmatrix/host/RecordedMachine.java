package org.apmatrix.host;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedMachine.Adapter;
import tools.jackson.databind.JsonNode;

/** The emulated machine on which the recorded kernels ran (the head of real-kernel-cases.json says it in prose). */
final class RecordedMachine {
    private static final Map<String, KernelVersion> KERNELS =
            Map.of("5.10.262", KernelVersion.V5_10, "6.12.95", KernelVersion.V6_12, "7.2.13", KernelVersion.V7_2);

    private RecordedMachine() {}

    /** The kernel of a case or tree; empty for kernels that had no vfio_ap. */
    static Optional<KernelVersion> version(JsonNode json) {
        return Optional.ofNullable(KERNELS.get(json.path("kernel").asString()));
    }

    static SimulatedMachine of(KernelVersion version) {
        // for 5.10 the CEX8 adapters were given as CEX7
        String newest = version == KernelVersion.V5_10 ? "CEX7" : "CEX8";
        ApMask domains = ApMask.of(4, 6, 0x1f, 0x47, 0xab, 0xff);
        return SimulatedMachine.of(
                List.of(adapter(4, newest + "C"), adapter(5, newest + "P"), adapter(6, "CEX7A"), adapter(10, "CEX6C")),
                domains,
                domains.or(ApMask.of(0x10, 0x4f)));
    }

    static Adapter adapter(int id, String type) {
        return new Adapter(new AdapterId(id), type, true, false);
    }
}
