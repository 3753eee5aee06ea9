package org.apmatrix.host;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Sysfs;
import org.jspecify.annotations.Nullable;

/** The mediated matrix devices below {@code /sys/devices/vfio_ap/matrix} (drivers/s390/crypto/vfio_ap_ops.c, drivers/vfio/mdev/mdev_sysfs.c). */
public final class MdevTree {
    /** A matrix of more queues fills more than the one page that the kernel prints into; some kernels overrun it and crash. */
    public static final int PRINTABLE_APQNS = 511;

    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");
    private static final Path REFERENCES = Path.of("/sys/module/vfio_ap/refcnt");
    private static final Path CREATE = MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create");

    private final Sysfs sysfs;
    private final Attributes attributes;

    public MdevTree(Sysfs sysfs) {
        this.sysfs = sysfs;
        this.attributes = new Attributes(sysfs);
    }

    /** Whether the vfio_ap module is loaded. */
    public boolean isPresent() {
        return sysfs.exists(MATRIX);
    }

    /** Whether devices may be made: not in a container that has sysfs read-only. */
    public boolean isWritable() {
        return sysfs.isWritable(CREATE);
    }

    /** What the matrix device says it can, such as {@code guest_matrix hotplug ap_config}; empty on kernels before 6.12, which do not say. */
    public Optional<List<String>> features() {
        return attributes.word(MATRIX.resolve("features")).map(text -> List.of(text.split("\\s+")));
    }

    /** Whether no process has any of the devices open: an open one holds a reference to the driver's module. False where it is built in and cannot tell. */
    public boolean nobodyHasAnyOpen() {
        return references().equals(Optional.of(0));
    }

    /** How many references there are to the driver's module, of which every open device holds one; empty where it cannot be told. */
    public Optional<Integer> references() {
        return attributes.number(REFERENCES);
    }

    public List<MdevId> ids() {
        return attributes.list(MATRIX).stream()
                .flatMap(name -> MdevId.parse(name).stream())
                .sorted()
                .toList();
    }

    /** The directory of a device, as the kernel names it. */
    public static Path path(MdevId id) {
        return MATRIX.resolve(id.toString());
    }

    /** Reads a device; empty when there is none. */
    public Optional<Mdev> read(MdevId id) {
        Path directory = path(id);
        Optional<String> apConfig = attributes.read(directory.resolve("ap_config"));
        @Nullable
        Matrix matrix =
                apConfig.isPresent() ? parse(id, "ap_config", Matrix.parseApConfig(apConfig.get())) : matrix(id);
        // after the matrix: attributes appear and vanish together, so what has a matrix shows its generation
        boolean dynamic = sysfs.exists(directory.resolve("guest_matrix"));
        if (!sysfs.exists(directory)) {
            return Optional.empty();
        }
        return Optional.of(new Mdev(
                id,
                matrix,
                dynamic && matrix != null && matrix.apqnCount() <= PRINTABLE_APQNS ? lines(id, "guest_matrix") : null,
                dynamic,
                apConfig.isPresent(),
                attributes
                        .linkName(directory.resolve("iommu_group"))
                        .map(Integer::valueOf)
                        .orElse(null),
                attributes.list(directory.resolve("vfio-dev")).stream()
                        .findFirst()
                        .orElse(null)));
    }

    /**
     * On kernels of the static generation only: whether a guest uses the device. They test that before they parse (vfio_ap_ops.c of 5.10,
     * unassign_control_domain_store), so a text that is no number answers EBUSY or EINVAL and changes nothing.
     */
    public Store useProbe(MdevId id) {
        return new Store("unassign_control_domain", path(id).resolve("unassign_control_domain"), "x");
    }

    public Store create(MdevId id) {
        return new Store("create", CREATE, id.toString());
    }

    /** Never to be run on a device that is in use: it blocks for ever or pulls the device out of the guest. */
    public Store remove(MdevId id) {
        return new Store("remove", path(id).resolve("remove"), "1");
    }

    /** The device that a store would remove; empty for every other store. */
    public static Optional<MdevId> removedBy(Store store) {
        return store.action().equals("remove")
                ? MdevId.parse(store.target()
                        .getName(store.target().getNameCount() - 2)
                        .toString())
                : Optional.empty();
    }

    /** The device that a store would make; empty for every other store. */
    public static Optional<MdevId> createdBy(Store store) {
        return store.target().equals(CREATE) ? MdevId.parse(store.value()) : Optional.empty();
    }

    public Store assignAdapter(MdevId id, AdapterId adapter) {
        return number(id, "assign_adapter", adapter.value());
    }

    public Store unassignAdapter(MdevId id, AdapterId adapter) {
        return number(id, "unassign_adapter", adapter.value());
    }

    public Store assignDomain(MdevId id, DomainId domain) {
        return number(id, "assign_domain", domain.value());
    }

    public Store unassignDomain(MdevId id, DomainId domain) {
        return number(id, "unassign_domain", domain.value());
    }

    public Store assignControlDomain(MdevId id, DomainId domain) {
        return number(id, "assign_control_domain", domain.value());
    }

    public Store unassignControlDomain(MdevId id, DomainId domain) {
        return number(id, "unassign_control_domain", domain.value());
    }

    /** Replaces the whole matrix at once, all or nothing; kernels from 6.10 on. */
    public Store apConfig(MdevId id, Matrix matrix) {
        return new Store("ap_config", path(id).resolve("ap_config"), matrix.toApConfig());
    }

    private static Store number(MdevId id, String attribute, int value) {
        return new Store(attribute, path(id).resolve(attribute), Integer.toString(value));
    }

    private @Nullable Matrix matrix(MdevId id) {
        @Nullable Matrix matrix = lines(id, "matrix");
        Optional<String> controlDomains = attributes.read(path(id).resolve("control_domains"));
        if (matrix == null || controlDomains.isEmpty()) {
            return null;
        }
        return matrix.withControlDomains(ApMask.of(controlDomains
                .get()
                .lines()
                .map(line -> Integer.valueOf(line, 16))
                .toList()));
    }

    private @Nullable Matrix lines(MdevId id, String attribute) {
        Optional<String> text = attributes.read(path(id).resolve(attribute));
        return text.isEmpty() ? null : parse(id, attribute, Matrix.parseLines(text.get()));
    }

    private static Matrix parse(MdevId id, String attribute, Optional<Matrix> matrix) {
        return matrix.orElseThrow(() -> new IllegalStateException(attribute + " of " + id + " cannot be read"));
    }
}
