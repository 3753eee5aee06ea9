package org.apmatrix.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.InterferingSysfs;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.VfioSelfTest;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs;
import org.apmatrix.host.kernel.Vfio;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The device of a self-test comes and goes, whatever happens between. */
class SelfTestServiceTest {
    private static final MdevId GUESTS =
            MdevId.parse("11111111-2222-4333-8444-555555555555").orElseThrow();

    @TempDir
    Path notes;

    @ParameterizedTest
    @EnumSource
    void passesAndLeavesNothingBehind(KernelVersion version) {
        Bench bench = new Bench(version);
        assertThat(result(bench.run(bench.kernel.vfio())).passed()).isTrue();
        assertThat(bench.standing()).isEmpty();
        assertThat(bench.inFlight.unfinished()).isEmpty();
        assertThat(notes).isEmptyDirectory();
        assertThat(bench.sysfs.written()).hasSize(2);
    }

    @Test
    void aDryRunWritesNothing() {
        Bench bench = new Bench(KernelVersion.V6_12);
        Outcome<SelfTestService.SelfTest> outcome =
                bench.selfTests(bench.kernel.vfio()).run(new WriteOptions(true, false, null, true));
        assertThat(outcome)
                .isInstanceOfSatisfying(
                        Outcome.DryRun.class,
                        dryRun -> assertThat(dryRun.forecast().steps()).hasSize(2));
        assertThat(bench.sysfs.written()).isEmpty();
    }

    /** A kernel with VFIO that this process may not open. */
    @ParameterizedTest
    @EnumSource
    void removesTheDeviceThoughVfioIsHidden(KernelVersion version) {
        Bench bench = new Bench(version);
        assertThat(result(bench.run(new Hidden())).passed()).isFalse();
        assertThat(bench.standing()).isEmpty();
    }

    @Test
    void removesTheDeviceThoughTheTestBreaksOff() {
        Bench bench = new Bench(KernelVersion.V6_12);
        assertThatThrownBy(() -> bench.run(new Broken())).isInstanceOf(IllegalStateException.class);
        assertThat(bench.standing()).isEmpty();
    }

    /** Without the right to look into other processes nobody could tell that the device is free, but that its group could be opened. */
    @ParameterizedTest
    @EnumSource
    void removesTheDeviceThoughProcessesCannotBeRead(KernelVersion version) {
        Bench bench = new Bench(version);
        bench.create(GUESTS);
        bench.kernel.openDevice(GUESTS, 4711);
        bench.processesAreReadable = false;
        assertThat(result(bench.run(bench.kernel.vfio())).passed()).isTrue();
        assertThat(bench.standing()).containsExactly(GUESTS);
    }

    @Test
    void isDoneThoughSomebodyElseRemovedTheDevice() {
        Bench bench = new Bench(KernelVersion.V6_12);
        bench.sysfs.before(2, () -> bench.kernel.write(bench.made().resolve("remove"), "1"));
        assertThat(result(bench.run(bench.kernel.vfio())).passed()).isTrue();
        assertThat(bench.standing()).isEmpty();
    }

    @Test
    void tellsADeviceThatCannotBeMade() {
        Bench bench = new Bench(KernelVersion.V6_12);
        bench.sysfs.refuse(1, Errno.EUSERS);
        assertThatThrownBy(() -> bench.run(bench.kernel.vfio())).isInstanceOfSatisfying(HostFailure.class, failure -> {
            assertThat(failure.code()).isEqualTo(ErrorCode.HOST_REFUSED);
            assertThat(failure.errno()).isEqualTo("EUSERS");
        });
        assertThat(bench.inFlight.unfinished()).isEmpty();
    }

    @Test
    void tellsADeviceThatCannotBeRemovedAndKeepsANoteOfIt() {
        Bench bench = new Bench(KernelVersion.V6_12);
        bench.sysfs.refuse(2, Errno.EIO);
        assertThatThrownBy(() -> bench.run(bench.kernel.vfio())).isInstanceOfSatisfying(HostFailure.class, failure -> {
            assertThat(failure.errno()).isEqualTo("EIO");
            assertThat(failure.facts()).containsKey("notUndone");
        });
        assertThat(bench.inFlight.unfinished())
                .extracting(WorkInFlight.Unfinished::subject)
                .containsExactly("mdev " + bench.made().getFileName());
    }

    /** Somebody took the device before the test could: it is his, and is not pulled away. */
    @Test
    void leavesADeviceThatSomebodyHas() {
        Bench bench = new Bench(KernelVersion.V7_2);
        assertThatThrownBy(() -> bench.run(new TakenFirst(bench)))
                .isInstanceOfSatisfying(
                        HostFailure.class,
                        failure -> assertThat(failure.facts()).containsKey("notUndone"));
        assertThat(bench.standing()).hasSize(1);
        assertThat(bench.sysfs.written()).doesNotContain("remove 1");
    }

    private static SelfTestService.SelfTest result(Outcome<SelfTestService.SelfTest> outcome) {
        return ((Outcome.Done<SelfTestService.SelfTest>) outcome).state();
    }

    /** The service over the example machine. */
    private final class Bench {
        private final SimulatedKernel kernel;
        private final InterferingSysfs sysfs;
        private final WorkInFlight inFlight = House.inFlight(notes);
        private final MdevTree tree;
        private boolean processesAreReadable = true;

        private Bench(KernelVersion version) {
            kernel = new SimulatedKernel(version, SimulatedMachine.example());
            sysfs = new InterferingSysfs(kernel);
            tree = new MdevTree(kernel);
        }

        private void create(MdevId id) {
            kernel.write(tree.create(id).target(), tree.create(id).text());
        }

        private List<MdevId> standing() {
            return tree.ids();
        }

        private Path made() {
            return tree.read(standing().get(0)).orElseThrow().path();
        }

        private Outcome<SelfTestService.SelfTest> run(Vfio vfio) {
            return selfTests(vfio).run(WriteOptions.NONE);
        }

        private SelfTestService selfTests(Vfio vfio) {
            Host host = House.machine(sysfs, new SomeProcesses(kernel.procfs(), processesAreReadable));
            return new SelfTestService(host, inFlight, new VfioSelfTest(vfio));
        }
    }

    private record SomeProcesses(Procfs procfs, boolean readable) implements Procfs {
        @Override
        public Optional<String> read(Path file) {
            return procfs.read(file);
        }

        @Override
        public Look openFiles(Predicate<String> target) {
            return readable ? procfs.openFiles(target) : new Look(List.of(), false);
        }

        @Override
        public Optional<String> fdInfo(OpenFile file) {
            return procfs.fdInfo(file);
        }
    }

    private static class Hidden implements Vfio {
        @Override
        public Container openContainer() {
            throw new KernelException(Errno.EPERM, "open", Path.of("/dev/vfio/vfio"));
        }

        @Override
        public Group openGroup(int number) {
            throw new KernelException(Errno.EPERM, "open", Path.of("/dev/vfio", Integer.toString(number)));
        }
    }

    private static final class Broken extends Hidden {
        @Override
        public Group openGroup(int number) {
            throw new IllegalStateException("a fault of our own");
        }
    }

    private static final class TakenFirst extends Hidden {
        private final Bench bench;

        private TakenFirst(Bench bench) {
            this.bench = bench;
        }

        @Override
        public Group openGroup(int number) {
            if (bench.kernel.procfs().openFiles(target -> true).found().isEmpty()) {
                bench.kernel.openDevice(bench.standing().get(0), 4711);
            }
            return bench.kernel.vfio().openGroup(number);
        }
    }
}
