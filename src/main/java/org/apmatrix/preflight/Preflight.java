package org.apmatrix.preflight;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.kernel.KernelException;

/** Asks every check, in an order in which each stands on those before it. */
public final class Preflight {
    /**
     * One question to the host.
     *
     * @param ask empty where the question makes no sense: on the simulated host, or without what an earlier check misses already
     */
    record Check(String name, Supplier<Optional<Item>> ask) {}

    private final List<Check> checks = new ArrayList<>();
    private final boolean simulated;

    /** Asks nothing yet. */
    public Preflight(Ground ground) {
        simulated = ground.simulated();
        checks.addAll(new ApChecks(ground).all());
        checks.addAll(new GuestChecks(ground).all());
        if (!ground.simulated()) {
            checks.addAll(new RightsChecks(ground).all());
            checks.addAll(new LockChecks(ground).all());
            checks.addAll(new ManagerChecks(ground).all());
            checks.addAll(new BootChecks(ground).all());
        }
    }

    /** Whether it is a simulated machine that is looked at. */
    public boolean isSimulated() {
        return simulated;
    }

    /** Looks at everything, changes nothing. Guests that are silent make it wait for as long as a look at a guest may take. */
    public List<Item> run() {
        return checks.stream().flatMap(check -> answer(check).stream()).toList();
    }

    private static Optional<Item> answer(Check check) {
        try {
            return check.ask().get();
        } catch (KernelException | UncheckedIOException | HostFailure refused) {
            return Optional.of(Item.warn(
                    check.name(),
                    String.valueOf(refused.getMessage()),
                    "This could not be looked at, so nothing is known about it; mostly a right is missing.",
                    null));
        }
    }
}
