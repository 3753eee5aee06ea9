package org.apmatrix.service;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.fault.NotFound;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.host.Machine;
import org.apmatrix.host.MdevTree;
import org.jspecify.annotations.Nullable;

/** The host itself and its adapters. */
public final class HostService {
    private final Host host;
    private final WorkInFlight inFlight;

    public HostService(Host host, WorkInFlight inFlight) {
        this.host = host;
        this.inFlight = inFlight;
    }

    /** How queues are given away on this host; the kernel lets the two exclude each other. */
    public enum QueueAssignment {
        MASKS,
        DRIVER_OVERRIDE
    }

    /**
     * The host in a few words; null where it does not tell.
     *
     * @param features the matrix device's own list, on kernels from 6.12 on
     */
    public record Summary(
            boolean simulated,
            @Nullable String machineId,
            @Nullable String kernelRelease,
            Generation generation,
            @Nullable List<String> features,
            int maxAdapterId,
            int maxDomainId,
            QueueAssignment queueAssignment,
            boolean vfioApLoaded,
            @Nullable Duration scanInterval,
            List<WorkInFlight.Unfinished> unfinished) {}

    public Summary summary() {
        return host.ask(() -> {
            ApBus bus = host.bus();
            Machine machine = host.machine();
            return new Summary(
                    machine.isSimulated(),
                    machine.id().orElse(null),
                    machine.kernelRelease().orElse(null),
                    host.generation(),
                    host.vfioApLoaded() ? host.mdevs().features().orElse(null) : null,
                    bus.maxAdapterId(),
                    bus.maxDomainId(),
                    queueAssignment(bus),
                    host.vfioApLoaded(),
                    bus.scanInterval().orElse(null),
                    unfinished());
        });
    }

    public List<Card> adapters() {
        return host.ask(() -> host.bus().adapters().stream()
                .flatMap(id -> host.bus().card(id).stream())
                .toList());
    }

    public Card adapter(AdapterId id) {
        return host.ask(() -> host.bus().card(id).orElseThrow(() -> NotFound.adapter(id)));
    }

    private static QueueAssignment queueAssignment(ApBus bus) {
        return bus.driverOverrides(bus.queues().keySet()).isEmpty()
                ? QueueAssignment.MASKS
                : QueueAssignment.DRIVER_OVERRIDE;
    }

    /** What was cut off and is still there: a device that is gone again left nothing behind. */
    private List<WorkInFlight.Unfinished> unfinished() {
        Optional<MdevTree> mdevs = host.vfioApLoaded() ? Optional.of(host.mdevs()) : Optional.empty();
        List<String> standing = mdevs.map(MdevTree::ids).orElse(List.of()).stream()
                .map(MdevService::subject)
                .toList();
        return inFlight.unfinished().stream()
                .filter(work -> !MdevService.isSubject(work.subject()) || standing.contains(work.subject()))
                .toList();
    }
}
