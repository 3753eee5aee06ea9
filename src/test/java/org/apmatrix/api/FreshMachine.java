package org.apmatrix.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apmatrix.Patience;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedGuests;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.apmatrix.service.AllocationService;
import org.apmatrix.service.DesiredState;
import org.apmatrix.service.MasterKeys;
import org.apmatrix.service.PlanService;
import org.apmatrix.service.Rights;
import org.apmatrix.service.Settlement;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.springframework.context.ApplicationContext;
import org.springframework.test.context.junit.jupiter.SpringExtension;
import org.springframework.util.FileSystemUtils;

/** Boots the example machine with kernel 6.12, on which nothing is defined, and starts its three guests before each test, and remembers which test classes have run to their end. */
final class FreshMachine implements BeforeEachCallback, AfterAllCallback {
    private static final Set<String> RUN = ConcurrentHashMap.newKeySet();

    /** The names of the classes of tests that have run to their end. */
    static Set<String> classesThatHaveRun() {
        return Set.copyOf(RUN);
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        Files.deleteIfExists(Path.of(OnTheSimulatedHost.LOCK_FILE));
        ApplicationContext service = SpringExtension.getApplicationContext(context);
        FileSystemUtils.deleteRecursively(service.getBean(MdevctlStore.class).directory());
        SimulatedGuests guests = service.getBean(SimulatedGuests.class);
        guests.close();
        service.getBean("kernel", SimulatedKernel.class).boot(KernelVersion.V6_12, SimulatedMachine.example());
        service.getBean(MasterKeys.class).forgetAll();
        Settlement settlement = service.getBean(Settlement.class);
        Patience.until(() -> {
            settlement.reconcile();
            return settlement.isIdle();
        });
        PlanService plans = service.getBean(PlanService.class);
        plans.documents()
                .forEach(left -> plans.apply(
                        new DesiredState(left.owner(), null, List.of(), List.of()), Rights.ALL, Duration.ZERO));
        AllocationService allocations = service.getBean(AllocationService.class);
        Patience.until(() -> {
            allocations.list(null).forEach(left -> allocations.release(left.id(), Duration.ZERO, false));
            return allocations.list(null).isEmpty();
        });
        List.of("guest1", "guest2", "guest3").forEach(name -> guests.start(name, SimulatedQemu.Settings.DEFAULT));
    }

    @Override
    public void afterAll(ExtensionContext context) {
        RUN.add(context.getRequiredTestClass().getName());
    }
}
