package org.apmatrix.ops;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.MdevId;
import org.apmatrix.events.Event;
import org.apmatrix.events.EventJournal;
import org.apmatrix.host.ApBus;
import org.apmatrix.host.Mdev;
import org.apmatrix.service.Attachment;
import org.apmatrix.service.GuestWatcher;
import org.apmatrix.service.HostWatcher;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * The host in numbers, from the last look that {@link Lookout} made: to be asked for them costs no look. What has a label has one of a few values; no device and
 * no guest is named.
 */
@Component
final class HostMetrics implements MeterBinder {
    private final HostWatcher host;
    private final GuestWatcher guests;
    private final EventJournal journal;
    private final Clock clock;
    private @Nullable MultiGauge queues;
    private @Nullable Basis basis;

    HostMetrics(HostWatcher host, GuestWatcher guests, EventJournal journal, Clock clock) {
        this.host = host;
        this.guests = guests;
        this.journal = journal;
        this.clock = clock;
    }

    /** How a guest is, as far as an operator must act on it. */
    private enum GuestClass {
        RUNNING,
        PAUSED,
        /** QEMU answers, and says something else: shut down, panicked, migrating, … */
        OTHER,
        UNREACHABLE;

        static GuestClass of(Event.State.Guest guest) {
            if (guest.state() == null) {
                return UNREACHABLE;
            }
            return switch (guest.state()) {
                case "running" -> RUNNING;
                case "paused" -> PAUSED;
                default -> OTHER;
            };
        }
    }

    @Override
    public synchronized void bindTo(MeterRegistry registry) {
        queues = MultiGauge.builder("apmatrix.queues")
                .description("Queues by the driver that has them, their card's mode, and who they are for")
                .register(registry);
        count(
                registry,
                "apmatrix.mdevs",
                "Mediated devices",
                Tags.empty(),
                () -> host.last().map(picture -> picture.mdevs().size()).orElse(0));
        for (Attachment.State state : Attachment.State.values()) {
            count(
                    registry,
                    "apmatrix.attachments",
                    "Mediated devices that a guest has, or is about to get or to give back",
                    Tags.of("state", lower(state)),
                    () -> (int) guests.last().attachments().values().stream()
                            .filter(attached -> attached.state().equals(state.name()))
                            .count());
        }
        for (GuestClass state : GuestClass.values()) {
            count(
                    registry,
                    "apmatrix.guests",
                    "Guests by what their QEMU says",
                    Tags.of("state", lower(state)),
                    () -> (int) guests.last().guests().values().stream()
                            .filter(guest -> GuestClass.of(guest.state()) == state)
                            .count());
        }
        FunctionCounter.builder("apmatrix.mdevs.vanished", host, HostWatcher::vanished)
                .description("Devices that this service made or a guest had, and that somebody else removed")
                .register(registry);
        count(registry, "apmatrix.events.listeners", "Who listens to events", Tags.empty(), journal::listeners);
        FunctionCounter.builder("apmatrix.events.told", journal, EventJournal::told)
                .description("Events")
                .register(registry);
        FunctionCounter.builder("apmatrix.events.dropped", journal, EventJournal::dropped)
                .description("Listeners that fell behind and were disconnected")
                .register(registry);
        TimeGauge.builder("apmatrix.host.look.age", this, TimeUnit.MILLISECONDS, HostMetrics::ageInMilliseconds)
                .description("The time since the host was looked at for the last time; NaN before the first look")
                .register(registry);
    }

    private static void count(MeterRegistry registry, String name, String description, Tags tags, IntSupplier count) {
        Gauge.builder(name, count::getAsInt).description(description).tags(tags).register(registry);
    }

    private double ageInMilliseconds() {
        return host.last()
                .map(picture ->
                        (double) Duration.between(picture.at(), clock.instant()).toMillis())
                .orElse(Double.NaN);
    }

    /** What the numbers of queues are made from. */
    private record Basis(
            Map<Apqn, Optional<String>> queues,
            Map<MdevId, Mdev> mdevs,
            Map<MdevId, Event.State.Attached> attachments) {}

    /** Counts the queues of the last look, unless all is as it was. */
    synchronized void update() {
        Optional<HostWatcher.Picture> last = host.last();
        if (last.isEmpty() || queues == null) {
            return;
        }
        HostWatcher.Picture picture = last.get();
        Basis now = new Basis(picture.queues(), picture.mdevs(), guests.last().attachments());
        if (now.equals(basis)) {
            return;
        }
        Map<Tags, Integer> counts = new HashMap<>();
        picture.queues().forEach((apqn, driver) -> counts.merge(tags(picture, apqn, driver), 1, Integer::sum));
        queues.register(
                counts.entrySet().stream()
                        .map(entry -> MultiGauge.Row.of(entry.getKey(), entry.getValue()))
                        .toList(),
                true);
        basis = now;
    }

    private Tags tags(HostWatcher.Picture picture, Apqn apqn, Optional<String> driver) {
        String mode = Optional.ofNullable(picture.modes().get(apqn.adapter()))
                .map(HostMetrics::lower)
                .orElse("unknown");
        return Tags.of("driver", driver.orElse("none"), "mode", mode, "holder", holder(picture, apqn, driver));
    }

    /** The guest or device that it is assigned to, else the host where a driver of the host's has it or the masks keep it. */
    private String holder(HostWatcher.Picture picture, Apqn apqn, Optional<String> driver) {
        Optional<Mdev> mdev = picture.mdevs().values().stream()
                .filter(device -> device.matrixOrEmpty().contains(apqn))
                .findFirst();
        if (mdev.isPresent()) {
            return guests.isWithAGuest(mdev.get().id()) ? "guest" : "mdev";
        }
        boolean reserved = picture.apmask().contains(apqn.adapter().value())
                && picture.aqmask().contains(apqn.domain().value());
        return driver.map(name -> !name.equals(ApBus.VFIO_AP)).orElse(reserved) ? "host" : "none";
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
