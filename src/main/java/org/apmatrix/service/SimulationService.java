package org.apmatrix.service;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.audit.Attempt;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.fault.NotFound;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.Card;
import org.apmatrix.host.CpuFeatures;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.jspecify.annotations.Nullable;

/** What only a simulated host can: become another machine, have its queues bound and unbound by hand, and its guests change their mind. */
public final class SimulationService {
    /** What may stand as a file name without quotes. */
    private static final Pattern GUEST_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    private final SimulatedKernel kernel;
    private final SimulatedGuests guests;
    private final Host host;
    private final QueueService queues;

    public SimulationService(SimulatedKernel kernel, SimulatedGuests guests, Host host, QueueService queues) {
        this.kernel = kernel;
        this.guests = guests;
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

    /** What a simulated guest is to be; null leaves it, or is the default for a new one: running, answering, with all features. */
    public record GuestWish(
            @Nullable String state,
            @Nullable String temper,
            @Nullable Boolean ap,
            @Nullable Boolean apqci,
            @Nullable Boolean apft) {}

    /** A simulated guest as it is now. */
    public record SimulatedGuest(String name, String state, String temper, CpuFeatures cpuFeatures) {}

    /** Changes a simulated guest, or makes it; INVALID_VALUE for a name that is none or a run state that QEMU does not have, SIMULATION_IN_USE when ap is to go from a guest that has a device. */
    public Outcome<SimulatedGuest> guest(String name, GuestWish wish, boolean dryRun) {
        if (!GUEST_NAME.matcher(name).matches()) {
            throw new InvalidValue(
                    "guest",
                    "A simulated guest's name is 1 to 64 letters, digits, . _ -, the first a letter or digit.");
        }
        synchronized (guests) {
            Optional<SimulatedQemu> standing = guests.find(name);
            SimulatedQemu.Settings now = standing.map(SimulatedQemu::settings).orElse(SimulatedQemu.Settings.DEFAULT);
            SimulatedQemu.Settings next = settings(now, wish);
            Plan.Problems problems = new Plan.Problems();
            problems.check(() -> standing.flatMap(SimulatedQemu::plugged)
                    .filter(mdev -> !next.cpuFeatures().ap())
                    .ifPresent(mdev -> {
                        throw RequestDenied.simulationInUse(List.of(mdev));
                    }));
            if (dryRun) {
                String action = standing.isPresent() ? "change" : "start";
                return forecast(new Forecast.Line(action, name, next.toString()), problems);
            }
            problems.refuseIfAny();
            Attempt.current().intend();
            standing.ifPresentOrElse(qemu -> qemu.apply(next), () -> guests.start(name, next));
            return new Outcome.Done<>(simulated(name, next), standing.isEmpty());
        }
    }

    private static <T> Outcome<T> forecast(Forecast.Line step, Plan.Problems problems) {
        return new Outcome.DryRun<>(new Forecast(List.of(step), List.of(), List.of(), List.of(), problems.found()));
    }

    private static SimulatedGuest simulated(String name, SimulatedQemu.Settings settings) {
        SimulatedQemu.CpuFeatures features = settings.cpuFeatures();
        return new SimulatedGuest(
                name,
                settings.runState(),
                settings.temper().name(),
                new CpuFeatures(features.ap(), features.apqci(), features.apft()));
    }

    private static SimulatedQemu.Temper temper(String text) {
        return Arrays.stream(SimulatedQemu.Temper.values())
                .filter(temper -> temper.name().equals(text))
                .findFirst()
                .orElseThrow(() ->
                        new InvalidValue("temper", "One of " + Arrays.toString(SimulatedQemu.Temper.values()) + "."));
    }

    private static SimulatedQemu.Settings settings(SimulatedQemu.Settings now, GuestWish wish) {
        if (wish.state() != null && !SimulatedQemu.isRunState(wish.state())) {
            throw new InvalidValue(
                    "state", "A run state of QEMU: running, paused, shutdown, prelaunch, inmigrate, guest-panicked, …");
        }
        SimulatedQemu.CpuFeatures features = now.cpuFeatures();
        return now.withRunState(given(wish.state(), now.runState()))
                .withTemper(wish.temper() == null ? now.temper() : temper(wish.temper()))
                .withCpuFeatures(new SimulatedQemu.CpuFeatures(
                        given(wish.ap(), features.ap()),
                        given(wish.apqci(), features.apqci()),
                        given(wish.apft(), features.apft())));
    }

    /** As kill -9 on its QEMU: the kernel takes back what it held, and the guest is gone. Already gone is done. */
    public Outcome<String> kill(String name, boolean dryRun) {
        synchronized (guests) {
            if (dryRun) {
                return forecast(new Forecast.Line("kill", name, "SIGKILL"), new Plan.Problems());
            }
            Attempt.current().intend();
            guests.kill(name);
            return new Outcome.Done<>(name, false);
        }
    }

    /** Boots the machine anew, as it is wished to be; only while no mediated device stands. Its guests are started anew, too. */
    public Outcome<Simulated> rebuild(Wish wish, boolean dryRun) {
        KernelVersion version = version(wish);
        SimulatedMachine machine = machine(wish);
        if (dryRun) {
            Plan.Problems problems = new Plan.Problems();
            problems.check(this::requireNoDevice);
            return forecast(new Forecast.Line("boot", version.release(), machine.toString()), problems);
        }
        return host.locked(() -> {
            requireNoDevice();
            Attempt.current().intend();
            kernel.boot(version, machine);
            host.masterKeys().forgetAll();
            guests.rebooted();
            return new Outcome.Done<>(simulated(), false);
        });
    }

    private void requireNoDevice() {
        List<MdevId> standing = List.copyOf(host.look().mdevs().keySet());
        if (!standing.isEmpty()) {
            throw RequestDenied.simulationInUse(standing);
        }
    }

    /** Binds a queue by hand to the driver that the masks or its override name. */
    public Outcome<QueueService.QueueState> bind(Apqn apqn, WriteOptions options) {
        return queues.rebind(apqn, true, options);
    }

    /** Takes a queue from its driver by hand. */
    public Outcome<QueueService.QueueState> unbind(Apqn apqn, WriteOptions options) {
        return queues.rebind(apqn, false, options);
    }

    /**
     * Master keys that are to be loaded: into AES and APKA of a CCA queue, into WK of an EP11 one.
     *
     * @param pattern {@code 0x} and 16 hex digits for CCA, 64 for EP11; null for an HSM that does not answer
     * @param state {@code valid} or {@code invalid}; null for valid
     */
    public record KeyLoad(
            @Nullable String pattern, @Nullable String state) {
        private Mkvps keys(Optional<Card.Mode> mode) {
            if (!MasterKeys.hasMasterKeys(mode)) {
                throw new InvalidValue("apqn", "Only CCA and EP11 queues have master keys.");
            }
            String word = state == null ? "valid" : state;
            if (!word.equals("valid") && !word.equals("invalid")) {
                throw new InvalidValue("state", "Either valid or invalid.");
            }
            if (pattern == null) {
                return Mkvps.UNTOLD;
            }
            boolean ep11 = mode.equals(Optional.of(Card.Mode.EP11));
            int digits = ep11 ? 64 : 16;
            if (!pattern.matches("0x[0-9a-f]{" + digits + "}")) {
                throw new InvalidValue(
                        "pattern",
                        "The pattern of " + (ep11 ? "an EP11" : "a CCA") + " master key is 0x and " + digits
                                + " lower-case hex digits.");
            }
            // of a working key that is not valid EP11 tells no pattern (zcrypt_cex4.c, ep11_mkvps_show)
            return new Mkvps((ep11 ? Stream.of(Mkvps.Type.WK) : Stream.of(Mkvps.Type.AES, Mkvps.Type.APKA))
                    .map(type -> new Mkvps.Key(
                            type, Mkvps.Register.CUR, word, ep11 && word.equals("invalid") ? null : pattern))
                    .toList());
        }
    }

    /** Loads master keys into the HSM behind a queue, as somebody at a TKE workstation does. */
    public Outcome<QueueService.QueueState> loadMasterKeys(Apqn apqn, KeyLoad load, boolean dryRun) {
        Attempt.current().on(apqn);
        if (!host.look().queues().containsKey(apqn)) {
            throw NotFound.queue(apqn);
        }
        Mkvps keys = load.keys(host.ask(() -> host.bus().mode(apqn.adapter())));
        if (dryRun) {
            return forecast(
                    new Forecast.Line(
                            "load-master-keys", apqn.toString(), keys.toString().strip()),
                    new Plan.Problems());
        }
        Attempt.current().intend();
        kernel.loadMasterKeys(apqn, keys);
        return new Outcome.Done<>(queues.getAnew(apqn), false);
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
                maxDomainId,
                now.masterKeys());
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
