package org.apmatrix.api;

import io.restassured.RestAssured;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The OpenAPI document as the running service serves it. */
final class OpenApiDocument {
    private static final List<String> METHODS = List.of("get", "put", "post", "patch", "delete", "head", "options");

    private final Map<String, Object> root;
    private final List<Operation> operations;

    private OpenApiDocument(Map<String, Object> root) {
        this.root = root;
        this.operations = operations(root);
    }

    static OpenApiDocument of(String baseUri) {
        return new OpenApiDocument(RestAssured.given()
                .relaxedHTTPSValidation()
                .baseUri(baseUri)
                .get("/v3/api-docs")
                .then()
                .statusCode(200)
                .extract()
                .path("$"));
    }

    /**
     * An operation.
     *
     * @param responses the content of each status: a media type object for each media type
     */
    record Operation(String method, String path, Map<String, Map<String, Object>> responses) {
        String name() {
            return method + " " + path;
        }

        private boolean answers(String askedMethod, String askedPath) {
            String regex = Pattern.compile("\\{[^}]+}").matcher(path).replaceAll("[^/]+");
            return method.equals(askedMethod) && askedPath.matches(regex);
        }
    }

    List<Operation> operations() {
        return operations;
    }

    Optional<Operation> operation(String method, String path) {
        // /mdevs/{uuid} and /mdevs/all may both answer: the one with fewer variables is meant
        return operations.stream()
                .filter(operation -> operation.answers(method, path))
                .min((left, right) -> Long.compare(variables(left), variables(right)));
    }

    /** Where a JSON value is not what its schema says: a member too many or too few, or a value of another type. */
    List<String> differences(@Nullable Object schema, @Nullable Object value) {
        List<String> found = new ArrayList<>();
        compare("$", resolve(schema), value, found);
        return found;
    }

    private void compare(String where, Map<String, Object> schema, @Nullable Object value, List<String> found) {
        if (schema.get("oneOf") instanceof List<?> choices) {
            List<List<String>> failures =
                    choices.stream().map(choice -> differences(choice, value)).toList();
            if (failures.stream().noneMatch(List::isEmpty)) {
                failures.forEach(found::addAll);
            }
            return;
        }
        List<String> types = schema.get("type") instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : schema.get("type") == null ? List.of() : List.of(String.valueOf(schema.get("type")));
        if (!types.isEmpty() && !types.contains(typeOf(value))) {
            found.add(where + " is " + typeOf(value) + ", not " + types);
        }
        if (schema.get("enum") instanceof List<?> allowed && value != null && !allowed.contains(value)) {
            found.add(where + " is " + value + ", not one of " + allowed);
        }
        if (value instanceof Map<?, ?> object && schema.get("properties") instanceof Map<?, ?> properties) {
            properties.forEach((name, property) -> {
                if (object.containsKey(name)) {
                    compare(where + "." + name, resolve(property), object.get(name), found);
                } else {
                    found.add(where + "." + name + " is missing");
                }
            });
            boolean isProblem = properties.containsKey("errno"); // which has further members for some codes
            object.keySet().stream()
                    .filter(name -> !isProblem && !properties.containsKey(name))
                    .forEach(name -> found.add(where + "." + name + " is not declared"));
        }
        if (value instanceof List<?> items) {
            Map<String, Object> itemSchema = resolve(schema.get("items"));
            for (int i = 0; i < items.size(); i++) {
                compare(where + "[" + i + "]", itemSchema, items.get(i), found);
            }
        }
    }

    private static String typeOf(@Nullable Object value) {
        return value == null
                ? "null"
                : value instanceof Map
                        ? "object"
                        : value instanceof List
                                ? "array"
                                : value instanceof Boolean
                                        ? "boolean"
                                        : value instanceof Integer || value instanceof Long
                                                ? "integer"
                                                : value instanceof Number ? "number" : "string";
    }

    private Map<String, Object> resolve(@Nullable Object schema) {
        if (!(schema instanceof Map<?, ?> map)) {
            return Map.of();
        }
        Object reference = map.get("$ref");
        if (reference == null) {
            return members(map);
        }
        Object target = root;
        for (String name : Pattern.compile("/")
                .splitAsStream(reference.toString().substring(2))
                .toList()) {
            target = members(target).get(name);
        }
        return resolve(target);
    }

    private static List<Operation> operations(Map<String, Object> root) {
        List<Operation> operations = new ArrayList<>();
        members(root.get("paths"))
                .forEach((path, item) -> members(item).forEach((method, operation) -> {
                    if (METHODS.contains(method)) {
                        Map<String, Map<String, Object>> responses = new LinkedHashMap<>();
                        members(members(operation).get("responses"))
                                .forEach((status, response) -> responses.put(
                                        status, members(members(response).get("content"))));
                        operations.add(new Operation(method.toUpperCase(java.util.Locale.ROOT), path, responses));
                    }
                }));
        return operations;
    }

    private static long variables(Operation operation) {
        return operation.path().chars().filter(character -> character == '{').count();
    }

    private static Map<String, Object> members(@Nullable Object object) {
        Map<String, Object> members = new LinkedHashMap<>();
        if (object instanceof Map<?, ?> map) {
            map.forEach((name, value) -> members.put(String.valueOf(name), value));
        }
        return members;
    }
}
