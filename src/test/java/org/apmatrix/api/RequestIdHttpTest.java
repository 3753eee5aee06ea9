package org.apmatrix.api;

import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** By one word a caller finds its request in the log. */
class RequestIdHttpTest extends HttpTest {
    private static final String MADE = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

    @Test
    void aRequestKeepsItsId() {
        Api build = api.with("X-Request-Id", "build-42_a.b");
        build.get("/host").statusCode(200).header("X-Request-Id", is("build-42_a.b"));
        build.get("/adapters/99").statusCode(404).header("X-Request-Id", is("build-42_a.b"));
    }

    @Test
    void aRequestWithoutOneGetsOne() {
        api.get("/host").header("X-Request-Id", matchesPattern(MADE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"two words", "a,b", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})
    void whatIsNoIdIsReplaced(String text) {
        api.with("X-Request-Id", text).get("/host").header("X-Request-Id", matchesPattern(MADE));
    }
}
