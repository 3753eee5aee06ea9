package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.restassured.filter.Filter;
import io.restassured.filter.FilterContext;
import io.restassured.response.Response;
import io.restassured.specification.FilterableRequestSpecification;
import io.restassured.specification.FilterableResponseSpecification;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Holds every answer against the OpenAPI document that the service itself serves, and remembers which operation answered what. */
final class DeclaredAnswers implements Filter {
    private static final Map<String, DeclaredAnswers> BY_SERVICE = new ConcurrentHashMap<>();

    private static final JsonMapper JSON = JsonMapper.shared();

    private final OpenApiDocument document;

    private DeclaredAnswers(OpenApiDocument document) {
        this.document = document;
    }

    static DeclaredAnswers of(String baseUri) {
        return BY_SERVICE.computeIfAbsent(baseUri, uri -> new DeclaredAnswers(OpenApiDocument.of(uri)));
    }

    /** Every operation with the statuses that it has answered in this run, such as {@code GET /api/v1/host} with {@code 200}. */
    private static final Map<String, Set<String>> SEEN = new ConcurrentHashMap<>();

    static Map<String, Set<String>> seen() {
        return Map.copyOf(SEEN);
    }

    @Override
    public Response filter(
            FilterableRequestSpecification request, FilterableResponseSpecification response, FilterContext context) {
        Response answer = context.next(request, response);
        String path = URI.create(request.getURI()).getRawPath();
        String call = request.getMethod() + " " + path;
        String status = String.valueOf(answer.statusCode());
        Optional<OpenApiDocument.Operation> operation = document.operation(request.getMethod(), path);
        if (operation.isPresent()) {
            SEEN.computeIfAbsent(operation.get().name(), key -> ConcurrentHashMap.newKeySet())
                    .add(status);
            Map<String, Map<String, Object>> declared = operation.get().responses();
            assertThat(declared).as("statuses declared for %s", call).containsKey(status);
            requireDeclaredContent(call + " -> " + status, declared.getOrDefault(status, Map.of()), answer);
        } else if (path.startsWith(Api.BASE)) {
            // a malformed path is refused by the container, an unknown one by nobody's handler
            assertThat(status).as("status of %s, which is no operation", call).isIn("400", "404", "405");
        }
        if (answer.statusCode() >= 400) {
            requireProblem(call, path, answer);
        }
        return answer;
    }

    private void requireDeclaredContent(String call, Map<String, Object> content, Response answer) {
        String body = answer.asString();
        if (content.isEmpty()) {
            assertThat(body)
                    .as("body of %s, which is declared to have none", call)
                    .isEmpty();
            return;
        }
        String type = String.valueOf(answer.contentType()).replaceFirst(";.*", "");
        assertThat(content).as("media types declared for %s", call).containsKey(type);
        Object schema = ((Map<?, ?>) Objects.requireNonNull(content.get(type))).get("schema");
        assertThat(schema).as("schema declared for %s", call).isNotNull();
        assertThat(document.differences(schema, type.endsWith("json") ? json(body) : body))
                .as("what %s answers and its schema does not declare, or the other way round: %s", call, body)
                .isEmpty();
    }

    /** The same for an answer that is read as it comes: its status and type. Returns the schema of what it is made of. */
    Object streamed(String method, String path, int status, String contentType) {
        OpenApiDocument.Operation operation = document.operation(method, path).orElseThrow();
        Map<String, Object> declared = operation.responses().getOrDefault(String.valueOf(status), Map.of());
        String type = contentType.replaceFirst(";.*", "");
        assertThat(declared).as("media types declared for %s %s", method, path).containsKey(type);
        SEEN.computeIfAbsent(operation.name(), key -> ConcurrentHashMap.newKeySet())
                .add(String.valueOf(status));
        return Objects.requireNonNull(((Map<?, ?>) Objects.requireNonNull(declared.get(type))).get("schema"));
    }

    /** Holds a piece of a stream against its schema. */
    void requireDeclared(Object schema, String body) {
        assertThat(document.differences(schema, json(body)))
                .as("what does not match its schema: %s", body)
                .isEmpty();
    }

    /** The shape of every problem (RFC 9457), and that it tells nothing of the inside. */
    private static void requireProblem(String call, String path, Response answer) {
        String body = answer.asString();
        assertThat(answer.contentType()).as(call).startsWith("application/problem+json");
        Map<String, Object> problem = json(body);
        String code = String.valueOf(problem.get("code"));
        assertThat(problem)
                .as("problem of %s", call)
                .containsKeys("errno", "title", "detail")
                .containsEntry(
                        "type", "/problems/" + code.toLowerCase(Locale.ROOT).replace('_', '-'))
                .containsEntry("status", answer.statusCode())
                .containsEntry("instance", path);
        assertThat(problem.get("conflicts")).as("conflicts of %s", call).isInstanceOf(List.class);
        assertThat(body)
                .as("what %s tells of the inside", call)
                .doesNotContain("org.apmatrix", "java.", "Exception", "springframework", "\\tat ", ".java:");
    }

    /** Not by REST Assured, which compiles a script for every path that it is asked for. */
    private static Map<String, Object> json(String body) {
        return JSON.readValue(body, new TypeReference<Map<String, Object>>() {});
    }
}
