package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apmatrix.Patience;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Machine;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.service.MasterKeys.QueueKeys;
import org.apmatrix.service.MasterKeys.State;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.json.JsonMapper;

/** Master keys are read while the host's driver has a queue, and remembered while it has not. */
class MasterKeysTest {
    private static final String PATTERN = "0x0123456789abcdef";
    private static final String OTHER = "0xfedcba9876543210";
    private static final Apqn QUEUE = Apqn.of(5, 4);
    private static final Apqn BESIDE = Apqn.of(5, 0x47);
    private static final AdapterId CARD = new AdapterId(5);
    private static final Path SERIAL = Path.of("/sys/bus/ap/devices/card05/serialnr");
    private static final Path MKVPS = Path.of("/sys/bus/ap/devices/05.0004/mkvps");

    /** A clock that somebody moves. */
    private static final class Hand extends Clock {
        private final AtomicReference<Instant> now = new AtomicReference<>(House.NOW);

        void moves(Duration by) {
            now.updateAndGet(instant -> instant.plus(by));
        }

        @Override
        public Instant instant() {
            return now.get();
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @TempDir
    Path directory;

    private final Hand clock = new Hand();
    private House house;

    @BeforeEach
    void aHostThatKeepsItsQueues() {
        house = house(KernelVersion.V6_12);
    }

    private House house(KernelVersion version) {
        House fresh = new House(version, MdevProperties.LiveChanges.FORBIDDEN, directory, clock);
        fresh.kernel.write(Path.of("/sys/bus/ap/apmask"), "+5,+6\n");
        return fresh;
    }

    private static Mkvps keys(String pattern) {
        return new Mkvps(List.of(
                new Mkvps.Key(Mkvps.Type.AES, Mkvps.Register.CUR, "valid", pattern),
                new Mkvps.Key(Mkvps.Type.APKA, Mkvps.Register.CUR, "valid", pattern)));
    }

    private static String canonical(String pattern) {
        return "AES:" + pattern + ",APKA:" + pattern;
    }

    private QueueKeys keys() {
        return keys(QUEUE);
    }

    private QueueKeys keys(Apqn apqn) {
        return house.machine.masterKeys().of(house.machine.look(), apqn);
    }

    private void mask(String apmask) {
        house.masks.change(apmask, null, WriteOptions.NONE);
    }

    /** The service starts anew over the same kernel and the same directory. */
    private MasterKeys restarted() {
        return new MasterKeys(
                new ApBus(house.sysfs),
                new Machine(house.kernel.procfs(), true),
                directory,
                JsonMapper.shared(),
                clock);
    }

    @Test
    void nothingIsKnownOfAQueueThatHasToldNothing() {
        house.machine.watch();
        assertThat(keys().state()).isEqualTo(State.UNKNOWN);
        assertThat(keys().readAt()).isNull();
        assertThat(keys().pattern()).isEmpty();
        assertThat(keys().keys().keys()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void aQueueOfTheHostsDriverIsAskedWhenItIsFirstSeen(KernelVersion version) {
        house = house(version);
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.machine.watch();
        assertThat(keys().state()).isEqualTo(State.KNOWN);
        assertThat(keys().readAt()).isEqualTo(House.NOW);
        assertThat(keys().pattern()).contains(canonical(PATTERN));
    }

    @Test
    void noQueueIsAskedAgainWhileNothingChanges() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.machine.watch();
        house.sysfs.read().clear();
        clock.moves(Duration.ofMinutes(1));
        house.machine.watch();
        assertThat(house.sysfs.read())
                .noneMatch(path -> path.endsWith("mkvps"))
                .noneMatch(path -> path.endsWith("serialnr"));
    }

    @ParameterizedTest
    @EnumSource
    void aQueueIsAskedALastTimeBeforeTheMasksFreeIt(KernelVersion version) {
        house = house(version);
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.machine.watch();
        house.kernel.loadMasterKeys(QUEUE, keys(OTHER));
        clock.moves(Duration.ofHours(1));
        mask("-5");
        clock.moves(Duration.ofHours(1));
        assertThat(house.machine.look().driverOf(QUEUE)).contains(ApBus.VFIO_AP);
        assertThat(keys().state()).isEqualTo(State.CACHED);
        assertThat(keys().readAt()).isEqualTo(House.NOW.plus(Duration.ofHours(1)));
        assertThat(keys().pattern()).contains(canonical(OTHER));
    }

    @Test
    void onlyTheQueuesThatLeaveAreAsked() {
        house.machine.watch();
        house.sysfs.read().clear();
        house.masks.change(null, "-4", WriteOptions.NONE);
        assertThat(house.sysfs.read())
                .filteredOn(path -> path.endsWith("mkvps"))
                .containsExactly(MKVPS);
    }

    @Test
    void aQueueIsAskedBeforeItIsHandedOver() {
        house = house(KernelVersion.V7_2);
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.queues.handOver(QUEUE, true, WriteOptions.NONE);
        assertThat(keys().state()).isEqualTo(State.CACHED);
        assertThat(keys().pattern()).contains(canonical(PATTERN));
    }

    @Test
    void aQueueIsAskedBeforeItIsUnboundByHand() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.queues.rebind(QUEUE, false, WriteOptions.NONE);
        assertThat(house.machine.look().driverOf(QUEUE)).isEmpty();
        assertThat(keys().state()).isEqualTo(State.CACHED);
    }

    @Test
    void aQueueThatComesBackIsKnownAgain() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        mask("-5");
        house.kernel.loadMasterKeys(QUEUE, keys(OTHER));
        clock.moves(Duration.ofHours(2));
        mask("+5");
        assertThat(keys().state()).isEqualTo(State.CACHED);
        house.machine.watch();
        assertThat(keys().state()).isEqualTo(State.KNOWN);
        assertThat(keys().readAt()).isEqualTo(House.NOW.plus(Duration.ofHours(2)));
        assertThat(keys().pattern()).contains(canonical(OTHER));
    }

