package org.apmatrix.host.fuse;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apmatrix.Patience;
import org.apmatrix.Shell;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** That a mount behaves as sysfs does, whatever it shows. */
@Timeout(60)
class FuseServerTest {
    @TempDir
    Path mountPoint;

    private final HandMadeTree tree = new HandMadeTree();
    private FuseServer server;

    @BeforeAll
    static void needsFuse() {
        SimulatedMount.require();
    }

    @BeforeEach
    void mount() {
        server = FuseServer.mount(tree, mountPoint);
    }

    @AfterEach
    void unmount() {
        server.close();
    }

    @Test
    void showsDirectoriesFilesAndLinksWithTheirModes() {
        tree.file("/bus/ap/apmask", 0644, () -> "0xff\n").file("/bus/ap/uevent", 0200, () -> "");
        tree.link("/devices/ap", "../bus/ap");

        assertThat(sh("find . -printf '%P %M %s %l\\n' | sort")).isEqualTo("""
                         drwxr-xr-x 0\040
                        bus drwxr-xr-x 0\040
                        bus/ap drwxr-xr-x 0\040
                        bus/ap/apmask -rw-r--r-- 4096\040
                        bus/ap/uevent --w------- 4096\040
                        devices drwxr-xr-x 0\040
                        devices/ap lrwxrwxrwx 0 ../bus/ap
                        """);
        assertThat(sh("cat devices/ap/apmask; ls -a bus; readlink devices/ap"))
                .isEqualTo("0xff\n.\n..\nap\n../bus/ap\n");
    }

    @Test
    void listsADirectoryThatNeedsManyReads() {
        for (int i = 0; i < 3000; i++) {
            tree.file("/many/%s-%04d".formatted("x".repeat(40), i), 0444, () -> "");
        }

        assertThat(sh("ls many | wc -l; ls many | tail -1")).isEqualTo("3000\n" + "x".repeat(40) + "-2999\n");
    }

    @Test
    void writeItselfReturnsTheErrnoOfTheStore() {
        tree.store("/assign", text -> {
            throw new KernelException(Errno.EADDRINUSE, "write", Path.of("/assign"));
        });

        assertThat(sh("echo 5 > assign")).contains("Address already in use");
        assertThat(sh("echo 5 >> assign")).contains("Address already in use");
    }

    @Test
    void everyWriteIsOneStoreWhateverTruncationTheShellAsksFor() {
        List<String> stored = tree.store("/assign");

        assertThat(sh("echo 5 > assign; printf 0x6 > assign; printf '' > assign; truncate -s 0 assign"))
                .isEmpty();
        assertThat(stored).containsExactly("5\n", "0x6");
    }

    @Test
    void aWriteOfMoreThanAPageIsCutAndSaysSo() throws Exception {
        List<String> stored = tree.store("/assign");

        try (FileChannel file = FileChannel.open(mountPoint.resolve("assign"), StandardOpenOption.WRITE)) {
            assertThat(file.write(ByteBuffer.allocate(5000))).isEqualTo(4096);
        }
        assertThat(stored).singleElement().satisfies(text -> assertThat(text).hasSize(4096));
    }

    @Test
    void aDescriptorOpenForTheOtherDirectionIsEaccesEvenForRoot() {
        tree.store("/write_only");
        tree.file("/read_only", 0444, () -> "x\n");

        assertThat(sh("cat write_only")).contains("Permission denied");
        assertThat(sh("echo 1 > read_only")).contains("Permission denied");
        assertThat(sh("true <> read_only")).contains("Permission denied");
    }

    @Test
    void nothingIsMadeRemovedOrRenamed() {
        tree.file("/file", 0644, () -> "x\n");

        assertThat(sh("echo 5 > missing")).contains("Permission denied");
        assertThat(sh("cat missing")).contains("No such file or directory");
        assertThat(sh("cat file/missing")).contains("Not a directory");
        assertThat(sh("rm -f file")).contains("Operation not permitted");
        assertThat(sh("mkdir new")).contains("Operation not permitted");
        assertThat(sh("mv file other")).contains("Operation not permitted");
        assertThat(sh("ln -s file other")).contains("Operation not permitted");
        assertThat(sh("mkfifo other")).contains("Operation not permitted");
        assertThat(sh("cat file")).isEqualTo("x\n");
    }

