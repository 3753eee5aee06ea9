package org.apmatrix.host.qmp;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.backoff.BackOffExecution;
import org.springframework.util.backoff.ExponentialBackOff;
import tools.jackson.databind.JsonNode;

/**
 * The monitor of one QEMU: stays connected to its socket, asks one command at a time, and tells what happens.
 *
 * <p>A thread of its own connects, reads, and connects again; who asks writes in his own thread, and is handed the reply by that one. Each command is timed as
 * {@code apmatrix.qmp.command} ({@code command}, {@code outcome}); {@code apmatrix.qmp.reconnects} counts connections made anew.
 */
public final class QmpMonitor implements GuestMonitor {
    private static final Logger LOG = LoggerFactory.getLogger(QmpMonitor.class);
    private static final String NEGOTIATION = "apmatrix-negotiation";
    private static final double BACK_OFF_FACTOR = 2;

    private final Path socket;
    private final QmpProperties properties;
    private final MeterRegistry meters;
    private final Counter reconnects;
    private final Listener listener;
    private final QmpLink link;
    private final ReentrantLock turn = new ReentrantLock(true);
    private final Thread thread;
    private volatile boolean nobodyListens;

    /** Makes the monitor, which does nothing before {@link #start()}. */
    public QmpMonitor(Path socket, QmpProperties properties, MeterRegistry meters, Listener listener) {
        this.meters = meters;
        this.reconnects = Counter.builder("apmatrix.qmp.reconnects")
                .description("Connections to QEMUs made anew")
                .register(meters);
        this.socket = socket;
        this.properties = properties;
        this.listener = listener;
        this.link = new QmpLink(socket);
        this.thread = new Thread(this::stayConnected, "qmp " + socket.getFileName());
        thread.setDaemon(true);
    }

    @Override
    public void start() {
        thread.start();
    }

    /** After a try that found that nobody listens on the socket (ECONNREFUSED). */
    @Override
    public boolean nobodyListens() {
        return nobodyListens && link.link() == Link.DOWN;
    }

    public Path socket() {
        return socket;
    }

    @Override
    public Link link() {
        return link.link();
    }

    /** How many connections have been negotiated: 0 before the first. */
    @Override
    public long session() {
        return link.session();
    }

    /** What QEMU told of itself in the latest greeting, such as {@code 7.2.22}; empty before the first. */
    public Optional<String> version() {
        return link.version();
    }

    /** Not in the monitor's own thread, in which the answer is read. */
    @Override
    public <R> R ask(QmpCommand<R> command, Duration patience) {
        if (Thread.currentThread() == thread) {
            throw new IllegalStateException(
                    "asked by the listener of " + socket + ", in whose thread the answer is read");
        }
        Timer.Sample time = Timer.start(meters);
        String outcome = "failed";
        try {
            R reply = exchange(command, Deadline.in(patience));
            outcome = "answered";
            return reply;
        } catch (QmpException e) {
            outcome = outcome(e);
            throw e;
        } finally {
            time.stop(Timer.builder("apmatrix.qmp.command")
                    .description("Commands to QEMUs, with the wait for others who ask")
                    .tag("command", command.execute())
                    .tag("outcome", outcome)
                    .register(meters));
        }
    }

    @Override
    public void plug(QmpCommand.DeviceAdd device, Duration patience) {
        ask(device, patience);
    }

    @Override
    public void unplug(String link, @Nullable String sysfsdev, Duration patience) {
        ask(new QmpCommand.DeviceDel(link), patience);
    }

    private <R> R exchange(QmpCommand<R> command, Deadline deadline) {
        String execute = command.execute();
        takeTurn(execute, deadline);
        try {
            return command.reply(value(execute, link.exchange(execute, command.arguments(), deadline)));
        } finally {
            turn.unlock();
        }
    }

    private static String outcome(QmpException why) {
        if (why instanceof QmpException.Refused) {
            return "refused";
        }
        if (why instanceof QmpException.Unreachable) {
            return "unreachable";
        }
        return why instanceof QmpException.NoAnswer ? "no_answer" : "unreadable";
    }

