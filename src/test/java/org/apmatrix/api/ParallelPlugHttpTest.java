package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apmatrix.Patience;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.GuestName;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.apmatrix.service.HotplugService;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

/** Many at once, and many times. */
class ParallelPlugHttpTest extends HttpTest {
    private static final int GUESTS = 20;
    private static final Duration LONG = Duration.ofSeconds(30);

    @Autowired
    HotplugService hotplug;

    @Test
    void oneDeviceGoesToOneOfTwentyGuests() throws Exception {
        free();
        mdev(A, List.of(5), List.of(4));
        List<String> names = twentyGuests();
        List<String> answers = inParallel(IntStream.range(0, 100)
                .<Callable<String>>mapToObj(i -> () -> {
                    String guest = names.get(i % GUESTS);
                    return guest + " " + plug(guest, A);
                })
                .toList());
        List<String> holders = names.stream()
                .filter(name -> guest(name).plugged().equals(Optional.of(id(A))))
                .toList();
        assertThat(holders).hasSize(1);
        String holder = holders.get(0);
        assertThat(answers.stream().filter(answer -> answer.endsWith(" 201"))).containsExactly(holder + " 201");
        // who asked for the guest that won is told that it is so already; all others are refused
        assertThat(answers.stream().filter(answer -> answer.endsWith(" 200")))
                .hasSize(4)
                .allMatch(answer -> answer.startsWith(holder + " "));
        assertThat(answers.stream().filter(answer -> answer.endsWith(" 409 MDEV_ATTACHED_ELSEWHERE")))
                .hasSize(95)
                .noneMatch(answer -> answer.startsWith(holder + " "));
        assertThat(names.stream().filter(name -> guest(name).plugged().isPresent()))
                .containsExactly(holder);
    }

    @Test
    void oneOfTwentyDevicesGoesToAGuest() throws Exception {
        kernel.boot(
                KernelVersion.V6_12,
                new SimulatedMachine(
                        true,
                        true,
                        List.of(SimulatedMachine.Adapter.of(new AdapterId(5), "CEX8P")
                                .orElseThrow()),
                        ApMask.of(IntStream.range(0, GUESTS).boxed().toList()),
                        ApMask.of(IntStream.range(0, GUESTS).boxed().toList()),
                        255,
                        255));
        guests.rebooted();
        store("/sys/bus/ap/apmask", "-5");
        List<String> uuids = IntStream.range(0, GUESTS)
                .mapToObj("0a1b2c3d-0000-4000-8000-0000000000%02x"::formatted)
                .toList();
        for (int i = 0; i < GUESTS; i++) {
            mdev(uuids.get(i), List.of(5), List.of(i));
        }
        List<String> answers = inParallel(IntStream.range(0, 100)
                .<Callable<String>>mapToObj(i -> () -> {
                    String uuid = uuids.get(i % GUESTS);
                    return uuid + " " + plug("guest1", uuid);
                })
                .toList());
        String winner = guest("guest1").plugged().orElseThrow().toString();
        assertThat(answers).allMatch(answer -> answer.matches(".* (201|200|409 GUEST_HAS_AP_DEVICE)"));
        assertThat(answers.stream().filter(answer -> answer.endsWith(" 201"))).containsExactly(winner + " 201");
        assertThat(answers.stream().filter(answer -> answer.endsWith(" 200")))
                .hasSize(4)
                .allMatch(answer -> answer.startsWith(winner));
        assertThat(answers.stream().filter(answer -> answer.endsWith(" 409 GUEST_HAS_AP_DEVICE")))
                .hasSize(95);
    }

    @Test
    void aThousandRoundsLeakNothing() throws Exception {
        free();
        mdev(A, List.of(5), List.of(4));
        rounds(20);
        long descriptors = descriptors();
        int threads = Thread.activeCount();
        rounds(1000);
        // what looks around meanwhile opens a file now and then
        Patience.until(() -> descriptors() <= descriptors && Thread.activeCount() <= threads);
    }

    /** Without HTTP, whose client and server keep sockets for a while. */
    private void rounds(int count) {
        GuestName guest = new GuestName("guest1");
        for (int round = 0; round < count; round++) {
            hotplug.plug(guest, id(A), LONG, false);
            hotplug.unplug(guest, id(A), LONG, false);
        }
        assertThat(guest("guest1").plugged()).isEmpty();
    }

    private static long descriptors() {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> twentyGuests() {
        List<String> names =
                IntStream.rangeClosed(1, GUESTS).mapToObj(i -> "guest" + i).toList();
        names.stream()
                .filter(name -> guests.find(name).isEmpty())
                .forEach(name -> guests.start(name, SimulatedQemu.Settings.DEFAULT));
        return names;
    }

    /** Status, and code if it is a refusal. */
    private String plug(String guest, String uuid) {
        var answer = api.put("/guests/" + guest + "/ap-device", "{'mdev': '" + uuid + "'}")
                .extract();
        return answer.statusCode() < 300
                ? String.valueOf(answer.statusCode())
                : answer.statusCode() + " " + answer.<String>path("code");
    }

    private static List<String> inParallel(List<Callable<String>> calls) throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(calls.size());
        try {
            List<String> answers = new ArrayList<>();
            for (Future<String> answer : callers.invokeAll(calls)) {
                answers.add(answer.get());
            }
            return answers;
        } finally {
            callers.shutdownNow();
        }
    }
}
