package org.apmatrix.service;

import java.util.List;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.jspecify.annotations.Nullable;

/** What only a simulated host can: become another machine, and have its queues bound and unbound by hand. */
public final class SimulationService {
    private final SimulatedKernel kernel;
    private final Host host;
    private final QueueService queues;

    public SimulationService(SimulatedKernel kernel, Host host, QueueService queues) {
        this.kernel = kernel;
        this.host = host;
        this.queues = queues;
    }

    /** An adapter of the simulated machine, by number and type such as {@code CEX8P}. */
    public record Adapter(int id, String type) {}

    /**
     * The simulated machine.
     *
     * @param kernel 5.10, 6.1, 6.12 or 7.2
     */
    public record Simulated(
            String kernel,
            Generation generation,
            List<Adapter> adapters,
            ApMask domains,
            ApMask controlDomains,
            int maxAdapterId,
            int maxDomainId) {}

    /** What is to be another than it is; null leaves it. */
    public record Wish(
            @Nullable Generation generation,
            @Nullable String kernel,
            @Nullable List<Adapter> adapters,
            @Nullable ApMask domains,
            @Nullable ApMask controlDomains,
            @Nullable Integer maxAdapterId,
            @Nullable Integer maxDomainId) {}

    /** Boots the machine anew, as it is wished to be; only while no mediated device stands. */
    public Simulated rebuild(Wish wish) {
        KernelVersion version = version(wish);
        SimulatedMachine machine = machine(wish);
        return host.locked(() -> {
            List<MdevId> standing = List.copyOf(host.look().mdevs().keySet());
            if (!standing.isEmpty()) {
                throw RequestDenied.simulationInUse(standing);
            }
            kernel.boot(version, machine);
            return simulated();
        });
    }

    /** Binds a queue by hand to the driver that the masks or its override name. */
    public QueueService.QueueState bind(Apqn apqn) {
        return queues.rebind(apqn, true);
    }

    /** Takes a queue from its driver by hand. */
    public QueueService.QueueState unbind(Apqn apqn) {
        return queues.rebind(apqn, false);
    }

    private Simulated simulated() {
        SimulatedMachine machine = kernel.machine();
        return new Simulated(
                kernel.version().toString(),
                kernel.version().isDynamic() ? Generation.DYNAMIC : Generation.STATIC,
                machine.adapters().stream()
                        .map(adapter -> new Adapter(adapter.id().value(), adapter.type()))
                        .toList(),
                machine.usageDomains(),
                machine.controlDomains(),
                machine.maxAdapterId(),
                machine.maxDomainId());
    }

    private KernelVersion version(Wish wish) {
        KernelVersion version = kernel.version();
        if (wish.kernel() != null) {
            version = KernelVersion.parse(wish.kernel())
                    .orElseThrow(() -> new InvalidValue("kernel", "One of 5.10, 6.1, 6.12, 7.2."));
        } else if (wish.generation() != null) {
            version = wish.generation() == Generation.STATIC ? KernelVersion.V5_10 : KernelVersion.V6_12;
        }
        if (wish.generation() != null && (wish.generation() == Generation.DYNAMIC) != version.isDynamic()) {
            throw new InvalidValue("generation", "Kernel " + version + " is of the other generation.");
        }
        return version;
    }

    private SimulatedMachine machine(Wish wish) {
        SimulatedMachine now = kernel.machine();
        int maxAdapterId = given(wish.maxAdapterId(), now.maxAdapterId());
        int maxDomainId = given(wish.maxDomainId(), now.maxDomainId());
        requireId("maxAdapterId", maxAdapterId);
        requireId("maxDomainId", maxDomainId);
        ApMask room = ApMask.upTo(maxDomainId);
        // what is not named stays as far as the new maxima leave room for it; what is named must have room
        List<SimulatedMachine.Adapter> adapters = wish.adapters() == null
                ? now.adapters().stream()
                        .filter(adapter -> adapter.id().value() <= maxAdapterId)
                        .toList()
                : adapters(wish.adapters(), maxAdapterId);
        return new SimulatedMachine(
                now.hasAp(),
                now.hasQci(),
                adapters,
                domains("domains", wish.domains(), now.usageDomains(), room),
                domains("controlDomains", wish.controlDomains(), now.controlDomains(), room),
                maxAdapterId,
                maxDomainId);
    }

    private static ApMask domains(String field, @Nullable ApMask wished, ApMask now, ApMask room) {
        if (wished != null && !room.containsAll(wished)) {
            throw new InvalidValue(
                    field, "Above maxDomainId: " + wished.minus(room).ids() + ".");
        }
        return wished == null ? now.and(room) : wished;
    }

    private static List<SimulatedMachine.Adapter> adapters(List<Adapter> wished, int maxAdapterId) {
        if (wished.stream().map(Adapter::id).distinct().count() != wished.size()) {
            throw new InvalidValue("adapters", "An adapter is named twice.");
        }
        return wished.stream()
                .map(adapter -> {
                    requireId("adapters", adapter.id());
                    if (adapter.id() > maxAdapterId) {
                        throw new InvalidValue("adapters", "Above maxAdapterId: " + adapter.id() + ".");
                    }
                    return SimulatedMachine.Adapter.of(new AdapterId(adapter.id()), adapter.type())
                            .orElseThrow(() -> new InvalidValue(
                                    "adapters", "A type is CEX4 to CEX8 and C, P or A, such as CEX8P."));
                })
                .toList();
    }

    private static void requireId(String field, int id) {
        if (id < 0 || id > 255) {
            throw new InvalidValue(field, "An id is an integer from 0 to 255, not " + id + ".");
        }
    }

    private static <T> T given(@Nullable T wished, T now) {
        return wished == null ? now : wished;
    }
}
