package org.apmatrix.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.apmatrix.Patience;
import org.apmatrix.RawQmp;
import org.apmatrix.host.libvirt.RealLibvirt;
import org.apmatrix.host.linux.LinuxProcfs;
import org.apmatrix.host.qmp.RealQemu;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** {@link GuestContract} with a real QEMU, emulated. */
class RealQemuGuestContractTest extends GuestContract {
    @TempDir
    private Path directory;

    private RealQemu qemu;
    private Guests guests;

    @BeforeEach
    void prepare() throws IOException {
        RealQemu.require();
        RealLibvirt.writeIdleImage(directory.resolve("idle"));
        startAnew();
        guests = guests(directory + "/*.qmp", new LinuxProcfs(Path.of("/proc")), null, null);
    }

    @Override
    void startAnew() {
        qemu = new RealQemu(
                directory,
                directory.resolve("one.qmp"),
                directory.resolve("admin"),
                "-name",
                "one",
                "-uuid",
                "11111111-2222-3333-4444-55555555abcd",
                "-kernel",
                directory.resolve("idle").toString());
        Patience.until(this::goesOn);
    }

    /** False while its monitor is not there yet. */
    private boolean goesOn() {
        try {
            RawQmp.ask(directory.resolve("admin"), "{\"execute\": \"cont\"}");
            return true;
        } catch (UncheckedIOException notYet) {
            return false;
        }
    }

    @AfterEach
    void stop() {
        if (guests != null) {
            guests.close();
        }
        if (qemu != null) {
            qemu.close();
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
        qemu.signal(directory, isSilent ? "STOP" : "CONT");
    }

    @Override
    int pid() {
        return qemu.pid();
    }

    @Override
    void end() {
        qemu.close();
    }
}
