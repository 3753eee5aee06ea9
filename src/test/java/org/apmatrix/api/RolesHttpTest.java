package org.apmatrix.api;

import static java.util.Map.entry;
import static org.apmatrix.access.Role.ADMIN;
import static org.apmatrix.access.Role.CONTROL_DOMAIN_ADMIN;
import static org.apmatrix.access.Role.OPERATOR;
import static org.apmatrix.access.Role.RESERVATION_ADMIN;
import static org.apmatrix.access.Role.VIEWER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;

import io.restassured.response.ValidatableResponse;
import java.util.Map;
import java.util.stream.Stream;
import org.apmatrix.access.Role;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation of the OpenAPI document, the role that it needs, and what each token is answered. */
class RolesHttpTest extends SecuredHttpTest {
    private static final Map<String, Role> NEEDED = Map.ofEntries(
            entry("GET /api/v1/caller", VIEWER),
            entry("GET /api/v1/host", VIEWER),
            entry("GET /api/v1/host/preflight", VIEWER),
            entry("GET /api/v1/host/after-reboot", VIEWER),
            entry("GET /api/v1/host/boot-report", VIEWER),
            entry("GET /api/v1/definitions", VIEWER),
            entry("GET /api/v1/mdevs/{uuid}/definition", VIEWER),
            entry("PUT /api/v1/mdevs/{uuid}/definition", OPERATOR),
            entry("DELETE /api/v1/mdevs/{uuid}/definition", OPERATOR),
            entry("POST /api/v1/host/self-test", OPERATOR),
            entry("GET /api/v1/audit", VIEWER),
            entry("GET /api/v1/desired-state", VIEWER),
            entry("PUT /api/v1/desired-state", OPERATOR),
            entry("GET /api/v1/desired-state/drift", VIEWER),
            entry("POST /api/v1/desired-state/reconcile", OPERATOR),
            entry("GET /api/v1/allocations", VIEWER),
            entry("POST /api/v1/allocations", OPERATOR),
            entry("GET /api/v1/allocations/{id}", VIEWER),
            entry("PUT /api/v1/allocations/{id}", OPERATOR),
            entry("DELETE /api/v1/allocations/{id}", OPERATOR),
            entry("GET /api/v1/adapters", VIEWER),
            entry("GET /api/v1/adapters/{adapter}", VIEWER),
            entry("GET /api/v1/queues", VIEWER),
            entry("GET /api/v1/queues/{apqn}", VIEWER),
            entry("PUT /api/v1/queues/{apqn}/driver", RESERVATION_ADMIN),
            entry("GET /api/v1/events", VIEWER),
            entry("GET /api/v1/masks", VIEWER),
            entry("PATCH /api/v1/masks", RESERVATION_ADMIN),
            entry("GET /api/v1/mdevs", VIEWER),
            entry("POST /api/v1/mdevs", OPERATOR),
            entry("GET /api/v1/mdevs/{uuid}", VIEWER),
            entry("PUT /api/v1/mdevs/{uuid}", OPERATOR),
            entry("DELETE /api/v1/mdevs/{uuid}", OPERATOR),
            entry("PUT /api/v1/mdevs/{uuid}/matrix", OPERATOR),
            entry("PUT /api/v1/mdevs/{uuid}/adapters/{adapter}", OPERATOR),
            entry("DELETE /api/v1/mdevs/{uuid}/adapters/{adapter}", OPERATOR),
            entry("PUT /api/v1/mdevs/{uuid}/domains/{domain}", OPERATOR),
            entry("DELETE /api/v1/mdevs/{uuid}/domains/{domain}", OPERATOR),
            entry("PUT /api/v1/mdevs/{uuid}/control-domains/{domain}", CONTROL_DOMAIN_ADMIN),
            entry("DELETE /api/v1/mdevs/{uuid}/control-domains/{domain}", CONTROL_DOMAIN_ADMIN),
            entry("GET /api/v1/guests", VIEWER),
            entry("GET /api/v1/guests/{guest}", VIEWER),
            entry("GET /api/v1/guests/{guest}/ap-device", VIEWER),
            entry("PUT /api/v1/guests/{guest}/ap-device", OPERATOR),
            entry("DELETE /api/v1/guests/{guest}/ap-device", OPERATOR),
            entry("GET /api/v1/guests/{guest}/migration-readiness", VIEWER),
            entry("POST /api/v1/guests/{guest}/migration-readiness", VIEWER),
            entry("GET /api/v1/guests/{guest}/migration-preparation", VIEWER),
            entry("POST /api/v1/guests/{guest}/migration-preparation", OPERATOR),
            entry("DELETE /api/v1/guests/{guest}/migration-preparation", OPERATOR),
            entry("PUT /api/v1/simulation/guests/{guest}", ADMIN),
            entry("DELETE /api/v1/simulation/guests/{guest}", ADMIN),
            entry("PUT /api/v1/simulation/host", ADMIN),
            entry("PUT /api/v1/simulation/queues/{apqn}/binding", ADMIN),
            entry("PUT /api/v1/simulation/queues/{apqn}/master-keys", ADMIN),
            entry("DELETE /api/v1/simulation/queues/{apqn}/binding", ADMIN));

