package org.apmatrix.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.examples.Example;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Contact;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.info.License;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import io.swagger.v3.oas.models.servers.Server;
import io.swagger.v3.oas.models.tags.Tag;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apmatrix.access.Permissions;
import org.apmatrix.access.Role;
import org.apmatrix.fault.ErrorCode;
import org.jspecify.annotations.Nullable;
import org.springdoc.core.customizers.GlobalOpenApiCustomizer;
import org.springdoc.core.customizers.GlobalOperationCustomizer;
import org.springdoc.core.providers.ObjectMapperProvider;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.method.HandlerMethod;

/** What the OpenAPI document says beside the controllers: its head, and every refusal of every operation with an example. */
@Configuration(proxyBeanMethods = false)
class OpenApiConfiguration {
    private static final String PROBLEM = "#/components/schemas/Problem";

    /** The schemas in which a field may be left out. */
    private static final Set<String> REQUESTS = Set.of(
            "MasksPatch",
            "MdevRequest",
            "MatrixRequest",
            "DriverRequest",
            "ApDeviceRequest",
            "DesiredStateRequest",
            "AllocationRequest",
            "RenewalRequest",
            "DesiredMasks",
            "DesiredMdevRequest",
            "DesiredAttachmentRequest",
            "SimulatedHostRequest",
            "SimulatedGuestRequest",
            "SimulatedCpuFeatures",
            "SimulatedMasterKeys",
            "MigrationTarget",
            "TargetQueue",
            "TargetMasterKeys",
            "TargetMasterKey");

    /** References that may be null, which an annotation cannot say: schema and field, and what it refers to. */
    private static final Map<String, Map<String, String>> NULLABLE = Map.ofEntries(
            Map.entry("Mdev", Map.of("guest", "DeviceUser")),
            Map.entry("Guest", Map.of("apDevice", "ApDevice", "migrationPrepared", "PreparedMigration")),
            Map.entry("DesiredState", Map.of("masks", "DesiredMasks")),
            Map.entry("DesiredStateRequest", Map.of("masks", "DesiredMasks")),
            Map.entry("QueueMove", Map.of("from", "QueueHolder", "to", "QueueHolder")),
            Map.entry("ComparedDefinition", Map.of("defined", "DefinedMatrix", "active", "DefinedMatrix")),
            Map.entry("Queue", Map.of("masterKeys", "MasterKeys")),
            Map.entry("TargetQueue", Map.of("masterKeys", "TargetMasterKeys")),
            Map.entry("ApDevice", Map.of("secureKeys", "SecureKeys")),
            Map.entry("AuditRecord", Map.of("before", "AuditSnapshot", "after", "AuditSnapshot")),
            Map.entry("RestoredDocument", Map.of("problem", "Problem")),
            Map.entry("RestoredAllocation", Map.of("problem", "Problem")));

    @Bean
    OpenAPI document() {
        return new OpenAPI()
                .info(new Info()
                        .title("apmatrix")
                        .version("1")
                        .summary("Hands AP crypto queues of IBM Z and LinuxONE to KVM guests")
                        .description("""
                                Inventory, masks and mediated matrix devices of the vfio_ap driver. Every write takes `dryRun=true`, which \
                                tells what would happen and what it would be refused for. Every refusal is a problem (RFC 9457) with a code \
                                and, where queues clash, the holder of each. While a guest uses a device, its matrix does not change and it \
                                is not removed, on every kernel.""")
                        .contact(new Contact().name("apmatrix").url("https://github.com/apmatrix/apmatrix"))
                        .license(new License().name("Apache 2.0").identifier("Apache-2.0")))
                .components(new Components()
                        .addSecuritySchemes(
                                "bearer",
                                new SecurityScheme()
                                        .type(SecurityScheme.Type.HTTP)
                                        .scheme("bearer")
                                        .description(
                                                "A token of this service (java -jar apmatrix.jar token add) or a JWT of the site's identity provider. The simulated"
                                                        + " host on the loopback address asks for none.")))
                .addSecurityItem(new SecurityRequirement().addList("bearer"))
                .servers(List.of(new Server().url("/").description("This service")))
                .tags(List.of(
                        new Tag().name("Host").description("The host and its adapters"),
                        new Tag().name("Queues").description("AP queues and who has them"),
                        new Tag().name("Masks").description("The masks that divide the queues between host and guests"),
                        new Tag().name("Mediated devices").description("Matrix devices for guests"),
                        new Tag()
                                .name("Desired state")
                                .description("Whole documents: masks, devices and what is plugged in"),
                        new Tag()
                                .name("Definitions")
                                .description("What mdevctl and libvirt keep of devices beyond a boot"),
                        new Tag()
                                .name("Allocations")
                                .description("Queues by wish: chosen by the service, for good or as a lease"),
                        new Tag().name("Guests").description("Guests, hot plug and hot unplug"),
                        new Tag().name("Events").description("What changes on the host, as it happens"),
                        new Tag().name("Caller").description("Who calls"),
                        new Tag().name("Audit").description("Who tried to change what, and how it ended"),
                        new Tag().name("Simulation").description("Only on the simulated host")));
    }

