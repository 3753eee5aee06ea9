package org.apmatrix.host.libvirt;

import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.NativeLongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** libvirt's own client library, on this machine: {@code libvirt.so.0} and {@code libvirt-qemu.so.0}. */
final class NativeLibvirt implements LibvirtCalls {
    private static final Logger LOG = LoggerFactory.getLogger(NativeLibvirt.class);

    /** A libvirtd that says nothing for this long is taken for dead (virConnectSetKeepAlive). */
    private static final int KEEP_ALIVE_SECONDS = 5;

    private static final int KEEP_ALIVE_TRIES = 3;

    /** virDomainXMLFlags. */
    private static final int XML_INACTIVE = 2;

    /** virDomainEventID. */
    private static final int EVENT_LIFECYCLE = 0;

    private static final int EVENT_DEVICE_REMOVED = 15;
    private static final int EVENT_DEVICE_ADDED = 19;
    private static final int EVENT_DEVICE_REMOVAL_FAILED = 22;

    /** The functions of libvirt.h and libvirt-qemu.h that are used, by their own names and types. */
    interface Functions extends Library {
        int virInitialize();

        void virSetErrorFunc(@Nullable Pointer data, ErrorFunction handler);

        int virGetLastErrorCode();

        @Nullable
        String virGetLastErrorMessage();

        void virResetLastError();

        int virEventRegisterDefaultImpl();

        int virEventRunDefaultImpl();

        @Nullable
        Pointer virConnectOpen(String uri);

        int virConnectClose(Pointer connection);

        int virConnectIsAlive(Pointer connection);

        int virConnectSetKeepAlive(Pointer connection, int interval, int count);

        int virConnectRegisterCloseCallback(
                Pointer connection, Closed callback, @Nullable Pointer opaque, @Nullable Pointer free);

        int virConnectUnregisterCloseCallback(Pointer connection, Closed callback);

        int virConnectGetLibVersion(Pointer connection, NativeLongByReference version);

        int virConnectListAllDomains(Pointer connection, PointerByReference domains, int flags);

        int virConnectDomainEventRegisterAny(
                Pointer connection,
                @Nullable Pointer domain,
                int event,
                Callback callback,
                @Nullable Pointer opaque,
                @Nullable Pointer free);

        int virConnectDomainEventDeregisterAny(Pointer connection, int callback);

        @Nullable
        Pointer virDomainLookupByUUID(Pointer connection, byte[] uuid);

        int virDomainFree(Pointer domain);

        @Nullable
        String virDomainGetName(Pointer domain);

        int virDomainGetUUID(Pointer domain, byte[] uuid);

        int virDomainGetID(Pointer domain);

        int virDomainIsPersistent(Pointer domain);

        @Nullable
        Pointer virDomainGetXMLDesc(Pointer domain, int flags);

        int virDomainSnapshotNum(Pointer domain, int flags);

        int virDomainAttachDeviceFlags(Pointer domain, String xml, int flags);

        int virDomainDetachDeviceFlags(Pointer domain, String xml, int flags);
    }

    /** What is in libvirt-qemu.so.0. */
    interface QemuFunctions extends Library {
        int virDomainQemuMonitorCommand(Pointer domain, String command, PointerByReference result, int flags);
    }

    /** virErrorFunc. */
    interface ErrorFunction extends Callback {
        void said(@Nullable Pointer data, @Nullable Pointer error);
    }

    /** virConnectCloseFunc. */
    interface Closed extends Callback {
        void closed(Pointer connection, int reason, @Nullable Pointer opaque);
    }

    /** virConnectDomainEventCallback. */
    interface Lifecycle extends Callback {
        int happened(Pointer connection, Pointer domain, int event, int detail, @Nullable Pointer opaque);
    }

    /** virConnectDomainEventDeviceAddedCallback and its like. */
    interface Device extends Callback {
        void happened(Pointer connection, Pointer domain, @Nullable String alias, @Nullable Pointer opaque);
    }

