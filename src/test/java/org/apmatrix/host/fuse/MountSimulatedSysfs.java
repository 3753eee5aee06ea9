package org.apmatrix.host.fuse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.concurrent.CountDownLatch;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.sim.SimulatedKernel;

/**
 * A simulated kernel's {@code /sys} on a directory, until SIGTERM or SIGINT; says {@code mounted} when it is there.
 *
 * <p>Started by {@code src/test/sh/mount-simulated-sysfs}. Exit status 2: a wrong command line; 1: this machine cannot.
 */
public final class MountSimulatedSysfs {
    private MountSimulatedSysfs() {}

    public static void main(String[] arguments) throws InterruptedException {
        MountOptions options;
        try {
            options = MountOptions.parse(arguments);
        } catch (IllegalArgumentException wrong) {
            exit(2, String.valueOf(wrong.getMessage()));
            return;
        }
        FuseDevice.missing().ifPresent(missing -> exit(1, missing));
        SimulatedMount mount = mount(options);
        Runtime.getRuntime().addShutdownHook(new Thread(mount::close, "unmount"));
        System.out.println("mounted");
        System.out.flush();
        new CountDownLatch(1).await();
    }

    private static SimulatedMount mount(MountOptions options) {
        try {
            if (Files.notExists(options.mountPoint())) {
                Files.createDirectories(options.mountPoint());
            }
            SimulatedKernel kernel = new SimulatedKernel(options.kernel(), options.machine());
            return SimulatedMount.mount(kernel, options.mountPoint());
        } catch (KernelException refused) {
            String reason = refused.errno() == Errno.EBUSY
                    ? "something of this kind is mounted there already"
                    : refused.operation() + ": " + refused.errno();
            exit(1, options.mountPoint() + ": " + reason);
            throw refused;
        } catch (IOException refused) {
            exit(1, "cannot make the directory: " + refused.getMessage());
            throw new UncheckedIOException(refused);
        }
    }

    private static void exit(int status, String reason) {
        System.err.println("mount-simulated-sysfs: " + reason);
        System.exit(status);
    }
}
