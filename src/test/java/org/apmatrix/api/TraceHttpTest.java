package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.logging.logback.StructuredLogEncoder;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.JwkSetUriJwtDecoderBuilderCustomizer;
import org.springframework.core.env.Environment;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A caller's W3C trace context (traceparent) in the log and in what the service calls itself; and the log as JSON. */
class TraceHttpTest extends HttpTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String TRACE_PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";

    /** {"alg":"RS256"}, {}, and no signature that would hold. */
    private static final String JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";

    @Autowired
    ObservationRegistry observations;

    @Autowired
    JwkSetUriJwtDecoderBuilderCustomizer keyRequests;

    @Autowired
    Environment environment;

    @Autowired
    ObjectProvider<SpanExporter> exporters;

    private final Logger logger = (Logger) LoggerFactory.getLogger("org.apmatrix.service");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeEach
    void listen() {
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
    }

    @AfterEach
    void hangUp() {
        logger.detachAppender(lines);
    }

    private Map<String, String> contextOfASelfTest() {
        return lines.list.stream()
                .filter(line -> line.getFormattedMessage().contains("made for a self-test"))
                .findFirst()
                .orElseThrow()
                .getMDCPropertyMap();
    }

    @Test
    void aLineOfTheLogHasTheTraceOfTheCaller() {
        api.with("traceparent", TRACE_PARENT)
                .ask("POST", Api.BASE + "/host/self-test")
                .statusCode(200);
        assertThat(contextOfASelfTest()).containsEntry("traceId", TRACE);
        assertThat(contextOfASelfTest().get("spanId")).matches("[0-9a-f]{16}").isNotEqualTo("b7ad6b7169203331");
    }

    @Test
    void withoutACallersTraceThereIsOneOfOurOwn() {
        api.ask("POST", Api.BASE + "/host/self-test").statusCode(200);
        assertThat(contextOfASelfTest().get("traceId")).matches("[0-9a-f]{32}").isNotEqualTo(TRACE);
    }

    @Test
    void aTraceThatIsNoneIsNotTakenUp() {
        api.with("traceparent", "00-nonsense-01")
                .ask("POST", Api.BASE + "/host/self-test")
                .statusCode(200);
        assertThat(contextOfASelfTest().get("traceId")).matches("[0-9a-f]{32}");
    }

    @Test
    void theTraceGoesOnToWhomTheServiceCalls() throws Exception {
        List<String> heard = new CopyOnWriteArrayList<>();
        HttpServer provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        provider.createContext("/", exchange -> {
            heard.addAll(exchange.getRequestHeaders().getOrDefault("traceparent", List.of()));
            byte[] keys = "{\"keys\": []}".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, keys.length);
            exchange.getResponseBody().write(keys);
            exchange.close();
        });
        provider.start();
        try {
            String trace = Observation.createNotStarted("test", observations).observe(() -> {
                NimbusJwtDecoder.JwkSetUriJwtDecoderBuilder builder = NimbusJwtDecoder.withJwkSetUri(
                        "http://localhost:" + provider.getAddress().getPort() + "/keys");
                keyRequests.customize(builder);
                assertThatThrownBy(() -> builder.build().decode(JWT)).isInstanceOf(JwtException.class);
                return MDC.get("traceId");
            });
            assertThat(heard).isNotEmpty().allMatch(parent -> parent.matches("00-" + trace + "-[0-9a-f]{16}-0[0-3]"));
        } finally {
            provider.stop(0);
        }
    }

    /** {@code logging.structured.format.console=ecs}: each value of the MDC is a member, the request's id among them. */
    @Test
    void asEcsALineHasTheIdOfTheRequestAndItsTrace() {
        LoggerContext context = new LoggerContext();
        context.putObject(Environment.class.getName(), environment);
        StructuredLogEncoder ecs = new StructuredLogEncoder();
        ecs.setContext(context);
        ecs.setFormat("ecs");
        ecs.start();
        MDC.setContextMap(Map.of("requestId", "7f3a", "traceId", TRACE));
        try {
            logger.info("mdev made");
        } finally {
            MDC.clear();
        }
        JsonNode line = JsonMapper.shared().readTree(ecs.encode(lines.list.get(0)));
        assertThat(line.path("message").asString()).isEqualTo("mdev made");
        assertThat(line.path("requestId").asString()).isEqualTo("7f3a");
        assertThat(line.path("traceId").asString()).isEqualTo(TRACE);
        assertThat(line.at("/log/level").asString()).isEqualTo("INFO");
        assertThat(line.at("/service/name").asString()).isEqualTo("apmatrix");
    }

    @Test
    void spansStayHereUnlessAnEndpointIsNamed() {
        assertThat(exporters.stream()).isEmpty();
    }
}
