package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.statistics.Statistics;
import org.apmatrix.Patience;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;

/** Documents that plug in and out, with guests that refuse, hang up, say nothing or die in the middle: they talk QMP over real sockets. */
class PlanWithGuestsTest {
    private static final List<MdevId> IDS = List.of(House.A, House.B);
    private static final List<String> GUESTS = List.of("guest1", "guest2", "guest3");
    private static final Duration PATIENCE = Duration.ofMillis(400);
    private static final Path ROOT = PlanBench.fastDirectory();
    private static int runs;

    @AfterContainer
    static void cleanUp() {
        PlanBench.delete(ROOT);
    }

    /** The matrices, and who has what by QEMU's own bus. */
    private record Picture(SortedMap<MdevId, Matrix> mdevs, SortedMap<String, Optional<MdevId>> plugged) {
        static Picture of(SimulatedKernel kernel, SimulatedGuests guests) {
            MdevTree tree = new MdevTree(kernel);
            SortedMap<MdevId, Matrix> mdevs = new TreeMap<>();
            tree.ids().forEach(id -> tree.read(id).map(Mdev::matrixOrEmpty).ifPresent(matrix -> mdevs.put(id, matrix)));
            SortedMap<String, Optional<MdevId>> plugged = new TreeMap<>();
            guests.all().forEach(guest -> plugged.put(guest.name(), guest.plugged()));
            return new Picture(mdevs, plugged);
        }

        Optional<String> holderOf(MdevId id) {
            return plugged.entrySet().stream()
                    .filter(entry -> entry.getValue().equals(Optional.of(id)))
                    .map(Map.Entry::getKey)
                    .findFirst();
        }
    }

    @Property(tries = 150)
    void isAsItWasOrAsItWasToBeOrTellsTheDifference(@ForAll long seed) {
        Random random = new Random(seed);
        Path directory = ROOT.resolve(String.valueOf(runs++));
        SimulatedKernel kernel = new SimulatedKernel(
                random.nextBoolean() ? KernelVersion.V6_12 : KernelVersion.V5_10, SimulatedMachine.example());
        MdevctlStore store = new MdevctlStore(directory.resolve("mdevctl.d"));
        try (SimulatedGuests guests = new SimulatedGuests(kernel, directory.resolve("guests"));
                PlanBench bench = new PlanBench(
                        kernel,
                        kernel.procfs(),
                        directory.resolve("state"),
                        store,
                        List.of(directory.resolve("guests") + "/*.sock"))) {
            GUESTS.forEach(name -> guests.start(name, SimulatedQemu.Settings.DEFAULT));
            bench.guests.discover();
            DesiredState first = document(random);
            Patience.until(() -> applied(bench, first));
            DesiredState second = document(random);
            Picture before = Picture.of(kernel, guests);
            Optional<String> killed = upset(random, guests);
            try {
                bench.plans.apply(second, Rights.ALL, PATIENCE);
                assertIsAsWanted(second, Picture.of(kernel, guests), killed);
                Statistics.label("ended").collect("applied");
            } catch (Fault failure) {
                assertIsAsBeforeOrTold(failure, before, Picture.of(kernel, guests), killed);
                boolean answered = failure.code() != ErrorCode.QEMU_UNREACHABLE
                        && guests.all().stream().allMatch(PlanWithGuestsTest::answers);
                if (answered) {
                    assertThat(failure.facts())
                            .as("guests that answer let everything be taken back")
                            .doesNotContainKey(HostFailure.NOT_UNDONE);
                }
                Statistics.label("ended")
                        .collect(failure.facts().containsKey(HostFailure.NOT_UNDONE) ? "told" : "taken back");
            }
            calm(guests, killed);
            bench.guests.discover();
            Patience.until(() -> {
                bench.settlement.reconcile();
                return bench.settlement.isIdle();
            });
            Patience.until(() -> applied(bench, second));
            assertIsAsWanted(second, Picture.of(kernel, guests), Optional.empty());
        } finally {
            PlanBench.delete(directory);
        }
    }

    private static boolean answers(SimulatedQemu guest) {
        return switch (guest.settings().temper()) {
            case ANSWERS, REFUSES -> true;
            case SILENT, HANGS_UP -> false;
        };
    }

