package org.apmatrix;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.type.filter.AnnotationTypeFilter;

/** README's table of the configuration has every property of the service. */
class ReadmeConfigurationTest {
    @Test
    void everyPropertyHasItsRow() throws Exception {
        String rows = Files.readAllLines(Path.of("README.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .collect(Collectors.joining("\n"));
        assertThat(properties()).hasSizeGreaterThan(30).allSatisfy(property -> {
            String name = property.substring(property.lastIndexOf('.') + 1);
            // the second of a row may be told by its ending
            assertThat(rows.contains("`" + property + "`")
                            || rows.contains("`….%s`".formatted(name))
                            || rows.contains("`…%s`".formatted(name)))
                    .as(property)
                    .isTrue();
        });
    }

    private static List<String> properties() throws ClassNotFoundException {
        ClassPathScanningCandidateComponentProvider records = new ClassPathScanningCandidateComponentProvider(false);
        records.addIncludeFilter(new AnnotationTypeFilter(ConfigurationProperties.class));
        List<String> properties = new ArrayList<>();
        for (var found : records.findCandidateComponents("org.apmatrix")) {
            Class<?> type = Class.forName(found.getBeanClassName());
            add(type.getAnnotation(ConfigurationProperties.class).value(), type, properties);
        }
        return properties;
    }

    private static void add(String prefix, Class<?> type, List<String> properties) {
        for (RecordComponent component : type.getRecordComponents()) {
            String name = prefix + "."
                    + component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
            Type item = component.getGenericType() instanceof ParameterizedType list
                    ? list.getActualTypeArguments()[list.getActualTypeArguments().length - 1]
                    : component.getType();
            if (component.getType() == java.util.Map.class) {
                properties.add(name + ".NAME");
            } else if (item instanceof Class<?> inner
                    && inner.isRecord()
                    && inner.getName().startsWith("org.apmatrix")) {
                add(component.getType() == List.class ? name + "[0]" : name, inner, properties);
            } else {
                properties.add(name);
            }
        }
    }
}
