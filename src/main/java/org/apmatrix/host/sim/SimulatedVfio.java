package org.apmatrix.host.sim;

import java.nio.file.Path;
import java.util.function.Function;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.sim.SimulatedProcess.Kind;
import org.jspecify.annotations.Nullable;

/** VFIO's files as one process has them open (drivers/vfio/container.c, group.c, vfio_main.c; drivers/vfio/vfio.c before 6.2). */
final class SimulatedVfio implements Vfio {
    private static final Path CONTAINER = Path.of("/dev/vfio/vfio");

    /** The way into the kernel: holds its lock meanwhile, and makes a refusal of this call out of one inside. */
    interface Door {
        <T> T call(String operation, Path path, Function<HostState, T> action);
    }

    private final int pid;
    private final Door door;

    SimulatedVfio(int pid, Door door) {
        this.pid = pid;
        this.door = door;
    }

    @Override
    public Container openContainer() {
        return door.call("open", CONTAINER, host -> {
            if (!host.isLoaded(KernelModule.VFIO)) {
                throw new Refusal(Errno.ENOENT);
            }
            SimulatedProcess process = process(host);
            return new OpenContainer(host, process, process.open(Kind.CONTAINER, null));
        });
    }

    @Override
    public Group openGroup(int number) {
        Path path = Path.of("/dev/vfio", Integer.toString(number));
        return door.call("open", path, host -> {
            VfioGroup group = host.users().groups().get(number);
            if (group == null) {
                throw new Refusal(Errno.ENOENT);
            }
            int fd = host.users().openGroup(group, pid);
            return new OpenGroup(host, process(host), fd, path, group);
        });
    }

    private SimulatedProcess process(HostState host) {
        return host.users().processes().computeIfAbsent(pid, SimulatedProcess::new);
    }

    /** An open file, as long as the machine runs, the process lives and nobody closed it. */
    private abstract class OpenFile implements Handle {
        private final HostState booted;
        private final SimulatedProcess process;
        private final int fd;
        private final SimulatedProcess.@Nullable File file;
        private final Path path;

        private OpenFile(HostState booted, SimulatedProcess process, int fd, Path path) {
            this.booted = booted;
            this.process = process;
            this.fd = fd;
            this.file = process.files().get(fd);
            this.path = path;
        }

        SimulatedProcess process() {
            return process;
        }

        Path path() {
            return path;
        }

        boolean isOpen(HostState host) {
            return host == booted
                    && host.users().processes().get(pid) == process
                    && file != null
                    && file.equals(process.files().get(fd));
        }

        final <T> T ioctl(String name, Function<HostState, T> action) {
            return door.call("ioctl " + name, path, host -> {
                if (!isOpen(host)) {
                    throw new Refusal(Errno.EBADF);
                }
                return action.apply(host);
            });
        }

        @Override
        public final void close() {
            door.call("close", path, host -> {
                if (isOpen(host)) {
                    process.files().remove(fd);
                    release(host);
                }
                return true;
            });
        }

        abstract void release(HostState host);
    }

    private final class OpenContainer extends OpenFile implements Container {
        private final VfioContainer container = new VfioContainer();

        private OpenContainer(HostState booted, SimulatedProcess process, int fd) {
            super(booted, process, fd, CONTAINER);
        }

        @Override
        public int apiVersion() {
            return ioctl("VFIO_GET_API_VERSION", host -> API_VERSION);
        }

        @Override
        public boolean hasExtension(Extension extension) {
            return ioctl("VFIO_CHECK_EXTENSION", host -> isOffered(host, extension));
        }

        @Override
        public void setIommu(Extension type) {
            ioctl("VFIO_SET_IOMMU", host -> {
                container.setIommu(isOffered(host, type));
                return true;
            });
        }

        /** drivers/vfio/vfio_iommu_type1.c; no kernel here is built with CONFIG_VFIO_NOIOMMU. */
        private static boolean isOffered(HostState host, Extension extension) {
            return switch (extension) {
                case TYPE1, TYPE1V2 -> host.isLoaded(KernelModule.VFIO_IOMMU_TYPE1);
                case NOIOMMU -> false;
            };
        }

        /** Its groups keep what is in it. */
        @Override
        void release(HostState host) {}
    }

