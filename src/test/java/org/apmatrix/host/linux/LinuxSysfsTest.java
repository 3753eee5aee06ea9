package org.apmatrix.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apmatrix.Component;
import org.apmatrix.host.SysfsContract;
import org.apmatrix.host.fuse.SimulatedMount;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract again, through real system calls on a mount that the simulated kernel backs; and what only system calls can show. */
class LinuxSysfsTest extends SysfsContract {
    private static final SimulatedKernel KERNEL = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private static final Path APMASK = Path.of("/sys/bus/ap/apmask");

    @TempDir
    static Path mountPoint;

    private static SimulatedMount mount;

    @TempDir
    Path directory;

    @BeforeAll
    static void mount() {
        SimulatedMount.require();
        mount = SimulatedMount.mount(KERNEL, mountPoint);
    }

    @AfterAll
    static void unmount() {
        if (mount != null) {
            mount.close();
        }
    }

    @Override
    protected Sysfs sysfs() {
        return new LinuxSysfs(mountPoint);
    }

    @Override
    protected SimulatedKernel kernel() {
        return KERNEL;
    }

    @Test
    void aTreeThatIsMountedReadOnlyIsNotWritable() throws Exception {
        Component.require("root", "root".equals(System.getProperty("user.name")), "run the tests as root");
        assertThat(sysfs().isWritable(APMASK)).isTrue();
        assertThat(sysfs().isWritable(Path.of("/sys/bus/ap/nothing"))).isFalse();
        sh("mount --bind " + mountPoint + " " + directory);
        try {
            sh("mount -o remount,bind,ro " + directory);
            assertThat(new LinuxSysfs(directory).isWritable(APMASK)).isFalse();
        } finally {
            sh("umount " + directory);
        }
    }

    private static void sh(String command) throws Exception {
        assertThat(new ProcessBuilder(command.split(" ")).inheritIO().start().waitFor())
                .as(command)
                .isZero();
    }

    @Test
    void refusalsNameTheKernelsPathAndTheCall() {
        Path missing = Path.of("/sys/bus/ap/no_such");
        KernelException refused = catchThrowableOfType(KernelException.class, () -> sysfs().write(missing, "1"));

        assertThat(refused.errno()).isEqualTo(Errno.ENOENT);
        assertThat(refused.operation()).isEqualTo("open");
        assertThat(refused.path()).isEqualTo(missing);
        assertThat(catchThrowableOfType(KernelException.class, () -> sysfs().write(APMASK, "garbage"))
                        .operation())
                .isEqualTo("write");
    }

    @Test
    void aWriteToAMissingFileMakesNone() throws IOException {
        Sysfs plain = new LinuxSysfs(directory);

        assertRefused(Errno.ENOENT, () -> plain.write(Path.of("/sys/new"), "1"));
        assertThat(directory).isEmptyDirectory();

        Files.writeString(directory.resolve("old"), "long enough");
        plain.write(Path.of("/sys/old"), "1");
        // and none is cut short
        assertThat(plain.read(Path.of("/sys/old"))).isEqualTo("1ong enough");
    }

    @Test
    void readsToTheEndHoweverLongItIs() throws IOException {
        String content = "0123456789abcdef".repeat(5000);
        Files.writeString(directory.resolve("long"), content);

        assertThat(new LinuxSysfs(directory).read(Path.of("/sys/long"))).isEqualTo(content);
    }

    @Test
    void whatIsNoDirectoryNoLinkOrNotThereSaysSo() throws IOException {
        Sysfs plain = new LinuxSysfs(directory);
        Files.createFile(directory.resolve("file"));
        Files.createSymbolicLink(directory.resolve("dangling"), Path.of("nowhere"));

        assertRefused(Errno.ENOTDIR, () -> plain.list(Path.of("/sys/file")));
        assertRefused(Errno.ENOENT, () -> plain.list(Path.of("/sys/none")));
        assertRefused(Errno.EINVAL, () -> plain.readLink(Path.of("/sys/file")));
        assertRefused(Errno.ENOENT, () -> plain.readLink(Path.of("/sys/none")));
        assertRefused(Errno.EISDIR, () -> plain.read(Path.of("/sys")));
        assertThat(plain.readLink(Path.of("/sys/dangling"))).isEqualTo("nowhere");
        assertThat(plain.exists(Path.of("/sys/dangling"))).isFalse();
        assertThat(plain.exists(Path.of("/sys/file/below"))).isFalse();
        assertThat(plain.exists(Path.of("/sys"))).isTrue();
        assertThat(plain.list(Path.of("/sys"))).containsExactly("dangling", "file");
    }

    @Test
    void aTextOfMoreThanAPageIsTakenInPartAndThatIsAnError() {
        assertRefused(Errno.EIO, () -> sysfs().write(Path.of("/sys/bus/ap/scans"), "1".repeat(5000)));
    }

    @Test
    void whatIsNotBelowSysIsNotThere() {
        assertRefused(Errno.ENOENT, () -> sysfs().read(Path.of("/etc/passwd")));
        assertThat(sysfs().exists(Path.of("/etc/passwd"))).isFalse();
    }

    private static void assertRefused(Errno errno, ThrowingCallable call) {
        assertThat(catchThrowableOfType(KernelException.class, call).errno()).isEqualTo(errno);
    }
}
