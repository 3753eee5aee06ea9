package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLSocket;
import org.apmatrix.Component;
import org.apmatrix.Patience;
import org.apmatrix.access.Role;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;

/** The three ways to tell who calls, and what is taken for nobody. */
class IdentityHttpTest extends SecuredHttpTest {
    private static final Certificates SOMEBODY_ELSE = someAuthority();

    @Test
    void aTokenThatIsAddedIsTakenAtOnceAndARemovedOneNoMore() {
        AtomicReference<String> token = new AtomicReference<>();
        editTokens(editor -> token.set(editor.add("late", List.of(Role.VIEWER))));
        with(token.get()).get("/host").statusCode(200);
        with(token.get()).get("/host").statusCode(200);

        editTokens(editor -> editor.remove("late"));
        with(token.get()).get("/host").statusCode(401);
    }

    @Test
    void aCallerIsToldItsOwnNameAndRoles() {
        with(ONLY.get(Role.VIEWER))
                .get("/caller")
                .statusCode(200)
                .body("name", is("only-viewer"))
                .body("authentication", is("token"))
                .body("roles", is(List.of("viewer")));
        with(ONLY.get(Role.ADMIN))
                .get("/caller")
                .body("roles", is(List.of("viewer", "operator", "reservation-admin", "control-domain-admin", "admin")));
        api.get("/caller").statusCode(401);
    }

    @Test
    void aTokenOfTheSameNameWithAnotherSecretIsRefused() {
        String viewer = ONLY.get(Role.VIEWER);
        with(viewer).get("/host").statusCode(200);
        with(viewer.substring(0, viewer.length() - 4) + "AAAA").get("/host").statusCode(401);
        with("apm_nobody_" + viewer.substring(viewer.lastIndexOf('_') + 1))
                .get("/host")
                .statusCode(401);
    }

