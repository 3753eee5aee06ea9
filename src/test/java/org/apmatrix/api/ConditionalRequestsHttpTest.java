package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;

import io.restassured.response.ValidatableResponse;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ETag and If-Match, Idempotency-Key. */
class ConditionalRequestsHttpTest extends HttpTest {
    private static final String STRONG = "\"[!#-~]+\"";
    private static final String NO_MATRIX = "{'adapters': [], 'domains': [], 'controlDomains': []}";

    record Write(String method, String path, String body) {}

    static Stream<Write> writes() {
        return Stream.of(
                new Write("PATCH", "/masks", "{'apmask': '-7'}"),
                new Write("PUT", "/mdevs/" + A, "{'adapters': [6]}"),
                new Write("PUT", "/mdevs/" + A + "/matrix", NO_MATRIX),
                new Write("PUT", "/mdevs/" + A + "/adapters/6", ""),
                new Write("DELETE", "/mdevs/" + A + "/adapters/5", ""),
                new Write("PUT", "/mdevs/" + A + "/domains/71", ""),
                new Write("DELETE", "/mdevs/" + A + "/domains/4", ""),
                new Write("PUT", "/mdevs/" + A + "/control-domains/4", ""),
                new Write("DELETE", "/mdevs/" + A + "/control-domains/71", ""),
                new Write("DELETE", "/mdevs/" + A, ""));
    }

    @ParameterizedTest
    @MethodSource("writes")
    void writesWhenTheStateIsStillTheSame(Write write) {
        device();
        String tag = api.etag(write.path().startsWith("/masks") ? "/masks" : "/mdevs/" + A);
        assertThat(send(api.with("If-Match", tag), write).extract().statusCode())
                .isIn(200, 204);
    }

    @ParameterizedTest
    @MethodSource("writes")
    void writesNothingWhenTheStateHasChanged(Write write) {
        device();
        String masks = api.etag("/masks");
        String mdev = api.etag("/mdevs/" + A);
        String tag = write.path().startsWith("/masks") ? masks : mdev;
        store("/sys/bus/ap/apmask", "-9");
        store(directory(A) + "/assign_control_domain", "171");
        String now = api.get("/mdevs/" + A).extract().asString();
        send(api.with("If-Match", tag), write).spec(refused(412, "STATE_CHANGED", null));
        assertThat(api.get("/mdevs/" + A).extract().asString()).isEqualTo(now);
    }

    @ParameterizedTest
    @MethodSource("writes")
    void aStarMatchesWhateverStands(Write write) {
        device();
        assertThat(send(api.with("If-Match", "*"), write).extract().statusCode())
                .isIn(200, 204);
    }

    @Test
    void aStarMatchesNothingThatIsNotThere() {
        api.with("If-Match", "*").put("/mdevs/" + C, "{}").spec(refused(412, "STATE_CHANGED", null));
        api.get("/mdevs/" + C).statusCode(404);
    }

    @Test
    void oneTagOfAListIsEnough() {
        device();
        String list = "\"0123\", " + api.etag("/mdevs/" + A);
        api.with("If-Match", list).put("/mdevs/" + A + "/adapters/6").statusCode(200);
    }

