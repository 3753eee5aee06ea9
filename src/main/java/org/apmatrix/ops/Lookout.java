package org.apmatrix.ops;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apmatrix.events.EventProperties;
import org.apmatrix.fault.Fault;
import org.apmatrix.host.Guests;
import org.apmatrix.host.KernelSigns;
import org.apmatrix.service.GuestWatcher;
import org.apmatrix.service.Host;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.actuate.info.Info;
import org.springframework.boot.actuate.info.InfoContributor;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Keeps looking at the host and its guests: at times, and soon after each sign that something changed. What it finds becomes events and metrics.
 *
 * <p>The kernel says nothing of a matrix that changes, nor QEMU of a device that was plugged: hence the times. A device that somebody opens or closes shows as a
 * reference to the driver, upon which all guests are asked.
 */
@Component
final class Lookout implements SmartLifecycle, InfoContributor {
    private static final Logger LOG = LoggerFactory.getLogger(Lookout.class);

    /** One change makes several uevents in a row: a device that is made four. */
    private static final Duration ROW = Duration.ofMillis(50);

    private final Host host;
    private final Guests guests;
    private final GuestWatcher watcher;
    private final KernelSigns signs;
    private final HostMetrics metrics;
    private final EventProperties properties;
    private final Clock clock;
    private final Semaphore sign = new Semaphore(0);
    private @Nullable CountDownLatch ended;
    private Optional<Integer> openings = Optional.empty();
    private Instant askedGuests = Instant.MIN;
    private String trouble = "";

    Lookout(
            Host host,
            Guests guests,
            GuestWatcher watcher,
            KernelSigns signs,
            HostMetrics metrics,
            EventProperties properties,
            Clock clock) {
        this.host = host;
        this.guests = guests;
        this.watcher = watcher;
        this.signs = signs;
        this.metrics = metrics;
        this.properties = properties;
        this.clock = clock;
        guests.onChange(watcher::ask);
    }

    @Override
    public synchronized void start() {
        CountDownLatch end = new CountDownLatch(1);
        ended = end;
        Thread thread = new Thread(() -> keepLooking(end), "lookout");
        thread.setDaemon(true);
        thread.start();
        signs.listen(sign::release);
    }

    private void keepLooking(CountDownLatch end) {
        try {
            while (end.getCount() > 0) {
                look();
                if (sign.tryAcquire(properties.pollInterval().toNanos(), TimeUnit.NANOSECONDS)
                        && !end.await(ROW.toNanos(), TimeUnit.NANOSECONDS)) {
                    sign.drainPermits();
                }
            }
        } catch (InterruptedException nobodysDoing) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() {
        String found = "";
        try {
            lookAtGuests();
            host.watch();
            metrics.update();
        } catch (Fault unavailable) {
            found = unavailable.detail();
        } catch (RuntimeException broken) {
            found = String.valueOf(broken);
        }
        if (!found.equals(trouble)) {
            trouble = found;
            if (found.isEmpty()) {
                LOG.info("the host can be looked at again");
            } else {
                LOG.warn("the host cannot be looked at, so nothing is told of it: {}", found);
            }
        }
    }

    private void lookAtGuests() {
        watcher.notice();
        Instant now = clock.instant();
        Optional<Integer> before = openings;
        boolean due = askedGuests.plus(properties.guestInterval()).isBefore(now);
        try {
            openings = host.openings();
        } finally {
            if (due || !openings.equals(before)) {
                askedGuests = now;
                guests.known().values().forEach(watcher::ask);
            }
        }
    }

    @Override
    public synchronized void stop() {
        signs.close();
        if (ended != null) {
            ended.countDown();
            sign.release();
            ended = null;
        }
    }

    @Override
    public synchronized boolean isRunning() {
        return ended != null;
    }

    /** How changes by others are noticed, in {@code /actuator/info}. */
    @Override
    public void contribute(Info.Builder builder) {
        builder.withDetail(
                "changesByOthers",
                Map.of(
                        "noticedBy", signs.isListening() ? "uevents and looking" : "looking",
                        "uevents", signs.heard(),
                        "lookEvery", properties.pollInterval().toString()));
    }
}