    private final class OpenGroup extends OpenFile implements Group {
        private final VfioGroup group;

        private OpenGroup(HostState booted, SimulatedProcess process, int fd, Path path, VfioGroup group) {
            super(booted, process, fd, path);
            this.group = group;
        }

        @Override
        public int status() {
            return ioctl("VFIO_GROUP_GET_STATUS", host -> {
                refuseIfGone();
                return GROUP_VIABLE | (group.container() == null ? 0 : GROUP_CONTAINER_SET);
            });
        }

        @Override
        public void setContainer(Container container) {
            if (!(container instanceof OpenContainer opened)) {
                throw new IllegalArgumentException("a container of another kernel");
            }
            ioctl("VFIO_GROUP_SET_CONTAINER", host -> {
                if (!opened.isOpen(host)) {
                    throw new Refusal(Errno.EBADF);
                }
                if (group.container() != null) {
                    throw new Refusal(Errno.EINVAL);
                }
                refuseIfGone();
                opened.container.add(group);
                return true;
            });
        }

        @Override
        public void unsetContainer() {
            ioctl("VFIO_GROUP_UNSET_CONTAINER", host -> {
                VfioContainer container = group.container();
                if (container == null) {
                    throw new Refusal(Errno.EINVAL);
                }
                if (group.openDevices() > 0) {
                    throw new Refusal(Errno.EBUSY);
                }
                container.remove(group);
                return true;
            });
        }

        /** vfio_group_get_device_fd of 5.10 asks for the container first, vfio_group_ioctl_get_device_fd for the name. */
        @Override
        public Device device(String name) {
            return ioctl("VFIO_GROUP_GET_DEVICE_FD", host -> {
                if (host.version().isDynamic()) {
                    refuseOtherName(name);
                    refuseWithoutIommu();
                } else {
                    refuseWithoutIommu();
                    refuseOtherName(name);
                }
                int fd = host.users().openDevice(group, process(), group.isLinkedToKvm());
                return new OpenDevice(host, process(), fd, path(), group);
            });
        }

        private void refuseOtherName(String name) {
            if (group.isDeleted() || !name.equals(group.mdev().id().toString())) {
                throw new Refusal(Errno.ENODEV);
            }
        }

        private void refuseWithoutIommu() {
            VfioContainer container = group.container();
            if (container == null || !container.hasIommu()) {
                throw new Refusal(Errno.EINVAL);
            }
        }

        private void refuseIfGone() {
            if (group.isDeleted()) {
                throw new Refusal(Errno.ENODEV);
            }
        }

        @Override
        void release(HostState host) {
            host.users().releaseGroup(group);
            host.vfioAp().ifPresent(driver -> driver.onReleased(group.mdev()));
        }
    }

    private final class OpenDevice extends OpenFile implements Device {
        private final VfioGroup group;

        private OpenDevice(HostState booted, SimulatedProcess process, int fd, Path path, VfioGroup group) {
            super(booted, process, fd, path);
            this.group = group;
        }

        /** vfio_ap_mdev_get_device_info. */
        @Override
        public DeviceInfo info() {
            return ioctl(
                    "VFIO_DEVICE_GET_INFO",
                    host -> new DeviceInfo(
                            DeviceInfo.RESET | DeviceInfo.AP, 0, host.version().vfioInterrupts()));
        }

        /** vfio_ap_get_irq_info; before 6.5 the driver had no such ioctl. */
        @Override
        public InterruptInfo interrupt(int index) {
            return ioctl("VFIO_DEVICE_GET_IRQ_INFO", host -> {
                int interrupts = host.version().vfioInterrupts();
                if (interrupts == 0) {
                    throw new Refusal(Errno.EOPNOTSUPP);
                }
                if (index < 0 || index >= interrupts) {
                    throw new Refusal(Errno.EINVAL);
                }
                return new InterruptInfo(InterruptInfo.EVENTFD, 1);
            });
        }

        @Override
        void release(HostState host) {
            boolean last = host.users().releaseDevice(group);
            host.vfioAp().ifPresent(driver -> {
                if (last) {
                    driver.onDeviceClosed(group.mdev());
                }
                driver.onReleased(group.mdev());
            });
        }
    }
}