    private static final String UUID = "11111111-2222-4333-8444-555555555555";
    private static final String ONE_CONTROL_DOMAIN = "{'controlDomains': [4]}";

    @Test
    void theTableHasEveryOperationOfTheDocument() {
        assertThat(OpenApiDocument.of("https://localhost:" + port).operations().stream()
                        .map(OpenApiDocument.Operation::name))
                .containsExactlyInAnyOrderElementsOf(NEEDED.keySet());
    }

    static Stream<String> operations() {
        return NEEDED.keySet().stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("operations")
    void withoutAnIdentityNothingIsAnswered(String operation) {
        call(api, operation)
                .statusCode(401)
                .header("WWW-Authenticate", "Bearer")
                .body("code", is("UNAUTHENTICATED"));
    }

    @ParameterizedTest
    @MethodSource("operations")
    void allRolesButTheNeededOneAreNotEnough(String operation) {
        Role needed = NEEDED.get(operation);
        call(with(ALL_BUT.get(needed)), operation)
                .statusCode(403)
                .body("code", is("FORBIDDEN"))
                .body("requiredRole", is(needed.toString()));
    }

    @ParameterizedTest
    @MethodSource("operations")
    void theNeededRoleAloneIsEnough(String operation) {
        assertThat(status(with(ONLY.get(NEEDED.get(operation))), operation)).isNotIn(401, 403, 500);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void anAdminMayDoEverything(String operation) {
        assertThat(status(with(ONLY.get(ADMIN)), operation)).isNotIn(401, 403, 500);
    }

    @Test
    void aDryRunNeedsTheSameRole() {
        with(ONLY.get(VIEWER)).post("/mdevs?dryRun=true", "{}").statusCode(403);
    }

    @Test
    void aControlDomainInABodyNeedsItsOwnRole() {
        with(ONLY.get(OPERATOR))
                .post("/mdevs", ONE_CONTROL_DOMAIN)
                .statusCode(403)
                .body("requiredRole", is("control-domain-admin"));
        with(ONLY.get(OPERATOR)).put("/mdevs/" + UUID, ONE_CONTROL_DOMAIN).statusCode(403);
        assertThat(kernel.list(java.nio.file.Path.of("/sys/bus/mdev/devices"))).isEmpty();
        with(ONLY.get(OPERATOR))
                .post("/mdevs?dryRun=true", ONE_CONTROL_DOMAIN)
                .statusCode(200)
                .body("problems.code", equalTo(java.util.List.of("FORBIDDEN")));
        with(ALL_BUT.get(VIEWER)).put("/mdevs/" + UUID, ONE_CONTROL_DOMAIN).statusCode(201);
    }

    @Test
    void whoMayNotGiveControlDomainsMayNotTakeThemEitherButMayLeaveThem() {
        with(ONLY.get(ADMIN)).patch("/masks", "{'apmask': '-5'}").statusCode(200);
        with(ONLY.get(ADMIN))
                .put("/mdevs/" + UUID, "{'adapters': [5], 'controlDomains': [4]}")
                .statusCode(201);
        with(ONLY.get(OPERATOR))
                .put("/mdevs/" + UUID + "/matrix", "{'adapters': [5], 'domains': [], 'controlDomains': []}")
                .statusCode(403);
        with(ONLY.get(OPERATOR))
                .put("/mdevs/" + UUID + "/matrix", "{'adapters': [5], 'domains': [4], 'controlDomains': [4]}")
                .statusCode(200);
    }

    @Test
    void aControlDomainIsNotCarriedOntoAnotherAdapter() {
        with(ONLY.get(ADMIN)).patch("/masks", "{'apmask': '-5,-6'}").statusCode(200);
        with(ONLY.get(ADMIN))
                .put("/mdevs/" + UUID, "{'adapters': [5], 'controlDomains': [4]}")
                .statusCode(201);
        with(ONLY.get(OPERATOR)).put("/mdevs/" + UUID + "/adapters/6").statusCode(403);
        with(ONLY.get(OPERATOR)).put("/mdevs/" + UUID + "/domains/71").statusCode(200);
        with(ONLY.get(OPERATOR)).delete("/mdevs/" + UUID + "/adapters/5").statusCode(200);
        with(ONLY.get(OPERATOR)).put("/mdevs/" + UUID + "/adapters/5").statusCode(403);
    }

    @Test
    void aControlDomainInADefinitionNeedsItsOwnRoleUnlessTheDeviceHasIt() {
        String path = "/mdevs/" + UUID + "/definition";
        String body = "{'attrs': [{'assign_adapter': '5'}, {'assign_control_domain': '4'}]}";
        with(ONLY.get(OPERATOR)).put(path, body).statusCode(403).body("requiredRole", is("control-domain-admin"));
        with(ONLY.get(OPERATOR))
                .put(path + "?dryRun=true", body)
                .statusCode(200)
                .body("problems.code", equalTo(java.util.List.of("FORBIDDEN")));
        with(ONLY.get(ADMIN))
                .put("/mdevs/" + UUID, "{'adapters': [5], 'controlDomains': [4]}")
                .statusCode(201);
        with(ONLY.get(OPERATOR)).put(path, body).statusCode(201);
        with(ONLY.get(OPERATOR)).put(path, body.replace("'5'", "'6'")).statusCode(403);
        with(ONLY.get(OPERATOR)).put(path, body.replace("'4'", "'71'")).statusCode(403);
        with(ALL_BUT.get(VIEWER)).put(path, body.replace("'4'", "'71'")).statusCode(200);
        with(ONLY.get(OPERATOR)).put(path, "{'owner': 'me'}").statusCode(200);
    }

    @Test
    void anIdempotencyKeyIsItsCallersOwn() {
        String key = "the-same-for-both";
        with(ONLY.get(ADMIN))
                .with("Idempotency-Key", key)
                .post("/mdevs", ONE_CONTROL_DOMAIN)
                .statusCode(201);
        with(ONLY.get(OPERATOR))
                .with("Idempotency-Key", key)
                .post("/mdevs", ONE_CONTROL_DOMAIN)
                .statusCode(403);
        with(ONLY.get(OPERATOR))
                .with("Idempotency-Key", key)
                .post("/mdevs", "{}")
                .statusCode(201);
    }

    @Test
    void takingQueuesFromTheHostByWishNeedsItsOwnRoleAndGivingThemBackDoesNot() {
        String wish = "{'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'mayTakeFromHost': true}";
        with(ALL_BUT.get(RESERVATION_ADMIN))
                .post("/allocations", wish)
                .statusCode(403)
                .body("requiredRole", is("reservation-admin"));
        with(ONLY.get(OPERATOR))
                .post("/allocations?dryRun=true", wish)
                .statusCode(200)
                .body("problems.code", equalTo(java.util.List.of("FORBIDDEN")));
        String id = with(ONLY.get(ADMIN))
                .post("/allocations", wish)
                .statusCode(201)
                .extract()
                .path("id");
        with(ONLY.get(OPERATOR)).delete("/allocations/" + id).statusCode(204);
        with(ONLY.get(VIEWER)).get("/masks").body("apmask", is("0x" + "f".repeat(64)));
    }

    @Test
    void controlDomainsByWishNeedTheirOwnRole() {
        with(ONLY.get(ADMIN)).patch("/masks", "{'apmask': '-5'}").statusCode(200);
        String wish = "{'owner': 'demo', 'mode': 'CCA', 'queues': 1, 'controlDomains': 'usage'}";
        with(ONLY.get(OPERATOR))
                .post("/allocations", wish)
                .statusCode(403)
                .body("requiredRole", is("control-domain-admin"));
        with(ONLY.get(ADMIN)).post("/allocations", wish).statusCode(201);
    }

    @Test
    void aDeviceWithAControlDomainIsPluggedByAnOperator() {
        with(ONLY.get(ADMIN)).patch("/masks", "{'apmask': '-5'}").statusCode(200);
        with(ONLY.get(ADMIN))
                .put("/mdevs/" + UUID, "{'adapters': [5], 'domains': [4], 'controlDomains': [4]}")
                .statusCode(201);
        with(ONLY.get(OPERATOR))
                .put("/guests/guest1/ap-device", "{'mdev': '" + UUID + "'}")
                .statusCode(201);
    }

    @Test
    void aDocumentNeedsTheRolesOfWhatItChanges() {
        String masks = "{'owner': 'demo', 'masks': {'apmask': '-5'}}";
        String device =
                "{'owner': 'demo', 'mdevs': [{'uuid': '" + UUID + "', 'adapters': [5], 'controlDomains': [%s]}]}";
        with(ONLY.get(OPERATOR))
                .put("/desired-state", masks)
                .statusCode(403)
                .body("requiredRole", is("reservation-admin"));
        with(ONLY.get(OPERATOR))
                .put("/desired-state", device.formatted("4"))
                .statusCode(403)
                .body("requiredRole", is("control-domain-admin"));
        with(ONLY.get(OPERATOR)).put("/desired-state", device.formatted("")).statusCode(200);
        with(ONLY.get(ADMIN)).put("/desired-state", device.formatted("4")).statusCode(200);
        with(ONLY.get(OPERATOR)).put("/desired-state", device.formatted("4")).statusCode(200);
        with(ONLY.get(OPERATOR)).put("/desired-state", "{'owner': 'demo'}").statusCode(403);
    }

    private static int status(Api api, String operation) {
        return call(api, operation).extract().statusCode();
    }

    private static ValidatableResponse call(Api api, String operation) {
        String method = operation.substring(0, operation.indexOf(' '));
        String path = operation
                .substring(operation.indexOf(' ') + 1 + Api.BASE.length())
                // a stream has no end to wait for: who may listen is told that there is no such type
                .replace("/events", "/events?types=none")
                .replace("{uuid}", UUID)
                .replace("{id}", UUID)
                .replace("{adapter}", "5")
                .replace("{domain}", "4")
                .replace("{guest}", "guest1")
                .replace("{apqn}", "05.0004");
        return method.equals("GET") || method.equals("DELETE")
                ? api.ask(method, Api.BASE + path)
                : api.send(method, path, "{}");
    }
}
