package org.apmatrix.host;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.fault.RequestDenied;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one lock: fair within this process, then the lock file that chzdev and ap-check share.
 *
 * <p>The file's protocol is that of s390-tools (libutil/util_lockfile.c): the lock is a file with the holder's pid and a newline, made by a hard link from a
 * temporary file; it is stale when that process is gone, or when no pid has come into it for two minutes. There is nothing to wait on but the file, so it is
 * asked again until the patience ends.
 *
 * <p>Waiting is timed as {@code apmatrix.host.lock.wait}: {@code kind} is {@code turn} (others of this process) or {@code file} (other tools), {@code outcome}
 * {@code taken} or {@code given_up}.
 */
public final class HostLock {
    private static final Logger LOG = LoggerFactory.getLogger(HostLock.class);
    private static final Duration BETWEEN_TRIES = Duration.ofMillis(20);
    /** How long a request waits for its turn: each one before it holds the lock for a look and a few writes. */
    private static final Duration TURN = Duration.ofSeconds(30);

    private static final Duration PID_IS_LATE = Duration.ofMinutes(2);

    private final ReentrantLock inProcess = new ReentrantLock(true);
    private final @Nullable Path file;
    private final Duration patience;
    private final Duration turn;
    private final Clock clock;
    private final MeterRegistry meters;
    private final long ownPid = ProcessHandle.current().pid();

    /**
     * Makes the lock; takes nothing yet.
     *
     * @param file null to be kept apart only from this process itself
     * @param patience how long to wait while another tool has the file
     */
    public HostLock(@Nullable Path file, Duration patience, Clock clock, MeterRegistry meters) {
        this(file, patience, TURN, clock, meters);
    }

    HostLock(@Nullable Path file, Duration patience, Duration turn, Clock clock, MeterRegistry meters) {
        this.meters = meters;
        this.turn = turn;
        this.file = file;
        this.patience = patience;
        this.clock = clock;
    }

    /** Does something while holding the lock, or throws {@link RequestDenied} (HOST_LOCKED) with the holder's pid when the patience ends. */
    public <T> T hold(Supplier<T> work) {
        acquire();
        try {
            return work.get();
        } finally {
            release();
        }
    }

    /**
     * Does something while no request of this service holds the lock, or nothing at all: never waits, and leaves the file to other tools.
     *
     * @return whether it was done
     */
    public boolean ifFree(Runnable work) {
        if (!inProcess.tryLock()) {
            return false;
        }
        try {
            work.run();
            return true;
        } finally {
            inProcess.unlock();
        }
    }

    /** Whether it is the calling thread that holds the lock, or does something while it is free. */
    public boolean isMine() {
        return inProcess.isHeldByCurrentThread();
    }

    private void acquire() {
        Timer.Sample waitForTurn = Timer.start(meters);
        boolean isOurTurn = false;
        try {
            isOurTurn = inProcess.tryLock(turn.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        waited(waitForTurn, "turn", isOurTurn);
        if (!isOurTurn) {
            throw RequestDenied.hostBusy();
        }
        Timer.Sample waitForFile = Timer.start(meters);
        boolean taken = false;
        try {
            if (file != null) {
                takeFile(file, clock.instant().plus(patience));
            }
            taken = true;
        } catch (IOException e) {
            LOG.error("lock file {} cannot be taken", file, e);
            throw HostFailure.refused(null, "The lock file of the AP configuration cannot be taken; the log says why.");
        } finally {
            waited(waitForFile, "file", taken);
            if (!taken) {
                inProcess.unlock();
            }
        }
    }

    private void waited(Timer.Sample time, String kind, boolean taken) {
        time.stop(Timer.builder("apmatrix.host.lock.wait")
                .description("Waiting for the lock of the AP configuration")
                .tag("kind", kind)
                .tag("outcome", taken ? "taken" : "given_up")
                .register(meters));
    }

    private void release() {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            inProcess.unlock();
        }
    }

    private void takeFile(Path lock, Instant deadline) throws IOException {
        Files.createDirectories(lock.toAbsolutePath().getParent());
        Path mine = lock.resolveSibling(lock.getFileName() + "." + ownPid);
        Files.writeString(mine, ownPid + "\n");
        try {
            while (!link(lock, mine)) {
                if (!removeStale(lock)) {
                    if (!clock.instant().isBefore(deadline)) {
                        throw RequestDenied.hostLocked(holder(lock).orElse(null));
                    }
                    LockSupport.parkNanos(BETWEEN_TRIES.toNanos());
                }
            }
        } finally {
            Files.deleteIfExists(mine);
        }
    }

    private static boolean link(Path lock, Path mine) throws IOException {
        try {
            Files.createLink(lock, mine);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    /** Whether the lock is worth another try at once. */
    private boolean removeStale(Path lock) throws IOException {
        try {
            Optional<Long> holder = holder(lock);
            boolean stale = holder.isPresent()
                    // our own pid is left over from an earlier process of this number: the lock within this process is
                    // ours
                    ? holder.get() == ownPid || ProcessHandle.of(holder.get()).isEmpty()
                    : Files.getLastModifiedTime(lock)
                            .toInstant()
                            .plus(PID_IS_LATE)
                            .isBefore(clock.instant());
            return stale && Files.deleteIfExists(lock);
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    private static Optional<Long> holder(Path lock) throws IOException {
        try {
            return Optional.of(
                            Files.readString(lock, StandardCharsets.ISO_8859_1).strip())
                    .filter(text -> text.matches("[1-9][0-9]{0,9}"))
                    .map(Long::valueOf);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