    /** Refusals as responses, one a status, one example a code. */
    @Bean
    GlobalOperationCustomizer refusals() {
        return (operation, method) -> {
            Map<String, List<ErrorCode>> byStatus = new TreeMap<>();
            for (ErrorCode code : codes(method)) {
                byStatus.computeIfAbsent(
                                String.valueOf(ProblemAdvice.status(code).value()), status -> new ArrayList<>())
                        .add(code);
            }
            byStatus.forEach((status, codes) -> operation.getResponses().addApiResponse(status, response(codes)));
            return operation;
        };
    }

    /** The role that each operation needs, in words and for programs. */
    @Bean
    GlobalOpenApiCustomizer roles() {
        return document -> document.getPaths()
                .forEach((path, item) -> item.readOperationsMap().forEach((method, operation) -> {
                    Role role = Permissions.needed(HttpMethod.valueOf(method.name()), PathContainer.parsePath(path))
                            .orElseThrow();
                    operation.addExtension("x-required-role", role.toString());
                    operation.setDescription(operation.getDescription() + " Needs the role `" + role + "`.");
                }));
    }

    /** The schema of problems, which no controller names; and that no answer leaves a field out. */
    @Bean
    @SuppressWarnings({"rawtypes", "unchecked"}) // as the document's own signatures have it
    GlobalOpenApiCustomizer schemas() {
        return document -> {
            Map<String, Schema> schemas = new TreeMap<>(document.getComponents().getSchemas());
            schemas.putAll(ModelConverters.getInstance(true).readAll(Problem.class));
            addEventStates(schemas);
            schemas.forEach((name, schema) -> {
                if (!REQUESTS.contains(name)) {
                    requireAll(schema);
                }
                NULLABLE.getOrDefault(name, Map.of())
                        .forEach((field, target) -> schema.getProperties()
                                .put(
                                        field,
                                        new Schema<>()
                                                .anyOf(List.of(
                                                        new Schema<>().$ref("#/components/schemas/" + target),
                                                        new Schema<>().types(Set.of("null"))))));
            });
            document.getComponents().setSchemas(new LinkedHashMap<>(schemas));
        };
    }

    /** What an event's states can be: an annotation cannot say that they may be null, too. */
    @SuppressWarnings({"rawtypes", "unchecked"}) // as the document's own signatures have it
    private static void addEventStates(Map<String, Schema> schemas) {
        List<Schema> choices = new ArrayList<>();
        for (Class<?> state : EventResource.State.class.getPermittedSubclasses()) {
            Map<String, Schema> schema = ModelConverters.getInstance(true).readAll(state);
            schemas.putAll(schema);
            schema.keySet().forEach(name -> choices.add(new Schema<>().$ref("#/components/schemas/" + name)));
        }
        choices.add(new Schema<>().types(Set.of("null")));
        Map<String, Schema> event = requireNonNull(schemas.get("Event")).getProperties();
        for (String field : List.of("before", "after")) {
            String description = requireNonNull(event.get(field)).getDescription();
            event.put(field, new Schema<>().description(description).oneOf(choices));
        }
    }

    private static void requireAll(Schema<?> schema) {
        if (schema.getProperties() != null) {
            schema.setRequired(schema.getProperties().keySet().stream().sorted().toList());
        }
    }

    /** Quotes every text in the YAML: a reader would take a mask for a number. */
    @Autowired
    void quoteTexts(ObjectMapperProvider mappers) {
        if (mappers.yamlMapper().getFactory() instanceof YAMLFactory yaml) {
            yaml.disable(YAMLGenerator.Feature.MINIMIZE_QUOTES);
        }
    }

    private static Set<ErrorCode> codes(HandlerMethod method) {
        EnumSet<ErrorCode> codes = EnumSet.of(
                ErrorCode.UNAUTHENTICATED,
                ErrorCode.FORBIDDEN,
                ErrorCode.TOO_MANY_REQUESTS,
                ErrorCode.NOT_ACCEPTABLE,
                ErrorCode.INVALID_VALUE,
                ErrorCode.INTERNAL_ERROR,
                ErrorCode.HOST_REFUSED,
                ErrorCode.AP_UNAVAILABLE);
        Refuses refuses = method.getMethodAnnotation(Refuses.class);
        if (refuses != null) {
            codes.addAll(List.of(refuses.value()));
        }
        RequestMapping mapping = AnnotatedElementUtils.findMergedAnnotation(method.getMethod(), RequestMapping.class);
        if (mapping != null && !List.of(mapping.method()).contains(RequestMethod.GET)) {
            codes.add(ErrorCode.HOST_LOCKED);
            codes.add(ErrorCode.AUDIT_UNAVAILABLE);
            if (mapping.consumes().length > 0) {
                codes.add(ErrorCode.UNSUPPORTED_MEDIA_TYPE);
                codes.add(ErrorCode.CONTENT_TOO_LARGE);
            }
        }
        return codes;
    }