    /** Both libraries, once for this process, with the one thread that hears libvirt's events. */
    private record Loaded(Functions functions, QemuFunctions qemu, ErrorFunction quiet) {}

    private static final Map<String, Loaded> LOADED = new HashMap<>();

    private final Functions functions;
    private final QemuFunctions qemu;
    private final Pointer connection;
    private final List<Integer> registered = new ArrayList<>();

    // libvirt keeps only their addresses: they must live as long as the connection
    private final Closed closed;
    private final Lifecycle lifecycle;
    private final Device device;

    /**
     * Connects.
     *
     * @param library such as {@code libvirt.so.0}
     * @throws UnsatisfiedLinkError where there is none
     */
    static NativeLibvirt open(String library, String qemuLibrary, String uri, Listener listener)
            throws LibvirtException {
        Loaded libvirt = load(library, qemuLibrary);
        Pointer connection = libvirt.functions().virConnectOpen(uri);
        if (connection == null) {
            throw failure(libvirt.functions(), true);
        }
        NativeLibvirt opened = new NativeLibvirt(libvirt, connection, listener);
        try {
            opened.listen();
            return opened;
        } catch (LibvirtException e) {
            opened.close();
            throw e;
        }
    }

    private static synchronized Loaded load(String library, String qemuLibrary) throws LibvirtException {
        Loaded loaded = LOADED.get(library);
        if (loaded == null) {
            Functions functions = Native.load(library, Functions.class);
            QemuFunctions qemu = Native.load(qemuLibrary, QemuFunctions.class);
            // libvirt would write each error to the standard error
            ErrorFunction quiet = (data, error) -> {};
            functions.virSetErrorFunc(null, quiet);
            if (functions.virInitialize() < 0 || functions.virEventRegisterDefaultImpl() < 0) {
                throw failure(functions, false);
            }
            Thread events = new Thread(() -> runEvents(functions), "libvirt events");
            events.setDaemon(true);
            events.start();
            loaded = new Loaded(functions, qemu, quiet);
            LOADED.put(library, loaded);
        }
        return loaded;
    }

    private static void runEvents(Functions functions) {
        int heard;
        do {
            heard = functions.virEventRunDefaultImpl();
        } while (heard >= 0);
        LOG.error("libvirt's events are heard no more: {}", functions.virGetLastErrorMessage());
    }

    private NativeLibvirt(Loaded libvirt, Pointer connection, Listener listener) {
        this.functions = libvirt.functions();
        this.qemu = libvirt.qemu();
        this.connection = connection;
        this.closed = (which, reason, opaque) -> listener.lost(
                switch (reason) {
                    case 0 -> "an error of the connection";
                    case 1 -> "libvirtd closed it";
                    case 2 -> "libvirtd answers no more";
                    default -> "it was closed";
                });
        this.lifecycle = (which, domain, event, detail, opaque) -> {
            listener.changed(uuid(domain));
            return 0;
        };
        this.device = (which, domain, alias, opaque) -> listener.changed(uuid(domain));
    }

    private void listen() throws LibvirtException {
        check(functions.virConnectRegisterCloseCallback(connection, closed, null, null));
        check(functions.virConnectSetKeepAlive(connection, KEEP_ALIVE_SECONDS, KEEP_ALIVE_TRIES));
        register(EVENT_LIFECYCLE, lifecycle);
        register(EVENT_DEVICE_ADDED, device);
        register(EVENT_DEVICE_REMOVED, device);
        register(EVENT_DEVICE_REMOVAL_FAILED, device);
    }

    private void register(int event, Callback callback) throws LibvirtException {
        registered.add(
                check(functions.virConnectDomainEventRegisterAny(connection, null, event, callback, null, null)));
    }

    private UUID uuid(Pointer domain) {
        byte[] bytes = new byte[16];
        functions.virDomainGetUUID(domain, bytes);
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new UUID(buffer.getLong(), buffer.getLong());
    }

