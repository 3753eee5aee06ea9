package org.apmatrix.host.sim;

import java.util.HashSet;
import java.util.Set;
import org.apmatrix.host.kernel.Errno;

/** An open /dev/vfio/vfio: the groups in it, and whether it has an IOMMU (drivers/vfio/container.c; drivers/vfio/vfio.c before 6.2). */
final class VfioContainer {
    private final Set<VfioGroup> groups = new HashSet<>();
    private boolean iommu;

    boolean hasIommu() {
        return iommu;
    }

    /** vfio_ioctl_set_iommu. */
    void setIommu(boolean isOffered) {
        if (groups.isEmpty() || iommu) {
            throw new Refusal(Errno.EINVAL);
        }
        if (!isOffered) {
            throw new Refusal(Errno.ENODEV);
        }
        iommu = true;
    }

    /** vfio_container_attach_group. */
    void add(VfioGroup group) {
        groups.add(group);
        group.setContainer(this);
    }

    /** vfio_group_detach_container: with its last group a container loses its IOMMU. */
    void remove(VfioGroup group) {
        groups.remove(group);
        group.setContainer(null);
        iommu &= !groups.isEmpty();
    }
}
