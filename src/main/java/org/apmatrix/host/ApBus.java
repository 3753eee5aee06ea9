package org.apmatrix.host;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.jspecify.annotations.Nullable;

/**
 * The AP bus, {@code /sys/bus/ap}: masks, cards, queues and their drivers (drivers/s390/crypto/ap_bus.c, ap_card.c, ap_queue.c).
 *
 * <p>Long because the bus has so many files; each is a line or two.
 */
public final class ApBus {
    /** The driver that hands queues to guests. */
    public static final String VFIO_AP = "vfio_ap";

    /** The host's own driver of queues, the only one that carries the "default driver" flag (zcrypt_cex4.c). */
    public static final String CEX4QUEUE = "cex4queue";

    private static final Path BUS = Path.of("/sys/bus/ap");
    private static final Path DEVICES = BUS.resolve("devices");
    private static final Path DRIVERS = BUS.resolve("drivers");

    private final Sysfs sysfs;
    private final Attributes attributes;

    public ApBus(Sysfs sysfs) {
        this.sysfs = sysfs;
        this.attributes = new Attributes(sysfs);
    }

    public boolean isPresent() {
        return sysfs.exists(BUS);
    }

    /** Whether the masks may be written: not in a container that has sysfs read-only. */
    public boolean isWritable() {
        return sysfs.isWritable(BUS.resolve("apmask"));
    }

    /** The highest adapter number; 63 on kernels without the attribute, which know no more. */
    public int maxAdapterId() {
        return attributes.number(BUS.resolve("ap_max_adapter_id")).orElse(63);
    }

    public int maxDomainId() {
        return attributes.number(BUS.resolve("ap_max_domain_id")).orElse(15);
    }

    /** The time between two scans of the bus. */
    public Optional<Duration> scanInterval() {
        return attributes.number(BUS.resolve("config_time")).map(Duration::ofSeconds);
    }

    /** A bit that is 1 keeps the adapter for the host, as far as the other mask agrees. */
    public ApMask apmask() {
        return mask("apmask");
    }

    public ApMask aqmask() {
        return mask("aqmask");
    }

    /** The adapters that the LPAR has; empty where the machine cannot tell (no QCI: the attribute reads "not supported"). */
    public Optional<ApMask> configuredAdapters() {
        return attributes.word(BUS.resolve("ap_adapter_mask")).flatMap(ApMask::parse);
    }

    /** The usage domains that the LPAR has; empty where the machine cannot tell. */
    public Optional<ApMask> configuredDomains() {
        return attributes.word(BUS.resolve("ap_usage_domain_mask")).flatMap(ApMask::parse);
    }

    public Store setApmask(ApMask mask) {
        return new Store("apmask", BUS.resolve("apmask"), mask.toString());
    }

    public Store setAqmask(ApMask mask) {
        return new Store("aqmask", BUS.resolve("aqmask"), mask.toString());
    }

    /** The adapters that have a device, ascending. */
    public List<AdapterId> adapters() {
        return attributes.list(DEVICES).stream()
                .filter(name -> name.matches("card[0-9a-f]{2}"))
                .map(name -> new AdapterId(Integer.parseInt(name.substring(4), 16)))
                .sorted()
                .toList();
    }

    public Optional<Card> card(AdapterId id) {
        return cardUnasked(id).map(card -> card.withSerialNumber(serialNumber(DEVICES.resolve("card" + id))));
    }

    /** The same without the serial number, for which the kernel asks the card: one that is stuck keeps nobody waiting. */
    public Optional<Card> cardUnasked(AdapterId id) {
        Path card = DEVICES.resolve("card" + id);
        if (!sysfs.exists(card)) {
            return Optional.empty();
        }
        return Optional.of(new Card(
                id,
                attributes.number(card.resolve("hwtype")).orElse(null),
                attributes.word(card.resolve("type")).orElse(null),
                mode(id).orElse(null),
                flag(card.resolve("online")),
                flag(card.resolve("config")),
                flag(card.resolve("chkstop")),
                attributes
                        .word(card.resolve("request_count"))
                        .filter(text -> text.matches("[0-9]{1,18}"))
                        .map(Long::valueOf)
                        .orElse(null),
                null));
    }

    /** The mode from the card's function bits, which stand there whatever driver has it (ap_bus.h: bit 3 CCA, 4 accelerator, 5 EP11, from the left). */
    public Optional<Card.Mode> mode(AdapterId id) {
        return attributes
                .word(DEVICES.resolve("card" + id).resolve("ap_functions"))
                .filter(text -> text.matches("0x[0-9a-fA-F]{8}"))
                .map(text -> Integer.parseUnsignedInt(text, 2, 10, 16))
                .flatMap(functions -> (functions & 0x10000000) != 0
                        ? Optional.of(Card.Mode.CCA)
                        : (functions & 0x04000000) != 0
                                ? Optional.of(Card.Mode.EP11)
                                : (functions & 0x08000000) != 0
                                        ? Optional.of(Card.Mode.ACCELERATOR)
                                        : Optional.empty());
    }

    /** Every queue that has a device, with its driver; empty for one that is not bound. */
    public SortedMap<Apqn, Optional<String>> queues() {
        SortedMap<Apqn, Optional<String>> queues = new TreeMap<>();
        apqns(DEVICES).forEach(apqn -> queues.put(apqn, Optional.empty()));
        // one listing a driver instead of one readlink a queue
        for (String driver : attributes.list(DRIVERS)) {
            apqns(DRIVERS.resolve(driver))
                    .forEach(apqn -> queues.computeIfPresent(apqn, (key, old) -> Optional.of(driver)));
        }
        return queues;
    }