    private static boolean applied(PlanBench bench, DesiredState document) {
        try {
            bench.plans.apply(document, Rights.ALL, PATIENCE);
            return true;
        } catch (Fault notYet) {
            // its monitor has just come back
            return false;
        }
    }

    /** Something that goes wrong with one guest from now on; its name when it is killed. */
    private static Optional<String> upset(Random random, SimulatedGuests guests) {
        String name = GUESTS.get(random.nextInt(GUESTS.size()));
        SimulatedQemu guest = guests.find(name).orElseThrow();
        SimulatedQemu.Settings settings = guest.settings();
        switch (random.nextInt(5)) {
            case 0 -> guest.apply(settings.withTemper(SimulatedQemu.Temper.REFUSES));
            case 1 -> guest.apply(settings.withTemper(SimulatedQemu.Temper.SILENT));
            case 2 ->
                guest.apply(settings.withTemper(SimulatedQemu.Temper.HANGS_UP)
                        .withExecutesBeforeHangingUp(random.nextBoolean()));
            case 3 -> {
                guests.kill(name);
                return Optional.of(name);
            }
            default -> guest.apply(settings);
        }
        return Optional.empty();
    }

    private static void calm(SimulatedGuests guests, Optional<String> killed) {
        killed.ifPresent(name -> guests.start(name, SimulatedQemu.Settings.DEFAULT));
        guests.all().forEach(guest -> guest.apply(SimulatedQemu.Settings.DEFAULT));
    }

    private static void assertIsAsWanted(DesiredState wanted, Picture now, Optional<String> killed) {
        assertThat(now.mdevs().keySet())
                .containsExactlyInAnyOrderElementsOf(
                        wanted.mdevs().stream().map(DesiredState.Device::id).toList());
        for (DesiredState.Device device : wanted.mdevs()) {
            assertThat(now.mdevs()).containsEntry(device.id(), device.matrix());
            assertThat(now.holderOf(device.id()))
                    .isEqualTo(wanted.guestOf(device.id())
                            .map(Object::toString)
                            .filter(name -> !killed.equals(Optional.of(name))));
        }
    }

    /** What is told may also be under way; what is not told is as it was. */
    private static void assertIsAsBeforeOrTold(Fault failure, Picture before, Picture now, Optional<String> killed) {
        Object left = failure.facts().getOrDefault(HostFailure.NOT_UNDONE, List.of());
        List<String> told = ((List<?>) left).stream().map(Object::toString).toList();
        for (MdevId id : IDS) {
            Optional<String> was = before.holderOf(id).filter(name -> !killed.equals(Optional.of(name)));
            boolean differs = !Optional.ofNullable(before.mdevs().get(id))
                            .equals(Optional.ofNullable(now.mdevs().get(id)))
                    || !was.equals(now.holderOf(id));
            List<String> ofIt =
                    told.stream().filter(line -> line.startsWith(id + ":")).toList();
            if (differs) {
                assertThat(ofIt).as("told of %s: %s", id, told).isNotEmpty();
            } else if (!ofIt.isEmpty() && killed.isEmpty()) {
                assertThat(ofIt).allMatch(line -> line.contains("ING)"));
            }
        }
    }

    private static DesiredState document(Random random) {
        List<DesiredState.Device> devices = new ArrayList<>();
        List<DesiredState.Plugged> plugged = new ArrayList<>();
        List<String> free = new ArrayList<>(GUESTS);
        for (int i = 0; i < IDS.size(); i++) {
            if (random.nextInt(4) > 0) {
                String uuid = IDS.get(i).toString();
                devices.add(new DesiredState.Device(
                        uuid,
                        null,
                        List.of(5 + i),
                        random.nextBoolean() ? List.of(4) : List.of(4, 0xab),
                        List.of(),
                        null));
                if (random.nextInt(4) > 0) {
                    plugged.add(new DesiredState.Plugged(free.remove(random.nextInt(free.size())), uuid));
                }
            }
        }
        return new DesiredState("demo", new DesiredState.Masks("-5,-6", null), devices, plugged);
    }
}
