package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.sim.SimulatedQemu.CpuFeatures;
import org.apmatrix.host.sim.SimulatedQemu.Release;
import org.apmatrix.host.sim.SimulatedQemu.Settings;
import org.apmatrix.host.sim.SimulatedQemu.Temper;

/** The contract for the simulated QEMU, with the cases that a real one can only show on a machine with AP. */
abstract class SimulatedQmpContract extends QmpContract {
    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");
    private static final Path CREATE = MATRIX.resolve("mdev_supported_types/vfio_ap-passthrough/create");
    private static final MdevId FIRST = MdevId.parse(MDEV).orElseThrow();
    private static final MdevId SECOND = MdevId.random();

    private static final int OTHER_PROCESS = 999;

    private static final Map<String, String> NOT_SIMULATED = Map.of(
            "A19", "every iommu_group link of the simulated kernel ends in a number",
            "A20", "where the simulated kernel has a group there is its node, and all may open it",
            "A22", "a group of the simulated kernel is always viable: it has one device",
            "A28", "a simulated QEMU has no -only-migratable",
            "A31", "a reset of the simulated kernel never fails");

    private final SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V6_12, SimulatedMachine.example());
    private int guests;

    abstract Release release();

    @Override
    final String version() {
        Release release = release();
        return release.major() + "." + release.minor() + "." + release.micro();
    }

    @Override
    final Map<String, String> leftOut() {
        Map<String, String> leftOut = new HashMap<>(NOT_SIMULATED);
        leftOut.keySet()
                .removeIf(
                        id -> QmpCase.all().stream().noneMatch(each -> each.id().equals(id) && each.isOf(version())));
        return leftOut;
    }

    @Override
    Map<String, String> words() {
        return Map.of("<UUID>", MDEV, "<basename>", MDEV, "/dev/vfio/7", "/dev/vfio/0", "group 7", "group 0");
    }

    private SimulatedQemu qemu(CpuFeatures features, String runState) {
        guests++;
        Settings settings = Settings.DEFAULT
                .withRelease(release())
                .withCpuFeatures(features)
                .withRunState(runState);
        return open(new SimulatedQemu(kernel, directory.resolve(guests + ".sock"), "guest" + guests, settings));
    }

    @Override
    final Guest start(Start how) {
        String runState = switch (how) {
            case RUNNING -> "running";
            case PRELAUNCH, PAUSES_AT_PANIC -> "prelaunch";
            case PRECONFIG -> "preconfig";
        };
        SimulatedQemu qemu = qemu(CpuFeatures.NONE, runState);
        return new Guest() {
            @Override
            public Path socket() {
                return qemu.socket();
            }

            @Override
            public Path secondSocket() {
                Path second = directory.resolve("second.sock");
                qemu.addMonitor(second);
                return second;
            }

            @Override
            public void terminate() {
                qemu.quit();
            }

            @Override
            public void kill() {
                qemu.kill();
            }

            @Override
            public void stop() {
                qemu.pause();
            }

            @Override
            public void resume() {
                qemu.apply(qemu.settings().withTemper(Temper.ANSWERS));
            }

            @Override
            public void panic(QmpClient client) {
                if (how == Start.PAUSES_AT_PANIC) {
                    client.call("{'execute':'cont'}");
                    qemu.apply(qemu.settings().withRunState("guest-panicked"));
                } else {
                    qemu.panic();
                }
            }

            @Override
            public void close() {
                qemu.close();
            }
        };
    }

    private static String add(String id) {
        return add(id, MATRIX.resolve(MDEV).toString());
    }

    private static String add(String id, String sysfsdev) {
        return "{'execute':'device_add','arguments':{'driver':'vfio-ap','id':'" + id + "','sysfsdev':'" + sysfsdev
                + "'}}";
    }

    private static void succeeds(QmpClient client, String command) {
        assertThat(client.call(command).has("return")).isTrue();
    }

    private void create(MdevId mdev) {
        if (!kernel.exists(MATRIX.resolve(mdev.toString()))) {
            kernel.write(CREATE, mdev.toString());
        }
    }

    private void remove(MdevId mdev) {
        if (kernel.exists(MATRIX.resolve(mdev.toString()))) {
            kernel.write(MATRIX.resolve(mdev + "/remove"), "1");
        }
    }

    @Override
    final void run(QmpCase each) {
        if (each.isStock()) {
            super.run(each);
            return;
        }
        create(FIRST);
        try {
            runOnApBus(each);
        } finally {
            // who still has a device would keep its removal waiting
            closeAll();
            kernel.endProcess(OTHER_PROCESS);
            remove(FIRST);
            remove(SECOND);
        }
    }

    private void runOnApBus(QmpCase each) {
        if (each.id().equals("A30") || each.id().equals("D16")) {
            for (String runState : List.of("prelaunch", "paused", "inmigrate", "guest-panicked")) {
                SimulatedQemu guest = qemu(CpuFeatures.ALL, runState);
                QmpClient client = open(QmpClient.negotiate(guest.socket()));
                if (each.id().equals("D16")) {
                    succeeds(client, add("ap0"));
                }
                answersWith(client, each);
                guest.close();
            }
            return;
        }
        SimulatedQemu qemu = qemu(CpuFeatures.ALL, "running");
        QmpClient client = open(QmpClient.negotiate(qemu.socket()));
        switch (each.id()) {
            case "A02", "A03" -> {
                succeeds(client, add("ap0"));
                answersWith(client, each);
            }
            case "A12" -> {
                succeeds(client, "{'execute':'device_add','arguments':{'driver':'virtio-rng-ccw','id':'rng0'}}");
                answersWith(client, each);
            }
            case "A16", "A17" -> {
                remove(FIRST);
                answersWith(client, each);
            }
            case "A18" -> {
                kernel.write(Path.of("/sys/bus/mdev/drivers/vfio_ap_mdev/unbind"), MDEV);
                answersWith(client, each);
            }
            case "A21" -> {
                kernel.openDevice(FIRST, OTHER_PROCESS);
                answersWith(client, each);
            }
            case "A23" -> {
                // the case's ENODEV needs a device that is just leaving; a second device of the virtual machine is
                // EPERM
                create(SECOND);
                kernel.openDevice(SECOND, qemu.pid());
                client.send(each.request(words()));
                Map<String, String> words = new HashMap<>(words());
                words.put("No such device", "Operation not permitted");
                assertMatch(each.reply(words), client.answer());
            }
            case "A27" -> {
                qemu.beginMigration();
                answersWith(client, each);
                qemu.endMigration();
                succeeds(client, add("ap0"));
            }
            case "A33" -> {
                qemu.coldPlug(FIRST, "a0");
                create(SECOND);
                assertThatThrownBy(() -> qemu.coldPlug(SECOND, "a1"))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("No 'ap-bus' bus found for device 'vfio-ap'");
            }
            case "D17" -> {
                qemu.coldPlug(FIRST, "ap0");
                answersWith(client, each);
            }
            case "D04", "D05" -> {
                qemu.coldPlug(FIRST, null);
                answersWith(client, each);
            }
            case "Q02", "Q03", "D07" -> {
                for (int round = 0; round < 12; round++) {
                    succeeds(client, add("apq"));
                    succeeds(client, "{'execute':'device_del','arguments':{'id':'apq'}}");
                }
                for (int round = 0; round < 12; round++) {
                    client.event();
                }
                succeeds(client, add("apq"));
                answersWith(client, each);
            }
            case "P26" -> {
                succeeds(client, add("apq"));
                succeeds(client, "{'execute':'device_del','arguments':{'id':'apq'}}");
                client.close();
                QmpClient second = open(QmpClient.negotiate(qemu.socket()));
                each.events(words()).forEach(event -> assertMatch(event, second.event()));
            }
            case "D10" -> {
                succeeds(client, add("ap0"));
                client.send("{'execute':'device_del','arguments':{'id':'ap0'}}" + each.request(words()));
                assertThat(client.receive().has("return")).isTrue();
                assertMatch(each.reply(words()), client.receive());
                each.events(words()).forEach(event -> assertMatch(event, client.event()));
                assertThat(qemu.plugged()).contains(FIRST);
            }
            case "D18" -> {
                succeeds(client, add("ap0"));
                CompletableFuture<Void> removal = CompletableFuture.runAsync(() -> remove(FIRST));
                each.events(words()).forEach(event -> assertMatch(event, client.event()));
                removal.join();
                assertThat(qemu.plugged()).isEmpty();
            }
            case "Q01", "Q06", "Q07", "Q08", "Q09", "D01", "D02", "D03", "D06", "D09" -> {
                succeeds(client, add("ap0"));
                answersWith(client, each);
            }
            default -> answersWith(client, each);
        }
        qemu.close();
    }
}
