package org.apmatrix.host.linux;

import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.function.IntToLongFunction;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.linux.SystemCalls.Descriptor;

/** The running kernel's VFIO. A machine without it answers ENOENT to every open, one that hides it from this process EPERM or EACCES. */
public final class LinuxVfio implements Vfio {
    private static final Path DEV = Path.of("/dev");
    private static final Path CONTAINER = DEV.resolve("vfio/vfio");

    // _IO(VFIO_TYPE, VFIO_BASE + n): without direction and size, so the same number on every architecture
    private static final int GET_API_VERSION = 0x3b64;
    private static final int CHECK_EXTENSION = 0x3b65;
    private static final int SET_IOMMU = 0x3b66;
    private static final int GROUP_GET_STATUS = 0x3b67;
    private static final int GROUP_SET_CONTAINER = 0x3b68;
    private static final int GROUP_UNSET_CONTAINER = 0x3b69;
    private static final int GROUP_GET_DEVICE_FD = 0x3b6a;
    private static final int DEVICE_GET_INFO = 0x3b6b;
    private static final int DEVICE_GET_IRQ_INFO = 0x3b6d;

    private static final VfioLayout LAYOUT = new VfioLayout(ByteOrder.nativeOrder());

    private final SystemCalls calls;

    public LinuxVfio() {
        this(DEV);
    }

    /** @param deviceRoot where the device nodes are that their users know as {@code /dev} */
    public LinuxVfio(Path deviceRoot) {
        calls = new SystemCalls(DEV, deviceRoot);
    }

    @Override
    public Container openContainer() {
        return new OpenContainer(calls.open(CONTAINER, LibC.O_RDWR));
    }

    @Override
    public Group openGroup(int number) {
        return new OpenGroup(calls.open(DEV.resolve("vfio/" + number), LibC.O_RDWR));
    }

    /** An open file that is not used any more once it is closed: its number may by then be another file's. */
    private abstract static class OpenFile implements Handle {
        private final Descriptor descriptor;
        private boolean closed;

        private OpenFile(Descriptor descriptor) {
            this.descriptor = descriptor;
        }

        Path path() {
            return descriptor.file();
        }

        @Override
        public final synchronized void close() {
            if (!closed) {
                closed = true;
                descriptor.close();
            }
        }

        /** Does something with the descriptor's number; it stays this file's meanwhile. */
        final synchronized int call(String name, IntToLongFunction call) {
            String operation = "ioctl " + name;
            if (closed) {
                throw new KernelException(Errno.EBADF, operation, path());
            }
            return (int) SystemCalls.retried(operation, path(), () -> call.applyAsLong(descriptor.fd()));
        }

        final int ioctl(String name, int request, long argument) {
            return call(name, fd -> LibC.ioctl(fd, request, argument));
        }

        final int ioctl(String name, int request, byte[] argument) {
            return call(name, fd -> LibC.ioctl(fd, request, argument));
        }
    }

    private static final class OpenContainer extends OpenFile implements Container {
        private OpenContainer(Descriptor descriptor) {
            super(descriptor);
        }

        @Override
        public int apiVersion() {
            return ioctl("VFIO_GET_API_VERSION", GET_API_VERSION, 0);
        }

        @Override
        public boolean hasExtension(Extension extension) {
            return ioctl("VFIO_CHECK_EXTENSION", CHECK_EXTENSION, extension.number()) > 0;
        }

        @Override
        public void setIommu(Extension type) {
            ioctl("VFIO_SET_IOMMU", SET_IOMMU, type.number());
        }
    }

    private static final class OpenGroup extends OpenFile implements Group {
        private OpenGroup(Descriptor descriptor) {
            super(descriptor);
        }

        @Override
        public int status() {
            byte[] status = LAYOUT.groupStatus();
            ioctl("VFIO_GROUP_GET_STATUS", GROUP_GET_STATUS, status);
            return LAYOUT.groupFlags(status);
        }

        @Override
        public void setContainer(Container container) {
            if (!(container instanceof OpenContainer opened)) {
                throw new IllegalArgumentException("a container of another kernel");
            }
            // the container's number stays its own while the kernel looks it up
            opened.call("VFIO_GROUP_SET_CONTAINER", fd -> {
                ioctl("VFIO_GROUP_SET_CONTAINER", GROUP_SET_CONTAINER, LAYOUT.descriptor(fd));
                return 0;
            });
        }

        @Override
        public void unsetContainer() {
            ioctl("VFIO_GROUP_UNSET_CONTAINER", GROUP_UNSET_CONTAINER, 0);
        }

        @Override
        public Device device(String name) {
            int fd = ioctl("VFIO_GROUP_GET_DEVICE_FD", GROUP_GET_DEVICE_FD, VfioLayout.name(name));
            return new OpenDevice(new Descriptor(fd, path()));
        }
    }

    /** The kernel opens it with O_CLOEXEC (drivers/vfio/group.c, vfio_group_ioctl_get_device_fd). Its refusals name the group. */
    private static final class OpenDevice extends OpenFile implements Device {
        private OpenDevice(Descriptor descriptor) {
            super(descriptor);
        }

        @Override
        public DeviceInfo info() {
            byte[] info = LAYOUT.deviceInfo();
            ioctl("VFIO_DEVICE_GET_INFO", DEVICE_GET_INFO, info);
            return LAYOUT.deviceInfo(info);
        }

        @Override
        public InterruptInfo interrupt(int index) {
            byte[] info = LAYOUT.interruptInfo(index);
            ioctl("VFIO_DEVICE_GET_IRQ_INFO", DEVICE_GET_IRQ_INFO, info);
            return LAYOUT.interruptInfo(info);
        }
    }
}