    @Override
    public List<Domain> domains() throws LibvirtException {
        PointerByReference found = new PointerByReference();
        int many = check(functions.virConnectListAllDomains(connection, found, 0));
        Pointer list = found.getValue();
        try {
            return IntStream.range(0, many)
                    .mapToObj(at -> list.getPointer((long) at * Native.POINTER_SIZE))
                    .map(domain -> {
                        try {
                            return new Domain(
                                    uuid(domain),
                                    String.valueOf(functions.virDomainGetName(domain)),
                                    functions.virDomainGetID(domain),
                                    functions.virDomainIsPersistent(domain) == 1);
                        } finally {
                            functions.virDomainFree(domain);
                        }
                    })
                    .toList();
        } finally {
            Native.free(Pointer.nativeValue(list));
        }
    }

    @Override
    public String liveXml(UUID domain) throws LibvirtException {
        return with(domain, found -> text(functions.virDomainGetXMLDesc(found, 0)));
    }

    @Override
    public int snapshots(UUID domain) throws LibvirtException {
        return with(domain, found -> check(functions.virDomainSnapshotNum(found, 0)));
    }

    @Override
    public String storedXml(UUID domain) throws LibvirtException {
        return with(domain, found -> text(functions.virDomainGetXMLDesc(found, XML_INACTIVE)));
    }

    @Override
    public void attach(UUID domain, String xml, int flags) throws LibvirtException {
        with(domain, found -> check(functions.virDomainAttachDeviceFlags(found, xml, flags)));
    }

    @Override
    public void detach(UUID domain, String xml, int flags) throws LibvirtException {
        with(domain, found -> check(functions.virDomainDetachDeviceFlags(found, xml, flags)));
    }

    @Override
    public String monitorCommand(UUID domain, String command) throws LibvirtException {
        return with(domain, found -> {
            PointerByReference answer = new PointerByReference();
            check(qemu.virDomainQemuMonitorCommand(found, command, answer, 0));
            return text(answer.getValue());
        });
    }

    @Override
    public String version() throws LibvirtException {
        NativeLongByReference version = new NativeLongByReference();
        check(functions.virConnectGetLibVersion(connection, version));
        long number = version.getValue().longValue();
        return number / 1_000_000 + "." + number / 1_000 % 1_000 + "." + number % 1_000;
    }

    /** Something done with a domain. */
    private interface Work<R> {
        R with(Pointer domain) throws LibvirtException;
    }

    private <R> R with(UUID uuid, Work<R> work) throws LibvirtException {
        byte[] bytes = ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .array();
        Pointer domain = functions.virDomainLookupByUUID(connection, bytes);
        if (domain == null) {
            throw failure();
        }
        try {
            return work.with(domain);
        } finally {
            functions.virDomainFree(domain);
        }
    }

    /** Text that libvirt has allocated for us. */
    private String text(@Nullable Pointer text) throws LibvirtException {
        if (text == null) {
            throw failure();
        }
        try {
            return text.getString(0, "UTF-8");
        } finally {
            Native.free(Pointer.nativeValue(text));
        }
    }

    private int check(int result) throws LibvirtException {
        if (result < 0) {
            throw failure();
        }
        return result;
    }

    /** The last error of this thread; asked for before anything else is, which would reset it. */
    private LibvirtException failure() {
        LibvirtException said = failure(functions, false);
        boolean isLost = functions.virConnectIsAlive(connection) != 1;
        return isLost ? new LibvirtException(said.code(), String.valueOf(said.getMessage()), true) : said;
    }

    private static LibvirtException failure(Functions functions, boolean isConnectionLost) {
        int code = functions.virGetLastErrorCode();
        String message = String.valueOf(functions.virGetLastErrorMessage());
        functions.virResetLastError();
        return new LibvirtException(code, message, isConnectionLost);
    }

    @Override
    public void close() {
        registered.forEach(callback -> functions.virConnectDomainEventDeregisterAny(connection, callback));
        registered.clear();
        functions.virConnectUnregisterCloseCallback(connection, closed);
        functions.virConnectClose(connection);
    }
}
