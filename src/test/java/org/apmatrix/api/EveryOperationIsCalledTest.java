package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apmatrix.Component;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.type.filter.AnnotationTypeFilter;
import org.springframework.core.type.filter.AssignableTypeFilter;

/**
 * Runs last (junit-platform.properties): no operation of the OpenAPI document without a test, no success that it declares without one either.
 *
 * <p>Where not all HTTP tests have run it cannot tell and is skipped; in CI that is a failure.
 */
@Order(Integer.MAX_VALUE)
class EveryOperationIsCalledTest extends HttpTest {
    @BeforeEach
    void afterAllOtherHttpTests() {
        Set<String> others = new TreeSet<>(httpTests());
        assertThat(others).contains(MdevHttpTest.class.getName());
        others.removeAll(FreshMachine.classesThatHaveRun());
        Component.require("a run of all HTTP tests", others.isEmpty(), "run these before, too: " + others);
    }

    @Test
    void everyOperationOfTheDocumentIsCalledByATest() {
        assertThat(operations().stream().map(OpenApiDocument.Operation::name))
                .isNotEmpty()
                .allSatisfy(name -> assertThat(DeclaredAnswers.seen()).containsKey(name));
    }

    @Test
    void everyDeclaredSuccessIsSeenByATest() {
        assertThat(operations())
                .flatMap(operation -> operation.responses().keySet().stream()
                        .filter(status -> status.startsWith("2"))
                        .filter(status -> !DeclaredAnswers.seen()
                                .getOrDefault(operation.name(), Set.of())
                                .contains(status))
                        .map(status -> operation.name() + " -> " + status)
                        .toList())
                .isEmpty();
    }

    private List<OpenApiDocument.Operation> operations() {
        return OpenApiDocument.of("http://localhost:" + port).operations();
    }

    private static Set<String> httpTests() {
        ClassPathScanningCandidateComponentProvider tests = new ClassPathScanningCandidateComponentProvider(false);
        tests.addIncludeFilter(new AnnotationTypeFilter(OnTheSimulatedHost.class));
        tests.addExcludeFilter(new AssignableTypeFilter(EveryOperationIsCalledTest.class));
        // only run by name
        tests.addExcludeFilter(new AssignableTypeFilter(PagePictures.class));
        return tests.findCandidateComponents(OnTheSimulatedHost.class.getPackageName()).stream()
                .map(test -> String.valueOf(test.getBeanClassName()))
                .collect(Collectors.toSet());
    }
}
