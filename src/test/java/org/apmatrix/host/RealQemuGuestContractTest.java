package org.apmatrix.host;

import java.io.IOException;
import java.nio.file.Path;
import org.apmatrix.Component;
import org.apmatrix.RawQmp;
import org.apmatrix.Shell;
import org.apmatrix.host.libvirt.RealLibvirt;
import org.apmatrix.host.linux.LinuxProcfs;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** {@link GuestContract} with a real QEMU, emulated. */
class RealQemuGuestContractTest extends GuestContract {
    @TempDir
    private Path directory;

    private Process qemu;
    private Guests guests;

    @BeforeEach
    void prepare() throws IOException {
        Component.requireProgram("qemu-system-s390x", "apt-get install qemu-system-misc");
        RealLibvirt.writeIdleImage(directory.resolve("idle"));
        startAnew();
        guests = guests(directory + "/*.qmp", new LinuxProcfs(Path.of("/proc")), null, null);
    }

    @Override
    void startAnew() throws IOException {
        qemu = Shell.start(
                directory,
                "qemu-system-s390x",
                "-machine",
                "s390-ccw-virtio",
                "-accel",
                "tcg",
                "-m",
                "64",
                "-nographic",
                "-nodefaults",
                "-name",
                "one",
                "-uuid",
                "11111111-2222-3333-4444-55555555abcd",
                "-kernel",
                directory.resolve("idle").toString(),
                "-qmp",
                "unix:" + directory.resolve("one.qmp") + ",server=on,wait=off",
                "-qmp",
                "unix:" + directory.resolve("admin") + ",server=on,wait=off");
    }

    @AfterEach
    void stop() {
        if (guests != null) {
            guests.close();
        }
        if (qemu != null) {
            qemu.destroyForcibly();
            qemu.onExit().join();
        }
    }

    @Override
    Guests guests() {
        return guests;
    }

    @Override
    GuestSource source() {
        return GuestSource.QMP;
    }

    @Override
    void pause() {
        RawQmp.ask(directory.resolve("admin"), "{\"execute\": \"stop\"}");
    }

    @Override
    void silence(boolean isSilent) {
        signal(pid(), isSilent);
    }

    @Override
    int pid() {
        return Math.toIntExact(qemu.pid());
    }

    @Override
    void end() {
        qemu.destroyForcibly();
        qemu.onExit().join();
    }
}
