package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.type.filter.RegexPatternTypeFilter;

/** What README, Security, says of rights and of attackers: every claim names tests, and there are such tests. */
class ReadmeSecurityTest {
    private static final Pattern NAMED = Pattern.compile("`([A-Z]\\w+Test)(?:\\.(\\w+))?`");

    @Test
    void everyClaimNamesItsTest() throws Exception {
        assertThat(claims())
                .hasSizeGreaterThan(10)
                .allSatisfy(claim -> assertThat(claim.substring(claim.lastIndexOf('|', claim.length() - 2)))
                        .containsPattern(NAMED));
    }

    @TestFactory
    Stream<DynamicTest> thereIsEveryTestThatIsNamed() throws Exception {
        return claims().stream()
                .flatMap(claim -> NAMED.matcher(claim).results())
                .map(found -> DynamicTest.dynamicTest(found.group(), () -> {
                    Class<?> test = testClass(found.group(1));
                    if (found.group(2) != null) {
                        assertThat(Stream.of(test.getDeclaredMethods()).map(java.lang.reflect.Method::getName))
                                .contains(found.group(2));
                    }
                }));
    }

    private static List<String> claims() throws Exception {
        return Pattern.compile("\\| shown by \\|\\R\\|[-|]+\\|\\R((?:\\|.*\\R)+)")
                .matcher(Files.readString(Path.of("README.md")))
                .results()
                .flatMap(table -> table.group(1).lines())
                .toList();
    }

    private static Class<?> testClass(String simpleName) throws ClassNotFoundException {
        ClassPathScanningCandidateComponentProvider tests = new ClassPathScanningCandidateComponentProvider(false);
        tests.addIncludeFilter(new RegexPatternTypeFilter(Pattern.compile(".*\\." + simpleName)));
        return Class.forName(tests.findCandidateComponents("org.apmatrix").stream()
                .map(found -> String.valueOf(found.getBeanClassName()))
                .findFirst()
                .orElseThrow(() -> new ClassNotFoundException(simpleName)));
    }
}
