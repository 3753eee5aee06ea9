package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.statistics.Statistics;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Mdev;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.MortalSysfs;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.jspecify.annotations.Nullable;

/**
 * Random hosts, documents and failures: whatever happens in the middle, the host is as it was or as it was to be, or the report names exactly what is not.
 *
 * <p>What the host is and should be is found out here without the code under test. A run that fails prints its seed.
 */
class PlanPropertiesTest {
    private static final List<String> UUIDS = List.of(
            "aaaaaaaa-0000-4000-8000-000000000001",
            "bbbbbbbb-0000-4000-8000-000000000002",
            "cccccccc-0000-4000-8000-000000000003",
            "dddddddd-0000-4000-8000-000000000004");
    private static final List<Integer> IDS = List.of(0, 5, 6, 64, 255);
    /** What the kernel's functions behind these attributes can answer, and what any write can. */
    private static final List<Errno> ERRNOS = List.of(
            Errno.EBUSY,
            Errno.EINVAL,
            Errno.ENODEV,
            Errno.EADDRINUSE,
            Errno.EADDRNOTAVAIL,
            Errno.EAGAIN,
            Errno.ENOMEM,
            Errno.EEXIST,
            Errno.EUSERS,
            Errno.EPERM,
            Errno.ERANGE,
            Errno.EIO,
            Errno.ENOENT,
            Errno.EACCES);

    private static final Duration PATIENCE = Duration.ofMillis(200);

    private static final Path ROOT = PlanBench.fastDirectory();
    private static int runs;

    @AfterContainer
    static void cleanUp() {
        PlanBench.delete(ROOT);
    }

    /** All that a plan may change, read without the code under test's own reader of pictures. */
    private record Picture(
            ApMask apmask, ApMask aqmask, SortedMap<MdevId, Matrix> mdevs, SortedMap<MdevId, String> definitions) {
        static Picture of(SimulatedKernel kernel, MdevctlStore store) {
            ApBus bus = new ApBus(kernel);
            MdevTree tree = new MdevTree(kernel);
            SortedMap<MdevId, Matrix> mdevs = new TreeMap<>();
            for (MdevId id : tree.ids()) {
                tree.read(id).map(Mdev::matrixOrEmpty).ifPresent(matrix -> mdevs.put(id, matrix));
            }
            SortedMap<MdevId, String> texts = new TreeMap<>();
            store.all().forEach(definition -> texts.put(definition.id(), definition.text()));
            return new Picture(bus.apmask(), bus.aqmask(), mdevs, texts);
        }

        /** With each definition spelled anew: the order of attributes that were there is kept, which makes no difference to what is wanted. */
        Picture spelledAnew() {
            SortedMap<MdevId, String> texts = new TreeMap<>();
            definitions.forEach((id, text) -> {
                MdevDefinition definition = MdevDefinition.parse(id, text);
                texts.put(
                        id,
                        MdevDefinition.of(id, definition.start(), definition.matrix())
                                .text());
            });
            return new Picture(apmask, aqmask, mdevs, texts);
        }

        /** What is not the same there: {@code apmask}, {@code aqmask}, UUIDs. */
        SortedSet<String> differencesFrom(Picture other) {
            SortedSet<String> different = new TreeSet<>();
            if (!apmask.equals(other.apmask)) {
                different.add("apmask");
            }
            if (!aqmask.equals(other.aqmask)) {
                different.add("aqmask");
            }
            different.addAll(differentKeys(mdevs, other.mdevs));
            different.addAll(differentKeys(definitions, other.definitions));
            return different;
        }

        private static Set<String> differentKeys(Map<MdevId, ?> left, Map<MdevId, ?> right) {
            return Stream.concat(left.keySet().stream(), right.keySet().stream())
                    .filter(id -> !Objects.equals(left.get(id), right.get(id)))
                    .map(MdevId::toString)
                    .collect(Collectors.toSet());
        }
    }

    @Property(tries = 10_000)
    void isAsItWasOrAsItWasToBeOrTellsTheDifference(@ForAll long seed) {
        Path directory = ROOT.resolve(String.valueOf(runs++));
        try {
            new Run(seed, directory).go();
        } finally {
            PlanBench.delete(directory);
        }
    }

