package org.apmatrix.host.sim;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apmatrix.host.kernel.Uevents;

/** The uevents of the simulated kernel, told to whoever listens while it does what they are about. */
final class SimulatedUevents implements Uevents {
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    void tell(String action, String device, String subsystem) {
        Uevent uevent = new Uevent(action, device, subsystem);
        listeners.forEach(listener -> listener.heard(uevent));
    }

    @Override
    public Listening listen(Listener listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }
}
