package org.apmatrix.host;

import java.io.IOException;
import java.nio.file.Path;
import org.apmatrix.Patience;
import org.apmatrix.host.libvirt.Libvirt;
import org.apmatrix.host.libvirt.LibvirtProperties;
import org.apmatrix.host.libvirt.RealLibvirt;
import org.apmatrix.host.linux.LinuxProcfs;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** {@link GuestContract} with a real libvirtd and a real QEMU. */
class LibvirtGuestContractTest extends GuestContract {
    private static RealLibvirt libvirt;

    private Guests guests;

    @BeforeAll
    static void startDaemon() throws IOException {
        libvirt = RealLibvirt.start();
        libvirt.define("one", "");
    }

    @AfterAll
    static void endDaemon() throws IOException {
        if (libvirt != null) {
            libvirt.close();
        }
    }

    @BeforeEach
    void start() {
        libvirt.virsh("start", "one");
        guests = guests("", new LinuxProcfs(Path.of("/proc")), null, Libvirt.of(new LibvirtProperties(libvirt.uri())));
        Patience.until(() -> guests.libvirt().orElseThrow().link() == Libvirt.Link.CONNECTED);
    }

    @AfterEach
    void stop() {
        guests.close();
        if (libvirt.virsh("domstate", "one").strip().matches("running|paused")) {
            libvirt.virsh("destroy", "one");
        }
    }

    @Override
    Guests guests() {
        return guests;
    }

    @Override
    GuestSource source() {
        return GuestSource.LIBVIRT;
    }

    @Override
    void pause() {
        libvirt.virsh("suspend", "one");
    }

    @Override
    void silence(boolean isSilent) {
        libvirt.signal("one", isSilent ? "STOP" : "CONT");
    }

    @Override
    void end() {
        libvirt.virsh("destroy", "one");
    }

    @Override
    void startAnew() {
        libvirt.virsh("start", "one");
    }

    @Override
    int pid() {
        return libvirt.pid("one");
    }
}