    /** One random life of a host. */
    private static final class Run {
        private final Random random;
        private final Path directory;
        private final SimulatedKernel kernel;
        private final MdevctlStore store;
        private final DesiredState first;
        private final DesiredState second;

        Run(long seed, Path directory) {
            this.random = new Random(seed);
            this.directory = directory;
            // at least one queue: by its attributes the service knows whether the kernel has driver overrides, and
            // their stricter masks
            List<Integer> adapters = atLeastOne(some(IDS, 0.7));
            ApMask domains = ApMask.of(atLeastOne(some(IDS, 0.7)));
            this.kernel = new SimulatedKernel(
                    pick(List.of(KernelVersion.values())),
                    SimulatedMachine.of(
                            adapters.stream()
                                    .map(id -> new SimulatedMachine.Adapter(
                                            new AdapterId(id), pick(List.of("CEX5C", "CEX8P", "CEX6A")), true, false))
                                    .toList(),
                            domains,
                            domains));
            this.store = new MdevctlStore(directory.resolve("mdevctl.d"));
            makeForeignThings();
            this.first = document();
            this.second = document();
        }

        void go() {
            Path state = directory.resolve("state");
            MortalSysfs sysfs = new MortalSysfs(kernel);
            PlanBench bench = bench(sysfs, state);
            Picture start = picture();
            boolean firstApplied = applied(bench, first);
            Picture before = picture();
            if (firstApplied) {
                assertThat(before.spelledAnew()).isEqualTo(expected(start, start, null, first));
                assertThat(bench.plans.apply(first, Rights.ALL, PATIENCE).changed())
                        .isFalse();
                assertThat(bench.plans.drift(first.owner()))
                        .allSatisfy(drift -> assertThat(drift.differences()).isEmpty());
            } else {
                assertThat(before).isEqualTo(start);
            }
            if (random.nextInt(8) == 0) {
                hold();
            }
            Picture wanted = expected(start, before, firstApplied ? first : null, second);
            int steps = Math.max(
                    1,
                    bench.plans.preview(second, Rights.ALL).forecast().steps().size());
            if (random.nextInt(3) == 0) {
                dieInTheMiddle(bench, sysfs, state, steps, before, wanted);
            } else {
                failInTheMiddle(bench, sysfs, steps, before, wanted);
            }
        }

        private void failInTheMiddle(PlanBench bench, MortalSysfs sysfs, int steps, Picture before, Picture wanted) {
            int fails = random.nextInt(steps + 2);
            boolean once = true;
            if (fails > 0) {
                sysfs.refuse(fails, pick(ERRNOS));
                for (int later = 1; later <= steps; later++) {
                    if (random.nextInt(4) == 0) {
                        sysfs.refuse(fails + later, pick(ERRNOS));
                        once = false;
                    }
                }
            }
            try {
                boolean changed =
                        bench.plans.apply(second, Rights.ALL, PATIENCE).changed();
                assertThat(picture().spelledAnew()).isEqualTo(wanted);
                assertThat(changed).isEqualTo(!before.spelledAnew().equals(wanted));
                Statistics.label("ended").collect("applied");
            } catch (Fault failure) {
                if (failure.facts().containsKey(HostFailure.NOT_UNDONE)) {
                    // from 6.19 on a bit can be cleared that the kernel does not let be set again (ap_bus.c,
                    // __verify_card_reservations)
                    assertThat(once && kernel.version() != KernelVersion.V7_2)
                            .as("one refusal alone is taken back")
                            .isFalse();
                    assertThat(targets(failure)).isEqualTo(picture().differencesFrom(before));
                    assertThat(failure.code()).isEqualTo(ErrorCode.HOST_REFUSED);
                    assertThat(bench.plans.drift(second.owner()).get(0).interrupted())
                            .isNotNull();
                    Statistics.label("ended").collect("left something and told it");
                } else {
                    assertThat(picture()).isEqualTo(before);
                    Statistics.label("ended")
                            .collect(failure.code() == ErrorCode.HOST_REFUSED ? "taken back" : "refused");
                }
                sysfs.calm();
                mends(bench, wanted);
            }
        }

