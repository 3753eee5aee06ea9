package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedKernel;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/**
 * What every implementation of the seam must answer, if the simulated kernel is behind it: the cases derived from kernel source, and all that was recorded of
 * real kernels.
 *
 * <p>Reads, writes, listings and links go through {@link #sysfs()}; boots, guests and the operator at the HMC act on {@link #kernel()} itself, and so do calls to VFIO.
 */
public abstract class SysfsContract {
    /** Cases of kernel-cases.json that nothing of the seam can play, with the reason. */
    private static final Map<String, String> NOT_IN_THE_SEAM =
            Map.of("F09", "the VFIO device node, which is there only with CONFIG_VFIO_DEVICE_CDEV");

    /** Cases that a real kernel answered otherwise than derived; what it answered is played. */
    private static final Map<String, KernelVersion> DERIVED_WRONG = Map.of("F05", KernelVersion.V5_10);

    /** Cases about releases that cannot be simulated, with the reason. */
    private static final Map<String, String> NO_SUCH_KERNEL = Map.of("N06a", "4.20 to 5.1");

    protected abstract Sysfs sysfs();

    protected abstract SimulatedKernel kernel();

    @TestFactory
    Stream<DynamicTest> answersTheDerivedCases() {
        return Arrays.stream(KernelVersion.values())
                .flatMap(version -> cases(Facts.kernelCases())
                        .filter(json -> !NOT_IN_THE_SEAM.containsKey(DerivedCase.id(json))
                                && DERIVED_WRONG.get(DerivedCase.id(json)) != version
                                && DerivedCase.fits(json, version))
                        .map(json ->
                                dynamicTest(name(version, json), () -> run(json, version, list(json.path("then"))))));
    }

    /** The derived cases once more, with the answers that real kernels gave to them. */
    @TestFactory
    Stream<DynamicTest> answersTheDerivedCasesAsRealKernelsDid() {
        JsonNode derived = Facts.kernelCases();
        return Facts.recordedCases().path("replay_of_kernel_cases").properties().stream()
                .flatMap(entry -> {
                    KernelVersion version = KernelVersion.parse(entry.getKey()).orElseThrow();
                    return cases(entry.getValue())
                            .filter(observed -> !NOT_IN_THE_SEAM.containsKey(DerivedCase.id(observed)))
                            .filter(observed -> observed.path("observed").size() > 0)
                            .map(observed -> dynamicTest(
                                    name(version, observed),
                                    () -> run(
                                            cases(derived)
                                                    .filter(json ->
                                                            DerivedCase.id(json).equals(DerivedCase.id(observed)))
                                                    .findFirst()
                                                    .orElseThrow(),
                                            version,
                                            list(observed.path("observed")))));
                });
    }

    @Test
    void leavesOutNoDerivedCaseWithoutNeed() {
        Set<String> leftOut = new TreeSet<>();
        cases(Facts.kernelCases()).forEach(json -> {
            boolean replayed = !NOT_IN_THE_SEAM.containsKey(DerivedCase.id(json))
                    && Arrays.stream(KernelVersion.values()).anyMatch(version -> DerivedCase.fits(json, version));
            if (!replayed) {
                leftOut.add(DerivedCase.id(json));
            }
        });
        Set<String> listed = new TreeSet<>(NOT_IN_THE_SEAM.keySet());
        listed.addAll(NO_SUCH_KERNEL.keySet());
        assertThat(leftOut).isEqualTo(listed);
    }

    @TestFactory
    Stream<DynamicTest> answersWhatWasRecorded() {
        return cases(Facts.recordedCases().path("cases"))
                .filter(RecordedCase::isReplayed)
                .map(json ->
                        dynamicTest(RecordedCase.name(json), () -> new RecordedCase(json, sysfs(), kernel()).run()));
    }

    @Test
    void leavesOutNoRecordedCaseOrCommandWithoutNeed() {
        RecordedCase.assertListsAreNeeded(
                cases(Facts.recordedCases().path("cases")).toList());
    }

    @TestFactory
    Stream<DynamicTest> showsTheTreesThatWereRecorded() {
        return cases(Facts.recordedTrees().path("trees"))
                .map(json -> dynamicTest(
                        RecordedTree.name(json), () -> new RecordedTree(json, sysfs(), kernel()).compare()));
    }

    @Test
    void ignoresNothingOfTheTreesWithoutNeed() {
        RecordedTree.assertListIsNeeded(
                cases(Facts.recordedTrees().path("trees")).toList());
    }

    private void run(JsonNode json, KernelVersion version, List<JsonNode> expected) {
        new DerivedCase(json, version, sysfs(), kernel()).run(expected);
    }

    private static String name(KernelVersion version, JsonNode json) {
        return version + " " + DerivedCase.id(json);
    }

    private static Stream<JsonNode> cases(JsonNode array) {
        return list(array).stream();
    }

    private static List<JsonNode> list(JsonNode array) {
        List<JsonNode> elements = new ArrayList<>();
        array.forEach(elements::add);
        return elements;
    }
}
