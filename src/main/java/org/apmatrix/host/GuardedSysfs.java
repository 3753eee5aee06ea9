package org.apmatrix.host;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;

/**
 * Runs each write in a thread of its own and waits for it with patience: a few stores can block in the kernel for ever ({@code remove}:
 * vfio_unregister_group_dev), where no signal reaches the thread.
 *
 * <p>Each write is timed as {@code apmatrix.sysfs.write}: {@code attribute} is its name, {@code errno} the kernel's, {@code none}, or {@code unanswered}.
 */
public final class GuardedSysfs implements Sysfs {
    private final Sysfs sysfs;
    private final Duration patience;
    private final MeterRegistry meters;

    public GuardedSysfs(Sysfs sysfs, Duration patience, MeterRegistry meters) {
        this.sysfs = sysfs;
        this.patience = patience;
        this.meters = meters;
    }

    /** Throws {@link HostFailure} when the kernel has not answered within the patience; it may still do what was asked. */
    @Override
    public void write(Path attribute, String text) {
        Timer.Sample time = Timer.start(meters);
        String errno = "unanswered";
        try {
            writeGuarded(attribute, text);
            errno = "none";
        } catch (KernelException refusal) {
            errno = refusal.errno().name();
            throw refusal;
        } finally {
            time.stop(Timer.builder("apmatrix.sysfs.write")
                    .description("Writes into sysfs")
                    .tag("attribute", String.valueOf(attribute.getFileName()))
                    .tag("errno", errno)
                    .register(meters));
        }
    }

    private void writeGuarded(Path attribute, String text) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        sysfs.write(attribute, text);
                        answer.complete(null);
                    } catch (RuntimeException e) {
                        answer.completeExceptionally(e);
                    }
                },
                "store " + attribute);
        thread.setDaemon(true);
        thread.start();
        try {
            answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw HostFailure.refused(
                    null,
                    "The kernel has not answered a write to " + attribute + " within " + patience.toSeconds()
                            + " s; it may still carry it out.");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new CompletionException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw HostFailure.refused(null, "Interrupted while the kernel was writing to " + attribute + ".");
        }
    }

    @Override
    public String read(Path attribute) {
        return sysfs.read(attribute);
    }

    @Override
    public List<String> list(Path directory) {
        return sysfs.list(directory);
    }

    @Override
    public String readLink(Path link) {
        return sysfs.readLink(link);
    }

    @Override
    public boolean exists(Path path) {
        return sysfs.exists(path);
    }

    @Override
    public boolean isWritable(Path attribute) {
        return sysfs.isWritable(attribute);
    }
}
