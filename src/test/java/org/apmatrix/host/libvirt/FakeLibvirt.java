package org.apmatrix.host.libvirt;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apmatrix.RawQmp;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedQemu;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A libvirtd in this process, with simulated QEMUs behind it: it answers as libvirt 9.0.0 was recorded to, for what no machine without the hardware can make a real one
 * say (src/test/resources/facts, cases V01 to V24).
 */
public final class FakeLibvirt implements LibvirtCalls.Connector {
    private static final int INTERNAL_ERROR = 1;
    private static final int OPERATION_INVALID = 55;
    private static final int CONFIG_UNSUPPORTED = 67;

    private final SimulatedGuests qemus;
    private final Map<UUID, Kept> domains = new LinkedHashMap<>();
    private int starts;
    private LibvirtCalls.@Nullable Listener listener;
    private boolean isDown;
    private boolean holdsRemovals;
    private boolean isMute;
    private @Nullable Runnable meanwhile;

    public FakeLibvirt(SimulatedGuests qemus) {
        this.qemus = qemus;
    }

    /** A domain as the daemon keeps it. */
    private static final class Kept {
        private final UUID uuid;
        private final String name;
        private final List<MdevId> stored = new ArrayList<>();
        private final List<MdevId> live = new ArrayList<>();
        private @Nullable SimulatedQemu qemu;
        private int id = -1;
        private String liveDevices = "";
        private int snapshots;

        Kept(UUID uuid, String name) {
            this.uuid = uuid;
            this.name = name;
        }
    }

    /** Connects a service to it. */
    public Libvirt connect() {
        Libvirt libvirt = new Libvirt("fake:///system", this);
        libvirt.start();
        return libvirt;
    }

    /** Defines a domain, which does not run. */
    public synchronized void define(String name) {
        UUID uuid = UUID.nameUUIDFromBytes(("domain " + name).getBytes(StandardCharsets.UTF_8));
        domains.put(uuid, new Kept(uuid, name));
        changed(uuid);
    }

    /** Starts it with what is stored; with a QEMU that knows its own UUID. */
    public synchronized void start(String name, SimulatedQemu.Settings settings) {
        Kept domain = named(name);
        SimulatedQemu qemu = qemus.start(name, settings);
        domains.remove(domain.uuid);
        Kept running = new Kept(qemu.uuid(), name);
        running.stored.addAll(domain.stored);
        running.qemu = qemu;
        running.id = ++starts;
        domains.put(running.uuid, running);
        changed(running.uuid);
    }

    /** What an administrator stores by virsh. */
    public synchronized void store(String name, MdevId mdev) {
        named(name).stored.add(mdev);
    }

    /** What else its XML has, and how many snapshots were made of it. */
    public synchronized void runsWith(String name, String devices, int snapshots) {
        named(name).liveDevices = devices;
        named(name).snapshots = snapshots;
    }

    public synchronized List<MdevId> stored(String name) {
        return List.copyOf(named(name).stored);
    }

    /** From now on removals are waited for in vain: success is reported, and the device stays. */
    public synchronized void holdRemovals(boolean holds) {
        holdsRemovals = holds;
    }

    /** Something that others do, once, just before QEMU is told to take a device or to let it go. */
    public synchronized void meanwhile(Runnable work) {
        meanwhile = work;
    }

    /** From now on nobody is told what a domain runs as. */
    public synchronized void refuseToTellXml() {
        isMute = true;
    }

    /** libvirtd ends; QEMUs go on. */
    public synchronized void stop() {
        isDown = true;
        if (listener != null) {
            listener.lost("libvirtd closed it");
        }
    }

    public synchronized void startAgain() {
        isDown = false;
    }

    private Kept named(String name) {
        return domains.values().stream()
                .filter(domain -> domain.name.equals(name))
                .findFirst()
                .orElseThrow();
    }

    private void changed(UUID domain) {
        if (listener != null) {
            listener.changed(domain);
        }
    }

    @Override
    public synchronized LibvirtCalls open(String uri, LibvirtCalls.Listener heard) throws LibvirtException {
        if (isDown) {
            throw new LibvirtException(38, "Failed to connect socket", true);
        }
        listener = heard;
        return new Connection();
    }

    private final class Connection implements LibvirtCalls {
        @Override
        public List<Domain> domains() throws LibvirtException {
            synchronized (FakeLibvirt.this) {
                requireUp();
                return domains.values().stream()
                        .map(domain -> new Domain(domain.uuid, domain.name, domain.id, true))
                        .toList();
            }
        }

        private void requireUp() throws LibvirtException {
            if (isDown) {
                throw new LibvirtException(38, "Cannot write data: Broken pipe", true);
            }
        }

        private Kept find(UUID uuid) throws LibvirtException {
            requireUp();
            Kept domain = domains.get(uuid);
            if (domain == null) {
                throw new LibvirtException(LibvirtException.NO_DOMAIN, "Domain not found", false);
            }
            return domain;
        }

