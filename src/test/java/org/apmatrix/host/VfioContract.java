package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.kernel.Vfio.Container;
import org.apmatrix.host.kernel.Vfio.Device;
import org.apmatrix.host.kernel.Vfio.DeviceInfo;
import org.apmatrix.host.kernel.Vfio.Extension;
import org.apmatrix.host.kernel.Vfio.Group;
import org.apmatrix.host.kernel.Vfio.InterruptInfo;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What VFIO answers about an mdev that no virtual machine has, whoever implements it; {@link SysfsContract} replays on top of it what was recorded.
 *
 * <p>The mdev is made before each test and removed after it, so nothing may be left open.
 */
public abstract class VfioContract {
    private static final String NOBODY = "00000000-0000-4000-8000-000000000000";

    private final MdevId id = MdevId.random();
    private Mdev mdev;

    protected abstract Vfio vfio();

    /** Of the same kernel. */
    protected abstract Sysfs sysfs();

    /** How many interrupts a device of this release has. */
    protected abstract int interrupts();

    @BeforeEach
    void make() {
        MdevTree tree = new MdevTree(sysfs());
        sysfs().write(tree.create(id).target(), tree.create(id).text());
        mdev = tree.read(id).orElseThrow();
    }

    /** With anything left open this would wait for ever on the static generation. */
    @AfterEach
    void remove() {
        openGroup().close();
        Store remove = new MdevTree(sysfs()).remove(id);
        sysfs().write(remove.target(), remove.text());
        assertThat(sysfs().exists(mdev.path())).isFalse();
    }

    @Test
    void aContainerTellsVersionAndExtensions() {
        try (Container container = vfio().openContainer()) {
            assertThat(container.apiVersion()).isZero();
            assertThat(container.hasExtension(Extension.TYPE1)).isTrue();
            assertThat(container.hasExtension(Extension.TYPE1V2)).isTrue();
        }
    }

    @Test
    void aContainerWithoutAGroupTakesNoIommu() {
        try (Container container = vfio().openContainer()) {
            KernelException refused = refusal(() -> container.setIommu(Extension.TYPE1));
            assertThat(refused.errno()).isEqualTo(Errno.EINVAL);
            assertThat(refused.operation()).isEqualTo("ioctl VFIO_SET_IOMMU");
            assertThat(refused.path()).isEqualTo(Path.of("/dev/vfio/vfio"));
        }
    }

    @Test
    void manyMayOpenAContainer() {
        try (Container one = vfio().openContainer();
                Container other = vfio().openContainer()) {
            assertThat(one.apiVersion()).isEqualTo(other.apiVersion());
        }
    }

    @Test
    void aGroupThatIsNotThereIsNoFile() {
        KernelException refused = refusal(() -> vfio().openGroup(9999));
        assertThat(refused.errno()).isEqualTo(Errno.ENOENT);
        assertThat(refused.operation()).isEqualTo("open");
        assertThat(refused.path()).isEqualTo(Path.of("/dev/vfio/9999"));
    }

    @Test
    void aGroupIsOpenedOnlyOnceEvenByOneProcess() {
        try (Group group = openGroup()) {
            assertThat(group.status()).isEqualTo(Vfio.GROUP_VIABLE);
            assertRefused(Errno.EBUSY, this::openGroup);
        }
        openGroup().close();
    }

    @Test
    void aGroupJoinsOneContainerAndLeavesIt() {
        try (Group group = openGroup();
                Container container = vfio().openContainer();
                Container other = vfio().openContainer()) {
            assertRefused(Errno.EINVAL, group::unsetContainer);
            group.setContainer(container);
            assertThat(group.status()).isEqualTo(Vfio.GROUP_VIABLE | Vfio.GROUP_CONTAINER_SET);
            assertRefused(Errno.EINVAL, () -> group.setContainer(container));
            assertRefused(Errno.EINVAL, () -> group.setContainer(other));
            group.unsetContainer();
            assertThat(group.status()).isEqualTo(Vfio.GROUP_VIABLE);
            group.setContainer(other);
        }
    }

    @Test
    void aClosedGroupHasLeftItsContainer() {
        try (Container container = vfio().openContainer()) {
            try (Group group = openGroup()) {
                group.setContainer(container);
                container.setIommu(Extension.TYPE1);
            }
            assertRefused(Errno.EINVAL, () -> container.setIommu(Extension.TYPE1));
            try (Group group = openGroup()) {
                assertThat(group.status()).isEqualTo(Vfio.GROUP_VIABLE);
                group.setContainer(container);
                container.setIommu(Extension.TYPE1);
            }
        }
    }

