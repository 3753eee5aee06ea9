package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apmatrix.host.kernel.Uevents;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The order in which real kernels told it (facts/real-kernel-cases.json: the steps that print uevents). */
class SimulatedUeventsTest {
    private static final String UUID = "83c2fb96-4e52-4ec1-9a4c-0b5d1e6f0001";
    private static final String MDEV = "/devices/vfio_ap/matrix/" + UUID;

    private final List<String> heard = new ArrayList<>();

    private SimulatedKernel boot(KernelVersion version) {
        SimulatedKernel kernel = new SimulatedKernel(version, SimulatedMachine.example());
        kernel.uevents().listen(new Uevents.Listener() {
            @Override
            public void heard(Uevents.Uevent uevent) {
                heard.add(uevent.action() + "@" + uevent.device() + " " + uevent.subsystem());
            }

            @Override
            public void lost() {
                throw new AssertionError("the simulated kernel loses nothing");
            }
        });
        return kernel;
    }

    @ParameterizedTest
    @EnumSource
    void tellsOfADeviceThatComesAndGoesAndNotOfItsMatrix(KernelVersion version) {
        SimulatedKernel kernel = boot(version);
        write(kernel, "/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create", UUID);
        List<String> created = new ArrayList<>(List.of("add@" + MDEV + " mdev", "add@/devices/virtual/vfio/0 vfio"));
        List<String> removed = new ArrayList<>(
                List.of("remove@/devices/virtual/vfio/0 vfio", "unbind@" + MDEV + " mdev", "remove@" + MDEV + " mdev"));
        if (version.hasVfioDevices()) {
            created.add("add@" + MDEV + "/vfio-dev/vfio0 vfio-dev");
            removed.add(0, "remove@" + MDEV + "/vfio-dev/vfio0 vfio-dev");
        }
        created.add("bind@" + MDEV + " mdev");
        assertThat(heard).isEqualTo(created);

        heard.clear();
        write(kernel, "/sys" + MDEV + "/assign_control_domain", "4");
        assertThat(heard).isEmpty();
        write(kernel, "/sys" + MDEV + "/remove", "1");
        assertThat(heard).isEqualTo(removed);
    }

    @ParameterizedTest
    @EnumSource
    void tellsOfAMaskThatReallyChangesAndOfTheQueuesThatItMoves(KernelVersion version) {
        SimulatedKernel kernel = boot(version);
        write(kernel, "/sys/bus/ap/apmask", "-200");
        assertThat(heard).isEqualTo(version.isDynamic() ? List.of("change@/devices/ap ap") : List.of());
        heard.clear();
        write(kernel, "/sys/bus/ap/apmask", "-200");
        assertThat(heard).isEmpty();
        write(kernel, "/sys/bus/ap/apmask", "-5");
        assertThat(heard)
                .startsWith(
                        "unbind@/devices/ap/card05/05.0004 ap",
                        "bind@/devices/ap/card05/05.0004 ap",
                        "unbind@/devices/ap/card05/05.0047 ap");
    }

    @ParameterizedTest
    @EnumSource
    void tellsOfACardThatGoesAndComesWithItsQueues(KernelVersion version) {
        SimulatedKernel kernel = boot(version);
        SimulatedMachine machine = kernel.machine();
        kernel.configure(machine.withAdapters(List.of(machine.adapter(6).orElseThrow())));
        kernel.scan();
        assertThat(heard)
                .startsWith(
                        "unbind@/devices/ap/card05/05.0004 ap",
                        "remove@/devices/ap/card05/05.0004 ap",
                        "unbind@/devices/ap/card05/05.0047 ap")
                .contains("remove@/devices/ap/card05 ap");
        heard.clear();
        kernel.configure(machine);
        kernel.scan();
        assertThat(heard)
                .startsWith(
                        "add@/devices/ap/card05 ap",
                        "bind@/devices/ap/card05 ap",
                        "add@/devices/ap/card05/05.0004 ap",
                        "bind@/devices/ap/card05/05.0004 ap");
    }

    private static void write(SimulatedKernel kernel, String attribute, String text) {
        kernel.write(Path.of(attribute), text + "\n");
    }
}
