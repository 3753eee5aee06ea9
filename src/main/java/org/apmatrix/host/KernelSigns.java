package org.apmatrix.host;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Uevents;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Wakes whoever watches the host when the kernel says that something of the AP bus or of vfio_ap came, went or changed. */
public final class KernelSigns implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KernelSigns.class);
    private static final List<String> OURS = List.of("/devices/ap", "/devices/vfio_ap", "/module/vfio_ap");

    private final Uevents uevents;
    private final AtomicLong heard = new AtomicLong();
    private final AtomicReference<Uevents.@Nullable Listening> listening = new AtomicReference<>();

    public KernelSigns(Uevents uevents) {
        this.uevents = uevents;
    }

    /**
     * Begins to listen, where the kernel lets this process; the log says so.
     *
     * @param wake called at every sign; must not block
     */
    public void listen(Runnable wake) {
        try {
            listening.set(uevents.listen(new Uevents.Listener() {
                @Override
                public void heard(Uevents.Uevent uevent) {
                    if (OURS.stream().anyMatch(uevent.device()::startsWith)) {
                        heard.incrementAndGet();
                        wake.run();
                    }
                }

                @Override
                public void lost() {
                    wake.run();
                }
            }));
            LOG.info("changes by others are noticed by the kernel's uevents and by looking");
        } catch (KernelException refused) {
            LOG.info("changes by others are noticed by looking alone: no uevents ({})", refused.getMessage());
        }
    }

    /** Whether the kernel lets this process listen; in a user namespace of its own it hears nothing all the same. */
    public boolean isListening() {
        return listening.get() != null;
    }

    /** How many signs were heard. */
    public long heard() {
        return heard.get();
    }

    @Override
    public void close() {
        Uevents.Listening open = listening.getAndSet(null);
        if (open != null) {
            open.close();
        }
    }
}
