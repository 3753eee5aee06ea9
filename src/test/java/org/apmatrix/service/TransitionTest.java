package org.apmatrix.service;

import static org.apmatrix.service.House.A;
import static org.apmatrix.service.House.B;
import static org.apmatrix.service.House.matrix;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.Store;
import org.apmatrix.host.sim.KernelVersion;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The fewest writes, in an order that the kernel takes: counted on the example machine. */
class TransitionTest {
    private static final MdevId C =
            MdevId.parse("33333333-4444-4555-8666-777777777777").orElseThrow();

    private House house = new House(KernelVersion.V6_12);

    private List<String> steps(ApMask apmask, ApMask aqmask, Map<MdevId, Optional<Matrix>> devices) {
        SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>(devices);
        return Transition.steps(
                        house.machine.look(),
                        new Transition.Target(apmask, aqmask, mdevs),
                        house.machine.mdevs(),
                        house.machine.bus())
                .stream()
                .map(step -> step.store().action())
                .toList();
    }

    private List<String> steps(Map<MdevId, Optional<Matrix>> devices) {
        HostView now = house.machine.look();
        return steps(now.apmask(), now.aqmask(), devices);
    }

    @Test
    void whatIsAsItShallBeNeedsNone() {
        house.with(A, matrix(List.of(5), List.of(4)));
        assertThat(steps(Map.of(A, Optional.of(matrix(List.of(5), List.of(4))))))
                .isEmpty();
    }

    @Test
    void aDeviceThatTakesWhatAnotherGivesUpComesAfterIt() {
        house.with(B, matrix(List.of(5), List.of(4, 171))).with(A, matrix(List.of(6), List.of(4)));
        assertThat(steps(Map.of(
                        A, Optional.of(matrix(List.of(5), List.of(171))),
                        B, Optional.of(matrix(List.of(5), List.of(4))))))
                .containsExactly("ap_config", "ap_config");
    }

    @Test
    void aRingOfThreeNeedsOneWriteMoreThanDevices() {
        house.with(A, matrix(List.of(5), List.of(4)))
                .with(B, matrix(List.of(5), List.of(71)))
                .with(C, matrix(List.of(5), List.of(171)));
        assertThat(steps(Map.of(
                        A, Optional.of(matrix(List.of(5), List.of(71))),
                        B, Optional.of(matrix(List.of(5), List.of(171))),
                        C, Optional.of(matrix(List.of(5), List.of(4))))))
                .containsExactly("ap_config", "ap_config", "ap_config", "ap_config");
    }

    @Test
    void aRemovalComesFirstAndIsTakenBackByMakingTheDeviceAnew() {
        house.with(A, matrix(List.of(5), List.of(4)));
        SortedMap<MdevId, Optional<Matrix>> mdevs = new TreeMap<>();
        mdevs.put(A, Optional.empty());
        mdevs.put(B, Optional.of(matrix(List.of(5), List.of(4))));
        HostView now = house.machine.look();
        List<Step> steps = Transition.steps(
                now,
                new Transition.Target(now.apmask(), now.aqmask(), mdevs),
                house.machine.mdevs(),
                house.machine.bus());
        assertThat(steps.stream().map(step -> step.store().action())).containsExactly("remove", "create", "ap_config");
        assertThat(steps.get(0).undo().stream().map(Store::action)).containsExactly("create", "ap_config");
    }

    @Test
    void aDeviceGivesUpWhatTheMasksTakeBackBeforeTheyDo() {
        house.with(A, matrix(List.of(5), List.of(4)));
        assertThat(steps(ApMask.ALL.without(6), ApMask.ALL, Map.of(A, Optional.of(matrix(List.of(6), List.of(4))))))
                .containsExactly("ap_config", "apmask");
    }

    @Test
    void whatNeedsFreedQueuesComesAfterTheMasks() {
        assertThat(steps(
                        ApMask.ALL.without(5).without(6).without(7),
                        ApMask.ALL.without(4),
                        Map.of(A, Optional.of(matrix(List.of(7), List.of(4))))))
                .containsExactly("apmask", "aqmask", "create", "ap_config");
    }

    @Nested
    class WithoutApConfig {
        @Test
        void eachIdIsWrittenOnceWhateverTheExchange() {
            house = new House(KernelVersion.V6_1);
            house.with(A, matrix(List.of(5), List.of(4))).with(B, matrix(List.of(6), List.of(4)));
            assertThat(steps(Map.of(
                            A, Optional.of(matrix(List.of(6), List.of(4))),
                            B, Optional.of(matrix(List.of(5), List.of(4))))))
                    .containsExactly("unassign_adapter", "unassign_adapter", "assign_adapter", "assign_adapter");
        }
    }
}
