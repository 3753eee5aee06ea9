package org.apmatrix.host.sim;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A loadable module that matters to AP pass-through, and what it needs loaded before. */
public enum KernelModule {
    ZCRYPT("zcrypt"),
    ZCRYPT_CEX2A("zcrypt_cex2a"),
    ZCRYPT_CEX2C("zcrypt_cex2c"),
    ZCRYPT_CEX4("zcrypt_cex4"),
    VFIO("vfio"),
    VFIO_IOMMU_TYPE1("vfio_iommu_type1"),
    MDEV("mdev"),
    /** The driver of all mdevs before vendors brought their own; only with 5.10. */
    VFIO_MDEV("vfio_mdev"),
    KVM("kvm"),
    VFIO_AP("vfio_ap");

    private final String text;

    KernelModule(String text) {
        this.text = text;
    }

    /** Reads a name as lsmod prints it. */
    public static Optional<KernelModule> parse(String text) {
        return Arrays.stream(values())
                .filter(module -> module.text.equals(text))
                .findFirst();
    }

    /** What must be loaded before, because this module uses its symbols. */
    List<KernelModule> needs() {
        return switch (this) {
            case ZCRYPT, VFIO, MDEV, KVM -> List.of();
            case ZCRYPT_CEX2A, ZCRYPT_CEX2C, ZCRYPT_CEX4 -> List.of(ZCRYPT);
            case VFIO_IOMMU_TYPE1 -> List.of(VFIO);
            case VFIO_MDEV -> List.of(VFIO, MDEV);
            case VFIO_AP -> List.of(VFIO, MDEV, KVM);
        };
    }

    boolean existsIn(KernelVersion version) {
        return switch (this) {
            case VFIO_MDEV -> !version.hasVfioDevices();
            case ZCRYPT_CEX2A, ZCRYPT_CEX2C -> version.hasLegacyDrivers();
            case ZCRYPT, ZCRYPT_CEX4, VFIO, VFIO_IOMMU_TYPE1, MDEV, KVM, VFIO_AP -> true;
        };
    }

    @Override
    public String toString() {
        return text;
    }
}