    @Test
    void aQueueThatWasAskedInVainIsAskedWhenItComesBackAtOnce() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        mask("-5");
        house.machine.masterKeys().ask(List.of(QUEUE));
        mask("+5");
        house.machine.watch();
        assertThat(keys().state()).isEqualTo(State.KNOWN);
    }

    @Test
    void whatOthersFreedIsRememberedFromBefore() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.machine.watch();
        house.kernel.write(Path.of("/sys/bus/ap/apmask"), "-5\n");
        house.machine.watch();
        assertThat(keys().state()).isEqualTo(State.CACHED);
        house.kernel.write(Path.of("/sys/bus/ap/apmask"), "+5\n");
        clock.moves(Duration.ofSeconds(1));
        house.machine.watch();
        assertThat(keys().state()).isEqualTo(State.KNOWN);
        assertThat(keys().readAt()).isEqualTo(House.NOW.plusSeconds(1));
    }

    @Test
    void aCardThatFallsSilentLeavesWhatItTold() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.machine.watch();
        house.kernel.loadMasterKeys(QUEUE, Mkvps.UNTOLD);
        clock.moves(Duration.ofMinutes(1));
        house.queues.get(QUEUE);
        assertThat(keys().state()).isEqualTo(State.CACHED);
        assertThat(keys().readAt()).isEqualTo(House.NOW);
        house.kernel.loadMasterKeys(QUEUE, keys(OTHER));
        clock.moves(Duration.ofMinutes(11));
        house.machine.watch();
        assertThat(keys().state()).isEqualTo(State.KNOWN);
        assertThat(keys().pattern()).contains(canonical(OTHER));
    }

    @Test
    void whoAsksForOneQueueGetsItAskedButNotForEverybody() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.machine.watch();
        house.kernel.loadMasterKeys(QUEUE, keys(OTHER));
        house.queues.get(QUEUE);
        assertThat(keys().pattern()).contains(canonical(PATTERN));
        clock.moves(Duration.ofSeconds(6));
        house.queues.get(QUEUE);
        assertThat(keys().pattern()).contains(canonical(OTHER));
    }

    @Test
    void itOutlivesTheService() {
        house.sysfs.answer(SERIAL, () -> "93AABEET\n");
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        mask("-5");
        MasterKeys again = restarted();
        assertThat(again.of(house.machine.look(), QUEUE)).isEqualTo(keys());
        assertThat(again.of(house.machine.look(), QUEUE).state()).isEqualTo(State.CACHED);
        assertThat(again.serialNumberOf(CARD)).contains("93AABEET");
    }

    @Test
    void whatAnotherCardToldIsForgotten() {
        house.sysfs.answer(SERIAL, () -> "93AABEET\n");
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        mask("-5");
        house.sysfs.answer(SERIAL, () -> "\n");
        MasterKeys silent = restarted();
        silent.notice(house.machine.look().queues());
        assertThat(silent.of(house.machine.look(), QUEUE).state()).isEqualTo(State.CACHED);
        house.sysfs.answer(SERIAL, () -> "93AAZZZZ\n");
        MasterKeys other = restarted();
        other.notice(house.machine.look().queues());
        assertThat(other.of(house.machine.look(), QUEUE).state()).isEqualTo(State.UNKNOWN);
        assertThat(restarted().of(house.machine.look(), QUEUE).state()).isEqualTo(State.UNKNOWN);
    }

    @Test
    void whatIsOfAnotherMachineIsForgotten() throws IOException {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        mask("-5");
        Path file = directory.resolve("master-keys.json");
        String text = Files.readString(file);
        String machine = new Machine(house.kernel.procfs(), true).id().orElseThrow();
        assertThat(text).contains(machine);
        Files.writeString(file, text.replace(machine, "IBM-3931-OTHER"));
        assertThat(restarted().of(house.machine.look(), QUEUE).state()).isEqualTo(State.UNKNOWN);
    }

    @Test
    void aFileThatCannotBeReadKeepsNobodyFromStarting() throws IOException {
        Files.writeString(directory.resolve("master-keys.json"), "{\"machine\": ");
        MasterKeys started = restarted();
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        started.notice(house.machine.look().queues());
        assertThat(started.of(house.machine.look(), QUEUE).state()).isEqualTo(State.KNOWN);
        assertThat(restarted().of(house.machine.look(), QUEUE).state()).isEqualTo(State.CACHED);
    }

    @Test
    void aReadThatFailsKeepsNoQueueFromLeaving() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.kernel.loadMasterKeys(BESIDE, keys(OTHER));
        house.sysfs.answer(MKVPS, () -> {
            throw new KernelException(Errno.EIO, "read", MKVPS);
        });
        mask("-5");
        assertThat(house.machine.look().driverOf(QUEUE)).contains(ApBus.VFIO_AP);
        assertThat(keys().state()).isEqualTo(State.UNKNOWN);
        assertThat(keys(BESIDE).pattern()).contains(canonical(OTHER));
    }

    @Test
    void aCardThatHangsKeepsNoQueueFromLeavingAndIsNotAskedAgain() throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(1);
        house.sysfs.answer(MKVPS, () -> {
            asked.countDown();
            try {
                answered.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return keys(PATTERN).toString();
        });
        MasterKeys impatient = new MasterKeys(
                new ApBus(house.sysfs),
                new Machine(house.kernel.procfs(), true),
                null,
                JsonMapper.shared(),
                clock,
                Duration.ofMillis(200));
        impatient.ask(List.of(QUEUE));
        asked.await();
        assertThat(impatient.of(house.machine.look(), QUEUE).state()).isEqualTo(State.UNKNOWN);
        house.sysfs.read().clear();
        impatient.ask(List.of(QUEUE, BESIDE));
        assertThat(house.sysfs.read()).isEmpty();
        answered.countDown();
        Patience.until(() -> {
            impatient.ask(List.of(QUEUE));
            return impatient.of(house.machine.look(), QUEUE).state() == State.KNOWN;
        });
    }

    @Test
    void anotherMachineIsAnotherStory() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        mask("-5");
        house.machine.masterKeys().forgetAll();
        assertThat(keys().state()).isEqualTo(State.UNKNOWN);
        assertThat(restarted().of(house.machine.look(), QUEUE).state()).isEqualTo(State.UNKNOWN);
    }

    @Test
    void allQueuesButAcceleratorsAreToldAtOnce() {
        house.kernel.loadMasterKeys(QUEUE, keys(PATTERN));
        house.machine.watch();
        assertThat(house.machine.masterKeys().of(house.machine.look()))
                .containsOnlyKeys(QUEUE, BESIDE, Apqn.of(5, 0xab), Apqn.of(5, 0xff))
                .containsEntry(QUEUE, keys());
    }
}
