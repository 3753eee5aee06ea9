package org.apmatrix.host;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.libvirt.Libvirt;
import org.apmatrix.host.qmp.QmpProperties;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The guests of this host: one for each monitor socket that the configuration's globs find, and one for each domain of libvirt. They are looked for at every
 * question, so they come and go as they like. A guest that both show is libvirt's, and appears once. Guests are asked side by side: one that does not answer delays none.
 */
public final class Guests implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Guests.class);

    /** How many guests are asked at once; as many may keep us waiting before others have to. */
    private static final int ASKERS = 64;

    private final QmpProperties properties;
    private final @Nullable Path simulated;
    private final MeterRegistry meters;
    private final List<SocketGlob> globs;
    private final SocketOwners owners;
    private final @Nullable Libvirt libvirt;
    private final Map<Path, Known> bySocket = new HashMap<>();
    private final Map<UUID, Guest> byDomain = new HashMap<>();
    private final ExecutorService askers;
    private final List<Consumer<Guest>> listeners = new CopyOnWriteArrayList<>();

    /** @param identity tells its socket from another that later takes the path */
    private record Known(Guest guest, Object identity) {}

    /** Without libvirt. */
    public Guests(QmpProperties properties, Procfs procfs, @Nullable Path simulated, MeterRegistry meters) {
        this(properties, procfs, simulated, meters, null);
    }

    /**
     * Looks for no guest yet.
     *
     * @param simulated where the sockets of simulated guests are, null where there are none
     * @param libvirt null where none is configured
     */
    public Guests(
            QmpProperties properties,
            Procfs procfs,
            @Nullable Path simulated,
            MeterRegistry meters,
            @Nullable Libvirt libvirt) {
        this.libvirt = libvirt;
        this.meters = meters;
        if (libvirt != null) {
            Gauge.builder("apmatrix.libvirt.connected", libvirt, Guests::isConnected)
                    .description("Whether libvirtd answers: 1 or 0; only where apmatrix.guests.libvirt.uri is set")
                    .register(meters);
        }
        this.properties = properties;
        this.simulated = simulated;
        this.globs = properties.sockets().stream().map(SocketGlob::new).toList();
        this.owners = new SocketOwners(procfs);
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(ASKERS, ASKERS, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), work -> {
                    Thread thread = new Thread(work, "guests");
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        this.askers = pool;
    }

    /**
     * Asks to be told, beside whoever else did.
     *
     * @param listener called on every sign that a guest is not what it was; must not block
     */
    public void onChange(Consumer<Guest> listener) {
        listeners.add(listener);
    }

    /** Every guest by its name. Waits for those that have just been found, until they tell their name or fail to. */
    public SortedMap<GuestName, Guest> all() {
        List<Guest> present = discover();
        looks(present.stream().filter(Guest::isNew).toList());
        return named(present);
    }

    /** Waits for guests that have just been found only when none that is known has the name. */
    public Optional<Guest> find(GuestName name) {
        Guest known = named(discover()).get(name);
        return known != null && !known.isNew() ? Optional.of(known) : Optional.ofNullable(all().get(name));
    }

    /** Every guest that there is, with no wait for any. A socket that was made anew is another QEMU's. */
    public List<Guest> discover() {
        List<Guest> gone = new ArrayList<>();
        List<Guest> present;
        synchronized (bySocket) {
            // listed in here: an older listing must not undo a newer one
            Map<Path, Object> sockets = new HashMap<>();
            globs.forEach(glob -> sockets.putAll(glob.sockets()));
            bySocket.entrySet().removeIf(known -> {
                boolean stale = !known.getValue().identity().equals(sockets.get(known.getKey()));
                if (stale) {
                    gone.add(known.getValue().guest());
                }
                return stale;
            });
            sockets.forEach(
                    (socket, identity) -> bySocket.computeIfAbsent(socket, path -> new Known(open(path), identity)));
            discoverDomains(gone);
            present = guests();
        }
        gone.forEach(guest -> {
            LOG.info("guest {} gone", guest.address());
            guest.close();
        });
        return present;
    }

    private void discoverDomains(List<Guest> gone) {
        if (libvirt == null) {
            return;
        }
        if (libvirt.status().link() != Libvirt.Link.CONNECTED) {
            // a libvirtd that is started anew ends no guest: those that were known stay, and do not answer
            return;
        }
        List<UUID> domains = libvirt.domains();
        byDomain.entrySet().removeIf(known -> {
            boolean stale = !domains.contains(known.getKey());
            if (stale) {
                gone.add(known.getValue());
            }
            return stale;
        });
        domains.forEach(uuid -> byDomain.computeIfAbsent(uuid, this::open));
    }

    /** Whoever has a monitor socket of libvirt's domain for us, too: libvirt owns it. */
    private List<Guest> guests() {
        return Stream.concat(
                        byDomain.values().stream(),
                        bySocket.values().stream()
                                .map(Known::guest)
                                .filter(guest -> guest.uuid() == null || !byDomain.containsKey(guest.uuid())))
                .toList();
    }

    private static double isConnected(Libvirt libvirt) {
        return libvirt.status().link() == Libvirt.Link.CONNECTED ? 1 : 0;
    }

    /** How the connection to libvirt stands; empty where none is configured. */
    public Optional<Libvirt.Status> libvirt() {
        return Optional.ofNullable(libvirt).map(connection -> connection.awaitFirst(properties.replyTimeout()));
    }

    /** Does something that may have to wait for a guest, beside everything else. */
    public void inBackground(Runnable work) {
        askers.execute(work);
    }

    /** The guests that are known already, with no look at anything. */
    public SortedMap<GuestName, Guest> known() {
        synchronized (bySocket) {
            return named(guests());
        }
    }

    /** Looks at each of these guests, all at once. */
    public Map<Guest, GuestState> looks(Iterable<Guest> guests) {
        Map<Guest, CompletableFuture<GuestState>> asked = new HashMap<>();
        guests.forEach(guest -> asked.put(guest, CompletableFuture.supplyAsync(guest::look, askers)));
        Map<Guest, GuestState> answered = new HashMap<>();
        asked.forEach((guest, answer) -> answered.put(guest, answer.join()));
        return answered;
    }

    /**
     * The guest that holds a device, as far as it is known without asking: the one whose QEMU is this process; where a process is not known, the one that had the
     * device on its AP bus when it last told.
     *
     * @param pid the process that holds the device, null where that is not known
     */
    public Optional<GuestName> holder(MdevId mdev, @Nullable Integer pid) {
        return known().entrySet().stream()
                .filter(entry -> {
                    GuestState guest = entry.getValue().lastSeen();
                    boolean processesKnown = pid != null && guest.pid() != null;
                    return processesKnown
                            ? Objects.equals(pid, guest.pid())
                            : guest.mdev().equals(Optional.of(mdev));
                })
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** Whether this process lives; false for one that nobody can see. */
    public boolean isAlive(int pid) {
        return owners.isAlive(pid);
    }

    /** The name by which the guest at this address goes now; empty when there is none. */
    public Optional<GuestName> at(String address) {
        return known().entrySet().stream()
                .filter(entry -> entry.getValue().address().equals(address))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private Guest open(Path socket) {
        LOG.info("guest socket={} found", socket);
        Guest guest = new Guest(
                socket, simulated != null && socket.startsWith(simulated), properties, owners, meters, this::changed);
        guest.connect();
        return guest;
    }

    private Guest open(UUID domain) {
        Guest guest = new Guest(Objects.requireNonNull(libvirt), domain, properties, owners, this::changed);
        LOG.info("guest {} found: {}", guest.address(), guest.ownName().orElse(""));
        guest.connect();
        return guest;
    }

    private void changed(Guest guest) {
        if (guest.isUnknown() && !askers.isShutdown()) {
            askers.execute(guest::look);
        }
        listeners.forEach(listener -> listener.accept(guest));
    }

    /**
     * A guest is called what libvirt or QEMU calls it; where that is no name, or two have the same, after its socket: a name must never point to another guest than the
     * caller means.
     */
    private static SortedMap<GuestName, Guest> named(List<Guest> guests) {
        Map<GuestName, Long> claims = guests.stream()
                .flatMap(guest -> ownName(guest).stream())
                .collect(Collectors.groupingBy(name -> name, Collectors.counting()));
        Map<GuestName, Long> fileNames =
                guests.stream().collect(Collectors.groupingBy(Guests::fileName, Collectors.counting()));
        SortedMap<GuestName, Guest> named = new TreeMap<>();
        for (Guest guest : guests) {
            GuestName name = ownName(guest)
                    .filter(claimed -> claims.getOrDefault(claimed, 0L) == 1)
                    .or(() -> Stream.of(fileName(guest))
                            .filter(file -> fileNames.getOrDefault(file, 0L) == 1 && !claims.containsKey(file))
                            .findFirst())
                    .orElseGet(() -> GuestName.closestTo(guest.address().replaceFirst("^/", "")));
            named.put(name, guest);
        }
        return named;
    }

    private static Optional<GuestName> ownName(Guest guest) {
        return guest.ownName().flatMap(GuestName::parse);
    }

    /** {@code /run/qemu/guest1.sock} is guest1. */
    private static GuestName fileName(Guest guest) {
        String file = guest.lastOfAddress();
        int dot = file.lastIndexOf('.');
        return GuestName.closestTo(dot > 0 ? file.substring(0, dot) : file);
    }

    @Override
    public void close() {
        List<Guest> open;
        synchronized (bySocket) {
            open = Stream.concat(
                            byDomain.values().stream(),
                            bySocket.values().stream().map(Known::guest))
                    .toList();
            bySocket.clear();
            byDomain.clear();
        }
        open.forEach(Guest::close);
        if (libvirt != null) {
            libvirt.close();
        }
        askers.shutdownNow();
    }
}
