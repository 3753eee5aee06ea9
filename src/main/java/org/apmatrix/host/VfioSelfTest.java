package org.apmatrix.host;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Vfio;
import org.jspecify.annotations.Nullable;

/**
 * Asks VFIO what it must answer: without touching any device, or at length on a device that nobody else knows yet.
 *
 * <p>What is expected was read in the kernel's source and recorded from real kernels of both generations (5.10; 6.1, 6.12, 7.2), never learned from the kernel
 * that is asked.
 */
public final class VfioSelfTest {
    private static final String OK = "ok";
    private static final String NO_SUCH_DEVICE = "no-such-device";

    private final Vfio vfio;

    public VfioSelfTest(Vfio vfio) {
        this.vfio = vfio;
    }

    /**
     * What {@code /dev/vfio/vfio} tells.
     *
     * @param apiVersion null where it cannot be asked
     * @param extensions of {@code TYPE1}, {@code TYPE1V2} and {@code NOIOMMU} those that there are
     * @param refusal why it cannot be asked, for a person; null where it can
     */
    public record Shallow(
            @Nullable Integer apiVersion,
            List<String> extensions,
            @Nullable String refusal) {}

    /**
     * One thing that was asked.
     *
     * @param expected {@code ok}, an errno, or values
     * @param answered the same of what the kernel said
     */
    public record Check(String name, String expected, String answered) {
        public boolean passed() {
            return expected.equals(answered);
        }
    }

    /**
     * What a long test found.
     *
     * @param deviceIsFree whether the group could be opened and closed at the end: then nobody else has the device, whatever can be seen of other processes
     */
    public record Deep(List<Check> checks, boolean deviceIsFree) {}

    /** Opens a container and closes it again; no group and no device is touched, so this may be done at any time. */
    public Shallow shallow() {
        try (Vfio.Container container = vfio.openContainer()) {
            return new Shallow(
                    container.apiVersion(),
                    Stream.of(Vfio.Extension.values())
                            .filter(container::hasExtension)
                            .map(Vfio.Extension::name)
                            .toList(),
                    null);
        } catch (KernelException refused) {
            String text = refused.operation() + " " + refused.path() + ": " + refused.errno();
            return new Shallow(null, List.of(), refused.errno() == Errno.ENOENT ? text + " (VFIO is not there)" : text);
        }
    }

    /**
     * Opens the group of a device, asks what can be asked without a virtual machine, and closes everything. Where something cannot be opened, nothing is asked of
     * it.
     *
     * @param mdev a device that this process has just made: a guest that wanted it meanwhile would be refused
     */
    public Deep deep(Mdev mdev) {
        Run run = new Run(mdev);
        boolean deviceIsFree = run.perform();
        return new Deep(List.copyOf(run.checks), deviceIsFree);
    }

    private final class Run {
        private final List<Check> checks = new ArrayList<>();
        private final Mdev mdev;

        private Run(Mdev mdev) {
            this.mdev = mdev;
        }

        private boolean perform() {
            Integer number = mdev.iommuGroup();
            if (number == null) {
                checks.add(new Check("the device has a group", OK, "none: its driver is not bound"));
                return false;
            }
            using("the group", () -> vfio.openGroup(number), group -> {
                check(
                        "a second open of the group",
                        Errno.EBUSY,
                        () -> vfio.openGroup(number).close());
                check("status of the group", "flags 1", () -> "flags " + group.status());
                // the static generation looks for the container before the name (vfio.c, vfio_group_get_device_fd)
                check(
                        "a device of another name, without a container",
                        mdev.dynamic() ? Errno.ENODEV : Errno.EINVAL,
                        () -> group.device(NO_SUCH_DEVICE).close());
                check(
                        "the device without a container",
                        Errno.EINVAL,
                        () -> device(group).close());
                check("leaving no container", Errno.EINVAL, group::unsetContainer);
                using("a container", vfio::openContainer, container -> askInContainer(group, container));
            });
            return using("the group, once more,", () -> vfio.openGroup(number), group -> {});
        }

        private void askInContainer(Vfio.Group group, Vfio.Container container) {
            check("version of the interface", "0", () -> Integer.toString(container.apiVersion()));
            check(
                    "an IOMMU for a container without a group",
                    Errno.EINVAL,
                    () -> container.setIommu(Vfio.Extension.TYPE1));
            check("the group joins the container", () -> group.setContainer(container));
            check("the group joins it once more", Errno.EINVAL, () -> group.setContainer(container));
            check(
                    "the device without an IOMMU",
                    Errno.EINVAL,
                    () -> device(group).close());
            check("an IOMMU for the container", () -> container.setIommu(Vfio.Extension.TYPE1));
            check("another IOMMU for the container", Errno.EINVAL, () -> container.setIommu(Vfio.Extension.TYPE1));
            check("status of the group in the container", "flags 3", () -> "flags " + group.status());
            check(
                    "a device of another name",
                    Errno.ENODEV,
                    () -> group.device(NO_SUCH_DEVICE).close());
            if (mdev.dynamic()) {
                // vfio_ap_ops.c, vfio_ap_mdev_open_device
                check(
                        "the device without a virtual machine",
                        Errno.EINVAL,
                        () -> device(group).close());
            } else {
                using("the device without a virtual machine", () -> device(group), device -> {
                    check("what the device is", "flags 33, regions 0, interrupts 0", () -> spell(device.info()));
                    check("an interrupt of the device", Errno.EOPNOTSUPP, () -> device.interrupt(0));
                    check("leaving the container with an open device", Errno.EBUSY, group::unsetContainer);
                });
            }
            check("the group leaves the container", group::unsetContainer);
            check("status of the group after that", "flags 1", () -> "flags " + group.status());
        }

        private Vfio.Device device(Vfio.Group group) {
            return group.device(mdev.id().toString());
        }

        /**
         * Opens something, uses it and closes it again.
         *
         * @return whether it was opened and closed, whatever was found between
         */
        private <T extends Vfio.Handle> boolean using(String subject, Supplier<T> opening, Consumer<T> use) {
            T handle;
            try {
                handle = opening.get();
            } catch (KernelException refused) {
                checks.add(new Check(subject + " opens", OK, refused.errno().name()));
                return false;
            }
            checks.add(new Check(subject + " opens", OK, OK));
            try {
                use.accept(handle);
            } finally {
                check(subject + " closes", handle::close);
            }
            return checks.get(checks.size() - 1).passed();
        }

        private void check(String name, Runnable call) {
            check(name, OK, answer(call));
        }

        private void check(String name, Errno expected, Runnable call) {
            check(name, expected.name(), answer(call));
        }

        private void check(String name, String expected, Supplier<String> call) {
            try {
                checks.add(new Check(name, expected, call.get()));
            } catch (KernelException refused) {
                checks.add(new Check(name, expected, refused.errno().name()));
            }
        }
    }

    private static Supplier<String> answer(Runnable call) {
        return () -> {
            call.run();
            return OK;
        };
    }

    private static String spell(Vfio.DeviceInfo info) {
        return "flags " + info.flags() + ", regions " + info.regions() + ", interrupts " + info.interrupts();
    }
}