    private void takeTurn(String execute, Deadline deadline) {
        try {
            if (!turn.tryLock(deadline.leftNanos(), TimeUnit.NANOSECONDS)) {
                throw link.notSent(execute, "others are asking");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw link.notSent(execute, "interrupted");
        }
    }

    private static JsonNode value(String execute, QmpMessage answer) {
        if (answer instanceof QmpMessage.Failure failure) {
            throw new QmpException.Refused(execute, failure.errorClass(), failure.description());
        }
        return ((QmpMessage.Reply) answer).value();
    }

    /** Closes the connection, and returns when the thread has ended (in that thread itself, at once). Who waits for a reply gets {@link QmpException.NoAnswer}. */
    @Override
    public void close() {
        link.close();
        boolean interrupted = false;
        while (Thread.currentThread() != thread && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void stayConnected() {
        ExponentialBackOff backOff =
                new ExponentialBackOff(properties.reconnectAfter().toMillis(), BACK_OFF_FACTOR);
        backOff.setMaxInterval(properties.reconnectAtMost().toMillis());
        BackOffExecution pauses = backOff.start();
        try {
            while (!link.isClosing()) {
                if (connectAndRead()) {
                    pauses = backOff.start();
                }
                link.pause(Duration.ofMillis(pauses.nextBackOff()));
            }
        } catch (InterruptedException e) {
            LOG.warn("guest socket={}: interrupted, will not connect again", socket);
        } finally {
            link.broken(new IOException("closed"));
        }
    }

    /** Returns when the connection is gone: whether it was ever ready. */
    private boolean connectAndRead() {
        boolean ready = false;
        Exception end;
        try (QmpConnection connection = QmpConnection.open(socket, properties, link::greetingIsLate)) {
            link.connected(connection);
            link.negotiated(negotiate(connection));
            if (link.session() > 1) {
                reconnects.increment();
            }
            ready = true;
            tell(Listener::connected);
            while (true) {
                take(connection.read());
            }
        } catch (IOException | QmpException e) {
            end = e;
        } catch (RuntimeException e) {
            LOG.error("guest socket={}: the connection is dropped for a fault of our own", socket, e);
            end = e;
        }
        nobodyListens = end instanceof ConnectException;
        link.broken(end);
        if (ready && !link.isClosing()) {
            String reason = QmpLink.text(end);
            tell(each -> each.disconnected(reason));
        }
        return ready;
    }

    /** Returns QEMU's version. Events before the end of it are not told: then comes {@link Listener#connected()}, which tells to look at everything. */
    private String negotiate(QmpConnection connection) throws IOException {
        QmpMessage first = connection.read();
        while (first instanceof QmpMessage.Event) {
            // a QEMU that is just starting tells events between taking the connection and greeting it (monitor.c,
            // monitor_qapi_event_emit)
            first = connection.read();
        }
        if (!(first instanceof QmpMessage.Greeting greeting)) {
            throw new QmpException.Unreadable("the first message is no greeting");
        }
        connection.write(NEGOTIATION, "qmp_capabilities", Map.of());
        while (true) {
            QmpMessage message = connection.read();
            if (message instanceof QmpMessage.Reply reply && QmpLink.isText(reply.id(), NEGOTIATION)) {
                return greeting.version();
            }
            if (!(message instanceof QmpMessage.Event)) {
                throw new QmpException.Unreadable("qmp_capabilities is answered with " + Members.excerpt(message));
            }
        }
    }

    private void take(QmpMessage message) {
        if (message instanceof QmpMessage.Event event) {
            tell(each -> each.event(event.event()));
        } else if (message instanceof QmpMessage.Reply reply) {
            settle(reply.id(), reply);
        } else if (message instanceof QmpMessage.Failure failure && failure.id() != null) {
            settle(failure.id(), failure);
        } else {
            // a failure has no id when QEMU could not parse what it answers, which is nothing that we send
            throw new QmpException.Unreadable("no event and no answer to a command: " + Members.excerpt(message));
        }
    }

    private void settle(@Nullable JsonNode id, QmpMessage answer) {
        switch (link.settle(id, answer)) {
            case AWAITED -> {}
            case LATE -> tell(Listener::connected);
            case FOREIGN ->
                LOG.warn("guest socket={}: an answer to nothing that was asked: {}", socket, Members.excerpt(answer));
        }
    }

    private void tell(Consumer<Listener> news) {
        try {
            news.accept(listener);
        } catch (RuntimeException e) {
            LOG.error("guest socket={}: the listener failed", socket, e);
        }
    }
}
