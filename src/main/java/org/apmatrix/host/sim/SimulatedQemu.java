package org.apmatrix.host.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A QEMU with one virtual machine, in memory: it serves QMP on a real unix socket, and opens mediated devices of a {@link SimulatedKernel}.
 *
 * <p>One thread is its main loop, as QEMU's is: it accepts, reads, answers, and raises the events that come late. Everything else that happens to it (the
 * methods here) may come from any thread. What it says was compared with records of QEMU 7.2 and 10.0.
 *
 * <p>Long because it is the process and everything that can be done to one from outside.
 */
public final class SimulatedQemu implements AutoCloseable {
    /** How it takes commands. */
    public enum Temper {
        /** As QEMU does. */
        ANSWERS,
        /** Like a process after SIGSTOP: a client connects, writes, and hears nothing. When this ends, all that was sent is answered in order. */
        SILENT,
        /** device_add and device_del are refused, everything else is answered. */
        REFUSES,
        /** The connection ends when device_add or device_del comes, everything else is answered. */
        HANGS_UP
    }

    /** Which QEMU it is: texts, types and members differ. */
    public enum Release {
        /** The last one before vfio-ap gave a device back when the host asked for it, and before types of arguments were looked at. */
        V7_2(7, 2, 22),
        V10_0(10, 0, 2);

        private final int major;
        private final int minor;
        private final int micro;

        Release(int major, int minor, int micro) {
            this.major = major;
            this.minor = minor;
            this.micro = micro;
        }

        int major() {
            return major;
        }

        int minor() {
            return minor;
        }

        int micro() {
            return micro;
        }

        /** As machine types name it: {@code 7.2}. */
        String version() {
            return major + "." + minor;
        }
    }

    /** Whether QEMU has a run state of this name (qapi/run-state.json, RunState). */
    public static boolean isRunState(String word) {
        return RunState.parse(word).isPresent();
    }

    /**
     * Features of the guest's processor.
     *
     * @param ap AP instructions: without them there is no AP bus, so nothing to plug a device into
     * @param apqci the guest can ask for the configuration (facility 12); without it Linux sees the domains below 16 only
     * @param apft the guest can tell what kind of queue it has (facility 15); without it Linux uses none
     */
    public record CpuFeatures(boolean ap, boolean apqci, boolean apft) {
        public static final CpuFeatures ALL = new CpuFeatures(true, true, true);
        public static final CpuFeatures NONE = new CpuFeatures(false, false, false);
    }

    /**
     * What a simulated QEMU is like.
     *
     * @param runState a word of QEMU's RunState such as {@code running}, {@code paused}, {@code prelaunch}, {@code shutdown}; or {@code preconfig}, when it was
     *     started with that option and has no machine yet
     * @param executesBeforeHangingUp with {@link Temper#HANGS_UP}: whether the command is executed, which the client cannot know
     */
    public record Settings(
            String runState, Temper temper, CpuFeatures cpuFeatures, Release release, boolean executesBeforeHangingUp) {
        /** A running guest with all features on QEMU 10.0. */
        public static final Settings DEFAULT = new Settings("running", Temper.ANSWERS, CpuFeatures.ALL, Release.V10_0);

        /** @throws IllegalArgumentException when it is no word for a run state */
        public Settings {
            if (RunState.parse(runState).isEmpty()) {
                throw new IllegalArgumentException("no run state of QEMU: " + runState);
            }
        }

        public Settings(String runState, Temper temper, CpuFeatures cpuFeatures, Release release) {
            this(runState, temper, cpuFeatures, release, false);
        }

        public Settings withRunState(String newRunState) {
            return new Settings(newRunState, temper, cpuFeatures, release, executesBeforeHangingUp);
        }

        public Settings withTemper(Temper newTemper) {
            return new Settings(runState, newTemper, cpuFeatures, release, executesBeforeHangingUp);
        }

        public Settings withCpuFeatures(CpuFeatures newCpuFeatures) {
            return new Settings(runState, temper, newCpuFeatures, release, executesBeforeHangingUp);
        }

        public Settings withRelease(Release newRelease) {
            return new Settings(runState, temper, cpuFeatures, newRelease, executesBeforeHangingUp);
        }

        public Settings withExecutesBeforeHangingUp(boolean executes) {
            return new Settings(runState, temper, cpuFeatures, release, executes);
        }
    }

