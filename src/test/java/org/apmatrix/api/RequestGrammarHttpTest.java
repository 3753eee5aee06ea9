package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.startsWith;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.apmatrix.fault.ErrorCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is no request of the contract: every one of it is a problem, and tells nothing of the inside. */
class RequestGrammarHttpTest extends HttpTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/ui/nothing.js",
                "/webjars/nothing.js",
                "/api",
                "/api/v1",
                "/api/v1/",
                "/api/v1/hosts",
                "/api/v1/host/",
                "/api/v1/mdevs/" + A + "/queues",
                "/api/v2/host",
                "/problems/nothing",
                "/problems/MDEV_IN_USE",
                "/error/x"
            })
    void knowsNoOtherPath(String path) {
        api.ask("GET", path).spec(refused(404, "NOT_FOUND", null));
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /host, GET",
        "DELETE, /masks, PATCH",
        "PATCH, /mdevs, POST",
        "POST, /mdevs/" + A + ", DELETE",
        "GET, /mdevs/" + A + "/adapters/5, PUT",
        "GET, /mdevs/" + A + "/matrix, PUT",
        "DELETE, /queues/05.0004/driver, PUT"
    })
    void knowsNoOtherMethod(String method, String path, String allowed) {
        api.ask(method, Api.BASE + path)
                .spec(refused(405, "METHOD_NOT_ALLOWED", null))
                .header("Allow", containsString(allowed));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "application/xml",
                "application/x-www-form-urlencoded",
                "application/merge-patch+json"
            })
    void takesNothingButJson(String type) {
        api.sendRaw("POST", "/mdevs", type, "{}").spec(refused(415, "UNSUPPORTED_MEDIA_TYPE", null));
        api.sendRaw("PATCH", "/masks", type, "{}").spec(refused(415, "UNSUPPORTED_MEDIA_TYPE", null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/html", "application/xml", "image/png"})
    void answersNothingButJson(String type) {
        api.with("Accept", type).get("/host").spec(refused(406, "NOT_ACCEPTABLE", null));
        api.with("Accept", type).post("/mdevs", "{}").spec(refused(406, "NOT_ACCEPTABLE", null));
        api.get("/mdevs").body("items.size()", org.hamcrest.Matchers.is(0));
    }

    @Test
    void aRefusalIsToldWhateverIsAccepted() {
        api.with("Accept", "application/json").get("/mdevs/" + A).spec(refused(404, "MDEV_NOT_FOUND", null));
        api.with("Accept", "application/json").get("/adapters/05").spec(invalid("adapter"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{'uuid'", "nonsense", "{'adapters': [5,]}", "{} {}", "{}x", "'", "\u0000"})
    void refusesBrokenJson(String body) {
        api.post("/mdevs", body).spec(invalid("body"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "5", "'text'", "true"})
    void refusesJsonThatIsNoObject(String body) {
        api.post("/mdevs", body).spec(invalid("body"));
    }

    @Test
    void refusesNullForABody() {
        api.post("/mdevs", "null").spec(invalid("body"));
    }

    @Test
    void refusesAMemberTwice() {
        api.post("/mdevs", "{'adapters': [5], 'adapters': [6]}")
                .statusCode(400)
                .body("code", startsWith("INVALID_VALUE"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST | /mdevs | {'adaptors': [5]} | adaptors",
                "POST | /mdevs | {'UUID': 'x'} | UUID",
                "PATCH | /masks | {'ap_mask': '-5'} | ap_mask",
                "PUT | /mdevs/" + A
                        + "/matrix | {'adapters': [], 'domains': [], 'control_domains': []} | control_domains",
                "PUT | /queues/05.0004/driver | {'driver': 'vfio_ap', 'force': true} | force",
                "PUT | /simulation/host | {'kernels': '6.12'} | kernels"
            })
    void refusesAMemberThatItDoesNotKnow(String method, String path, String body, String field) {
        api.send(method, path, body).spec(invalid(field));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'adapters': 5} | adapters",
                "{'adapters': ['5']} | adapters[0]",
                "{'adapters': [5.7]} | adapters[0]",
                "{'adapters': [5.0]} | adapters[0]",
                "{'adapters': [5, true]} | adapters[1]",
                "{'adapters': [[5]]} | adapters[0]",
                "{'adapters': [99999999999]} | adapters[0]",
                "{'domains': {'4': true}} | domains",
                "{'domains': ''} | domains",
                "{'uuid': 5} | uuid",
                "{'uuid': true} | uuid",
                "{'uuid': ['" + A + "']} | uuid"
            })
    void refusesAValueOfAnotherKind(String body, String field) {
        api.post("/mdevs", body).spec(invalid(field));
    }

    @ParameterizedTest
    @CsvSource({
        "/host, verbose=1, verbose",
        "/adapters, adapter=5, adapter",
        "/queues, apqn=05.0004, apqn",
        "/mdevs, dryRun=true, dryRun",
        "/masks, live=true, live"
    })
    void refusesAParameterThatItDoesNotKnow(String path, String query, String field) {
        api.get(path + "?" + query).spec(invalid(field));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "dryrun=true",
                "dry-run=true",
                "dryRun",
                "dryRun=",
                "dryRun=yes",
                "dryRun=1",
                "dryRun=TRUE",
                "dryRun=true&dryRun=false",
                "dryRun=true&dryRun=true"
            })
    void aMisspeltDryRunDoesNotWrite(String query) {
        String field = query.replaceFirst("[=&].*", "");
        api.post("/mdevs?" + query, "{}").spec(invalid(field));
        api.get("/mdevs").body("items.size()", org.hamcrest.Matchers.is(0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"live", "live=yes", "live=true&live=true"})
    void aMisspeltLiveDoesNotWrite(String query) {
        mdev(A, java.util.List.of(), java.util.List.of());
        api.put("/mdevs/" + A + "/adapters/5?" + query).spec(invalid("live"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"adapter=5&adapter=6", "adapter=", "domain=-4", "mdev=1", "adapter=05"})
    void refusesAFilterThatIsNone(String query) {
        api.get("/queues?" + query).spec(invalid(query.replaceFirst("=.*", "")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/api/v1/mdevs/%00", "/api/v1/adapters/%2e%2e", "/api/v1/mdevs/%2f", "/api/v1/adapters/%zz"})
    void aPathThatIsNoneIsAProblemToo(String path) throws IOException {
        String answer = rawRequest("GET " + path + " HTTP/1.1");
        assertThat(answer).matches("(?s)HTTP/1.1 4\\d\\d .*").contains("application/problem+json", "\"code\":");
        assertThat(answer).doesNotContain("Tomcat", "Exception", "org.apache", "<html");
    }

    @ParameterizedTest
    @ValueSource(strings = {"NONSENSE", "GET /api/v1/host HTTP/9.9", "GET /api/v1/{host} HTTP/1.1"})
    void aLineThatIsNoHttpIsAProblemToo(String line) throws IOException {
        String answer = rawRequest(line);
        assertThat(answer).doesNotContain("Tomcat", "Exception", "org.apache", "<html");
        assertThat(answer.lines().findFirst())
                .hasValueSatisfying(first -> assertThat(first).matches("HTTP/1.1 4\\d\\d.*"));
    }

    @ParameterizedTest
    @EnumSource
    void everyCodeHasItsPage(ErrorCode code) {
        api.ask("GET", "/problems/" + code.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                .statusCode(200)
                .contentType(startsWith("text/html"))
                .body(containsString(code.name()));
    }

    private String rawRequest(String line) throws IOException {
        try (Socket socket = new Socket("localhost", port)) {
            socket.getOutputStream()
                    .write((line + "\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