    @Test
    void aLineWrittenByHandWithBcryptIsTakenAndABrokenLineKeepsNobodyOut() throws Exception {
        List<String> before = Files.readAllLines(TOKENS);
        Files.writeString(
                TOKENS,
                "# by hand\nhand:viewer:" + new BCryptPasswordEncoder(4).encode("a-secret-of-mine") + "\nbroken:line\n",
                StandardOpenOption.APPEND);
        try {
            with("apm_hand_a-secret-of-mine").get("/host").statusCode(200);
            with("apm_hand_a-secret-of-yours").get("/host").statusCode(401);
            with(ONLY.get(Role.VIEWER)).get("/host").statusCode(200);
        } finally {
            Files.write(TOKENS, before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "apm_", "apm_ci", "apm_CI_x", "a.b.c", "apm_ci_" + "x"})
    void nonsenseIsNobody(String bearer) {
        with(bearer).get("/host").statusCode(401).body("code", is("UNAUTHENTICATED"));
    }

    @Test
    void aStreamOfEventsEndsWhenItsTokenIsRemoved() throws Exception {
        AtomicReference<String> token = new AtomicReference<>();
        editTokens(editor -> token.set(editor.add("listener", List.of(Role.VIEWER))));
        HttpClient http = HttpClient.newBuilder().sslContext(tls(null)).build();
        HttpResponse<InputStream> stream = http.send(
                HttpRequest.newBuilder(URI.create("https://localhost:" + port + "/api/v1/events"))
                        .header("Authorization", "Bearer " + token.get())
                        .build(),
                HttpResponse.BodyHandlers.ofInputStream());
        assertThat(stream.statusCode()).isEqualTo(200);
        assertThat(stream.body().read()).isEqualTo(':');
        editTokens(editor -> editor.remove("listener"));
        with(ONLY.get(Role.ADMIN)).post("/mdevs", "{}").statusCode(201);
        assertThat(new String(stream.body().readAllBytes(), StandardCharsets.UTF_8))
                .doesNotContain("mdev.created");
    }

    @Test
    void aCallerDoesNotChooseItsAddress() {
        with(ONLY.get(Role.OPERATOR))
                .with("X-Forwarded-For", "6.6.6.6")
                .with("Forwarded", "for=6.6.6.6")
                .delete("/mdevs/6a6a6a6a-6a6a-4a6a-8a6a-6a6a6a6a6a6a")
                .statusCode(204);
        with(ONLY.get(Role.VIEWER))
                .get("/audit?limit=1000&target=6a6a6a6a-6a6a-4a6a-8a6a-6a6a6a6a6a6a")
                .body("items.sourceAddress", everyItem(not(is("6.6.6.6"))))
                .body("items", hasSize(greaterThan(0)));
    }

    @Test
    void aTokenInTheQueryIsNoToken() {
        api.get("/host?access_token=" + ONLY.get(Role.VIEWER)).statusCode(401);
    }

    @Test
    void aJwtOfTheIssuerIsTakenWithItsRoles() throws Exception {
        String jwt =
                signed(ISSUER, claims("viewer", "a-role-of-another-service").build());
        with(jwt).get("/host").statusCode(200);
        with(jwt).post("/mdevs", "{}").statusCode(403).body("requiredRole", is("operator"));
    }

    @Test
    void aJwtWithoutARoleOfOursMayNothing() throws Exception {
        with(signed(ISSUER, claims("ADMIN", "Viewer").build())).get("/host").statusCode(403);
    }

    @Test
    void anExpiredJwtIsNobodys() throws Exception {
        Date anHourAgo = Date.from(Instant.now().minusSeconds(3600));
        with(signed(ISSUER, claims("admin").expirationTime(anHourAgo).build()))
                .get("/host")
                .statusCode(401);
    }

    @Test
    void aJwtThatIsNotYetValidIsNobodys() throws Exception {
        Date inAnHour = Date.from(Instant.now().plusSeconds(3600));
        with(signed(ISSUER, claims("admin").notBeforeTime(inAnHour).build()))
                .get("/host")
                .statusCode(401);
    }

    @Test
    void anUnsignedJwtIsNobodys() {
        with(new PlainJWT(claims("admin").build()).serialize()).get("/host").statusCode(401);
    }

    @Test
    void aJwtOfAnotherIssuerIsNobodys() throws Exception {
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        with(signed(rsa.generateKeyPair(), claims("admin").build()))
                .get("/host")
                .statusCode(401);
    }

    @Test
    void aJwtForAnotherServiceIsNobodys() throws Exception {
        with(signed(ISSUER, claims("admin").audience("somewhere-else").build()))
                .get("/host")
                .statusCode(401);
        with(signed(ISSUER, claims("admin").audience((String) null).build()))
                .get("/host")
                .statusCode(401);
    }

    @Test
    void aJwtWhoseSecretIsThePublicKeyIsNobodys() throws Exception {
        SignedJWT jwt =
                new SignedJWT(new JWSHeader(JWSAlgorithm.HS256), claims("admin").build());
        jwt.sign(new MACSigner(ISSUER.getPublic().getEncoded()));
        with(jwt.serialize()).get("/host").statusCode(401);
    }

    @Test
    void aJwtThatWasChangedIsNobodys() throws Exception {
        String viewer = signed(ISSUER, claims("viewer").build());
        String admin = signed(ISSUER, claims("admin").build());
        String[] parts = viewer.split("\\.");
        with(parts[0] + "." + admin.split("\\.")[1] + "." + parts[2])
                .get("/host")
                .statusCode(401);
    }

    @Test
    void aListedCertificateIsTakenWithItsRoles() throws Exception {
        Certificates.Issued listed = AUTHORITY.issue("CN=pipeline,O=Example");
        assertThat(get("/api/v1/host", listed).statusCode()).isEqualTo(200);
        assertThat(get("/api/v1/simulation/host", listed).statusCode()).isEqualTo(403);
    }

    @Test
    void aCertificateThatIsNotListedIsNobodys() throws Exception {
        assertThat(get("/api/v1/host", AUTHORITY.issue("CN=pipeline")).statusCode())
                .isEqualTo(401);
        assertThat(get("/api/v1/host", AUTHORITY.issue("CN=pipeline,O=Example,OU=X"))
                        .statusCode())
                .isEqualTo(401);
        assertThat(get("/api/v1/host", null).statusCode()).isEqualTo(401);
    }

    @Test
    void aCertificateOfAnotherAuthorityDoesNotEvenConnect() throws Exception {
        Certificates.Issued foreign = SOMEBODY_ELSE.issue("CN=pipeline,O=Example");
        assertThatThrownBy(() -> get("/api/v1/host", foreign)).isInstanceOf(IOException.class);
    }

    @Test
    void aRenewedServerCertificateIsServedWithoutARestart() throws Exception {
        Certificates.Issued renewed = AUTHORITY.issue("CN=localhost,OU=renewed");
        installServerCertificate(renewed);
        Patience.until(() -> {
            try {
                return servedSerial().equals(renewed.certificate().getSerialNumber());
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        with(ONLY.get(Role.VIEWER)).get("/host").statusCode(200);
    }

    private java.math.BigInteger servedSerial() throws Exception {
        try (SSLSocket socket = (SSLSocket) tls(null).getSocketFactory().createSocket("localhost", port)) {
            socket.startHandshake();
            return ((java.security.cert.X509Certificate) socket.getSession().getPeerCertificates()[0])
                    .getSerialNumber();
        }
    }

    @Test
    void theUserAtTheOtherEndOfTheSocketIsKnownByTheKernel() throws Exception {
        Component.requireProgram("curl", "apt-get install curl");
        Component.require("root", "root".equals(System.getProperty("user.name")), "run the tests as root");
        String curl = "curl -sS -o /dev/null -w %{http_code} --unix-socket " + SOCKET.toAbsolutePath();
        assertThat(sh(curl + " http://localhost/api/v1/host")).isEqualTo("200");
        assertThat(sh(curl + " -X POST http://localhost/api/v1/guests/guest1/migration-preparation"))
                .isEqualTo("200");
        String nobody = "setpriv --reuid=nobody --clear-groups ";
        assertThat(sh(nobody + curl + " http://localhost/api/v1/host")).isEqualTo("200");
        assertThat(sh(nobody + curl + " -X POST http://localhost/api/v1/guests/guest1/migration-preparation"))
                .isEqualTo("403");
        assertThat(sh("setpriv --reuid=daemon --clear-groups " + curl + " http://localhost/api/v1/host"))
                .isEqualTo("401");
    }

    private static String sh(String command) throws Exception {
        Process process =
                new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }

    @Test
    void plainHttpIsNotSpoken() throws Exception {
        try (Socket socket = new Socket("localhost", port)) {
            socket.getOutputStream()
                    .write("GET /actuator/health/liveness HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 400").doesNotContain("UP");
        }
    }

    @Test
    void healthSaysUpToEverybodyAndMoreToViewers() {
        api.ask("GET", "/actuator/health").statusCode(200).body("$", not(hasKey("components")));
        api.ask("GET", "/actuator/health/liveness").statusCode(200);
        api.ask("GET", "/actuator/health/readiness").statusCode(200).body("$", not(hasKey("components")));
        with(ONLY.get(Role.VIEWER))
                .ask("GET", "/actuator/health")
                .statusCode(200)
                .body("$", hasKey("components"));
        with(ONLY.get(Role.OPERATOR))
                .ask("GET", "/actuator/health")
                .statusCode(200)
                .body("$", not(hasKey("components")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/prometheus", "/actuator/info", "/actuator"})
    void metricsAreForViewers(String path) {
        api.ask("GET", path).statusCode(401);
        with(ONLY.get(Role.OPERATOR)).ask("GET", path).statusCode(403);
        with(ONLY.get(Role.VIEWER)).ask("GET", path).statusCode(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "env",
                "beans",
                "configprops",
                "heapdump",
                "threaddump",
                "loggers",
                "mappings",
                "shutdown",
                "metrics"
            })
    void thereIsNoOtherActuator(String endpoint) {
        with(ONLY.get(Role.ADMIN)).ask("GET", "/actuator/" + endpoint).statusCode(404);
    }

    @Test
    void theDocumentAndTheSwaggerUiAreOpenSoThatOneCanLogIn() {
        api.ask("GET", "/v3/api-docs").statusCode(200).body("components.securitySchemes.bearer.scheme", is("bearer"));
        api.ask("GET", "/swagger-ui/index.html").statusCode(200);
        api.ask("GET", "/problems/forbidden").statusCode(200);
        api.ask("GET", "/anything-else").statusCode(401);
    }

    private static Certificates someAuthority() {
        try {
            return new Certificates("somebody else");
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
