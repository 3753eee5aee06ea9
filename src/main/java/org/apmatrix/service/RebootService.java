package org.apmatrix.service;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.BootMasks;
import org.apmatrix.host.MdevDefinition;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.NextBoot;
import org.jspecify.annotations.Nullable;

/** What will come back after a reboot of this host, and what will not and why. Looks, and changes nothing. */
public final class RebootService {
    private static final int NAMED = 4;

    private final Host host;
    private final MdevctlStore store;
    private final NextBoot boot;
    private final Supplier<List<DesiredState>> restored;

    /** @param restored the documents that this service will apply when it starts again */
    public RebootService(Host host, MdevctlStore store, NextBoot boot, Supplier<List<DesiredState>> restored) {
        this.host = host;
        this.store = store;
        this.boot = boot;
        this.restored = restored;
    }

    /**
     * The host after its next boot.
     *
     * @param differences from the host now, for a person
     */
    public record AfterReboot(
            boolean simulated,
            BootMasks masks,
            List<Device> devices,
            List<Plugged> attachments,
            List<String> differences) {}

    /** Why a device comes back or does not. */
    public enum Reason {
        /** mdevctl makes it at boot. */
        AUTOSTART,
        /** This service makes it when it starts: a document wants it, and apmatrix.restore-on-start is set. */
        RESTORED,
        /** It is defined to be started by hand. */
        MANUAL,
        /** Nobody keeps it. */
        NOT_DEFINED,
        /** Its file is no definition. */
        UNREADABLE,
        MDEVCTL_MISSING,
        VFIO_AP_NOT_LOADED,
        /** Another file stops mdevctl, at least in release 1.2.0. */
        UNREADABLE_NEIGHBOUR,
        /** mdevctl's callout refuses it. */
        CONTROL_DOMAINS_ALONE,
        /** The masks of the next boot keep a queue of it for the host. */
        QUEUES_RESERVED,
        /** Another definition that starts at boot wants a queue of it. */
        DEFINITIONS_CLASH
    }

    /**
     * A device that is defined, or stands, or both.
     *
     * @param because for a person
     * @param queues those that are in the way
     */
    public record Device(MdevId id, boolean comesBack, Reason reason, String because, List<Apqn> queues) {}

    /**
     * A device that is with a guest now, or is given to it at its next start.
     *
     * @param guest null for a process that is no guest of ours
     */
    public record Plugged(@Nullable GuestName guest, MdevId mdev, PlugReason reason, String because) {
        public boolean comesBack() {
            return reason == PlugReason.RESTORED || reason == PlugReason.STORED;
        }
    }

    /** Why a device is with its guest after the guest was started anew, or is not. */
    public enum PlugReason {
        /** This service plugs it in, as soon as the guest is there. */
        RESTORED,
        /** libvirt gives it to the guest at its next start. */
        STORED,
        /** The same, but the device does not come back: the guest does not start. */
        STORED_WITHOUT_DEVICE,
        /** QEMU forgets what was plugged in; what its command line has is not ours to know. */
        HOT_PLUG_ENDS_WITH_QEMU,
        /** A process that is no guest of ours. */
        HOLDER_UNKNOWN
    }

    /** Throws AP_UNAVAILABLE without an AP bus, and HOST_REFUSED where a file of the host cannot be read: a guess would be worse. */
    public AfterReboot look() {
        try {
            return lookAtAll();
        } catch (UncheckedIOException unreadable) {
            throw HostFailure.refused(
                    null, "A file that the next boot reads cannot be read: " + unreadable.getMessage() + ".");
        }
    }

    private AfterReboot lookAtAll() {
        HostView now = host.look();
        List<DesiredState> documents = restored.get();
        BootMasks masks = restored(boot.masks(), documents);
        MdevctlStore.All all = store.look();
        SortedMap<MdevId, Matrix> active = DefinitionService.active(now);
        List<Device> devices = restored(devices(now, masks, all), documents);
        List<Plugged> attachments = attachments(now, documents, devices);
        return new AfterReboot(
                host.machine().isSimulated(),
                masks,
                devices,
                attachments,
                differences(now, masks, matrices(all.definitions(), documents), active, devices, attachments));
    }

    /** The masks once the documents have been applied to what the boot has left. */
    private static BootMasks restored(BootMasks boot, List<DesiredState> documents) {
        ApMask apmask = boot.apmask();
        ApMask aqmask = boot.aqmask();
        for (DesiredState document : documents) {
            apmask = document.bitsToSet()
                    .adapters()
                    .or(apmask)
                    .minus(document.bitsToClear().adapters());
            aqmask = document.bitsToSet()
                    .domains()
                    .or(aqmask)
                    .minus(document.bitsToClear().domains());
        }
        return boot.are(apmask, aqmask) ? boot : new BootMasks(apmask, aqmask, BootMasks.Source.APMATRIX);
    }

