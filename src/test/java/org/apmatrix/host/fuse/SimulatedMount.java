package org.apmatrix.host.fuse;

import java.nio.file.Path;
import java.util.Optional;
import org.apmatrix.Component;
import org.apmatrix.host.sim.SimulatedKernel;

/** A simulated kernel's {@code /sys} as a directory of this machine, for as long as it is not closed. */
public final class SimulatedMount implements AutoCloseable {
    private final FuseServer server;

    private SimulatedMount(FuseServer server) {
        this.server = server;
    }

    /** Skips the test where nothing can be mounted. */
    public static void require() {
        Optional<String> missing = FuseDevice.missing();
        Component.require("FUSE", missing.isEmpty(), missing.orElse(""));
    }

    /**
     * Mounts and returns when the mount answers. The kernel behind it may be booted again while it is mounted.
     *
     * @param directory an existing one
     * @throws org.apmatrix.host.kernel.KernelException what mount(2) said; EBUSY when the directory already has such a mount that is alive
     */
    public static SimulatedMount mount(SimulatedKernel kernel, Path directory) {
        return new SimulatedMount(FuseServer.mount(new SimulatedSysfs(kernel), directory));
    }

    /** Unmounts whoever uses the mount: their calls end with ECONNABORTED. */
    @Override
    public void close() {
        server.close();
    }
}