    /**
     * The master keys of a queue of the host's driver: CCA and EP11 queues have the attribute while {@code cex4queue} has them, accelerators never.
     *
     * <p>The kernel asks the card. One that does not answer is silent in every line; one that took the question and is stuck keeps the reader waiting.
     */
    public Optional<Mkvps> mkvps(Apqn apqn) {
        return attributes
                .read(DEVICES.resolve(apqn.toString()).resolve("mkvps"))
                .map(Mkvps::parse);
    }

    /** Whether there is something to ask: the same without a question to the card. */
    public boolean hasMkvps(Apqn apqn) {
        return sysfs.exists(DEVICES.resolve(apqn.toString()).resolve("mkvps"));
    }

    /** The operation modes of an EP11 queue, such as {@code FIPS2011}, while {@code cex4queue} has it; asks the card as {@link #mkvps} does. */
    public Optional<List<String>> operationModes(Apqn apqn) {
        return attributes
                .word(DEVICES.resolve(apqn.toString()).resolve("op_modes"))
                .map(text -> text.isEmpty() ? List.of() : List.of(text.split(" +")));
    }

    /** The card's serial number, as {@link Card#serialNumber} has it; asks the card. */
    public Optional<String> serialNumber(AdapterId id) {
        return Optional.ofNullable(serialNumber(DEVICES.resolve("card" + id)));
    }

    /** 10 (CEX4) to 14 (CEX8). */
    public Optional<Integer> hwType(AdapterId id) {
        return attributes.number(DEVICES.resolve("card" + id).resolve("hwtype"));
    }

    /** The queues that a store is about to take from a driver of the host's: by a mask without their bits, or by hand. */
    public List<Apqn> leavingHost(Store store) {
        if (store.target().startsWith(DRIVERS)) {
            boolean isHosts =
                    store.target().endsWith("unbind") && !store.target().startsWith(DRIVERS.resolve(VFIO_AP));
            return isHosts ? Apqn.parse(store.value()).stream().toList() : List.of();
        }
        boolean isApmask = store.target().equals(BUS.resolve("apmask"));
        if (!isApmask && !store.target().equals(BUS.resolve("aqmask"))) {
            return List.of();
        }
        Optional<ApMask> next = ApMask.parse(store.value());
        ApMask apmask = isApmask ? next.orElse(ApMask.NONE) : apmask();
        ApMask aqmask = isApmask ? aqmask() : next.orElse(ApMask.NONE);
        return queues().entrySet().stream()
                .filter(queue -> isHosts(queue.getValue()))
                .map(Map.Entry::getKey)
                .filter(apqn -> !apmask.contains(apqn.adapter().value())
                        || !aqmask.contains(apqn.domain().value()))
                .toList();
    }

    /** Whether a driver of the host's has the queue. */
    public static boolean isHosts(Optional<String> driver) {
        return driver.isPresent() && !driver.get().equals(VFIO_AP);
    }

    /** The queue's {@code status} ({@code unassigned}, {@code assigned}, {@code in use}); only a queue of vfio_ap has one, on kernels from 5.17 on. */
    public Optional<String> status(Apqn apqn) {
        return attributes.word(DEVICES.resolve(apqn.toString()).resolve("status"));
    }

    /** Whether queues can be handed over one by one: kernels from 6.19 on. */
    public boolean hasDriverOverride(Collection<Apqn> queues) {
        return queues.stream()
                .findFirst()
                .filter(apqn -> sysfs.exists(override(apqn)))
                .isPresent();
    }

    /** The driver overrides that are set. */
    public SortedMap<Apqn, String> driverOverrides(Collection<Apqn> queues) {
        SortedMap<Apqn, String> overrides = new TreeMap<>();
        if (!hasDriverOverride(queues)) {
            return overrides;
        }
        for (Apqn apqn : queues) {
            attributes
                    .read(override(apqn))
                    .map(text -> text.endsWith("\n") ? text.substring(0, text.length() - 1) : text)
                    .filter(text -> !text.isEmpty())
                    .ifPresent(text -> overrides.put(apqn, text));
        }
        return overrides;
    }

    /**
     * Names the only driver that may have the queue; moves nothing by itself (ap_queue.c, driver_override_store).
     *
     * @param driver empty to clear the override
     */
    public Store overrideDriver(Apqn apqn, String driver) {
        return new Store("driver_override", override(apqn), driver);
    }

    public Store unbind(Apqn apqn, String driver) {
        return new Store("unbind", DRIVERS.resolve(driver).resolve("unbind"), apqn.toString());
    }

    /** Lets the bus look for the driver that the masks or the override name. */
    public Store probe(Apqn apqn) {
        return new Store("drivers_probe", BUS.resolve("drivers_probe"), apqn.toString());
    }

    private ApMask mask(String name) {
        String text = sysfs.read(BUS.resolve(name));
        return ApMask.parse(text.strip()).orElseThrow(() -> new IllegalStateException(name + " reads " + text));
    }

    private SortedSet<Apqn> apqns(Path directory) {
        return attributes.list(directory).stream()
                .flatMap(name -> Apqn.parse(name).stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private @Nullable Boolean flag(Path attribute) {
        return attributes.number(attribute).map(number -> number != 0).orElse(null);
    }

    private @Nullable String serialNumber(Path card) {
        try {
            return attributes
                    .word(card.resolve("serialnr"))
                    .filter(text -> !text.isEmpty())
                    .orElse(null);
        } catch (KernelException e) {
            if (e.errno() == Errno.EIO) {
                return null; // the driver asks the card itself (zcrypt_cex4.c, cca_serialnr_show): a card that does not
                // answer has no number to tell
            }
            throw e;
        }
    }

    private static Path override(Apqn apqn) {
        return DEVICES.resolve(apqn.toString()).resolve("driver_override");
    }
}
