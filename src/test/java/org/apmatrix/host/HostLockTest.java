package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.RequestDenied;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostLockTest {
    private static final long OWN = ProcessHandle.current().pid();

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @TempDir
    Path directory;

    @Test
    void theFileNamesTheHolderWhileTheLockIsHeld() {
        assertThat(lock().<String>hold(this::content)).isEqualTo(OWN + "\n");
    }

    @Test
    void nothingIsLeftAfterwards() {
        lock().hold(() -> 0);
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void theLockIsGivenBackWhenTheWorkFails() {
        assertThatThrownBy(() -> lock().hold(() -> {
                    throw new IllegalStateException("work");
                }))
                .hasMessage("work");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aProcessThatLivesKeepsTheLock() throws IOException {
        Files.writeString(file(), "1\n");
        assertThatThrownBy(() -> lock().hold(() -> 0)).satisfies(isLocked(Map.of("pid", 1L)));
        assertThat(file()).hasContent("1\n");
    }

    @Test
    void theLockOfAProcessThatIsGoneIsTakenOver() throws IOException, InterruptedException {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();
        Files.writeString(file(), process.pid() + "\n");
        assertThat(lock().<String>hold(this::content)).isEqualTo(OWN + "\n");
    }

    /** After a restart another process may have had our number, or ourselves before a crash in a container. */
    @Test
    void ourOwnNumberIsALeftover() throws IOException {
        Files.writeString(file(), OWN + "\n");
        assertThat(lock().<String>hold(this::content)).isEqualTo(OWN + "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "chzdev", "-1", "0", "1 2"})
    void aFileWithoutAPidIsHeldForTwoMinutes(String content) throws IOException {
        Files.writeString(file(), content);
        assertThatThrownBy(() -> lock(Duration.ofSeconds(119)).hold(() -> 0)).satisfies(isLocked(Map.of()));
    }

    @Test
    void aFileWithoutAPidIsStaleAfterTwoMinutes() throws IOException {
        Files.writeString(file(), "");
        assertThat(lock(Duration.ofSeconds(121)).<String>hold(this::content)).isEqualTo(OWN + "\n");
    }

    @Test
    void oneThreadAtATime() throws InterruptedException {
        HostLock lock = new HostLock(null, Duration.ZERO, Clock.systemUTC(), meters);
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        Thread holder = new Thread(() -> lock.hold(() -> {
            held.countDown();
            return awaited(done);
        }));
        holder.start();
        held.await();
        assertThatThrownBy(() -> lock.hold(() -> 0)).satisfies(isLocked(Map.of()));
        done.countDown();
        holder.join();
        assertThat(lock.<Integer>hold(() -> 7)).isEqualTo(7);
        assertThat(waits("turn", "given_up")).isEqualTo(1);
        assertThat(waits("turn", "taken")).isEqualTo(2);
    }

    @Test
    void aWaitForTheFileThatWasGivenUpIsTimed() throws IOException {
        Files.writeString(file(), "1\n");
        assertThatThrownBy(() -> lock().hold(() -> 0)).satisfies(isLocked(Map.of("pid", 1L)));
        assertThat(waits("file", "given_up")).isEqualTo(1);
    }

    private long waits(String kind, String outcome) {
        return meters.get("apmatrix.host.lock.wait")
                .tags("kind", kind, "outcome", outcome)
                .timer()
                .count();
    }

    @Test
    void waitsForTheOtherToolAsLongAsItsPatience() throws IOException {
        Files.writeString(file(), "1\n");
        HostLock lock = new HostLock(file(), Duration.ofSeconds(30), Clock.systemUTC(), meters);
        Thread other = new Thread(() -> assertThat(file().toFile().delete()).isTrue());
        other.start();
        assertThat(lock.<String>hold(this::content)).isEqualTo(OWN + "\n");
    }

    private HostLock lock() {
        return lock(Duration.ZERO);
    }

    /** A lock without patience, whose clock is ahead of the file system's. */
    private HostLock lock(Duration ahead) {
        return new HostLock(file(), Duration.ZERO, Duration.ZERO, Clock.offset(Clock.systemUTC(), ahead), meters);
    }

    private Path file() {
        return directory.resolve("s390apconfig.lock");
    }

    private String content() {
        try {
            return Files.readString(file());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            latch.await();
            return true;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static java.util.function.Consumer<Throwable> isLocked(Map<String, Object> facts) {
        return thrown -> assertThat(thrown).isInstanceOfSatisfying(RequestDenied.class, denied -> {
            assertThat(denied.code()).isEqualTo(ErrorCode.HOST_LOCKED);
            assertThat(denied.facts()).isEqualTo(facts);
        });
    }
}
