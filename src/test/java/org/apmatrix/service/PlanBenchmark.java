package org.apmatrix.service;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How long plans take on a host of 60 adapters and 85 domains with 500 devices: {@code ./mvnw test -Dtest=PlanBenchmark}. Prints, and judges nothing. */
class PlanBenchmark {
    private static final int ADAPTERS = 60;
    private static final int DOMAINS = 85;
    private static final int MDEVS = 500;
    private static final int RUNS = 9;

    @TempDir
    Path directory;

    private final SimulatedKernel kernel = new SimulatedKernel(
            KernelVersion.V6_12,
            SimulatedMachine.of(
                    IntStream.range(0, ADAPTERS)
                            .mapToObj(id -> new SimulatedMachine.Adapter(
                                    new AdapterId(id), id % 2 == 0 ? "CEX8C" : "CEX8P", true, false))
                            .toList(),
                    ApMask.upTo(DOMAINS - 1),
                    ApMask.upTo(DOMAINS - 1)));

    /** Each device has one adapter and up to ten domains; the last three adapters are nobody's. */
    private static DesiredState document(int mdevs, int shift) {
        List<DesiredState.Device> devices = new ArrayList<>();
        for (int i = 0; i < mdevs; i++) {
            int adapter = (i / 9 + shift) % ADAPTERS;
            int first = i % 9 * 9;
            devices.add(new DesiredState.Device(
                    new MdevId(new UUID(0x4000, 0x8000_0000_0000_0000L + i)).toString(),
                    null,
                    List.of(adapter),
                    IntStream.range(first, first + 9).boxed().toList(),
                    List.of(),
                    null));
        }
        return new DesiredState("many", new DesiredState.Masks("-0-59", null), devices, List.of());
    }

    @Test
    void measure() {
        try (PlanBench bench = new PlanBench(
                kernel,
                kernel.procfs(),
                directory.resolve("state"),
                new MdevctlStore(directory.resolve("mdevctl.d")),
                List.of())) {
            System.out.printf("%-60s %8s %8s%n", "60 x 85, 500 devices", "median", "worst");
            once("apply 500 new devices", () -> bench.plans.apply(document(MDEVS, 0), Rights.ALL, Duration.ZERO));
            many("a look at the host", bench.host::look);
            many("dry run, nothing to do", () -> bench.plans.preview(document(MDEVS, 0), Rights.ALL));
            many("apply, nothing to do", () -> bench.plans.apply(document(MDEVS, 0), Rights.ALL, Duration.ZERO));
            many("drift", () -> bench.plans.drift(null));
            many("dry run, every device to another adapter", () -> bench.plans.preview(document(MDEVS, 1), Rights.ALL));
            once(
                    "apply, every device to another adapter",
                    () -> bench.plans.apply(document(MDEVS, 1), Rights.ALL, Duration.ZERO));
            DesiredState one = new DesiredState(
                    "one",
                    null,
                    List.of(new DesiredState.Device(
                            House.A.toString(), null, List.of(59), List.of(84), List.of(), null)),
                    List.of());
            many("dry run, one more device", () -> bench.plans.preview(one, Rights.ALL));
            once("apply, one more device", () -> bench.plans.apply(one, Rights.ALL, Duration.ZERO));
            once(
                    "apply, that one away",
                    () -> bench.plans.apply(
                            new DesiredState("one", null, List.of(), List.of()), Rights.ALL, Duration.ZERO));
            once(
                    "apply, everything away",
                    () -> bench.plans.apply(
                            new DesiredState("many", null, List.of(), List.of()), Rights.ALL, Duration.ZERO));
        }
    }

    private static void once(String title, Supplier<?> work) {
        print(title, time(work));
    }

    private static void many(String title, Supplier<?> work) {
        print(title, IntStream.range(0, RUNS).mapToLong(run -> time(work)[0]).toArray());
    }

    private static long[] time(Supplier<?> work) {
        long start = System.nanoTime();
        Objects.requireNonNull(work.get());
        return new long[] {Duration.ofNanos(System.nanoTime() - start).toMillis()};
    }

    private static void print(String title, long[] times) {
        Arrays.sort(times);
        System.out.printf("%-60s %5d ms %5d ms%n", title, times[times.length / 2], times[times.length - 1]);
    }
}
