package org.apmatrix.service;

import static org.apmatrix.service.AllocationBench.lease;
import static org.apmatrix.service.AllocationBench.wish;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apmatrix.Patience;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.MdevId;
import org.apmatrix.audit.AuditRecord;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MortalSysfs;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The life of allocations and leases: a clock in the test's hand, processes that die, guests that do not answer. */
class LeaseTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final AllocationService.Request TWO = wish(Card.Mode.CCA, 2);

    @TempDir
    Path directory;

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private final MortalSysfs sysfs = new MortalSysfs(kernel);
    private final AllocationBench.Hand clock = new AllocationBench.Hand();
    private final List<AutoCloseable> open = new ArrayList<>();
    private SimulatedGuests guests;

    @BeforeEach
    void startTheGuest() {
        guests = new SimulatedGuests(kernel, directory.resolve("sockets"));
        open.add(guests);
        guests.start("guest1", SimulatedQemu.Settings.DEFAULT);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable one : open) {
            one.close();
        }
    }

    private AllocationBench process(Sysfs seen, String state) {
        AllocationBench bench = new AllocationBench(
                seen,
                kernel.procfs(),
                directory.resolve(state),
                List.of(directory.resolve("sockets") + "/*.sock"),
                clock);
        open.add(0, bench);
        return bench;
    }

    private AllocationBench process() {
        return process(sysfs, "state");
    }

    private SimulatedQemu guest() {
        return guests.find("guest1").orElseThrow();
    }

    private void temper(SimulatedQemu.Temper temper) {
        guest().apply(guest().settings().withTemper(temper));
    }

    private List<MdevId> devices() {
        return new MdevTree(kernel).ids();
    }

    private void asAtTheStart() {
        assertThat(devices()).isEmpty();
        assertThat(new ApBus(kernel).apmask()).isEqualTo(ApMask.ALL);
        assertThat(new ApBus(kernel).aqmask()).isEqualTo(ApMask.ALL);
        assertThat(guests.find("guest1").flatMap(SimulatedQemu::plugged)).isEmpty();
    }

    /** Whatever stands there of that name makes way for a device of this adapter and these domains. */
    private void makeBySomebodyElse(MdevId mdev, int adapter, List<Integer> domains) {
        Path device = MdevTree.path(mdev);
        kernel.write(device.resolve("remove"), "1\n");
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-" + adapter + "\n");
        kernel.write(device.resolveSibling("mdev_supported_types/vfio_ap-passthrough/create"), mdev + "\n");
        kernel.write(device.resolve("assign_adapter"), adapter + "\n");
        domains.forEach(domain -> kernel.write(device.resolve("assign_domain"), domain + "\n"));
    }

    private static Allocation.State state(AllocationBench bench, Allocation allocation) {
        return bench.allocations.get(allocation.id()).state();
    }

    @Nested
    class Expiry {
        @Test
        void waitsForTheLastMomentAndGivesAllBack() {
            AllocationBench bench = process();
            Allocation lease = bench.allocate(lease(TWO, HOUR, null, Allocation.OnExpiry.KEEP));
            assertThat(lease.expiresAt()).isEqualTo(House.NOW.plus(HOUR));
            clock.forward(HOUR.minusNanos(1));
            bench.allocations.expire();
            assertThat(state(bench, lease)).isEqualTo(Allocation.State.ACTIVE);
            clock.forward(Duration.ofNanos(1));
            bench.allocations.expire();
            assertThat(bench.allocations.list(null)).isEmpty();
            asAtTheStart();
            assertThat(bench.plans.audit.read(0, 10, record -> true).items())
                    .extracting(AuditRecord::kind, AuditRecord::operation, AuditRecord::code)
                    .containsExactly(
                            Tuple.tuple(AuditRecord.Kind.INTENT, "expireAllocation", null),
                            Tuple.tuple(AuditRecord.Kind.OUTCOME, "expireAllocation", "RELEASED"));
        }

        @Test
        void neverComesToWhatIsNoLease() {
            AllocationBench bench = process();
            bench.allocate(TWO);
            clock.forward(Duration.ofDays(4000));
            bench.allocations.expire();
            assertThat(bench.allocations.list("demo")).hasSize(1);
        }

        @Test
        void leavesARunningGuestItsDeviceUntilItIsGone() {
            AllocationBench bench = process();
            Allocation lease = bench.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.KEEP));
            clock.forward(HOUR);
            bench.allocations.expire();
            bench.allocations.expire();
            assertThat(state(bench, lease)).isEqualTo(Allocation.State.EXPIRED);
            assertThat(guest().plugged()).isEqualTo(Optional.of(lease.mdevId()));
            guests.kill("guest1");
            Patience.until(() -> {
                bench.allocations.expire();
                return bench.allocations.list(null).isEmpty();
            });
            asAtTheStart();
        }

        @Test
        void leavesAProcessThatIsNoGuestItsDeviceWhateverTheLeaseSays() {
            AllocationBench bench = process();
            Allocation lease = bench.allocate(lease(TWO, HOUR, null, Allocation.OnExpiry.UNPLUG));
            kernel.openDevice(lease.mdevId(), 4711);
            clock.forward(HOUR);
            bench.allocations.expire();
            assertThat(state(bench, lease)).isEqualTo(Allocation.State.EXPIRED);
            kernel.closeDevice(lease.mdevId(), 4711);
            bench.allocations.expire();
            asAtTheStart();
        }

        @Test
        void takesItFromARunningGuestWhenTheLeaseSaysSo() {
            AllocationBench bench = process();
            bench.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.UNPLUG));
            clock.forward(HOUR);
            Patience.until(() -> {
                bench.allocations.expire();
                return bench.allocations.list(null).isEmpty();
            });
            asAtTheStart();
        }

        @Test
        void waitsForAGuestThatDoesNotLetGo() {
            AllocationBench bench = process();
            Allocation lease = bench.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.UNPLUG));
            temper(SimulatedQemu.Temper.SILENT);
            clock.forward(HOUR);
            bench.allocations.expire();
            assertThat(state(bench, lease)).isEqualTo(Allocation.State.RELEASING);
            temper(SimulatedQemu.Temper.ANSWERS);
            Patience.until(() -> {
                bench.plans.settlement.reconcile();
                bench.allocations.expire();
                return bench.allocations.list(null).isEmpty();
            });
            asAtTheStart();
        }

        @Test
        void ofOneThatWasRenewedComesLater() {
            AllocationBench bench = process();
            Allocation lease = bench.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.KEEP));
            clock.forward(HOUR);
            bench.allocations.expire();
            bench.allocations.renew(lease.id(), null, Allocation.OnExpiry.UNPLUG, false);
            assertThat(state(bench, lease)).isEqualTo(Allocation.State.ACTIVE);
            clock.forward(HOUR.minusNanos(1));
            bench.allocations.expire();
            assertThat(state(bench, lease)).isEqualTo(Allocation.State.ACTIVE);
            clock.forward(HOUR);
            Patience.until(() -> {
                bench.allocations.expire();
                return bench.allocations.list(null).isEmpty();
            });
            asAtTheStart();
        }

        @Test
        void duringAPlugWaitsForItsEnd() {
            // the guest answers all questions before the plug, and falls silent as soon as the device stands
            AtomicBoolean once = new AtomicBoolean();
            AllocationBench slow = process(
                    new Watched(sysfs, attribute -> {
                        if (attribute.endsWith("ap_config") && once.compareAndSet(false, true)) {
                            temper(SimulatedQemu.Temper.SILENT);
                        }
                    }),
                    "slow");
            CompletableFuture<Allocation> granted = CompletableFuture.supplyAsync(
                    () -> slow.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.UNPLUG)));
            Patience.until(once::get);
            clock.forward(HOUR);
            slow.allocations.expire();
            assertThat(slow.allocations.list(null))
                    .as("whoever plugs it in is not disturbed")
                    .extracting(Allocation::state)
                    .containsExactly(Allocation.State.CREATING);
            temper(SimulatedQemu.Temper.ANSWERS);
            assertThat(granted.join().state()).isEqualTo(Allocation.State.ACTIVE);
            Patience.until(() -> {
                slow.allocations.expire();
                return slow.allocations.list(null).isEmpty();
            });
            asAtTheStart();
        }

        @Test
        void thatTheHostRefusesIsTriedAgain() {
            AllocationBench bench = process();
            Allocation lease = bench.allocate(lease(TWO, HOUR, null, Allocation.OnExpiry.KEEP));
            clock.forward(HOUR);
            sysfs.refuse(1, Errno.EIO);
            bench.allocations.expire();
            assertThat(devices()).containsExactly(lease.mdevId());
            bench.allocations.expire();
            asAtTheStart();
            assertThat(bench.plans
                            .audit
                            .read(0, 10, record -> record.code() != null)
                            .items())
                    .extracting(AuditRecord::code)
                    .containsExactly("HOST_REFUSED", "RELEASED");
        }

        @Test
        void thatTheHostGoesOnRefusingIsTriedAtLongerAndLongerPauses() {
            AllocationBench bench = process();
            bench.allocate(lease(TWO, HOUR, null, Allocation.OnExpiry.KEEP));
            clock.forward(HOUR);
            int before = sysfs.writes();
            for (int second = 0; second < 600; second++) {
                sysfs.refuse(1, Errno.EIO);
                bench.allocations.expire();
                clock.forward(Duration.ofSeconds(1));
            }
            assertThat(sysfs.writes() - before).isBetween(10, 20);
            sysfs.calm();
            clock.forward(Duration.ofMinutes(1));
            bench.allocations.expire();
            asAtTheStart();
        }

        @Test
        void doesNothingWhileTheHostCannotBeLookedAt() {
            AllocationBench bench = process();
            Allocation lease = bench.allocate(lease(TWO, HOUR, null, Allocation.OnExpiry.KEEP));
            clock.forward(HOUR);
            boolean[] dark = {true};
            AllocationBench blind = process(
                    new Watched(sysfs, attribute -> {
                        if (dark[0]) {
                            throw new KernelException(Errno.EIO, "read", attribute);
                        }
                    }),
                    "state");
            blind.allocations.expire();
            assertThat(devices()).containsExactly(lease.mdevId());
            dark[0] = false;
            clock.forward(Duration.ofMinutes(1));
            blind.allocations.expire();
            asAtTheStart();
        }
    }

    @Test
    void aReleaseLeavesAloneWhatSomebodyElseMadeOfAPartOfIt() {
        AllocationBench bench = process();
        Allocation made = bench.allocate(TWO);
        makeBySomebodyElse(made.mdevId(), 5, made.domains().subList(0, 1));
        assertThat(bench.release(made)).isTrue();
        assertThat(devices()).containsExactly(made.mdevId());
    }

    @Nested
    class ARestart {
        @Test
        void keepsLeasesAndWhatTheyOweToTheMasks() {
            AllocationBench first = process();
            Allocation kept = first.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.UNPLUG));
            first.close();
            AllocationBench second = process();
            assertThat(second.allocations.list(null)).containsExactly(kept);
            second.plans.guestService.list(); // as whoever looks out does every second
            clock.forward(HOUR);
            Patience.until(() -> {
                second.allocations.expire();
                return second.allocations.list(null).isEmpty();
            });
            asAtTheStart();
        }

        @ParameterizedTest
        @EnumSource
        void atEachWriteOfTheMakingTakesItBack(KernelVersion version) {
            kernel.boot(version, SimulatedMachine.example());
            int deaths = 0;
            for (int write = 1; write < 20; write++) {
                for (boolean before : List.of(true, false)) {
                    String state = "state" + write + before;
                    MortalSysfs mortal = new MortalSysfs(kernel);
                    mortal.die(write, before, () -> {});
                    AllocationBench dying = process(mortal, state);
                    try {
                        Allocation made = dying.allocate(TWO);
                        assertThat(dying.release(made)).isTrue();
                    } catch (MortalSysfs.Death death) {
                        deaths++;
                        AllocationBench next = process(sysfs, state);
                        next.allocations.expire();
                        assertThat(next.allocations.list(null).stream()
                                        .filter(left -> left.state() != Allocation.State.ACTIVE
                                                && left.state() != Allocation.State.LOST))
                                .isEmpty();
                        next.allocations
                                .list(null)
                                .forEach(left -> assertThat(next.release(left)).isTrue());
                    }
                    asAtTheStart();
                }
            }
            assertThat(deaths).isGreaterThan(8);
        }

        /** The way back of a refused release makes the device again; whoever dies on it leaves a part. */
        @ParameterizedTest
        @EnumSource
        void atEachWriteOfARefusedReleaseLeavesNothingBehind(KernelVersion version) {
            kernel.boot(version, SimulatedMachine.example());
            assertThat(deathsInRefusedReleases(TWO)).isPositive();
            assertThat(deathsInRefusedReleases(lease(TWO, HOUR, null, Allocation.OnExpiry.KEEP)))
                    .isPositive();
        }

        private int deathsInRefusedReleases(AllocationService.Request request) {
            int deaths = 0;
            for (int refused = 1; refused <= 3; refused++) {
                for (int write = refused + 1; write < refused + 8; write++) {
                    for (boolean before : List.of(true, false)) {
                        String state = "state" + request.ttl() + refused + write + before;
                        MortalSysfs mortal = new MortalSysfs(kernel);
                        AllocationBench bench = process(mortal, state);
                        Allocation made = bench.allocate(request);
                        mortal.refuse(refused, Errno.EIO);
                        // no finally of the code under test runs when a process is killed
                        mortal.die(
                                write,
                                before,
                                () -> PlanBench.copy(directory.resolve(state), directory.resolve(state + "left")));
                        if (diesInARelease(bench, made)) {
                            deaths++;
                            bench = process(sysfs, state + "left");
                        }
                        mortal.calm();
                        bench.allocations.expire();
                        for (Allocation left : bench.allocations.list(null)) {
                            assertThat(bench.release(left)).isTrue();
                        }
                        asAtTheStart();
                    }
                }
            }
            return deaths;
        }

        /** A lease is over, anything else is given back. */
        private boolean diesInARelease(AllocationBench bench, Allocation made) {
            try {
                if (made.ttl() == null) {
                    bench.release(made);
                } else {
                    clock.forward(HOUR);
                    bench.allocations.expire();
                }
                return false;
            } catch (HostFailure refusal) {
                return false;
            } catch (MortalSysfs.Death death) {
                return true;
            }
        }

        @Test
        void inARefusedReleaseLeavesAloneWhatSomebodyElseMakesOfItMeanwhile() {
            MortalSysfs mortal = new MortalSysfs(kernel);
            AllocationBench first = process(mortal, "state");
            Allocation made = first.allocate(TWO);
            mortal.refuse(2, Errno.EIO);
            mortal.die(3, false, () -> PlanBench.copy(directory.resolve("state"), directory.resolve("left")));
            assertThat(diesInARelease(first, made)).isTrue();
            assertThat(devices()).as("half made again").containsExactly(made.mdevId());
            makeBySomebodyElse(made.mdevId(), 5, List.of(4, 171, 255));
            AllocationBench second = process(sysfs, "left");
            second.allocations.expire();
            assertThat(second.release(made)).isTrue();
            assertThat(devices()).containsExactly(made.mdevId());
        }

        @Test
        void inTheMiddleOfGivingBackGoesOn() {
            AllocationBench first = process();
            Allocation allocation = first.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.KEEP));
            temper(SimulatedQemu.Temper.SILENT);
            first.allocations.release(allocation.id(), Duration.ZERO, false);
            assertThat(state(first, allocation)).isEqualTo(Allocation.State.RELEASING);
            first.close();
            AllocationBench second = process();
            assertThat(state(second, allocation)).isEqualTo(Allocation.State.RELEASING);
            temper(SimulatedQemu.Temper.ANSWERS);
            Patience.until(() -> {
                second.plans.settlement.reconcile();
                second.allocations.expire();
                return second.allocations.list(null).isEmpty();
            });
            asAtTheStart();
        }

        @Test
        void withAFileThatCannotBeReadSaysSoAndGuessesNothing() throws Exception {
            Path state = Files.createDirectories(directory.resolve("state"));
            Files.writeString(state.resolve("allocations.json"), "{\"allocations\": [{}]}");
            assertThatThrownBy(() -> process()).hasMessageContaining("allocations.json cannot be read");
        }
    }

    @Nested
    class AfterAReboot {
        @Test
        void whatIsLostStandsAgainWhenItIsAskedFor() {
            AllocationBench first = process();
            Allocation plugged = first.allocate(lease(TWO, HOUR, "guest1", Allocation.OnExpiry.KEEP));
            Allocation beside = first.allocate(wish(Card.Mode.ACCELERATOR, 1));
            first.close();
            kernel.boot(KernelVersion.V6_12, SimulatedMachine.example());
            guests.rebooted();
            AllocationBench second = process();
            assertThat(second.allocations.list(null))
                    .extracting(Allocation::state)
                    .containsExactly(Allocation.State.LOST, Allocation.State.LOST);
            List<AllocationService.Restored> restored = second.allocations.restore(AllocationBench.PATIENCE);
            assertThat(restored)
                    .allSatisfy(one -> assertThat(one.problem()).isNull())
                    .hasSize(2);
            assertThat(second.allocations.list(null))
                    .extracting(Allocation::state)
                    .containsOnly(Allocation.State.ACTIVE);
            assertThat(guest().plugged()).isEqualTo(Optional.of(plugged.mdevId()));
            assertThat(second.allocations.restore(AllocationBench.PATIENCE)).isEmpty();
            assertThat(second.release(plugged)).isTrue();
            assertThat(second.release(beside)).isTrue();
            asAtTheStart();
        }

        @Test
        void whatCannotStandAgainSaysWhy() {
            AllocationBench first = process();
            Allocation lost = first.allocate(wish(Card.Mode.CCA, 4));
            kernel.boot(KernelVersion.V6_12, SimulatedMachine.example());
            Allocation other = process(sysfs, "other").allocate(wish(Card.Mode.CCA, 4));
            AllocationService.Restored restored =
                    process().allocations.restore(AllocationBench.PATIENCE).get(0);
            assertThat(restored.allocation().id()).isEqualTo(lost.id());
            Fault problem = restored.problem();
            assertThat(problem).isNotNull();
            assertThat(problem.code()).isEqualTo(ErrorCode.APQN_IN_USE);
            assertThat(devices()).containsExactly(other.mdevId());
        }
    }

    @Nested
    class TheMaking {
        @Test
        void isTakenBackWhereTheKernelRefuses() {
            AllocationBench bench = process();
            for (int write = 1; write <= 3; write++) {
                sysfs.refuse(write, Errno.EIO);
                assertThatThrownBy(() -> bench.allocate(TWO)).isInstanceOf(HostFailure.class);
                sysfs.calm();
                assertThat(bench.allocations.list(null)).isEmpty();
                asAtTheStart();
            }
        }

        @Test
        void goesOnTakingBackWhatCouldNotBeTakenBackAtOnce() {
            AllocationBench bench = process();
            sysfs.refuse(3, Errno.EIO);
            sysfs.refuse(4, Errno.EIO);
            sysfs.refuse(5, Errno.EIO);
            assertThatThrownBy(() -> bench.allocate(TWO))
                    .isInstanceOfSatisfying(
                            HostFailure.class,
                            failure -> assertThat(failure.facts()).containsKey(HostFailure.NOT_UNDONE));
            assertThat(bench.allocations.list(null))
                    .extracting(Allocation::state)
                    .containsExactly(Allocation.State.RELEASING);
            sysfs.calm();
            bench.allocations.expire();
            assertThat(bench.allocations.list(null)).isEmpty();
            asAtTheStart();
        }

        @Test
        void choosesAnewWhenSomebodyWithoutOurLocksWasFaster() {
            int[] looks = {0};
            MdevId thief = MdevId.random();
            AllocationBench bench = process(
                    new Watched(sysfs, attribute -> {
                        // the cards are read after the look upon which the choice is made
                        if (attribute.endsWith("hwtype") && looks[0]++ == 0) {
                            kernel.write(Path.of("/sys/bus/ap/apmask"), "-5\n");
                            String matrix = "/sys/devices/vfio_ap/matrix/";
                            kernel.write(
                                    Path.of(matrix + "mdev_supported_types/vfio_ap-passthrough/create"), thief + "\n");
                            kernel.write(Path.of(matrix + thief + "/assign_adapter"), "5\n");
                            kernel.write(Path.of(matrix + thief + "/assign_domain"), "4\n");
                        }
                    }),
                    "state");
            Allocation allocation = bench.allocate(TWO);
            assertThat(allocation.queues()).containsExactly("05.0047", "05.00ab");
            assertThat(bench.release(allocation)).isTrue();
            assertThat(devices()).containsExactly(thief);
        }
    }

    /** A kernel at whose reads and writes something happens first. */
    private record Watched(Sysfs kernel, Consumer<Path> before) implements Sysfs {
        @Override
        public void write(Path attribute, String text) {
            kernel.write(attribute, text);
            before.accept(attribute);
        }

        @Override
        public String read(Path attribute) {
            before.accept(attribute);
            return kernel.read(attribute);
        }

        @Override
        public List<String> list(Path path) {
            return kernel.list(path);
        }

        @Override
        public String readLink(Path link) {
            return kernel.readLink(link);
        }

        @Override
        public boolean exists(Path path) {
            return kernel.exists(path);
        }

        @Override
        public boolean isWritable(Path attribute) {
            return kernel.isWritable(attribute);
        }
    }
}
