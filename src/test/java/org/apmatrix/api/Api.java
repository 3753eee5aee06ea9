package org.apmatrix.api;

import io.restassured.RestAssured;
import io.restassured.config.EncoderConfig;
import io.restassured.config.RestAssuredConfig;
import io.restassured.config.SSLConfig;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import io.restassured.specification.RequestSpecification;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A client of the service, the only one of all HTTP tests: every answer is held against the OpenAPI document ({@link DeclaredAnswers}).
 *
 * <p>Paths stand as they go over the wire and begin below {@code /api/v1}. In bodies {@code '} stands for {@code "}.
 */
final class Api {
    static final String BASE = "/api/v1";

    private static final RestAssuredConfig CONFIG = RestAssuredConfig.config()
            .sslConfig(SSLConfig.sslConfig().relaxedHTTPSValidation())
            .encoderConfig(EncoderConfig.encoderConfig()
                    .appendDefaultContentCharsetToContentTypeIfUndefined(false)
                    .encodeContentTypeAs("application/yaml", ContentType.TEXT));

    private final String baseUri;
    private final Map<String, String> headers;

    private Api(String baseUri, Map<String, String> headers) {
        this.baseUri = baseUri;
        this.headers = headers;
    }

    /** @param baseUri such as {@code http://localhost:8080} */
    static Api at(String baseUri) {
        return new Api(baseUri, Map.of());
    }

    /** The same client with one more header. */
    Api with(String header, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(header, value);
        return new Api(baseUri, more);
    }

    ValidatableResponse get(String path) {
        return ask("GET", BASE + path);
    }

    ValidatableResponse put(String path) {
        return ask("PUT", BASE + path);
    }

    ValidatableResponse put(String path, String body) {
        return send("PUT", path, body);
    }

    ValidatableResponse post(String path, String body) {
        return send("POST", path, body);
    }

    ValidatableResponse patch(String path, String body) {
        return send("PATCH", path, body);
    }

    ValidatableResponse delete(String path) {
        return ask("DELETE", BASE + path);
    }

    /** A JSON body with the quotes of JSON. */
    ValidatableResponse send(String method, String path, String body) {
        return request()
                .contentType("application/json")
                .body(body.replace('\'', '"'))
                .request(method, BASE + path)
                .then();
    }

    /** A body as it stands, of any type. */
    ValidatableResponse sendRaw(String method, String path, String contentType, String body) {
        return request()
                .contentType(contentType)
                .body(body)
                .request(method, BASE + path)
                .then();
    }

    /** No body, and a path from the root. */
    ValidatableResponse ask(String method, String pathFromRoot) {
        Response response = request().request(method, pathFromRoot);
        return response.then();
    }

    /** Begins to listen to events. What is refused is asked for with {@link #get}: a stream has no end to wait for. */
    EventStream events(String query) {
        return EventStream.open(baseUri, query, headers);
    }

    String etag(String path) {
        return get(path).statusCode(200).extract().header("ETag");
    }

    private RequestSpecification request() {
        return RestAssured.given()
                .config(CONFIG)
                .baseUri(baseUri)
                .urlEncodingEnabled(false)
                .headers(headers)
                .filter(DeclaredAnswers.of(baseUri));
    }
}