    private static ApiResponse response(List<ErrorCode> codes) {
        MediaType media = new MediaType().schema(new Schema<>().$ref(PROBLEM));
        for (ErrorCode code : codes) {
            media.addExamples(code.name(), new Example().summary(code.title()).value(example(code)));
        }
        ApiResponse response = new ApiResponse()
                .description(codes.stream()
                        .map(code -> "`" + code.name() + "`: " + code.meaning())
                        .collect(Collectors.joining("\n\n")))
                .content(new Content().addMediaType("application/problem+json", media));
        if (!Collections.disjoint(codes, ProblemAdvice.RETRYABLE)) {
            response.addHeaderObject(
                    "Retry-After",
                    new Header()
                            .description("Seconds until another try makes sense")
                            .schema(new IntegerSchema()));
        }
        return response;
    }

    private static Map<String, Object> example(ErrorCode code) {
        Map<String, Object> problem = new LinkedHashMap<>();
        problem.put("type", "/problems/" + code.slug());
        problem.put("title", code.title());
        problem.put("status", ProblemAdvice.status(code).value());
        problem.put("detail", code.meaning());
        problem.put("instance", "/api/v1/…");
        problem.put("code", code.name());
        problem.put("errno", errno(code));
        problem.put("conflicts", conflicts(code));
        return problem;
    }

    private static @Nullable String errno(ErrorCode code) {
        return switch (code) {
            case MDEV_EXISTS -> "EEXIST";
            case MDEV_IN_USE -> "EBUSY";
            case ID_ABOVE_MAXIMUM -> "ENODEV";
            case APQN_RESERVED -> "EADDRNOTAVAIL";
            case APQN_IN_USE, DEFINITION_CONFLICT -> "EADDRINUSE";
            case QUEUE_ASSIGNMENT_MIXED -> "EINVAL";
            case HOST_REFUSED -> "EIO";
            case INVALID_VALUE,
                    UNAUTHENTICATED,
                    FORBIDDEN,
                    CONTENT_TOO_LARGE,
                    TOO_MANY_REQUESTS,
                    EVENTS_GONE,
                    AUDIT_UNAVAILABLE,
                    NOT_FOUND,
                    METHOD_NOT_ALLOWED,
                    NOT_ACCEPTABLE,
                    UNSUPPORTED_MEDIA_TYPE,
                    MDEV_NOT_FOUND,
                    DEFINITION_NOT_FOUND,
                    ALLOCATION_NOT_FOUND,
                    ALLOCATION_IMPOSSIBLE,
                    DEFINITION_NOT_STARTABLE,
                    MDEV_NOT_AUTOSTARTED,
                    ADAPTER_NOT_FOUND,
                    QUEUE_NOT_FOUND,
                    GUEST_NOT_FOUND,
                    AP_DEVICE_NOT_FOUND,
                    GUEST_NOT_RUNNING,
                    GUEST_HAS_AP_DEVICE,
                    MDEV_ATTACHED_ELSEWHERE,
                    CPU_FEATURE_MISSING,
                    MATRIX_EMPTY,
                    AP_DEVICE_MISMATCH,
                    QEMU_REFUSED,
                    QEMU_UNREACHABLE,
                    FOREIGN_MDEV,
                    MASKS_CLAIMED,
                    LIVE_CHANGE_FORBIDDEN,
                    MATRIX_TOO_LARGE,
                    DRIVER_OVERRIDE_UNSUPPORTED,
                    STATE_CHANGED,
                    IDEMPOTENCY_KEY_REUSED,
                    SIMULATION_IN_USE,
                    HOST_LOCKED,
                    INTERNAL_ERROR,
                    AP_UNAVAILABLE -> null;
        };
    }

    private static List<Map<String, Object>> conflicts(ErrorCode code) {
        return switch (code) {
            case APQN_RESERVED -> List.of(Map.of("apqn", "05.0004", "holderKind", "host", "holder", "cex4queue"));
            case APQN_IN_USE, DEFINITION_CONFLICT ->
                List.of(Map.of("apqn", "05.0004", "holderKind", "mdev", "holder", Examples.UUID));
            case MDEV_IN_USE -> List.of(Map.of("apqn", "05.0004", "holderKind", "guest", "holder", "guest1"));
            default -> List.of();
        };
    }
}
