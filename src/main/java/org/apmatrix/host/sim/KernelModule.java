package org.apmatrix.host.sim;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A loadable module that matters to AP pass-through, and what it needs loaded before. */
public enum KernelModule {
    ZCRYPT("zcrypt"),
    ZCRYPT_CEX2A("zcrypt_cex2a", ZCRYPT),
    ZCRYPT_CEX2C("zcrypt_cex2c", ZCRYPT),
    ZCRYPT_CEX4("zcrypt_cex4", ZCRYPT),
    VFIO("vfio"),
    VFIO_IOMMU_TYPE1("vfio_iommu_type1", VFIO),
    MDEV("mdev"),
    /** The driver of all mdevs before vendors brought their own; only with 5.10. */
    VFIO_MDEV("vfio_mdev", VFIO, MDEV),
    KVM("kvm"),
    VFIO_AP("vfio_ap", VFIO, MDEV, KVM);

    private final String text;
    private final List<KernelModule> needs;

    KernelModule(String text, KernelModule... needs) {
        this.text = text;
        this.needs = List.of(needs);
    }

    /** Reads a name as lsmod prints it. */
    public static Optional<KernelModule> parse(String text) {
        return Arrays.stream(values())
                .filter(module -> module.text.equals(text))
                .findFirst();
    }

    List<KernelModule> needs() {
        return needs;
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
