package org.apmatrix.host.qmp;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apmatrix.host.qmp.GuestMonitor.Link;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Where a monitor stands, and the one command that is on its way: moved by the thread that reads, awaited by those who ask. All of it under the object's own
 * lock, in which nothing blocks.
 */
final class QmpLink {
    private static final Logger LOG = LoggerFactory.getLogger(QmpLink.class);

    private final Path socket;
    private Link link = Link.CONNECTING;
    private Link logged = Link.CONNECTING;
    private String reason = "not yet connected";
    private @Nullable QmpConnection connection;
    private @Nullable Exchange owed;
    private @Nullable String version;
    private long session;
    private long requests;
    private boolean closing;

    /** One command on its way: it ends with an answer, with a broken connection, or abandoned by who asked. */
    private static final class Exchange {
        private final String id;
        private @Nullable QmpMessage answer;
        private @Nullable Exception broken;
        private boolean abandoned;

        Exchange(String id) {
            this.id = id;
        }
    }

    /** Whose a reply is. */
    enum Settled {
        /** Somebody waits for it, and has it now. */
        AWAITED,
        /** Who asked for it has given up. */
        LATE,
        /** It answers nothing that is on its way. */
        FOREIGN
    }

    QmpLink(Path socket) {
        this.socket = socket;
    }

    synchronized Link link() {
        return link;
    }

    synchronized long session() {
        return session;
    }

    synchronized Optional<String> version() {
        return Optional.ofNullable(version);
    }

    synchronized boolean isClosing() {
        return closing;
    }

    synchronized void connected(QmpConnection fresh) {
        connection = fresh;
        move(Link.CONNECTING, "not yet greeted");
        if (closing) {
            fresh.drop("closed");
        }
    }

    synchronized void greetingIsLate() {
        if (link == Link.CONNECTING) {
            move(Link.SILENT, "no greeting, another client may have the socket");
        }
    }

    synchronized void negotiated(String told) {
        version = told;
        session++;
        move(Link.READY, "negotiated");
    }

    synchronized void broken(Exception cause) {
        connection = null;
        if (owed != null) {
            owed.broken = cause;
            owed = null;
        }
        move(Link.DOWN, text(cause));
    }

    synchronized void close() {
        closing = true;
        notifyAll();
        if (connection != null) {
            connection.drop("closed");
        }
    }

    /** Waits, less long when it is closed meanwhile. */
    synchronized void pause(Duration length) throws InterruptedException {
        Deadline deadline = Deadline.in(length);
        while (!closing && !deadline.hasPassed()) {
            await(deadline);
        }
    }

    /** Hands a reply to who waits for it. */
    synchronized Settled settle(@Nullable JsonNode id, QmpMessage answer) {
        Exchange exchange = owed;
        if (exchange == null || !isText(id, exchange.id)) {
            return Settled.FOREIGN;
        }
        owed = null;
        if (exchange.abandoned) {
            move(Link.READY, "answered at last");
            return Settled.LATE;
        }
        exchange.answer = answer;
        notifyAll();
        return Settled.AWAITED;
    }

    /** Sends a command when the link is ready, and waits for the answer. By one thread at a time. */
    synchronized QmpMessage exchange(String execute, Map<String, Object> arguments, Deadline deadline) {
        QmpConnection ready = awaitReady(execute, deadline);
        Exchange exchange = new Exchange("apmatrix-" + ++requests);
        try {
            ready.write(exchange.id, execute, arguments);
        } catch (IOException e) {
            // QEMU may have got a part of it: this lets the reader break the connection, and so end the exchange
            ready.drop("cannot write: " + e.getMessage());
        }
        owed = exchange;
        return awaitAnswer(execute, exchange, deadline);
    }

    private QmpConnection awaitReady(String execute, Deadline deadline) {
        try {
            while (link == Link.CONNECTING && !deadline.hasPassed()) {
                await(deadline);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw notSent(execute, "interrupted");
        }
        if (link != Link.READY || connection == null) {
            throw notSent(execute, link + ", " + reason);
        }
        if (deadline.hasPassed()) {
            throw notSent(execute, "no patience is left");
        }
        return connection;
    }

    private QmpMessage awaitAnswer(String execute, Exchange exchange, Deadline deadline) {
        try {
            while (exchange.answer == null && exchange.broken == null) {
                if (deadline.hasPassed()) {
                    throw abandon(exchange, execute, "no answer in time");
                }
                await(deadline);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            if (exchange == owed) {
                throw abandon(exchange, execute, "interrupted before the answer");
            }
        }
        if (exchange.answer != null) {
            return exchange.answer;
        }
        Exception cause = Objects.requireNonNull(exchange.broken);
        String message = execute + ": " + text(cause);
        throw cause instanceof QmpException.Unreadable
                ? new QmpException.Unreadable(message, cause)
                : new QmpException.NoAnswer(message, cause);
    }

    private QmpException.NoAnswer abandon(Exchange exchange, String execute, String why) {
        exchange.abandoned = true;
        move(Link.SILENT, execute + " is unanswered");
        return new QmpException.NoAnswer(execute + ": " + why, null);
    }

    QmpException.Unreachable notSent(String execute, String why) {
        return new QmpException.Unreachable(execute + " was not sent: " + why);
    }

    static String text(Exception cause) {
        return Objects.requireNonNullElseGet(cause.getMessage(), cause::toString);
    }

    static boolean isText(@Nullable JsonNode id, String expected) {
        return id != null && id.isString() && id.stringValue().equals(expected);
    }

    private void await(Deadline deadline) throws InterruptedException {
        TimeUnit.NANOSECONDS.timedWait(this, deadline.leftNanos());
    }

    /** A try that fails as the one before is no change, so that {@code CONNECTING} after the first one is not worth a line. */
    private void move(Link next, String why) {
        link = next;
        reason = why;
        notifyAll();
        if (next != logged && next != Link.CONNECTING) {
            LOG.info("guest socket={} {} -> {}: {}", socket, logged, next, why);
            logged = next;
        }
    }
}