    @Test
    void contentIsMadeAtTheFirstReadAndAgainAtOffsetZero() throws Exception {
        AtomicInteger reads = new AtomicInteger();
        tree.file("/counter", 0444, () -> "read " + reads.incrementAndGet() + "\n");

        try (RandomAccessFile file =
                new RandomAccessFile(mountPoint.resolve("counter").toFile(), "r")) {
            assertThat(reads).hasValue(0);
            byte[] part = new byte[3];
            file.readFully(part);
            assertThat(file.readLine()).isEqualTo("d 1");
            assertThat(file.read()).isEqualTo(-1);
            file.seek(0);
            assertThat(file.readLine()).startsWith("read ").isNotEqualTo("read 1");
        }
    }

    @Test
    void aFileThatGoesWhileItIsOpenIsEnodev() {
        tree.file("/mdev/matrix", 0444, () -> "05.0004\n").store("/mdev/remove", text -> tree.remove("/mdev"));

        assertThat(sh("exec 3< mdev/matrix; echo 1 > mdev/remove; cat <&3; ls mdev; echo 1 > mdev/remove"))
                .contains(
                        "cat: -: No such device",
                        "cannot access 'mdev': No such file",
                        "mdev/remove: No such file or directory");
    }

    @Test
    void aBlockedStoreHoldsUpNobodyElse() throws Exception {
        CountDownLatch released = new CountDownLatch(1);
        CountDownLatch entered = new CountDownLatch(20);
        tree.file("/file", 0444, () -> "x\n");
        for (int i = 0; i < 20; i++) {
            tree.store("/remove" + i, text -> {
                entered.countDown();
                await(released);
            });
        }

        Process writers =
                Shell.start(mountPoint, "bash", "-c", "for i in $(seq 0 19); do echo 1 > remove$i & done; wait");
        assertThat(entered.await(30, SECONDS)).isTrue();
        assertThat(sh("cat file; ls | wc -l")).isEqualTo("x\n21\n");
        assertThat(writers.isAlive()).isTrue();

        released.countDown();
        assertThat(Shell.result(writers)).isEqualTo(new Shell.Result(0, ""));
    }

    @Test
    void closingEndsTheCallsInProgress() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        tree.store("/remove", text -> {
            entered.countDown();
            await(new CountDownLatch(1));
        });
        Process writer = Shell.start(mountPoint, "bash", "-c", "echo 1 > remove");
        assertThat(entered.await(30, SECONDS)).isTrue();

        server.close();

        assertThat(Shell.result(writer).output()).contains("Software caused connection abort");
        assertThat(mountPoint).isEmptyDirectory();
    }

    @Test
    void whatIsForgottenLeavesNothingBehind() {
        tree.file("/a/b/c", 0444, () -> "x\n");
        for (int i = 0; i < 100; i++) {
            tree.file("/many/" + i, 0444, () -> "x\n");
        }

        sh("find . -type f -exec cat {} + > /dev/null");
        assertThat(server.inUse().nodes()).isGreaterThan(100);
        tree.remove("/many");
        tree.remove("/a");
        // the kernel lets go of an entry when it finds that it is gone; its FORGET comes when it likes
        sh("for i in $(seq 0 99); do test -e many/$i; done; test -e a/b/c; test -e a/b; test -e a; test -e many");

        Patience.until(() -> server.inUse().equals(new Requests.InUse(1, 0)));
    }

    @Test
    void anAttributeOfTheExtendedSortIsNotSupportedAndModesStay() {
        tree.file("/file", 0644, () -> "x\n");

        assertThatThrownBy(() -> Files.setAttribute(mountPoint.resolve("file"), "user:x", new byte[1]))
                .hasMessageContaining("not supported");
        assertThat(sh("chmod 600 file")).contains("Operation not permitted");
        assertThat(sh("touch file; stat -f -c %T . > /dev/null; sync file")).isEmpty();
    }

    @Test
    void theMountPointIsTakenOnceAndStaleMountsAreTakenAway(@TempDir Path other) {
        assertThatThrownBy(() -> FuseServer.mount(tree, mountPoint)).hasMessageContaining("EBUSY");
        try (FuseServer second = FuseServer.mount(tree, other)) {
            assertThat(second.inUse().handles()).isZero();
        }
    }

    private String sh(String script) {
        return Shell.bash(mountPoint, script).output();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException closed) {
            throw new KernelException(Errno.EINTR, "write", Path.of("/remove"));
        }
    }
}
