package org.apmatrix.chart;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The chart as Helm renders it, read back as typed Kubernetes objects.
 *
 * @param text what Helm wrote, comments included
 */
record Chart(String text, List<HasMetadata> objects) {
    static final Path DIRECTORY = Path.of("helm/apmatrix").toAbsolutePath();
    static final Path SIMULATED = DIRECTORY.resolve("values-simulated.yaml");

    private static final KubernetesSerialization KUBERNETES = new KubernetesSerialization();
    private static final Pattern DOCUMENT = Pattern.compile("(?m)^---\\s*$");

    /** With the chart's own values and these over them, each a YAML text; throws {@link IllegalStateException} with Helm's words where the chart refuses them. */
    static Chart with(String... values) {
        return of(DIRECTORY, List.of(), values);
    }

    /** With {@code values-simulated.yaml}, too. */
    static Chart simulated(String... values) {
        return of(DIRECTORY, List.of(SIMULATED), values);
    }

    /** Another directory's chart. */
    static Chart of(Path directory, List<Path> valuesFiles, String... values) {
        TemplateCommand template = new Helm(directory)
                .template()
                .withName("apmatrix")
                .withNamespace("crypto")
                .withKubeVersion("1.30.0");
        valuesFiles.forEach(template::withValuesFile);
        try {
            Path texts = Files.createTempDirectory("apmatrix-values");
            try {
                for (int i = 0; i < values.length; i++) {
                    template.withValuesFile(Files.writeString(texts.resolve(i + ".yaml"), values[i]));
                }
                return read(template.call());
            } finally {
                try (Stream<Path> files = Files.walk(texts)) {
                    files.sorted((left, right) -> right.compareTo(left))
                            .map(Path::toFile)
                            .forEach(java.io.File::delete);
                }
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static Chart read(String text) {
        return new Chart(
                text,
                DOCUMENT.splitAsStream(text)
                        .filter(document -> document.lines().anyMatch(line -> line.startsWith("kind:")))
                        .map(document -> (HasMetadata) KUBERNETES.unmarshal(document))
                        .toList());
    }

    <T extends HasMetadata> T the(Class<T> type) {
        List<T> all = all(type);
        if (all.size() != 1) {
            throw new AssertionError(all.size() + " of " + type.getSimpleName() + " in:\n" + text);
        }
        return all.get(0);
    }

    <T extends HasMetadata> List<T> all(Class<T> type) {
        return objects.stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** Those of a kind that only other software's extensions define. */
    Optional<HasMetadata> ofKind(String kind) {
        return objects.stream().filter(object -> object.getKind().equals(kind)).findFirst();
    }

    PodTemplateSpec pod() {
        return Stream.concat(
                        all(DaemonSet.class).stream().map(set -> set.getSpec().getTemplate()),
                        all(Deployment.class).stream().map(one -> one.getSpec().getTemplate()))
                .findFirst()
                .orElseThrow();
    }
}
