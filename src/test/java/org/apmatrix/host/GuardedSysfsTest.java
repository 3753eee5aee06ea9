package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;

class GuardedSysfsTest {
    private static final Path APMASK = Path.of("/sys/bus/ap/apmask");
    private static final String UUID = "11111111-2222-4333-8444-555555555555";
    private static final Path REMOVE = Path.of("/sys/devices/vfio_ap/matrix", UUID, "remove");

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());

    @Test
    void aStoreThatBlocksIsAFailureOfTheHostOnceThePatienceEnds() {
        CountDownLatch released = new CountDownLatch(1);
        GuardedSysfs sysfs = new GuardedSysfs(
                new InterferingSysfs(kernel).before(1, () -> await(released)), Duration.ofMillis(20), meters);
        assertThatThrownBy(() -> sysfs.write(APMASK, "-5\n")).isInstanceOfSatisfying(HostFailure.class, failure -> {
            assertThat(failure.code()).isEqualTo(ErrorCode.HOST_REFUSED);
            assertThat(failure.errno()).isNull();
            assertThat(failure.detail()).contains("/sys/bus/ap/apmask", "may still");
        });
        released.countDown();
        assertTimed("apmask", "unanswered");
    }

    /** What remove does to a device in use (vfio_main.c, vfio_unregister_group_dev), which is why it is never written then. */
    @Test
    void removingADeviceInUseWouldBlock() {
        org.apmatrix.ap.MdevId id = org.apmatrix.ap.MdevId.parse(UUID).orElseThrow();
        kernel.write(Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"), UUID);
        kernel.openDevice(id, 4711);
        GuardedSysfs sysfs = new GuardedSysfs(kernel, Duration.ofMillis(20), meters);
        assertThatThrownBy(() -> sysfs.write(REMOVE, "1\n")).isInstanceOf(HostFailure.class);
        kernel.closeDevice(id, 4711);
    }

    @Test
    void aRefusalKeepsItsErrno() {
        GuardedSysfs sysfs = new GuardedSysfs(kernel, Duration.ofSeconds(30), meters);
        assertThatThrownBy(() -> sysfs.write(APMASK, "nonsense\n"))
                .isInstanceOfSatisfying(
                        KernelException.class,
                        refusal -> assertThat(refusal.errno()).isEqualTo(Errno.EINVAL));
        assertTimed("apmask", "EINVAL");
    }

    @Test
    void aWriteReachesTheKernelAndReadsDoToo() {
        GuardedSysfs sysfs = new GuardedSysfs(kernel, Duration.ofSeconds(30), meters);
        sysfs.write(APMASK, "-5,-6\n");
        assertThat(sysfs.read(APMASK)).startsWith("0xf9ff");
        assertThat(sysfs.exists(APMASK)).isTrue();
        assertThat(sysfs.list(Path.of("/sys/bus/ap/drivers/vfio_ap"))).containsAll(List.of("05.0004", "06.00ff"));
        assertTimed("apmask", "none");
    }

    private void assertTimed(String attribute, String errno) {
        assertThat(meters.get("apmatrix.sysfs.write")
                        .tags("attribute", attribute, "errno", errno)
                        .timer()
                        .count())
                .isEqualTo(1);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
