package org.apmatrix.host.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apmatrix.Shell;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Procfs.OpenFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The look at processes: on this machine's, and on a tree made by hand. */
@Timeout(60)
class LinuxProcfsTest {
    private final Procfs procfs = new LinuxProcfs();

    @TempDir
    Path directory;

    @Test
    void readsAFileAndFindsNoneWhereNoneIs() {
        assertThat(procfs.read(Path.of("/proc/version")).orElseThrow()).startsWith("Linux version");
        assertThat(procfs.read(Path.of("/proc/no/such/file"))).isEmpty();
    }

    @Test
    void seesWhatThisProcessHasOpen() throws IOException {
        Path file = Files.createFile(directory.resolve("opened"));
        try (FileInputStream opened = new FileInputStream(file.toFile())) {
            Procfs.Look look = procfs.openFiles(file.toString()::equals);

            assertThat(opened.available()).isZero();
            assertThat(look.found()).extracting(OpenFile::pid).containsExactly((int)
                    ProcessHandle.current().pid());
            assertThat(procfs.fdInfo(look.found().get(0)).orElseThrow()).contains("flags:");
        }
        assertThat(procfs.openFiles(file.toString()::equals).found()).isEmpty();
    }

    @Test
    void seesWhatAnotherProcessHasOpenUntilItEnds() throws Exception {
        Path file = Files.createFile(directory.resolve("opened"));
        Process child = Shell.start(directory, "bash", "-c", "exec 7< opened; echo ready; read line");
        assertThat(child.getInputStream().read()).isEqualTo('r');

        OpenFile seen = new OpenFile((int) child.pid(), 7, file.toRealPath().toString());
        assertThat(procfs.openFiles(seen.target()::equals).found()).containsExactly(seen);

        child.getOutputStream().close();
        child.waitFor();
        assertThat(procfs.openFiles(seen.target()::equals).found()).isEmpty();
        assertThat(procfs.fdInfo(seen)).isEmpty();
    }

    @Test
    void readsATreeElsewhere() throws IOException {
        link("1234/fd/9", "/dev/vfio/0 (deleted)");
        link("1234/fd/10", "anon_inode:[vfio-device]");
        link("77/fd/3", "socket:[4711]");
        Files.createDirectories(directory.resolve("self/fd"));
        Files.createDirectories(directory.resolve("99"));
        Files.createDirectories(directory.resolve("1234/fdinfo"));
        Files.writeString(directory.resolve("1234/fdinfo/10"), "vfio-device-syspath: /sys/x\n");
        Files.writeString(directory.resolve("sysinfo"), "Type: 3931\n");
        Procfs elsewhere = new LinuxProcfs(directory);

        assertThat(elsewhere.openFiles(target -> target.contains("vfio")))
                .isEqualTo(new Procfs.Look(
                        List.of(
                                new OpenFile(1234, 9, "/dev/vfio/0 (deleted)"),
                                new OpenFile(1234, 10, "anon_inode:[vfio-device]")),
                        true));
        assertThat(elsewhere.fdInfo(new OpenFile(1234, 10, ""))).contains("vfio-device-syspath: /sys/x\n");
        assertThat(elsewhere.read(Path.of("/proc/sysinfo"))).isEqualTo(Optional.of("Type: 3931\n"));
    }

    private void link(String path, String target) throws IOException {
        Path link = directory.resolve(path);
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, Path.of(target));
    }
}
