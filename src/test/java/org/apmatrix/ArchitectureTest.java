package org.apmatrix;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The arrows of the house, and what may stand in which room. */
class ArchitectureTest {
    private static final String ROOT = "org.apmatrix";
    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);

    /**
     * Whom a package may use, beside itself. A package that is missing here fails {@link #everyPackageHasItsArrows}. The root package alone is left out:
     * it wires the house, so it may use everything, and nobody uses it.
     */
    private static final Map<String, Set<String>> ARROWS = Map.ofEntries(
            Map.entry("access", Set.of("service", "host", "audit", "ap", "fault")),
            Map.entry(
                    "command",
                    Set.of(
                            "access",
                            "audit",
                            "ops",
                            "preflight",
                            "service",
                            "host",
                            "host.kernel",
                            "host.libvirt",
                            "host.linux",
                            "host.qmp",
                            "ap",
                            "fault")),
            Map.entry("api", Set.of("access", "audit", "events", "preflight", "service", "host", "ap", "fault")),
            Map.entry(
                    "service",
                    Set.of("allocation", "audit", "events", "host", "host.kernel", "host.qmp", "ap", "fault")),
            // preflight and health tell how the connection to libvirt stands
            Map.entry("ops", Set.of("audit", "events", "service", "host", "host.libvirt", "ap", "fault")),
            Map.entry("preflight", Set.of("host", "host.kernel", "host.libvirt", "ap", "fault")),
            Map.entry("host", Set.of("host.kernel", "host.qmp", "host.libvirt", "ap", "fault")),
            Map.entry("host.qmp", Set.of("host.kernel", "ap", "fault")),
            // libvirt passes QMP on
            Map.entry("host.libvirt", Set.of("host.kernel", "host.qmp", "ap", "fault")),
            Map.entry("host.linux", Set.of("host.kernel", "ap", "fault")),
            Map.entry("host.sim", Set.of("host.kernel", "ap", "fault")),
            Map.entry("host.kernel", Set.of("ap", "fault")),
            Map.entry("fault", Set.of("ap")),
            Map.entry("audit", Set.of("ap", "fault")),
            Map.entry("events", Set.of("ap", "fault")),
            Map.entry("allocation", Set.of("host", "ap", "fault")),
            Map.entry("ap", Set.of()));

    @TestFactory
    Stream<DynamicTest> everyPackageUsesOnlyWhatItsArrowsPointTo() {
        return ARROWS.entrySet().stream()
                .map(arrows -> dynamicTest(
                        arrows.getKey(),
                        () -> noClasses()
                                .that(areIn(arrows.getKey()))
                                .and(areNot("org.apmatrix.service.SimulationService"))
                                .should()
                                .dependOnClassesThat(areOursButNotIn(arrows.getKey(), arrows.getValue()))
                                .allowEmptyShould(true)
                                .check(HOUSE)));
    }

    @Test
    void apiReadsTheValuesOfTheHostAndAsksItNothing() {
        noClasses()
                .that(areIn("api"))
                .should()
                .dependOnClassesThat(areIn("host")
                        .and(DescribedPredicate.describe(
                                "are neither records nor enums",
                                candidate -> !candidate.isRecord() && !candidate.isEnum())))
                .check(HOUSE);
    }

    @Test
    void allocationKnowsTheModesOfCardsAndNothingElseOfTheHost() {
        noClasses()
                .that(areIn("allocation"))
                .should()
                .dependOnClassesThat(areIn("host").and(DescribedPredicate.not(are("org.apmatrix.host.Card"))))
                .check(HOUSE);
    }

    @Test
    void onlySimulationServiceUsesTheSimulatedHost() {
        classes()
                .that(are("org.apmatrix.service.SimulationService"))
                .should()
                .onlyDependOnClassesThat(DescribedPredicate.not(
                        areOursButNotIn("service", Set.of("audit", "host", "host.kernel", "host.sim", "ap", "fault"))))
                .allowEmptyShould(true)
                .check(HOUSE);
    }

    @Test
    void everyPackageHasItsArrows() {
        Stream<String> packages = HOUSE.stream().map(JavaClass::getPackageName).distinct();
        assertThat(packages.filter(name -> !name.equals(ROOT)).map(name -> name.substring(ROOT.length() + 1)))
                .isSubsetOf(ARROWS.keySet());
    }

    @Test
    void noPackagesUseEachOtherInACircle() {
        slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(HOUSE);
    }

    @Test
    void jnaStaysInHostLinuxAndInTheBindingOfLibvirt() {
        noClasses()
                .that(DescribedPredicate.not(areIn("host.linux").or(areIn("host.libvirt"))))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("com.sun.jna..")
                .check(HOUSE);
    }

    @Test
    void theWebStaysInApiAndAccess() {
        noClasses()
                .that(DescribedPredicate.not(areIn("api").or(areIn("access"))))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jakarta.servlet..", "org.springframework.web..", "org.springframework.http..")
                .check(HOUSE);
    }

    @Test
    void springStaysOutOfTheVocabularyTheFaultsTheSeamAndTheSearch() {
        noClasses()
                .that(areIn("ap").or(areIn("fault")).or(areIn("host.kernel")).or(areIn("allocation")))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.springframework..")
                .check(HOUSE);
    }

    @Test
    void noPackageIsNamedForAKindOfCode() {
        noClasses()
                .should()
                .resideInAnyPackage("..util..", "..common..", "..helper..", "..model..", "..dto..", "..impl..")
                .check(HOUSE);
    }

    @Test
    void everyPackageIsNullMarked() {
        classes().should(liveInANullMarkedPackage()).check(HOUSE);
    }

    private static DescribedPredicate<JavaClass> are(String className) {
        return DescribedPredicate.describe(
                "are " + className,
                candidate -> candidate.getName().equals(className)
                        || candidate.getName().startsWith(className + "$"));
    }

    private static DescribedPredicate<JavaClass> areNot(String className) {
        return DescribedPredicate.not(are(className));
    }

    private static DescribedPredicate<JavaClass> areIn(String room) {
        return DescribedPredicate.describe(
                "are in " + room, candidate -> candidate.getPackageName().equals(ROOT + "." + room));
    }

    private static DescribedPredicate<JavaClass> areOursButNotIn(String room, Set<String> neighbours) {
        return DescribedPredicate.describe("are ours but neither in " + room + " nor in " + neighbours, candidate -> {
            String name = candidate.getBaseComponentType().getPackageName();
            return name.equals(ROOT)
                    || (name.startsWith(ROOT + ".")
                            && !name.equals(ROOT + "." + room)
                            && !neighbours.contains(name.substring(ROOT.length() + 1)));
        });
    }

    private static ArchCondition<JavaClass> liveInANullMarkedPackage() {
        return new ArchCondition<>("live in a package that is @NullMarked") {
            @Override
            public void check(JavaClass candidate, ConditionEvents events) {
                boolean marked = candidate.getPackage().isAnnotatedWith(NullMarked.class);
                events.add(new SimpleConditionEvent(
                        candidate, marked, candidate.getPackageName() + (marked ? " is" : " is not") + " @NullMarked"));
            }
        };
    }
}
