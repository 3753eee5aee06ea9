package org.apmatrix.api;

import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a browser is told, and what a web page of somebody else cannot make it do. */
class BrowserHttpTest extends HttpTest {
    @Test
    void everyAnswerTellsTheBrowserToDoNothingMore() {
        api.get("/host")
                .header("Content-Security-Policy", containsString("default-src 'none'"))
                .header("Content-Security-Policy", not(containsString("unsafe")))
                .header("X-Content-Type-Options", is("nosniff"))
                .header("X-Frame-Options", is("DENY"))
                .header("Referrer-Policy", is("no-referrer"))
                .header("Cross-Origin-Resource-Policy", is("same-origin"))
                .header("Cache-Control", containsString("no-store"))
                .header("Access-Control-Allow-Origin", nullValue())
                .header("Set-Cookie", nullValue())
                .header("Server", nullValue());
    }

    @Test
    void onlyTheSwaggerUiMayStyleItsElements() {
        api.ask("GET", "/swagger-ui/index.html")
                .header("Content-Security-Policy", containsString("style-src 'self' 'unsafe-inline'"))
                .header("Content-Security-Policy", containsString("script-src 'self';"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.example", "http://localhost:1", "null"})
    void aPageOfAnotherOriginCannotCall(String origin) {
        api.with("Origin", origin).get("/host").statusCode(403).body("code", is("FORBIDDEN"));
        api.with("Origin", origin)
                .send("POST", "/guests/guest1/migration-preparation", "")
                .statusCode(403);
    }

    @Test
    void aPageOfThisServiceCan() {
        api.with("Origin", "http://localhost:" + port).get("/host").statusCode(200);
    }

    @Test
    void aNameThatWasMadeToPointHereIsRefused() {
        api.with("Host", "evil.example:" + port).get("/host").statusCode(403);
        api.with("Host", "127.0.0.1.evil.example:" + port).get("/host").statusCode(403);
        api.with("Host", "127.0.0.1:" + port).get("/host").statusCode(200);
        api.with("Host", "[::1]:" + port).get("/host").statusCode(200);
    }
}
