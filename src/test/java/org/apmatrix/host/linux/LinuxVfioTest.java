package org.apmatrix.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.apmatrix.host.kernel.Vfio;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What any Linux shows of the way to VFIO: nodes that are missing, files that are none of VFIO's, descriptors that are closed. */
@Timeout(60)
class LinuxVfioTest {
    /** Answered by every kernel for a regular file: how many bytes are left to read (fs/ioctl.c, file_ioctl). */
    private static final int FIONREAD = 0x541b;

    private final Procfs procfs = new LinuxProcfs();

    @TempDir
    Path directory;

    @Test
    void aMachineWithoutVfioSaysThatThereIsNoNode() {
        Vfio none = new LinuxVfio(directory);

        KernelException container = refusal(none::openContainer);
        assertThat(container.errno()).isEqualTo(Errno.ENOENT);
        assertThat(container.operation()).isEqualTo("open");
        assertThat(container.path()).isEqualTo(Path.of("/dev/vfio/vfio"));
        KernelException group = refusal(() -> none.openGroup(7));
        assertThat(group.errno()).isEqualTo(Errno.ENOENT);
        assertThat(group.path()).isEqualTo(Path.of("/dev/vfio/7"));
    }

    /** Whatever this machine is: its own VFIO, or a refusal with its errno. */
    @Test
    void thisMachineAnswersOrRefuses() {
        try (Vfio.Container container = new LinuxVfio().openContainer()) {
            assertThat(container.apiVersion()).isEqualTo(Vfio.API_VERSION);
        } catch (KernelException refused) {
            assertThat(refused.errno()).isIn(Errno.ENOENT, Errno.EPERM, Errno.EACCES, Errno.ENODEV);
        }
    }

    @Test
    void aContainerThatIsNoneDoesNotKnowTheIoctls() throws IOException {
        Vfio vfio = withNode("vfio");
        refusesEach(
                vfio::openContainer,
                "/dev/vfio/vfio",
                List.of(
                        new Call<>("VFIO_GET_API_VERSION", Vfio.Container::apiVersion),
                        new Call<>("VFIO_CHECK_EXTENSION", container -> container.hasExtension(Vfio.Extension.TYPE1)),
                        new Call<>("VFIO_SET_IOMMU", container -> container.setIommu(Vfio.Extension.TYPE1))));
    }

    @Test
    void aGroupThatIsNoneDoesNotKnowTheIoctls() throws IOException {
        withNode("vfio");
        Vfio vfio = withNode("3");
        try (Vfio.Container container = vfio.openContainer()) {
            refusesEach(
                    () -> vfio.openGroup(3),
                    "/dev/vfio/3",
                    List.of(
                            new Call<>("VFIO_GROUP_GET_STATUS", Vfio.Group::status),
                            new Call<>("VFIO_GROUP_SET_CONTAINER", group -> group.setContainer(container)),
                            new Call<>("VFIO_GROUP_UNSET_CONTAINER", Vfio.Group::unsetContainer),
                            new Call<>("VFIO_GROUP_GET_DEVICE_FD", group -> group.device("no-such"))));
        }
    }

    @Test
    void aRefusedIoctlLeavesNoDescriptorBehind() throws IOException {
        Vfio vfio = withNode("vfio");
        withNode("3");
        try (Vfio.Container container = vfio.openContainer();
                Vfio.Group group = vfio.openGroup(3)) {
            refusal(container::apiVersion);
            refusal(() -> group.setContainer(container));
            refusal(() -> group.device("no-such"));
            assertThat(opened()).hasSize(2);
        }
        assertThat(opened()).isEmpty();
    }

    @Test
    void noProcessThatThisOneStartsInheritsAFile() throws IOException {
        Vfio vfio = withNode("vfio");
        try (Vfio.Container container = vfio.openContainer()) {
            assertThat(container).isNotNull();
            String flags = procfs.fdInfo(opened().get(0)).orElseThrow().replaceAll("(?s).*flags:\\s+(\\d+).*", "$1");
            assertThat(Integer.parseInt(flags, 8) & LibC.O_CLOEXEC).isEqualTo(LibC.O_CLOEXEC);
        }
    }

    @Test
    void aClosedFileIsNotUsedAnyMore() throws IOException {
        Vfio vfio = withNode("vfio");
        withNode("3");
        Vfio.Container container = vfio.openContainer();
        Vfio.Group group = vfio.openGroup(3);
        container.close();
        container.close();

        assertThat(refusal(container::apiVersion).errno()).isEqualTo(Errno.EBADF);
        assertThat(refusal(() -> group.setContainer(container)).errno()).isEqualTo(Errno.EBADF);
        group.close();
        assertThat(refusal(group::status).errno()).isEqualTo(Errno.EBADF);
    }

    @Test
    void takesNoContainerOfAnotherKernel() throws IOException {
        try (Vfio.Group group = withNode("3").openGroup(3)) {
            assertThatThrownBy(() -> group.setContainer(new ContainerOfNobody()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    /** The argument reaches the kernel and comes back, whatever this architecture's rule for variadic functions is. */
    @Test
    void theKernelWritesIntoTheArgument() throws IOException {
        Files.createDirectories(directory.resolve("vfio"));
        Files.writeString(directory.resolve("vfio/vfio"), "five!");
        byte[] left = new byte[Integer.BYTES];
        try (SystemCalls.Descriptor file =
                new SystemCalls(Path.of("/dev"), directory).open(Path.of("/dev/vfio/vfio"), LibC.O_RDWR)) {
            assertThat(LibC.ioctl(file.fd(), FIONREAD, left)).isZero();
        }
        assertThat(ByteBuffer.wrap(left).order(ByteOrder.nativeOrder()).getInt())
                .isEqualTo(5);
    }

    private record Call<T>(String ioctl, Consumer<T> call) {}

    private interface Opener<T> {
        T open();
    }

    private <T extends AutoCloseable> void refusesEach(Opener<T> opener, String path, List<Call<T>> calls) {
        for (Call<T> call : calls) {
            T file = opener.open();
            KernelException refused = refusal(() -> call.call().accept(file));
            assertThat(refused.errno()).as(call.ioctl()).isEqualTo(Errno.ENOTTY);
            assertThat(refused.operation()).isEqualTo("ioctl " + call.ioctl());
            assertThat(refused.path()).isEqualTo(Path.of(path));
            assertThat(catchThrowableOfType(Exception.class, file::close)).isNull();
        }
    }

    private Vfio withNode(String name) throws IOException {
        Files.createFile(Files.createDirectories(directory.resolve("vfio")).resolve(name));
        return new LinuxVfio(directory);
    }

    private List<OpenFile> opened() {
        return procfs.openFiles(target -> target.startsWith(directory.toString()))
                .found();
    }

    private static KernelException refusal(ThrowingCallable call) {
        return catchThrowableOfType(KernelException.class, call);
    }

    private static final class ContainerOfNobody implements Vfio.Container {
        @Override
        public int apiVersion() {
            return 0;
        }

        @Override
        public boolean hasExtension(Vfio.Extension extension) {
            return false;
        }

        @Override
        public void setIommu(Vfio.Extension type) {}

        @Override
        public void close() {}
    }
}