        @Override
        public String storedXml(UUID uuid) throws LibvirtException {
            synchronized (FakeLibvirt.this) {
                StringBuilder devices = new StringBuilder();
                find(uuid).stored.forEach(mdev -> devices.append(DomainXml.hostdev(mdev)));
                return "<domain><devices>" + devices + "</devices></domain>";
            }
        }

        @Override
        public String liveXml(UUID uuid) throws LibvirtException {
            synchronized (FakeLibvirt.this) {
                if (isMute) {
                    throw new LibvirtException(
                            LibvirtException.OPERATION_TIMEOUT, "cannot acquire state change lock", false);
                }
                return "<domain><devices>" + find(uuid).liveDevices + "</devices></domain>";
            }
        }

        @Override
        public int snapshots(UUID uuid) throws LibvirtException {
            synchronized (FakeLibvirt.this) {
                return find(uuid).snapshots;
            }
        }

        @Override
        public void attach(UUID uuid, String device, int flags) throws LibvirtException {
            MdevId mdev = mdev(device);
            Kept domain;
            synchronized (FakeLibvirt.this) {
                domain = find(uuid);
                if ((flags & CONFIG) != 0) {
                    requireStorable(domain, mdev);
                }
            }
            if ((flags & LIVE) != 0) {
                attachLive(domain, mdev);
            }
            synchronized (FakeLibvirt.this) {
                if ((flags & CONFIG) != 0) {
                    domain.stored.add(mdev);
                }
            }
        }

        /** V06 and V04: the second is let in, the third is not. */
        private void requireStorable(Kept domain, MdevId mdev) throws LibvirtException {
            if (domain.stored.contains(mdev)) {
                throw invalid("device is already in the domain configuration");
            }
            if (domain.stored.size() > 1) {
                throw new LibvirtException(
                        CONFIG_UNSUPPORTED,
                        "unsupported configuration: Only one hostdev of model vfio-ap is supported",
                        false);
            }
        }

        private void attachLive(Kept domain, MdevId mdev) throws LibvirtException {
            if (domain.qemu == null) {
                throw invalid("domain is not running");
            }
            tellQemu(
                    domain,
                    "device_add",
                    "{\"driver\": \"vfio-ap\", \"id\": \"ua-vfio-ap-" + mdev
                            + "\", \"sysfsdev\": \"/sys/bus/mdev/devices/" + mdev + "\"}");
            synchronized (FakeLibvirt.this) {
                domain.live.add(mdev);
                changed(domain.uuid);
            }
        }

        /** V03: QEMU's words are passed on. */
        private void tellQemu(Kept domain, String command, String arguments) throws LibvirtException {
            Runnable others;
            synchronized (FakeLibvirt.this) {
                others = meanwhile;
                meanwhile = null;
            }
            if (others != null) {
                others.run();
            }
            JsonNode answer = JsonMapper.shared()
                    .readTree(monitorCommand(
                            domain.uuid, "{\"execute\": \"" + command + "\", \"arguments\": " + arguments + "}"));
            if (answer.has("error")) {
                throw new LibvirtException(
                        INTERNAL_ERROR,
                        "internal error: unable to execute QEMU command '" + command + "': "
                                + answer.get("error").get("desc").asString(),
                        false);
            }
        }

        @Override
        public void detach(UUID uuid, String device, int flags) throws LibvirtException {
            MdevId mdev = mdev(device);
            Kept domain;
            synchronized (FakeLibvirt.this) {
                domain = find(uuid);
                // V14: with the device in only one place nothing is done
                if ((flags & CONFIG) != 0 && !domain.stored.contains(mdev)) {
                    throw missing("device not present in domain configuration");
                }
                if ((flags & LIVE) != 0 && !domain.live.contains(mdev)) {
                    throw missing("mediated device '" + mdev + "' not found");
                }
                if ((flags & CONFIG) != 0) {
                    domain.stored.remove(mdev);
                }
            }
            if ((flags & LIVE) != 0 && !holdsRemovals) {
                tellQemu(domain, "device_del", "{\"id\": \"ua-vfio-ap-" + mdev + "\"}");
                synchronized (FakeLibvirt.this) {
                    domain.live.remove(mdev);
                    changed(uuid);
                }
            }
        }

        private LibvirtException invalid(String why) {
            return new LibvirtException(OPERATION_INVALID, "Requested operation is not valid: " + why, false);
        }

        private LibvirtException missing(String what) {
            return new LibvirtException(LibvirtException.DEVICE_MISSING, "device not found: " + what, false);
        }

        @Override
        public String monitorCommand(UUID uuid, String command) throws LibvirtException {
            SimulatedQemu qemu;
            synchronized (FakeLibvirt.this) {
                qemu = find(uuid).qemu;
            }
            if (qemu == null) {
                throw invalid("domain is not running");
            }
            return RawQmp.ask(qemu.socket(), command);
        }

        @Override
        public String version() {
            return "9.0.0";
        }

        @Override
        public void close() {}
    }

    private static MdevId mdev(String device) {
        return DomainXml.vfioApDevices("<domain>" + device + "</domain>").get(0);
    }
}