    private static List<Device> restored(List<Device> atBoot, List<DesiredState> documents) {
        SortedMap<MdevId, Device> devices = new TreeMap<>();
        atBoot.forEach(device -> devices.put(device.id(), device));
        for (DesiredState document : documents) {
            for (DesiredState.Device device : document.mdevs()) {
                Device present = devices.get(device.id());
                if (present == null || !present.comesBack()) {
                    devices.put(
                            device.id(),
                            new Device(
                                    device.id(),
                                    true,
                                    Reason.RESTORED,
                                    "The document of " + document.owner()
                                            + " wants it, and this service makes it when it starts (apmatrix.restore-on-start).",
                                    List.of()));
                }
            }
        }
        return List.copyOf(devices.values());
    }

    /** With which matrix each device comes back. */
    private static SortedMap<MdevId, Matrix> matrices(List<MdevDefinition> definitions, List<DesiredState> documents) {
        SortedMap<MdevId, Matrix> matrices = new TreeMap<>();
        definitions.forEach(definition -> matrices.put(definition.id(), definition.matrix()));
        documents.forEach(document -> document.mdevs().forEach(device -> matrices.put(device.id(), device.matrix())));
        return matrices;
    }

    private List<Device> devices(HostView now, BootMasks masks, MdevctlStore.All all) {
        SortedMap<MdevId, Device> devices = new TreeMap<>();
        now.mdevs()
                .keySet()
                .forEach(id -> devices.put(
                        id,
                        stays(
                                id,
                                Reason.NOT_DEFINED,
                                "It stands without a definition; PUT /api/v1/mdevs/" + id + "/definition keeps it.")));
        for (MdevDefinition definition : all.definitions()) {
            devices.put(definition.id(), device(definition, masks, all));
        }
        for (MdevctlStore.UnreadableFile file : all.unreadable()) {
            MdevId.parse(file.name())
                    .ifPresent(id -> devices.putIfAbsent(
                            id, stays(id, Reason.UNREADABLE, "Its file is no definition: " + file.why() + ".")));
        }
        return List.copyOf(devices.values());
    }

    private Device device(MdevDefinition definition, BootMasks masks, MdevctlStore.All all) {
        MdevId id = definition.id();
        if (!definition.startsAtBoot()) {
            return stays(id, Reason.MANUAL, "It is defined to be started by hand: mdevctl start --uuid " + id + ".");
        }
        if (!boot.hasMdevctl()) {
            return stays(id, Reason.MDEVCTL_MISSING, "mdevctl, which would start it, is not installed.");
        }
        if (!boot.loadsVfioAp()) {
            return stays(id, Reason.VFIO_AP_NOT_LOADED, "The vfio_ap module is not loaded at boot (modules-load.d).");
        }
        Optional<MdevctlStore.UnreadableFile> stop = all.unreadable().stream()
                .filter(MdevctlStore.UnreadableFile::stopsMdevctl)
                .findFirst();
        if (stop.isPresent()) {
            return stays(
                    id,
                    Reason.UNREADABLE_NEIGHBOUR,
                    "It is not certain to start: the file " + stop.get().name()
                            + " is no definition, and mdevctl 1.2.0 then starts nothing at boot; newer releases pass over it.");
        }
        if (definition.hasControlDomainsAlone()) {
            return stays(
                    id,
                    Reason.CONTROL_DOMAINS_ALONE,
                    "It has control domains and no usage domain, which mdevctl's callout for vfio_ap does not start.");
        }
        List<Apqn> kept = masks.kept(definition.matrix()).apqns();
        if (!kept.isEmpty()) {
            return new Device(
                    id,
                    false,
                    Reason.QUEUES_RESERVED,
                    "The masks of the next boot keep for the host: " + some(kept) + " (EADDRNOTAVAIL).",
                    kept);
        }
        List<MdevDefinition> rivals = all.definitions().stream()
                .filter(other -> !other.clash(definition).hasNoApqn())
                .toList();
        if (!rivals.isEmpty()) {
            SortedSet<Apqn> shared = new TreeSet<>();
            rivals.forEach(other -> shared.addAll(other.clash(definition).apqns()));
            return new Device(
                    id,
                    false,
                    Reason.DEFINITIONS_CLASH,
                    "It is not certain to start: "
                            + rivals.stream()
                                    .map(other -> other.id().toString())
                                    .collect(Collectors.joining(", "))
                            + " would start at boot, too, and also wants " + some(List.copyOf(shared))
                            + "; whichever comes second does not start (EADDRINUSE).",
                    List.copyOf(shared));
        }
        return new Device(id, true, Reason.AUTOSTART, "It is defined to be started at boot.", List.of());
    }