        private void dieInTheMiddle(
                PlanBench bench, MortalSysfs sysfs, Path state, int steps, Picture before, Picture wanted) {
            Path left = directory.resolve("left");
            sysfs.die(1 + random.nextInt(steps), random.nextBoolean(), () -> PlanBench.copy(state, left));
            try {
                boolean changed =
                        bench.plans.apply(second, Rights.ALL, PATIENCE).changed();
                assertThat(picture().spelledAnew()).isEqualTo(wanted);
                assertThat(changed).isEqualTo(!before.spelledAnew().equals(wanted));
                Statistics.label("ended").collect("applied");
                return;
            } catch (Fault refused) {
                assertThat(picture()).isEqualTo(before);
                Statistics.label("ended").collect("refused");
                return;
            } catch (MortalSysfs.Death death) {
                Statistics.label("ended").collect("died");
            }
            PlanBench next = bench(kernel, left);
            next.plans.settleInterrupted();
            Picture now = picture();
            Optional<PlanService.Drift> drift =
                    next.plans.drift(second.owner()).stream().findFirst();
            PlanService.Interrupted interrupted =
                    drift.map(PlanService.Drift::interrupted).orElse(null);
            if (interrupted == null) {
                assertThat(now.spelledAnew()).isIn(before.spelledAnew(), wanted);
            } else {
                assertThat(targets(interrupted.fromBefore())).isEqualTo(now.differencesFrom(before));
                assertThat(targets(interrupted.fromWanted()))
                        .isEqualTo(now.spelledAnew().differencesFrom(wanted));
            }
            assertThat(next.inFlight.unfinished()).hasSizeLessThanOrEqualTo(interrupted == null ? 0 : 1);
            mends(next, wanted);
        }

        /** The same document again makes of any of these what it was to be. */
        private void mends(PlanBench bench, Picture wanted) {
            if (applied(bench, second)) {
                assertThat(picture().spelledAnew()).isEqualTo(wanted);
                assertThat(bench.plans.drift(second.owner())).allSatisfy(drift -> {
                    assertThat(drift.differences()).isEmpty();
                    assertThat(drift.interrupted()).isNull();
                });
            }
        }

        private static boolean applied(PlanBench bench, DesiredState document) {
            try {
                bench.plans.apply(document, Rights.ALL, PATIENCE);
                return true;
            } catch (Fault refused) {
                assertThat(refused.code()).isNotEqualTo(ErrorCode.HOST_REFUSED);
                return false;
            }
        }

        /** What is to be, from what is and what this owner has: found out once more, on its own. */
        private Picture expected(Picture start, Picture now, @Nullable DesiredState had, DesiredState wanted) {
            SortedMap<MdevId, Matrix> mdevs = new TreeMap<>(now.mdevs());
            SortedMap<MdevId, String> texts = new TreeMap<>(now.definitions());
            if (had != null) {
                had.mdevs().forEach(device -> mdevs.remove(device.id()));
                had.mdevs().stream()
                        .filter(device -> Boolean.TRUE.equals(device.autostart()))
                        .filter(device -> wanted.mdevs().stream()
                                .noneMatch(other -> other.uuid().equals(device.uuid()) && other.autostart() != null))
                        .forEach(device -> texts.remove(device.id()));
            }
            for (DesiredState.Device device : wanted.mdevs()) {
                mdevs.put(device.id(), device.matrix());
                boolean defined = texts.containsKey(device.id());
                if (Boolean.TRUE.equals(device.autostart()) || (defined && device.autostart() != null)) {
                    texts.put(
                            device.id(),
                            MdevDefinition.of(
                                            device.id(),
                                            device.autostart()
                                                    ? MdevDefinition.Start.AUTO
                                                    : MdevDefinition.Start.MANUAL,
                                            device.matrix())
                                    .text());
                }
            }
            Picture then = new Picture(
                    mask(start.apmask(), now.apmask(), text(had, true), text(wanted, true)),
                    mask(start.aqmask(), now.aqmask(), text(had, false), text(wanted, false)),
                    mdevs,
                    texts);
            return then.spelledAnew();
        }

        private static @Nullable String text(@Nullable DesiredState document, boolean ap) {
            return document == null || document.masks() == null
                    ? null
                    : ap ? document.masks().apmask() : document.masks().aqmask();
        }

