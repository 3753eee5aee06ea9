package org.apmatrix.host.kernel;

/**
 * VFIO's files below {@code /dev/vfio} and their ioctls (include/uapi/linux/vfio.h; drivers/vfio/container.c and group.c, drivers/vfio/vfio.c before 6.2), as
 * far as they ask: nothing here resets a device or maps memory.
 *
 * <p>A container touches no device, so anybody may open one at any time. A group is exclusive: while this process has it open, no guest can be given its
 * device. Only the group of a device that this process itself has made may be opened.
 *
 * <p>Every method throws {@link KernelException} with the errno and a call such as {@code ioctl VFIO_GROUP_GET_STATUS}; on a file that was closed that is EBADF.
 * Closing twice is nothing.
 */
public interface Vfio {
    /** The version that VFIO_GET_API_VERSION has answered since VFIO exists. */
    int API_VERSION = 0;

    /** A flag of {@link Group#status}: everything of the group may be given away. */
    int GROUP_VIABLE = 1;

    /** A flag of {@link Group#status}. */
    int GROUP_CONTAINER_SET = 2;

    /** Opens {@code /dev/vfio/vfio}: ENOENT where the kernel has no VFIO. A module that is not loaded may be loaded by it. */
    Container openContainer();

    /** Opens {@code /dev/vfio/N}: ENOENT without such a group, EBUSY while anybody has it open, this process too, or its device by another way. */
    Group openGroup(int number);

    /** What a container may be able to do; at the same time the types of {@link Container#setIommu}. */
    enum Extension {
        TYPE1(1),
        TYPE1V2(3),
        NOIOMMU(8);

        private final int number;

        Extension(int number) {
            this.number = number;
        }

        /** As include/uapi/linux/vfio.h numbers them. */
        public int number() {
            return number;
        }
    }

    /** An open file. */
    interface Handle extends AutoCloseable {
        @Override
        void close();
    }

    /** An open {@code /dev/vfio/vfio}. */
    interface Container extends Handle {
        /** {@link #API_VERSION}, or this is another VFIO than ours. */
        int apiVersion();

        boolean hasExtension(Extension extension);

        /** EINVAL while the container has no group or has a type already; ENODEV when no module offers the type. */
        void setIommu(Extension type);
    }

    /** An open {@code /dev/vfio/N}. */
    interface Group extends Handle {
        /** {@link #GROUP_VIABLE} and {@link #GROUP_CONTAINER_SET}; ENODEV when the device is gone. */
        int status();

        /** EINVAL when the group has a container already. */
        void setContainer(Container container);

        /** EINVAL when the group has none, EBUSY while one of its devices is open. */
        void unsetContainer();

        /**
         * Opens a device of the group (VFIO_GROUP_GET_DEVICE_FD).
         *
         * @param name a mediated device's UUID in lower case; ENODEV when the group has no such device. EINVAL without a container with an IOMMU, which the static
         *     generation asks before the name; EINVAL on kernels from 5.19 on, too, when no virtual machine is linked to the group
         */
        Device device(String name);
    }

    /** An open device of a group. */
    interface Device extends Handle {
        DeviceInfo info();

        /** EINVAL for an interrupt that there is not, EOPNOTSUPP on kernels before 6.5. */
        InterruptInfo interrupt(int index);
    }

    /**
     * struct vfio_device_info.
     *
     * @param flags {@link #RESET} and {@link #AP}
     * @param interrupts of an AP device 0 before 6.5, 1 (request to let go) before 6.15, then 2 (configuration changed)
     */
    record DeviceInfo(int flags, int regions, int interrupts) {
        public static final int RESET = 1;
        public static final int AP = 32;
    }

    /**
     * struct vfio_irq_info.
     *
     * @param flags {@link #EVENTFD}: signalled by one
     */
    record InterruptInfo(int flags, int count) {
        public static final int EVENTFD = 1;
    }
}
