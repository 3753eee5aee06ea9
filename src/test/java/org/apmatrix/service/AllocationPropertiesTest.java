package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.statistics.Statistics;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MortalSysfs;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.jspecify.annotations.Nullable;

/** Random hosts, wishes, expiries, refusals and deaths: no queue is given twice, and when all is given back the host is as it was found. */
class AllocationPropertiesTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Path ROOT = PlanBench.fastDirectory();
    private static int runs;

    @AfterContainer
    static void cleanUp() {
        PlanBench.delete(ROOT);
    }

    /** Lives that once left a device behind: the process died while a refused release made the device again. */
    @Property
    void whatTheWayBackHasMadeInPartIsTakenAway(@ForAll @From("cutOffOnTheWayBack") long seed) {
        noQueueIsGivenTwiceAndTheMasksAreInTheEndAsTheyWereFound(seed);
    }

    @Provide
    Arbitrary<Long> cutOffOnTheWayBack() {
        return Arbitraries.of(5056697207132192850L, 4052739537881L);
    }

    @Property(tries = 1_000)
    void noQueueIsGivenTwiceAndTheMasksAreInTheEndAsTheyWereFound(@ForAll long seed) {
        Path directory = ROOT.resolve(String.valueOf(runs++));
        try {
            new Run(new Random(seed), directory).go();
        } finally {
            PlanBench.delete(directory);
        }
    }

    /** One random life of a host. */
    private static final class Run {
        private final Random random;
        private final Path directory;
        private final SimulatedKernel kernel;
        private final AllocationBench.Hand clock = new AllocationBench.Hand();
        private final List<MdevId> held = new ArrayList<>();
        private MortalSysfs sysfs;
        private AllocationBench bench;
        private int processes;

        Run(Random random, Path directory) {
            this.random = random;
            this.directory = directory;
            ApMask domains = ApMask.of(some(List.of(0, 4, 64, 255)));
            this.kernel = new SimulatedKernel(
                    KernelVersion.values()[random.nextInt(KernelVersion.values().length)],
                    SimulatedMachine.of(
                            some(List.of(0, 5, 6, 63, 64)).stream()
                                    .map(id -> new SimulatedMachine.Adapter(
                                            new AdapterId(id), random.nextInt(4) == 0 ? "CEX6A" : "CEX8P", true, false))
                                    .toList(),
                            domains,
                            domains));
            some(List.of(0, 5, 6)).forEach(id -> free("apmask", id));
            some(List.of(0, 4)).forEach(id -> free("aqmask", id));
            this.sysfs = new MortalSysfs(kernel);
            this.bench = process(sysfs, directory.resolve("0"));
        }

        private void free(String mask, int id) {
            if (random.nextInt(3) == 0) {
                kernel.write(Path.of("/sys/bus/ap", mask), "-" + id + "\n");
            }
        }

        void go() {
            ApMask apmask = new ApBus(kernel).apmask();
            ApMask aqmask = new ApBus(kernel).aqmask();
            @Nullable String document = random.nextInt(3) == 0 ? "-5" : null;
            if (document != null) {
                document(document);
            }
            for (int step = 0; step < 12; step++) {
                act();
                nothingIsGivenTwice();
            }
            sysfs.calm();
            held.forEach(id -> kernel.closeDevice(id, 4711));
            if (document != null && random.nextBoolean()) {
                document("");
                document = null;
            }
            clock.forward(Duration.ofDays(1));
            bench.allocations.expire();
            bench.allocations
                    .list(null)
                    .forEach(left -> assertThat(bench.release(left)).isTrue());
            clock.forward(Duration.ofDays(1));
            bench.allocations.expire();
            assertThat(bench.allocations.list(null)).isEmpty();
            assertThat(new MdevTree(kernel).ids()).isEmpty();
            assertThat(new ApBus(kernel).apmask()).isEqualTo(document == null ? apmask : apmask.without(5));
            assertThat(new ApBus(kernel).aqmask()).isEqualTo(aqmask);
        }

        private void document(String apmask) {
            DesiredState.Masks masks = apmask.isEmpty() ? null : new DesiredState.Masks(apmask, null);
            bench.plans.plans.apply(
                    new DesiredState("other", masks, List.of(), List.of()), Rights.ALL, AllocationBench.PATIENCE);
        }

        private void act() {
            if (random.nextInt(4) == 0) {
                sysfs.refuse(1 + random.nextInt(4), Errno.EIO);
            }
            Path left = directory.resolve(String.valueOf(processes + 1));
            if (random.nextInt(6) == 0) {
                Path now = directory.resolve(String.valueOf(processes));
                sysfs.die(1 + random.nextInt(5), random.nextBoolean(), () -> PlanBench.copy(now, left));
            }
            try {
                actNow();
            } catch (MortalSysfs.Death death) {
                Statistics.label("ended").collect("died");
                processes++;
                sysfs = new MortalSysfs(kernel);
                bench = process(sysfs, left);
            } catch (Fault refused) {
                Statistics.label("ended").collect(refused.code());
                if (refused.code() == ErrorCode.ALLOCATION_IMPOSSIBLE) {
                    assertThat((List<?>) refused.facts().get("missing")).isNotEmpty();
                }
                assertThat(refused.code())
                        .isIn(ErrorCode.ALLOCATION_IMPOSSIBLE, ErrorCode.HOST_REFUSED, ErrorCode.MDEV_IN_USE);
            }
            sysfs.calm();
        }

        private void actNow() {
            List<Allocation> all = bench.allocations.list(null);
            Optional<Allocation> any =
                    all.stream().skip(random.nextInt(all.size() + 1)).findFirst();
            switch (random.nextInt(6)) {
                case 0, 1, 2 -> {
                    bench.allocate(wish());
                    Statistics.label("ended").collect("granted");
                }
                case 3 -> any.ifPresent(one -> bench.release(one));
                case 4 -> {
                    clock.forward(Duration.ofMinutes(random.nextInt(90)));
                    bench.allocations.expire();
                }
                default ->
                    any.filter(one -> one.state() == Allocation.State.ACTIVE && !held.contains(one.mdevId()))
                            .filter(one -> held.isEmpty())
                            .ifPresent(one -> {
                                kernel.openDevice(one.mdevId(), 4711);
                                held.add(one.mdevId());
                            });
            }
        }

        private AllocationService.Request wish() {
            AllocationService.Request wish = new AllocationService.Request(
                    "demo",
                    null,
                    random.nextInt(4) == 0 ? Card.Mode.ACCELERATOR : Card.Mode.EP11,
                    1 + random.nextInt(4),
                    random.nextInt(4) == 0,
                    null,
                    false,
                    random.nextInt(4) > 0,
                    random.nextInt(4) == 0,
                    null,
                    random.nextBoolean() ? Allocation.OnExpiry.KEEP : Allocation.OnExpiry.UNPLUG);
            return random.nextBoolean() ? wish : AllocationBench.lease(wish, HOUR, null, wish.onExpiry());
        }

        private void nothingIsGivenTwice() {
            Set<String> given = new HashSet<>();
            for (Allocation allocation : bench.allocations.list(null)) {
                if (allocation.state() == Allocation.State.ACTIVE || allocation.state() == Allocation.State.EXPIRED) {
                    allocation
                            .queues()
                            .forEach(queue -> assertThat(given.add(queue)).isTrue());
                    assertThat(new MdevTree(kernel).read(allocation.mdevId()).map(Mdev::matrix))
                            .isEqualTo(Optional.of(allocation.matrix()));
                    Matrix reserved = Matrix.of(new ApBus(kernel).apmask(), new ApBus(kernel).aqmask());
                    assertThat(reserved.shared(allocation.matrix()).hasNoApqn()).isTrue();
                }
            }
            Set<Apqn> assigned = new TreeSet<>();
            for (MdevId id : new MdevTree(kernel).ids()) {
                for (Apqn apqn : new MdevTree(kernel)
                        .read(id)
                        .orElseThrow()
                        .matrixOrEmpty()
                        .apqns()) {
                    assertThat(assigned.add(apqn)).isTrue();
                }
            }
        }

        private AllocationBench process(Sysfs seen, Path state) {
            return new AllocationBench(seen, kernel.procfs(), state, List.of(), clock);
        }

        private List<Integer> some(List<Integer> all) {
            return all.stream().filter(one -> random.nextInt(4) > 0).toList();
        }
    }
}