    @Test
    void aContainerTakesOneIommuOfATypeThatThereIs() {
        try (Group group = openGroup();
                Container container = vfio().openContainer()) {
            group.setContainer(container);
            assertRefused(Errno.ENODEV, () -> container.setIommu(Extension.NOIOMMU));
            container.setIommu(Extension.TYPE1V2);
            assertRefused(Errno.EINVAL, () -> container.setIommu(Extension.TYPE1));
        }
    }

    @Test
    void withoutAContainerThereIsNoDevice() {
        try (Group group = openGroup()) {
            assertRefused(Errno.EINVAL, () -> group.device(id.toString()));
            assertRefused(mdev.dynamic() ? Errno.ENODEV : Errno.EINVAL, () -> group.device(NOBODY));
        }
    }

    @Test
    void withoutAnIommuThereIsNoDevice() {
        try (Group group = openGroup();
                Container container = vfio().openContainer()) {
            group.setContainer(container);
            assertRefused(Errno.EINVAL, () -> group.device(id.toString()));
        }
    }

    @Test
    void aDeviceHasTheExactNameOfItsMdev() {
        try (Group group = openGroup();
                Container container = vfio().openContainer()) {
            group.setContainer(container);
            container.setIommu(Extension.TYPE1);
            assertRefused(Errno.ENODEV, () -> group.device(NOBODY));
            assertRefused(Errno.ENODEV, () -> group.device(id + " "));
            assertRefused(Errno.ENODEV, () -> group.device(""));
        }
    }

    @Test
    void aDeviceWithoutAVirtualMachineIsOnlyOfTheStaticGeneration() {
        try (Group group = openGroup();
                Container container = vfio().openContainer()) {
            group.setContainer(container);
            container.setIommu(Extension.TYPE1);
            if (mdev.dynamic()) {
                assertRefused(Errno.EINVAL, () -> group.device(id.toString()));
                return;
            }
            try (Device device = group.device(id.toString());
                    Device again = group.device(id.toString())) {
                assertThat(device.info()).isEqualTo(new DeviceInfo(33, 0, interrupts()));
                assertThat(again.info()).isEqualTo(device.info());
                assertThat(interrupts()).isZero();
                assertRefused(Errno.EOPNOTSUPP, () -> device.interrupt(0));
                assertRefused(Errno.EBUSY, group::unsetContainer);
            }
            group.unsetContainer();
        }
    }

    @Test
    void aDeviceKeepsItsGroupFromBeingOpenedAgain() {
        if (mdev.dynamic()) {
            return;
        }
        try (Container container = vfio().openContainer()) {
            Group group = openGroup();
            group.setContainer(container);
            container.setIommu(Extension.TYPE1);
            Device device = group.device(id.toString());
            group.close();
            assertRefused(Errno.EBUSY, this::openGroup);
            device.close();
        }
    }

    @Test
    void aClosedFileAnswersNothing() {
        Container container = vfio().openContainer();
        container.close();
        container.close();
        assertRefused(Errno.EBADF, container::apiVersion);
        Group group = openGroup();
        assertRefused(Errno.EBADF, () -> group.setContainer(container));
        group.close();
        group.close();
        assertRefused(Errno.EBADF, group::status);
    }

    protected final MdevId id() {
        return id;
    }

    protected final Group openGroup() {
        return vfio().openGroup(mdev.iommuGroup());
    }

    /** What a device of a virtual machine tells. */
    protected final void assertTellsItself(Device device) {
        assertThat(device.info()).isEqualTo(new DeviceInfo(33, 0, interrupts()));
        for (int index = 0; index < interrupts(); index++) {
            assertThat(device.interrupt(index)).isEqualTo(new InterruptInfo(1, 1));
        }
        assertRefused(interrupts() == 0 ? Errno.EOPNOTSUPP : Errno.EINVAL, () -> device.interrupt(interrupts()));
    }

    protected static void assertRefused(Errno errno, ThrowingCallable call) {
        assertThat(refusal(call).errno()).isEqualTo(errno);
    }

    private static KernelException refusal(ThrowingCallable call) {
        return catchThrowableOfType(KernelException.class, call);
    }
}