    /** RFC 9110, 13.1.1: If-Match compares strongly, so a weak tag never matches. */
    @Test
    void aWeakTagDoesNotMatch() {
        device();
        api.with("If-Match", "W/" + api.etag("/mdevs/" + A))
                .put("/mdevs/" + A + "/adapters/6")
                .spec(refused(412, "STATE_CHANGED", null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"\"", "abc", "\"abc"})
    void whatIsNoTagOfOursDoesNotMatch(String tag) {
        device();
        api.with("If-Match", tag).put("/mdevs/" + A + "/adapters/6").spec(refused(412, "STATE_CHANGED", null));
    }

    @Test
    void theTagsAreStrong() {
        device();
        assertThat(api.etag("/masks")).matches(STRONG);
        assertThat(api.etag("/mdevs/" + A)).matches(STRONG);
    }

    @Test
    void aWriteAnswersTheTagOfWhatItLeft() {
        device();
        api.put("/mdevs/" + A + "/adapters/6")
                .header("ETag", matchesPattern(STRONG))
                .header("ETag", is(api.etag("/mdevs/" + A)));
        api.patch("/masks", "{'apmask': '-7'}").header("ETag", is(api.etag("/masks")));
        api.post("/mdevs", "{'uuid': '" + B + "'}").header("ETag", is(api.etag("/mdevs/" + B)));
    }

    @Test
    void theTagOfADeviceChangesWithItsUse() {
        device();
        String free = api.etag("/mdevs/" + A);
        start(A);
        assertThat(api.etag("/mdevs/" + A)).isNotEqualTo(free);
        stop(A);
        assertThat(api.etag("/mdevs/" + A)).isEqualTo(free);
    }

    @Test
    void theMismatchIsToldBeforeTheLaw() {
        device();
        start(A);
        api.with("If-Match", "\"old\"").delete("/mdevs/" + A).spec(refused(412, "STATE_CHANGED", null));
    }

    // Idempotency-Key

    @Test
    void theSameKeyAndBodyAnswersAsTheFirstTime() {
        Api once = withKey();
        ValidatableResponse first = once.post("/mdevs", "{'adapters': [5]}").statusCode(201);
        ValidatableResponse second = once.post("/mdevs", "{'adapters': [5]}").statusCode(201);
        assertThat(second.extract().asString()).isEqualTo(first.extract().asString());
        assertThat(second.extract().header("Location"))
                .isEqualTo(first.extract().header("Location"));
        api.get("/mdevs").body("items", hasSize(1));
    }

    @Test
    void theSameKeyWithAnotherBodyIsRefused() {
        Api once = withKey();
        once.post("/mdevs", "{'adapters': [5]}").statusCode(201);
        once.post("/mdevs", "{'adapters': [6]}").spec(refused(422, "IDEMPOTENCY_KEY_REUSED", null));
        once.post("/mdevs", "{'adapters': [5], 'uuid': '" + A + "'}")
                .spec(refused(422, "IDEMPOTENCY_KEY_REUSED", null));
        api.get("/mdevs").body("items", hasSize(1));
    }

    @Test
    void aRefusalIsTheAnswerOfTheKeyToo() {
        Api once = withKey();
        once.post("/mdevs", "{'adapters': [5], 'domains': [4]}").statusCode(409).body("code", is("APQN_RESERVED"));
        free();
        once.post("/mdevs", "{'adapters': [5], 'domains': [4]}").statusCode(409).body("code", is("APQN_RESERVED"));
        withKey().post("/mdevs", "{'adapters': [5], 'domains': [4]}").statusCode(201);
    }

    @Test
    void aHostThatFailedMayBeAskedAgainWithTheKey() {
        Api once = withKey();
        kernel.boot(KernelVersion.V6_12, SimulatedMachine.withoutAp());
        once.post("/mdevs", "{}").spec(refused(503, "AP_UNAVAILABLE", null));
        boot(KernelVersion.V6_12);
        once.post("/mdevs", "{}").statusCode(201);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b"})
    void refusesAKeyThatIsNone(String key) {
        api.with("Idempotency-Key", key).post("/mdevs", "{}").spec(invalid("Idempotency-Key"));
    }

    @Test
    void refusesAKeyThatIsTooLong() {
        api.with("Idempotency-Key", "k".repeat(256)).post("/mdevs", "{}").spec(invalid("Idempotency-Key"));
        api.with("Idempotency-Key", "k".repeat(255)).post("/mdevs", "{}").statusCode(201);
    }

    @Test
    void twentyAtOnceWithOneKeyMakeOneDevice() throws Exception {
        Api once = withKey();
        CyclicBarrier start = new CyclicBarrier(20);
        ExecutorService clients = Executors.newFixedThreadPool(20);
        try {
            List<Future<String>> answers = Stream.generate(() -> clients.submit(() -> {
                        start.await();
                        return once.post("/mdevs", "{'adapters': [5]}")
                                .statusCode(201)
                                .extract()
                                .<String>path("uuid");
                    }))
                    .limit(20)
                    .toList();
            String uuid = Objects.requireNonNull(answers.get(0).get());
            for (Future<String> answer : answers) {
                assertThat(answer.get()).isEqualTo(uuid);
            }
            api.get("/mdevs").body("items.uuid", contains(uuid));
        } finally {
            clients.shutdownNow();
        }
    }

    private Api withKey() {
        return api.with("Idempotency-Key", UUID.randomUUID().toString());
    }

    private void device() {
        free();
        mdev(A, List.of(5), List.of(4));
        store(directory(A) + "/assign_control_domain", "71");
    }

    private static ValidatableResponse send(Api api, Write write) {
        return write.body().isEmpty()
                ? api.ask(write.method(), Api.BASE + write.path())
                : api.send(write.method(), write.path(), write.body());
    }
}
