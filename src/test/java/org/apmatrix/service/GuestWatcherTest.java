package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.apmatrix.Patience;
import org.apmatrix.ap.GuestName;
import org.apmatrix.events.Event;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.apmatrix.host.Guests;
import org.apmatrix.host.qmp.QmpProperties;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.json.JsonMapper;

/** Guests that come, change and go, and what is plugged into them by whom. */
@Timeout(60)
class GuestWatcherTest {
    private static final GuestName GUEST = new GuestName("guest1");

    @TempDir
    Path directory;

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private final EventJournal journal = House.journal();
    private final EventJournal.Listener listener = journal.listen(null, EnumSet.allOf(EventType.class));
    private final List<String> heard = new ArrayList<>();
    private final GuestNotes notes = new GuestNotes(null, JsonMapper.shared());
    private Guests guests;
    private GuestWatcher watcher;
    private SimulatedQemu qemu;

    @BeforeEach
    void watch() {
        guests = new Guests(
                new QmpProperties(
                        List.of(directory + "/*.sock"),
                        Duration.ofSeconds(2),
                        Duration.ofMillis(500),
                        Duration.ofMillis(10),
                        Duration.ofMillis(100),
                        DataSize.ofMegabytes(16)),
                kernel.procfs(),
                null,
                new SimpleMeterRegistry());
        watcher = new GuestWatcher(guests, notes, journal);
        guests.onChange(watcher::ask);
        kernel.write(Path.of("/sys/bus/ap/apmask"), "-5,-6\n");
        kernel.write(
                Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"), House.A + "\n");
        qemu = new SimulatedQemu(kernel, directory.resolve("a.sock"), "guest1", SimulatedQemu.Settings.DEFAULT);
        guests.discover();
        awaitTold("guest.appeared guest1: null -> running EXTERNAL");
    }

    @AfterEach
    void end() {
        guests.close();
        qemu.close();
    }

    private void awaitTold(String... expected) {
        Patience.until(() -> {
            hear();
            return heard.size() >= expected.length;
        });
        assertThat(heard).containsExactly(expected);
        heard.clear();
    }

    private void hear() {
        try {
            listener.next(Duration.ZERO).forEach(event -> heard.add(spell(event.change())));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static String spell(Event.Change change) {
        return change.type() + " " + change.subject().guest() + ": " + word(change.before()) + " -> "
                + word(change.after()) + " " + change.origin();
    }

    private static String word(Event.State state) {
        return state instanceof Event.State.Guest guest
                ? String.valueOf(guest.state())
                : state instanceof Event.State.Attached attached ? attached.state() : "null";
    }

    private GuestNotes.Mark mark(Attachment.State state) {
        return new GuestNotes.Mark(
                GUEST.toString(),
                qemu.socket().toString(),
                qemu.pid(),
                House.A.toString(),
                state,
                null,
                false,
                null,
                Clock.systemUTC().instant());
    }

    @Test
    void tellsWhatAGuestDoesByItself() {
        qemu.apply(qemu.settings().withRunState("paused"));
        awaitTold("guest.changed guest1: running -> paused EXTERNAL");
    }

    @Test
    void tellsOfAGuestThatFallsSilentAndGoes() {
        qemu.kill();
        awaitTold("guest.changed guest1: running -> null EXTERNAL");
        qemu.close();
        guests.discover();
        watcher.notice();
        awaitTold("guest.gone guest1: null -> null EXTERNAL");
    }

    @Test
    void tellsWhatOthersPlugIn() {
        qemu.coldPlug(House.A, null);
        guests.known().values().forEach(watcher::ask);
        awaitTold("attachment.changed guest1: null -> ATTACHED EXTERNAL");
        assertThat(watcher.isWithAGuest(House.A)).isTrue();
    }

    @Test
    void tellsEachStepOfAPlugAndUnplugOfOurs() {
        GuestNotes.Mark attaching = mark(Attachment.State.ATTACHING);
        notes.mark(attaching);
        awaitTold("attachment.changed guest1: null -> ATTACHING APMATRIX");
        qemu.coldPlug(House.A, null);
        guests.known().get(GUEST).look();
        watcher.notice();
        notes.unmark(attaching, "ATTACHED");
        awaitTold("attachment.changed guest1: ATTACHING -> ATTACHED APMATRIX");
        GuestNotes.Mark detaching = mark(Attachment.State.DETACHING);
        notes.mark(detaching);
        awaitTold("attachment.changed guest1: ATTACHED -> DETACHING APMATRIX");
        qemu.kill();
        awaitTold("guest.changed guest1: running -> null EXTERNAL");
        notes.unmark(detaching, "FREE, as the kernel says");
        awaitTold("attachment.changed guest1: DETACHING -> null APMATRIX");
        assertThat(watcher.isWithAGuest(House.A)).isFalse();
    }

    @Test
    void whatASilentGuestHadItHasAsLongAsItMayLive() {
        qemu.coldPlug(House.A, null);
        guests.known().values().forEach(watcher::ask);
        awaitTold("attachment.changed guest1: null -> ATTACHED EXTERNAL");
        qemu.apply(qemu.settings().withTemper(SimulatedQemu.Temper.SILENT));
        guests.known().values().forEach(watcher::ask);
        awaitTold("guest.changed guest1: running -> null EXTERNAL");
        assertThat(watcher.isWithAGuest(House.A)).isTrue();
        qemu.kill();
        Patience.until(() -> {
            watcher.notice();
            return !watcher.isWithAGuest(House.A);
        });
        awaitTold("attachment.changed guest1: ATTACHED -> null EXTERNAL");
    }
}