        private static ApMask mask(ApMask start, ApMask now, @Nullable String had, @Nullable String wanted) {
            ApMask then = wanted == null ? now : now.after(wanted).orElseThrow();
            for (int id : IDS) {
                boolean took = start.contains(id) && !keeps(had, id);
                if (took && keeps(wanted, id)) {
                    then = then.with(id);
                }
            }
            return then;
        }

        /** Whether the text has nothing against the bit. */
        private static boolean keeps(@Nullable String text, int id) {
            return text == null || ApMask.ALL.after(text).orElseThrow().contains(id);
        }

        private SortedSet<String> targets(Fault failure) {
            return ((List<?>) Objects.requireNonNull(failure.facts().get(HostFailure.NOT_UNDONE)))
                    .stream()
                            .map(text ->
                                    text.toString().substring(0, text.toString().indexOf(':')))
                            .collect(Collectors.toCollection(TreeSet::new));
        }

        private SortedSet<String> targets(List<Differences.Difference> differences) {
            return differences.stream()
                    .map(Differences.Difference::target)
                    .collect(Collectors.toCollection(TreeSet::new));
        }

        private Picture picture() {
            return Picture.of(kernel, store);
        }

        private PlanBench bench(Sysfs sysfs, Path state) {
            return new PlanBench(sysfs, kernel.procfs(), state, store, List.of());
        }

        /** Masks that are not all ones, devices of others; what the kernel refuses is not there then. */
        private void makeForeignThings() {
            if (random.nextBoolean()) {
                attempt("/sys/bus/ap/apmask", "-" + pick(IDS));
            }
            if (random.nextBoolean()) {
                attempt("/sys/bus/ap/aqmask", "-" + pick(IDS));
            }
            if (random.nextInt(3) == 0) {
                String uuid = pick(UUIDS);
                attempt("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create", uuid);
                some(IDS, 0.3)
                        .forEach(id ->
                                attempt("/sys/devices/vfio_ap/matrix/" + uuid + "/assign_adapter", String.valueOf(id)));
                some(IDS, 0.3)
                        .forEach(id ->
                                attempt("/sys/devices/vfio_ap/matrix/" + uuid + "/assign_domain", String.valueOf(id)));
            }
        }

        /** Somebody opens a device. */
        private void hold() {
            List<MdevId> ids = new MdevTree(kernel).ids();
            if (!ids.isEmpty()) {
                kernel.openDevice(pick(ids), 4711);
            }
        }

        private void attempt(String attribute, String text) {
            try {
                kernel.write(Path.of(attribute), text + "\n");
            } catch (KernelException refused) {
                assertThat(refused.errno())
                        .isIn(Errno.EBUSY, Errno.EADDRNOTAVAIL, Errno.EADDRINUSE, Errno.ENODEV, Errno.EINVAL);
            }
        }

        private DesiredState document() {
            DesiredState.Masks masks = random.nextInt(4) == 0
                    ? null
                    : new DesiredState.Masks(maskText(), random.nextBoolean() ? null : maskText());
            List<DesiredState.Device> devices = new ArrayList<>();
            List<Integer> freeAdapters = new ArrayList<>(IDS);
            for (String uuid : some(UUIDS, 0.5)) {
                // mostly such that devices do not share queues: each its own adapters
                List<Integer> adapters = some(random.nextInt(6) == 0 ? IDS : freeAdapters, 0.4);
                freeAdapters.removeAll(adapters);
                devices.add(new DesiredState.Device(
                        uuid,
                        null,
                        adapters,
                        some(IDS, 0.4),
                        some(IDS, 0.2),
                        pick(List.of(Optional.<Boolean>empty(), Optional.of(true), Optional.of(false)))
                                .orElse(null)));
            }
            return new DesiredState("demo", masks, devices, random.nextBoolean() ? null : List.of());
        }

        private String maskText() {
            String text = some(IDS, 0.6).stream()
                    .map(id -> (random.nextInt(8) == 0 ? "+" : "-") + id)
                    .collect(Collectors.joining(","));
            return text.isEmpty() ? "-5" : text;
        }

        private static List<Integer> atLeastOne(List<Integer> ids) {
            return ids.isEmpty() ? List.of(5) : ids;
        }

        private <T> List<T> some(List<T> all, double share) {
            return all.stream().filter(one -> random.nextDouble() < share).toList();
        }

        private <T> T pick(List<T> all) {
            return all.get(random.nextInt(all.size()));
        }
    }
}
