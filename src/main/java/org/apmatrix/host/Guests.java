package org.apmatrix.host;

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
import org.apmatrix.host.qmp.QmpProperties;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The guests of this host: one for each monitor socket that the configuration's globs find. Sockets are looked for at every question, so they come and go as
 * they like. Guests are asked side by side: one that does not answer delays none.
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
    private final Map<Path, Known> bySocket = new HashMap<>();
    private final ExecutorService askers;
    private final List<Consumer<Guest>> listeners = new CopyOnWriteArrayList<>();

    /** @param identity tells its socket from another that later takes the path */
    private record Known(Guest guest, Object identity) {}

    /**
     * Looks for no guest yet.
     *
     * @param simulated where the sockets of simulated guests are, null where there are none
     */
    public Guests(QmpProperties properties, Procfs procfs, @Nullable Path simulated, MeterRegistry meters) {
        this.meters = meters;
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
            present = guests();
        }
        gone.forEach(guest -> {
            LOG.info("guest socket={} gone", guest.socket());
            guest.close();
        });
        return present;
    }

    private List<Guest> guests() {
        return bySocket.values().stream().map(Known::guest).toList();
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

    /** The name by which the guest at this monitor socket goes now; empty when there is none. */
    public Optional<GuestName> at(Path socket) {
        return known().entrySet().stream()
                .filter(entry -> entry.getValue().socket().equals(socket))
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

    private void changed(Guest guest) {
        if (guest.isUnknown() && !askers.isShutdown()) {
            askers.execute(guest::look);
        }
        listeners.forEach(listener -> listener.accept(guest));
    }

    /**
     * A guest is called what QEMU calls it; where that is no name, or two have the same, after its socket: a name must never point to another guest than the
     * caller means.
     */
    private static SortedMap<GuestName, Guest> named(List<Guest> guests) {
        Map<GuestName, Long> claims = guests.stream()
                .flatMap(guest -> qemuName(guest).stream())
                .collect(Collectors.groupingBy(name -> name, Collectors.counting()));
        Map<GuestName, Long> fileNames =
                guests.stream().collect(Collectors.groupingBy(Guests::fileName, Collectors.counting()));
        SortedMap<GuestName, Guest> named = new TreeMap<>();
        for (Guest guest : guests) {
            GuestName name = qemuName(guest)
                    .filter(claimed -> claims.getOrDefault(claimed, 0L) == 1)
                    .or(() -> Stream.of(fileName(guest))
                            .filter(file -> fileNames.getOrDefault(file, 0L) == 1 && !claims.containsKey(file))
                            .findFirst())
                    .orElseGet(
                            () -> GuestName.closestTo(guest.socket().toString().substring(1)));
            named.put(name, guest);
        }
        return named;
    }

    private static Optional<GuestName> qemuName(Guest guest) {
        return guest.qemuName().flatMap(GuestName::parse);
    }

    /** {@code /run/qemu/guest1.sock} is guest1. */
    private static GuestName fileName(Guest guest) {
        String file = guest.socket().getFileName().toString();
        int dot = file.lastIndexOf('.');
        return GuestName.closestTo(dot > 0 ? file.substring(0, dot) : file);
    }

    @Override
    public void close() {
        List<Guest> open;
        synchronized (bySocket) {
            open = guests();
            bySocket.clear();
        }
        open.forEach(Guest::close);
        askers.shutdownNow();
    }
}