    private record LateEvent(long due, ObjectNode event) {}

    /** Between device_del's answer and DEVICE_DELETED; 37 to 63 ms were measured. */
    private static final Duration GRACE_PERIOD = Duration.ofMillis(50);

    private static final Clock CLOCK = Clock.systemUTC();

    private final SimulatedKernel kernel;
    private final String name;
    private final UUID uuid;
    private final int pid;
    private final GuestMachine machine;
    private final MonitorCommands commands;
    private final Selector selector;
    private final List<MonitorSocket> monitors = new ArrayList<>();
    private final Deque<LateEvent> lateEvents = new ArrayDeque<>();
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final MonitorConnection.Owner owner = new Owner();
    private final Thread loop;
    private Settings settings;
    private boolean ended;

    /**
     * Starts it. A file that is in the place of the socket is removed first, as QEMU does.
     *
     * @param socket where it listens; at most 107 bytes
     * @throws UncheckedIOException when it cannot listen there
     */
    public SimulatedQemu(SimulatedKernel kernel, Path socket, String name, Settings settings) {
        this.kernel = kernel;
        this.name = name;
        this.settings = settings;
        uuid = UUID.nameUUIDFromBytes(("guest " + name).getBytes(StandardCharsets.UTF_8));
        pid = kernel.startProcess();
        Events events = new Events();
        machine = new GuestMachine(kernel, pid, settings, events);
        commands = new MonitorCommands(this, machine, events);
        try {
            selector = Selector.open();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        try {
            monitors.add(MonitorSocket.listen(socket, selector, owner));
        } catch (IOException failed) {
            closeSelector();
            throw new UncheckedIOException(failed);
        }
        kernel.listen(pid, socket);
        kernel.onDeviceRequest(pid, mdev -> post(() -> machine.release(mdev)));
        loop = new Thread(this::loop, "qemu-" + name);
        loop.setDaemon(true);
        loop.start();
    }

    public String name() {
        return name;
    }

    /** The number of its process in the simulated kernel. */
    public int pid() {
        return pid;
    }

    /** Where it listens; the first place if there are several. */
    public Path socket() {
        return locked(() -> monitors.get(0).path());
    }

    /** Follows from the name, so it is the same after a restart. */
    public UUID uuid() {
        return uuid;
    }

    /** As they were given, but for the run state, which changes by commands too. */
    public Settings settings() {
        return locked(() -> settings.withRunState(machine.runState().toString()));
    }

    /** Whether the process lives: neither quit nor killed. */
    public boolean isRunning() {
        return locked(() -> !ended);
    }

    /**
     * Makes it another one, at any time. A change of the run state raises the events that QEMU raises.
     *
     * @throws IllegalArgumentException when the feature ap is taken from a guest that has a vfio-ap device
     */
    public void apply(Settings next) {
        locked(() -> {
            machine.setCpuFeatures(next.cpuFeatures());
            machine.setRelease(next.release());
            settings = next;
            machine.become(RunState.parse(next.runState()).orElseThrow());
            changed.signalAll();
            selector.wakeup();
            return true;
        });
    }

    /** SIGSTOP. The opposite is to apply another temper. */
    public void pause() {
        apply(settings().withTemper(Temper.SILENT));
    }

    /** One more monitor at another socket; all monitors get all events. */
    public void addMonitor(Path socket) {
        locked(() -> {
            try {
                monitors.add(MonitorSocket.listen(socket, selector, owner));
            } catch (IOException failed) {
                throw new UncheckedIOException(failed);
            }
            kernel.listen(pid, socket);
            selector.wakeup();
            return true;
        });
    }

    /**
     * Plugs a device in as a {@code -device} of the command line does.
     *
     * @param id null for a device without a name
     * @throws IllegalStateException with QEMU's text, where a QEMU would not start
     */
    public void coldPlug(MdevId mdev, @Nullable String id) {
        ObjectNode arguments = object().put("driver", "vfio-ap").put("sysfsdev", "/sys/devices/vfio_ap/matrix/" + mdev);
        if (id != null) {
            arguments.put("id", id);
        }
        locked(() -> {
            try {
                machine.coldPlug(arguments);
            } catch (QmpRefusal refusal) {
                throw new IllegalStateException(refusal.description(), refusal);
            }
            return true;
        });
    }

    /** What its AP bus holds. */
    public Optional<MdevId> plugged() {
        return locked(machine::plugged);
    }

    /**
     * An outgoing migration that does not end by itself: query-migrate says active, device_add and device_del are refused. (A QEMU with a vfio-ap device would
     * not begin one; this one does.)
     */
    public void beginMigration() {
        locked(() -> {
            machine.setMigration("active");
            return true;
        });
    }

    /** The migration is cancelled. */
    public void endMigration() {
        locked(() -> {
            machine.setMigration("cancelled");
            return true;
        });
    }

    /** SIGTERM: SHUTDOWN, the connections end, the socket files are removed. While it is {@link Temper#SILENT} the signal waits. */
    public void quit() {
        endWith(() -> shutDown("host-signal", false));
    }

    /** The guest switches itself off, without {@code -no-shutdown}. */
    public void powerOff() {
        endWith(() -> shutDown("guest-shutdown", true));
    }

    /** The guest panics, with QEMU's default action: the process ends. */
    public void panic() {
        endWith(() -> {
            raise("GUEST_PANICKED", GuestMachine.panic("poweroff"));
            raise("STOP", object());
            shutDown("guest-panic", true);
        });
    }

    /** SIGKILL: the connections end without an event, the socket files stay, and a connect(2) is refused. */
    public void kill() {
        locked(() -> {
            end();
            return true;
        });
        join();
    }

    /** Kills it and removes the socket files. */
    @Override
    public void close() {
        kill();
        locked(() -> {
            removeSockets();
            return true;
        });
    }

    /** The command quit; its answer goes out before the end. */
    void quitByCommand() {
        raise("SHUTDOWN", object().put("guest", false).put("reason", "host-qmp-quit"));
        tasks.add(() -> {
            removeSockets();
            end();
        });
    }

    private void endWith(Runnable ending) {
        boolean now = locked(() -> {
            if (ended) {
                return true;
            }
            if (settings.temper() == Temper.SILENT) {
                post(ending);
                return false;
            }
            ending.run();
            return true;
        });
        if (now) {
            join();
        }
    }

    private void shutDown(String reason, boolean byGuest) {
        raise("SHUTDOWN", object().put("guest", byGuest).put("reason", reason));
        removeSockets();
        end();
    }

    private void removeSockets() {
        try {
            for (MonitorSocket monitor : monitors) {
                Files.deleteIfExists(monitor.path());
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** The kernel takes the files back before a client can see the end. The sockets are closed by the loop. */
    private void end() {
        if (!ended) {
            ended = true;
            kernel.endProcess(pid);
            changed.signalAll();
            selector.wakeup();
        }
    }

    private void join() {
        boolean interrupted = false;
        while (Thread.currentThread() != loop && loop.isAlive()) {
            try {
                loop.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Lets the loop do something; takes no lock, so that the kernel may call it. */
    private void post(Runnable task) {
        tasks.add(task);
        selector.wakeup();
    }

    private void loop() {
        try {
            while (isRunning()) {
                selector.select(patience());
                locked(() -> {
                    while (!ended && settings.temper() == Temper.SILENT) {
                        changed.awaitUninterruptibly();
                    }
                    if (!ended) {
                        work();
                    }
                    return true;
                });
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } finally {
            locked(() -> {
                end();
                monitors.forEach(MonitorSocket::close);
                return true;
            });
            closeSelector();
        }
    }

    private void closeSelector() {
        try {
            selector.close();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** Milliseconds until the next late event; 0 is for ever. */
    private long patience() {
        return locked(() -> {
            LateEvent next = lateEvents.peek();
            return next == null
                    ? 0
                    : Math.max(
                            1, Duration.ofNanos(next.due() - System.nanoTime()).toMillis() + 1);
        });
    }

    private void work() {
        connections().forEach(MonitorConnection::flush);
        runTasks();
        while (!lateEvents.isEmpty() && lateEvents.element().due() <= System.nanoTime()) {
            deliver(lateEvents.remove().event());
        }
        Iterator<SelectionKey> ready = selector.selectedKeys().iterator();
        while (ready.hasNext() && !ended) {
            SelectionKey key = ready.next();
            ready.remove();
            if (key.isValid()) {
                ((Runnable) key.attachment()).run();
            }
        }
        runTasks();
    }

    private void runTasks() {
        Runnable task = tasks.poll();
        while (task != null && !ended) {
            task.run();
            task = tasks.poll();
        }
    }

    private List<MonitorConnection> connections() {
        return monitors.stream().flatMap(monitor -> monitor.client().stream()).toList();
    }

    private void raise(String event, ObjectNode data) {
        deliver(event(event, data));
    }

    private static ObjectNode event(String name, ObjectNode data) {
        ObjectNode event = object();
        event.putObject("timestamp");
        event.put("event", name);
        if (!data.isEmpty()) {
            event.set("data", data);
        }
        return event;
    }

    /** Stamps an event and gives it to whoever is connected now; else it is lost. */
    private void deliver(ObjectNode event) {
        Instant now = CLOCK.instant();
        event.putObject("timestamp").put("seconds", now.getEpochSecond()).put("microseconds", now.getNano() / 1000);
        connections().forEach(connection -> connection.event(event));
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private <T> T locked(java.util.function.Supplier<T> action) {
        lock.lock();
        try {
            return Objects.requireNonNull(action.get());
        } finally {
            lock.unlock();
        }
    }

    private final class Events implements GuestMachine.Events {
        @Override
        public void raise(String event, ObjectNode data) {
            SimulatedQemu.this.raise(event, data);
        }

        @Override
        public void raiseLater(String event, ObjectNode data) {
            lateEvents.add(new LateEvent(System.nanoTime() + GRACE_PERIOD.toNanos(), event(event, data)));
        }

        @Override
        public void raiseLateOnes() {
            while (!lateEvents.isEmpty()) {
                deliver(lateEvents.remove().event());
            }
        }
    }

    private final class Owner implements MonitorConnection.Owner {
        @Override
        public Release release() {
            return settings.release();
        }

        @Override
        public boolean isStopped() {
            return settings.temper() == Temper.SILENT;
        }

        @Override
        public ObjectNode version() {
            return commands.version();
        }

        @Override
        public @Nullable JsonNode answer(String command, JsonNode arguments, boolean outOfBand) {
            boolean plugs = command.equals("device_add") || command.equals("device_del");
            if (plugs && settings.temper() == Temper.REFUSES) {
                throw QmpRefusal.generic("the simulated guest was told to refuse " + command);
            }
            if (plugs && settings.temper() == Temper.HANGS_UP) {
                if (settings.executesBeforeHangingUp()) {
                    execute(command, arguments, outOfBand);
                }
                return null;
            }
            return commands.run(command, arguments, outOfBand);
        }

        /** For a client that will not hear how it went. */
        private void execute(String command, JsonNode arguments, boolean outOfBand) {
            try {
                commands.run(command, arguments, outOfBand);
            } catch (QmpRefusal unheard) {
                // an error changes nothing, and nobody is there to read it
                return;
            }
        }
    }
}
