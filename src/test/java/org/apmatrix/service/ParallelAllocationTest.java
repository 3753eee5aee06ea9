package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.RequestDenied;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Card;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Many at once, and many on a large host. */
class ParallelAllocationTest {
    private static final Logger LOG = LoggerFactory.getLogger(ParallelAllocationTest.class);

    @TempDir
    Path directory;

    private static SimulatedKernel machine(int adapters, int domains) {
        return new SimulatedKernel(
                KernelVersion.V6_12,
                SimulatedMachine.of(
                        IntStream.range(0, adapters)
                                .mapToObj(id -> new SimulatedMachine.Adapter(new AdapterId(id), "CEX8P", true, false))
                                .toList(),
                        ApMask.upTo(domains - 1),
                        ApMask.upTo(domains - 1)));
    }

    private AllocationBench bench(SimulatedKernel kernel) {
        return new AllocationBench(
                kernel, kernel.procfs(), directory.resolve("state"), List.of(), new AllocationBench.Hand());
    }

    /** The allocation, or why there is none. */
    private record Got(Optional<Allocation> allocation, Optional<RequestDenied> refusal) {}

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void twoHundredWishesForSixtyFourQueuesGetEachOfThemOnce(boolean fromHost) throws Exception {
        SimulatedKernel kernel = machine(8, 8);
        if (!fromHost) {
            kernel.write(Path.of("/sys/bus/ap/apmask"), "0x" + "0".repeat(64) + "\n");
        }
        try (AllocationBench bench = bench(kernel)) {
            List<Callable<Got>> calls = IntStream.range(0, 200)
                    .<Callable<Got>>mapToObj(i -> () -> {
                        try {
                            return new Got(
                                    Optional.of(bench.allocate(AllocationBench.wish(Card.Mode.EP11, 1))),
                                    Optional.empty());
                        } catch (RequestDenied refusal) {
                            return new Got(Optional.empty(), Optional.of(refusal));
                        }
                    })
                    .toList();
            List<Allocation> granted = new ArrayList<>();
            int refused = 0;
            ExecutorService callers = Executors.newFixedThreadPool(calls.size());
            try {
                for (Future<Got> call : callers.invokeAll(calls)) {
                    Got got = call.get();
                    got.allocation().ifPresent(granted::add);
                    if (got.refusal().isPresent()) {
                        refused++;
                        RequestDenied refusal = got.refusal().get();
                        assertThat(refusal.code()).isEqualTo(ErrorCode.ALLOCATION_IMPOSSIBLE);
                        assertThat((List<?>) refusal.facts().get("missing")).isNotEmpty();
                        assertThat((List<?>) refusal.facts().get("wouldHelp")).isNotEmpty();
                    }
                }
            } finally {
                callers.shutdownNow();
            }
            assertThat(granted).hasSize(64);
            assertThat(refused).isEqualTo(136);
            Set<String> queues = new HashSet<>();
            granted.forEach(
                    allocation -> assertThat(queues.addAll(allocation.queues())).isTrue());
            assertThat(queues).hasSize(64);
            granted.forEach(allocation -> assertThat(bench.release(allocation)).isTrue());
            assertThat(new ApBus(kernel).apmask()).isEqualTo(fromHost ? ApMask.ALL : ApMask.NONE);
            assertThat(new ApBus(kernel).aqmask()).isEqualTo(ApMask.ALL);
        }
    }

    /** How long it takes is told and not judged: a machine that runs tests beside others tells nothing of a host. */
    @Test
    void aHostOfSixtyAdaptersAndFiveHundredDevicesHasRoomForOneMore() {
        SimulatedKernel kernel = machine(60, 85);
        kernel.write(Path.of("/sys/bus/ap/apmask"), "0x" + "0".repeat(64) + "\n");
        MdevTree tree = new MdevTree(kernel);
        for (int i = 0; i < 500; i++) {
            String uuid = "0a1b2c3d-0000-4000-8000-%012x".formatted(i);
            String matrix = "/sys/devices/vfio_ap/matrix/";
            kernel.write(Path.of(matrix + "mdev_supported_types/vfio_ap-passthrough/create"), uuid + "\n");
            // pairs of adapters from 0 to 11, each in another domain from 0 to 83
            kernel.write(Path.of(matrix + uuid + "/assign_adapter"), (i % 6) * 2 + "\n");
            kernel.write(Path.of(matrix + uuid + "/assign_adapter"), (i % 6) * 2 + 1 + "\n");
            kernel.write(Path.of(matrix + uuid + "/assign_domain"), i / 6 + "\n");
        }
        assertThat(tree.ids()).hasSize(500);
        try (AllocationBench bench = bench(kernel)) {
            for (int round = 0; round < 5; round++) {
                long begin = System.nanoTime();
                bench.plans.host.look();
                long looked = System.nanoTime();
                Allocation allocation = bench.allocate(AllocationBench.wish(Card.Mode.EP11, 12));
                long allocated = System.nanoTime();
                assertThat(bench.release(allocation)).isTrue();
                assertThat(allocation.adapters()).hasSize(12);
                LOG.info(
                        "60 adapters x 85 domains, 500 devices: one look {} ms, an allocation {} ms, giving back {} ms",
                        TimeUnit.NANOSECONDS.toMillis(looked - begin),
                        TimeUnit.NANOSECONDS.toMillis(allocated - looked),
                        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - allocated));
            }
        }
    }
}
