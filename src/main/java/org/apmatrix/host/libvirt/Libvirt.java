package org.apmatrix.host.libvirt;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.apmatrix.host.qmp.GuestMonitor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.backoff.BackOffExecution;
import org.springframework.util.backoff.ExponentialBackOff;

/**
 * The connection to libvirtd: stays connected, knows the domains, and tells what happens.
 *
 * <p>A thread of its own connects, looks at the domains after each sign, and connects again; calls of others run in threads of a pool, since libvirtd may block
 * them. Without libvirt on this machine it says so, and does nothing more.
 */
public final class Libvirt implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Libvirt.class);
    private static final String LIBRARY = "libvirt.so.0";
    private static final String QEMU_LIBRARY = "libvirt-qemu.so.0";

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** The domains are looked at also without a sign. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);

    /** Where the connection stands. */
    public enum Link {
        CONNECTING,
        CONNECTED,
        /** Tried again after a pause. */
        DOWN,
        /** This machine has no libvirt; not tried again. */
        LIBRARY_ABSENT
    }

    /**
     * What there is to say of the connection.
     *
     * @param detail libvirtd's version while connected, else why it is not
     */
    public record Status(Link link, @Nullable String detail) {}

    private final String uri;
    private final LibvirtCalls.Connector connector;
    private final Map<UUID, DomainMonitor> monitors = new ConcurrentHashMap<>();
    private final BlockingQueue<Sign> signs = new LinkedBlockingQueue<>();
    private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
    private final ExecutorService callers = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "libvirt call");
        thread.setDaemon(true);
        return thread;
    });
    private final Thread thread;
    private final CountDownLatch known = new CountDownLatch(1);
    private volatile Status status = new Status(Link.CONNECTING, null);
    private volatile Map<UUID, LibvirtCalls.Domain> domains = Map.of();
    private volatile @Nullable LibvirtCalls calls;
    private final AtomicLong connections = new AtomicLong();
    private volatile boolean isClosing;

    /** What its own thread is told. */
    private sealed interface Sign {
        record Changed(UUID domain) implements Sign {}

        record Lost(String reason) implements Sign {}
    }

    /** With libvirt's library on this machine; null where none is configured. */
    public static @Nullable Libvirt of(LibvirtProperties properties) {
        if (properties.uri() == null) {
            return null;
        }
        Libvirt libvirt = new Libvirt(properties.uri(), connector(LIBRARY, QEMU_LIBRARY));
        libvirt.start();
        return libvirt;
    }

    static LibvirtCalls.Connector connector(String library, String qemuLibrary) {
        return (uri, listener) -> NativeLibvirt.open(library, qemuLibrary, uri, listener);
    }

    Libvirt(String uri, LibvirtCalls.Connector connector) {
        this.uri = uri;
        this.connector = connector;
        this.thread = new Thread(this::stayConnected, "libvirt");
        thread.setDaemon(true);
    }

    /** Starts to connect, and waits for nothing. */
    void start() {
        thread.start();
    }

    public Status status() {
        return status;
    }

    /** Waits until it is known whether libvirtd answers, and not longer than this. */
    public Status awaitFirst(Duration patience) {
        try {
            known.await(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return status;
    }

    /** The domains that there are, as far as is known; none while there is no connection. */
    public List<UUID> domains() {
        return List.copyOf(domains.keySet());
    }

    /** The monitor of a domain. There is one for each: the last that was made hears what happens. */
    public DomainMonitor monitor(UUID domain, GuestMonitor.Listener listener) {
        return monitor(
                domain,
                listener,
                device -> DomainXml.hostdev(DomainMonitor.mdevOf(device).orElseThrow()));
    }

    /** @param xml what libvirt is given of a device */
    DomainMonitor monitor(UUID domain, GuestMonitor.Listener listener, DomainMonitor.DeviceXml xml) {
        DomainMonitor monitor = new DomainMonitor(this, domain, listener, xml);
        monitors.put(domain, monitor);
        return monitor;
    }

    void forget(DomainMonitor monitor) {
        monitors.remove(monitor.uuid(), monitor);
    }

    Optional<LibvirtCalls.Domain> domain(UUID uuid) {
        return Optional.ofNullable(domains.get(uuid));
    }

    /** How often it has connected; tells the starts of a libvirtd apart. */
    long connections() {
        return connections.get();
    }

    /** Something done with the connection. */
    interface Work<R> {
        R with(LibvirtCalls calls) throws LibvirtException;
    }

    /** Runs it in a thread of its own; fails with a {@link LibvirtException} also where there is no connection. */
    <R> Future<R> submit(Work<R> work) {
        return callers.submit(() -> {
            use.readLock().lock();
            try {
                LibvirtCalls now = calls;
                if (now == null) {
                    throw new LibvirtException(0, "there is no connection to libvirtd: " + status.detail(), true);
                }
                return work.with(now);
            } finally {
                use.readLock().unlock();
            }
        });
    }

    private void stayConnected() {
        ExponentialBackOff backOff = new ExponentialBackOff(SHORTEST_PAUSE.toMillis(), 2);
        backOff.setMaxInterval(LONGEST_PAUSE.toMillis());
        BackOffExecution pauses = backOff.start();
        try {
            while (!isClosing) {
                if (connectAndListen()) {
                    pauses = backOff.start();
                }
                if (status.link() == Link.LIBRARY_ABSENT) {
                    return;
                }
                Thread.sleep(pauses.nextBackOff());
            }
        } catch (InterruptedException closed) {
            LOG.debug("libvirt {}: closed", uri);
        }
    }

    /** Returns when the connection is gone: whether there was one. */
    private boolean connectAndListen() throws InterruptedException {
        signs.clear();
        try (LibvirtCalls opened = connector.open(uri, new Signs())) {
            try {
                calls = opened;
                connections.incrementAndGet();
                refresh(opened);
                tell(new Status(Link.CONNECTED, opened.version()));
                monitors.values().forEach(DomainMonitor::changed);
                listen(opened);
                return true;
            } finally {
                // who is in the middle of a call still uses the connection
                use.writeLock().lock();
                try {
                    calls = null;
                } finally {
                    use.writeLock().unlock();
                }
            }
        } catch (LibvirtException e) {
            tell(new Status(Link.DOWN, e.getMessage()));
            return connections.get() > 0;
        } catch (UnsatisfiedLinkError e) {
            tell(new Status(Link.LIBRARY_ABSENT, "this machine has no " + LIBRARY + " and " + QEMU_LIBRARY));
            return false;
        } finally {
            domains = Map.of();
            monitors.values().forEach(monitor -> monitor.disconnected(String.valueOf(status.detail())));
        }
    }

    private void listen(LibvirtCalls opened) throws LibvirtException, InterruptedException {
        while (!isClosing) {
            Sign sign = signs.poll(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
            if (sign instanceof Sign.Lost lost) {
                throw new LibvirtException(0, lost.reason(), true);
            }
            refresh(opened);
            if (sign instanceof Sign.Changed changed) {
                Optional.ofNullable(monitors.get(changed.domain())).ifPresent(DomainMonitor::changed);
            }
        }
    }

    private void refresh(LibvirtCalls opened) throws LibvirtException {
        Map<UUID, LibvirtCalls.Domain> now = new HashMap<>();
        opened.domains().forEach(domain -> now.put(domain.uuid(), domain));
        domains = Map.copyOf(now);
    }

    private void tell(Status now) {
        if (!now.equals(status)) {
            LOG.info("libvirt {}: {} -> {}: {}", uri, status.link(), now.link(), now.detail());
        }
        status = now;
        known.countDown();
    }

    /** Only notes what libvirt's own thread tells. */
    private final class Signs implements LibvirtCalls.Listener {
        @Override
        public void changed(UUID domain) {
            signs.add(new Sign.Changed(domain));
        }

        @Override
        public void lost(String reason) {
            signs.add(new Sign.Lost(reason));
        }
    }

    @Override
    public void close() {
        isClosing = true;
        thread.interrupt();
        callers.shutdownNow();
    }
}