    private static Device stays(MdevId id, Reason reason, String because) {
        return new Device(id, false, reason, because, List.of());
    }

    private static List<Plugged> attachments(HostView now, List<DesiredState> documents, List<Device> devices) {
        List<Plugged> attachments = new ArrayList<>();
        new TreeMap<>(now.storedFor())
                .forEach((id, guests) -> guests.forEach(guest -> attachments.add(stored(guest, id, devices))));
        now.mdevs().forEach((id, entry) -> {
            Attachment attachment = entry.attachment();
            if (attachment != null
                    && attachment.guest() != null
                    && now.storedFor().getOrDefault(id, List.of()).contains(attachment.guest())) {
                return;
            }
            Optional<DesiredState> document = documents.stream()
                    .filter(wanted -> attachment != null
                            && wanted.guestOf(id).equals(Optional.ofNullable(attachment.guest()))
                            && wanted.guestOf(id).isPresent())
                    .findFirst();
            if (document.isPresent()) {
                attachments.add(
                        new Plugged(
                                document.get().guestOf(id).orElseThrow(),
                                id,
                                PlugReason.RESTORED,
                                "The document of " + document.get().owner()
                                        + " wants it, and this service plugs it in when it starts (apmatrix.restore-on-start) and the guest is there by then or soon after."));
            } else if (attachment != null && attachment.guest() != null) {
                attachments.add(
                        new Plugged(
                                attachment.guest(),
                                id,
                                PlugReason.HOT_PLUG_ENDS_WITH_QEMU,
                                "What was plugged in ends with the guest's QEMU; whether its command line has the device is not ours to know."));
            } else if (attachment != null) {
                attachments.add(
                        new Plugged(
                                null,
                                id,
                                PlugReason.HOLDER_UNKNOWN,
                                "It is with " + attachment
                                        + ", which is no guest of this service: whether it takes the device again is not known."));
            }
        });
        return attachments;
    }

    private static Plugged stored(GuestName guest, MdevId id, List<Device> devices) {
        boolean comesBack = devices.stream().anyMatch(device -> device.id().equals(id) && device.comesBack());
        return comesBack
                ? new Plugged(guest, id, PlugReason.STORED, "libvirt gives it to the guest at its next start.")
                : new Plugged(
                        guest,
                        id,
                        PlugReason.STORED_WITHOUT_DEVICE,
                        "The guest's stored definition names it, but it does not come back: the guest does not start.");
    }

    private static List<String> differences(
            HostView now,
            BootMasks masks,
            SortedMap<MdevId, Matrix> matrices,
            SortedMap<MdevId, Matrix> active,
            List<Device> devices,
            List<Plugged> attachments) {
        List<String> differences = new ArrayList<>();
        if (!now.apmask().equals(masks.apmask())) {
            differences.add("apmask is " + now.apmask() + " now and " + masks.apmask() + " then.");
        }
        if (!now.aqmask().equals(masks.aqmask())) {
            differences.add("aqmask is " + now.aqmask() + " now and " + masks.aqmask() + " then.");
        }
        if (!now.overrides().isEmpty()) {
            differences.add("Driver overrides do not outlive a boot: "
                    + some(List.copyOf(now.overrides().keySet())) + ".");
        }
        for (Device device : devices) {
            Matrix stands = active.get(device.id());
            if (stands != null && !device.comesBack()) {
                differences.add(
                        "The device " + device.id() + " stands now and does not come back: " + device.because());
            } else if (stands == null && device.comesBack()) {
                differences.add("The device " + device.id() + " does not stand now and is made at boot.");
            } else if (stands != null && !stands.equals(matrices.get(device.id()))) {
                differences.add("The device " + device.id() + " comes back with another matrix than it has now.");
            }
        }
        attachments.stream()
                .filter(plugged -> !plugged.comesBack())
                .forEach(plugged -> differences.add("The device " + plugged.mdev()
                        + (plugged.reason() == PlugReason.STORED_WITHOUT_DEVICE ? " is for " : " is with ")
                        + (plugged.guest() == null ? "a process" : "the guest " + plugged.guest())
                        + (plugged.reason() == PlugReason.STORED_WITHOUT_DEVICE ? ": " : " now and with nobody then: ")
                        + plugged.because()));
        return differences;
    }

    private static String some(List<Apqn> apqns) {
        return apqns.stream().limit(NAMED).map(Apqn::toString).collect(Collectors.joining(" "))
                + (apqns.size() > NAMED ? " and " + (apqns.size() - NAMED) + " more" : "");
    }
}
