package org.apmatrix.api;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import org.apmatrix.access.Role;
import org.apmatrix.access.TokenFileEditor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.ActiveProfiles;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A service that asks who calls, in all three ways, over TLS: the only other application of the HTTP tests. */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@ActiveProfiles("simulated")
@ExtendWith(FreshMachine.class)
abstract class SecuredHttpTest {
    static final Path DIRECTORY = Path.of("target/secured");
    static final Path TOKENS = DIRECTORY.resolve("tokens");
    static final Path SOCKET;
    static final Certificates AUTHORITY;
    static final KeyPair ISSUER;

    /** A token that has all roles but one (and but admin), by the one that it lacks. */
    static final Map<Role, String> ALL_BUT = new EnumMap<>(Role.class);

    /** A token that has this role alone. */
    static final Map<Role, String> ONLY = new EnumMap<>(Role.class);

    static {
        try {
            Files.createDirectories(DIRECTORY);
            // where other users can come, too
            Path forEverybody = Files.createTempDirectory("apmatrix");
            Files.setPosixFilePermissions(forEverybody, PosixFilePermissions.fromString("rwxr-xr-x"));
            forEverybody.toFile().deleteOnExit();
            SOCKET = forEverybody.resolve("apmatrix.sock");
            AUTHORITY = new Certificates("the authority of the tests");
            KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
            rsa.initialize(2048);
            ISSUER = rsa.generateKeyPair();
            Files.writeString(
                    DIRECTORY.resolve("issuer.pem"),
                    Certificates.pem("PUBLIC KEY", ISSUER.getPublic().getEncoded()));
            Files.writeString(DIRECTORY.resolve("ca.pem"), AUTHORITY.authority().certificatePem());
            installServerCertificate(AUTHORITY.issue("CN=localhost"));
            Files.deleteIfExists(TOKENS);
            TokenFileEditor tokens = new TokenFileEditor(TOKENS);
            for (Role role : Role.values()) {
                ONLY.put(role, tokens.add("only-" + role, List.of(role)));
                List<Role> others = new ArrayList<>(Arrays.asList(Role.values()));
                others.removeAll(List.of(role, Role.ADMIN));
                ALL_BUT.put(role, tokens.add("all-but-" + role, others));
            }
        } catch (Exception e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @LocalServerPort
    int port;

    @Autowired
    org.apmatrix.host.sim.SimulatedKernel kernel;

    Api api;

    @DynamicPropertySource
    static void allWays(DynamicPropertyRegistry properties) {
        properties.add("apmatrix.security.tokens-file", TOKENS::toString);
        properties.add("apmatrix.security.limits.wrong-tokens-per-minute", () -> "100000");
        // where Boot would believe what callers say of their address
        properties.add("spring.main.cloud-platform", () -> "kubernetes");
        properties.add("apmatrix.security.socket.path", SOCKET::toString);
        properties.add("apmatrix.security.socket.users.nobody", () -> "viewer");
        // the tests knock at every door
        properties.add("apmatrix.audit.refusals-per-minute", () -> "10000");
        properties.add("apmatrix.security.certificates[0].subject", () -> "CN=pipeline,O=Example");
        properties.add("apmatrix.security.certificates[0].roles", () -> "operator,viewer");
        properties.add(
                "spring.security.oauth2.resourceserver.jwt.public-key-location",
                () -> "file:" + DIRECTORY.resolve("issuer.pem"));
        String bundle = "spring.ssl.bundle.pem.apmatrix.";
        properties.add(bundle + "reload-on-update", () -> "true");
        properties.add(
                bundle + "keystore.certificate",
                () -> DIRECTORY.resolve("server.pem").toString());
        properties.add(
                bundle + "keystore.private-key",
                () -> DIRECTORY.resolve("server-key.pem").toString());
        properties.add(
                bundle + "truststore.certificate",
                () -> DIRECTORY.resolve("ca.pem").toString());
        properties.add("spring.ssl.bundle.watch.file.quiet-period", () -> "100ms");
        properties.add("server.ssl.bundle", () -> "apmatrix");
        properties.add("server.ssl.client-auth", () -> "want");
    }

    @BeforeEach
    void connect() {
        api = Api.at("https://localhost:" + port);
    }

    Api with(String bearer) {
        return api.with("Authorization", "Bearer " + bearer);
    }

    static void installServerCertificate(Certificates.Issued server) throws Exception {
        replace(DIRECTORY.resolve("server-key.pem"), server.keyPem());
        replace(DIRECTORY.resolve("server.pem"), server.certificatePem());
    }

    private static void replace(Path file, String text) throws IOException {
        Path written = Files.writeString(file.resolveSibling(file.getFileName() + ".new"), text);
        Files.move(written, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    /** Claims that this service takes, with these roles. */
    static JWTClaimsSet.Builder claims(String... roles) {
        return new JWTClaimsSet.Builder()
                .subject("somebody")
                .audience("apmatrix")
                .claim("roles", List.of(roles))
                .expirationTime(Date.from(Instant.now().plusSeconds(300)));
    }

    static String signed(KeyPair issuer, JWTClaimsSet claims) throws Exception {
        SignedJWT jwt = new SignedJWT(new JWSHeader(JWSAlgorithm.RS256), claims);
        jwt.sign(new RSASSASigner(issuer.getPrivate()));
        return jwt.serialize();
    }

    /** @param client the certificate that the client shows, null for none */
    HttpResponse<String> get(String path, Certificates.@Nullable Issued client) throws Exception {
        HttpClient http = HttpClient.newBuilder().sslContext(tls(client)).build();
        return http.send(
                HttpRequest.newBuilder(URI.create("https://localhost:" + port + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    static SSLContext tls(Certificates.@Nullable Issued client) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", AUTHORITY.authority().certificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(client == null ? null : new KeyManager[] {new Shows(client)}, trust.getTrustManagers(), null);
        return context;
    }

    /** Shows its certificate whether or not the server names its issuer among those that it trusts. */
    private static final class Shows extends X509ExtendedKeyManager {
        private final Certificates.Issued client;

        Shows(Certificates.Issued client) {
            this.client = client;
        }

        @Override
        public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
            return "client";
        }

        @Override
        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            return "client";
        }

        @Override
        public String[] getClientAliases(String type, Principal[] issuers) {
            return new String[] {"client"};
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return new X509Certificate[] {client.certificate()};
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return client.key();
        }

        @Override
        public String @Nullable [] getServerAliases(String type, Principal[] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            return null;
        }
    }

    static void editTokens(Edit edit) {
        try {
            edit.of(new TokenFileEditor(TOKENS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (TokenFileEditor.Refused e) {
            throw new AssertionError(e);
        }
    }

    interface Edit {
        void of(TokenFileEditor editor) throws IOException, TokenFileEditor.Refused;
    }
}
