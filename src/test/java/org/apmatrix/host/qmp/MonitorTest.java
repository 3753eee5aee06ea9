package org.apmatrix.host.qmp;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.apmatrix.Patience;
import org.apmatrix.host.qmp.GuestMonitor.Link;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;

/** A socket in a directory of its own, monitors on it, and threads that ask them. */
// no test waits for this: it only keeps a server that waits for ever from holding up the build
@Timeout(value = 5, unit = TimeUnit.MINUTES)
abstract class MonitorTest {
    /** Longer than any answer takes; what runs into it fails. */
    static final Duration LONG = Duration.ofSeconds(30);

    static final Duration SHORT = Duration.ofMillis(20);

    @TempDir
    Path directory;

    final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    final Heard heard = new Heard();
    private final List<QmpMonitor> monitors = new ArrayList<>();

    @AfterEach
    void closeMonitors() {
        monitors.forEach(QmpMonitor::close);
    }

    Path socket() {
        return directory.resolve("guest.qmp");
    }

    QmpMonitor monitor() {
        return monitor(properties(LONG, Duration.ofMillis(1)));
    }

    QmpMonitor monitor(QmpProperties properties) {
        return monitor(socket(), properties, heard);
    }

    QmpMonitor monitor(Path socket, QmpProperties properties, GuestMonitor.Listener listener) {
        QmpMonitor monitor = new QmpMonitor(socket, properties, meters, listener);
        monitor.start();
        monitors.add(monitor);
        return monitor;
    }

    static QmpProperties properties(Duration greetingTimeout, Duration reconnectAfter) {
        return new QmpProperties(
                List.of(), greetingTimeout, LONG, reconnectAfter, reconnectAfter, DataSize.ofMegabytes(16));
    }

    static void until(QmpMonitor monitor, Link link) {
        Patience.until(() -> monitor.link() == link);
    }

    /** A command that is asked in a thread of its own. */
    record Asking<R>(Thread thread, CompletableFuture<R> reply) {
        R result() {
            return reply.join();
        }

        Throwable failure() {
            try {
                throw new AssertionError("answered with " + reply.join());
            } catch (CompletionException e) {
                return e.getCause();
            }
        }

        void untilItWaits() {
            Patience.until(() -> thread.getState() == Thread.State.TIMED_WAITING);
        }
    }

    static <R> Asking<R> asking(QmpMonitor monitor, QmpCommand<R> command) {
        return asking(monitor, command, LONG);
    }

    static <R> Asking<R> asking(QmpMonitor monitor, QmpCommand<R> command, Duration patience) {
        CompletableFuture<R> reply = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        reply.complete(monitor.ask(command, patience));
                    } catch (RuntimeException e) {
                        reply.completeExceptionally(e);
                    }
                },
                "asking " + command);
        thread.setDaemon(true);
        thread.start();
        return new Asking<>(thread, reply);
    }

    static void assertUnreachable(QmpMonitor monitor) {
        assertThat(asking(monitor, new QmpCommand.QueryStatus()).failure())
                .isInstanceOf(QmpException.Unreachable.class);
    }
}
