package org.apmatrix.host.kernel;

/** What the kernel tells by itself when devices come, go or change (lib/kobject_uevent.c; netlink, NETLINK_KOBJECT_UEVENT). Good to be woken by, never a proof. */
public interface Uevents {
    /**
     * One message.
     *
     * @param action {@code add}, {@code remove}, {@code bind}, {@code unbind}, {@code change}, …
     * @param device the device's path below {@code /sys}, such as {@code /devices/ap/card05/05.0004}
     * @param subsystem such as {@code ap} or {@code mdev}; empty where the message has none
     */
    record Uevent(String action, String device, String subsystem) {}

    /** Who hears. Called in a thread of the kernel's side: it must not block. */
    interface Listener {
        void heard(Uevent uevent);

        /** Messages came faster than they were read: some were not heard. */
        void lost();
    }

    /** Ends the listening that {@link #listen} began; at once or a moment later. */
    interface Listening extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Begins to listen. A process in a user namespace of its own may listen and yet hear nothing: the kernel tells only the namespaces of the machine's own users.
     *
     * @throws KernelException where the kernel does not let this process
     */
    Listening listen(Listener listener);
}
