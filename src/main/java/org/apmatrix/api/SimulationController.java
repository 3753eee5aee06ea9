package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.apmatrix.ap.Apqn;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.service.Generation;
import org.apmatrix.service.SimulationService;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Profile;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What only a simulated host can; these paths do not exist on a real one. */
@RestController
@Profile("simulated")
@RequestMapping(path = "/api/v1/simulation", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Simulation")
class SimulationController {
    private final SimulationService simulation;

    SimulationController(SimulationService simulation) {
        this.simulation = simulation;
    }

    /** An adapter of the simulated machine. */
    @Schema(name = "SimulatedAdapter")
    record AdapterBody(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, minimum = "0", maximum = "255") @Nullable
            Integer id,

            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    description = "CEX4 to CEX8 and C (CCA), P (EP11) or A (accelerator)",
                    example = "CEX8P")
            @Nullable
            String type) {}

    /** What is to be another than it is. */
    @Schema(name = "SimulatedHostRequest", description = "What is left out stays as it is.")
    record HostRequest(
            @Schema(
                    description = "static is kernel 5.10, dynamic is 6.12",
                    types = {"string", "null"},
                    allowableValues = {"static", "dynamic"})
            @Nullable
            String generation,

            @Schema(
                    types = {"string", "null"},
                    allowableValues = {"5.10", "6.1", "6.12", "7.2"})
            @Nullable
            String kernel,

            @Schema(types = {"array", "null"}) @Nullable List<@Nullable AdapterBody> adapters,
            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> domains,
            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> controlDomains,

            @Schema(
                    types = {"integer", "null"},
                    minimum = "0",
                    maximum = "255")
            @Nullable
            Integer maxAdapterId,

            @Schema(
                    types = {"integer", "null"},
                    minimum = "0",
                    maximum = "255")
            @Nullable
            Integer maxDomainId) {

        SimulationService.Wish wish() {
            return new SimulationService.Wish(
                    generation == null ? null : generation(generation),
                    kernel,
                    adapters == null
                            ? null
                            : adapters.stream().map(HostRequest::adapter).toList(),
                    domains == null ? null : ApiConverters.ids("domains", domains),
                    controlDomains == null ? null : ApiConverters.ids("controlDomains", controlDomains),
                    maxAdapterId,
                    maxDomainId);
        }

        private static Generation generation(String text) {
            return switch (text) {
                case "static" -> Generation.STATIC;
                case "dynamic" -> Generation.DYNAMIC;
                default -> throw new InvalidValue("generation", "Either static or dynamic.");
            };
        }

        private static SimulationService.Adapter adapter(@Nullable AdapterBody adapter) {
            if (adapter == null || adapter.id() == null || adapter.type() == null) {
                throw new InvalidValue("adapters", "Each adapter has an id and a type.");
            }
            return new SimulationService.Adapter(
                    Objects.requireNonNull(adapter.id()), Objects.requireNonNull(adapter.type()));
        }
    }

    /** The simulated machine as it is now. */
    @Schema(name = "SimulatedHost")
    record HostBody(
            @Schema(example = "6.12") String kernel,
            @Schema(allowableValues = {"static", "dynamic"}) String generation,
            List<AdapterBody> adapters,
            List<Integer> domains,
            List<Integer> controlDomains,
            int maxAdapterId,
            int maxDomainId) {
        static HostBody from(SimulationService.Simulated machine) {
            return new HostBody(
                    machine.kernel(),
                    machine.generation().name().toLowerCase(Locale.ROOT),
                    machine.adapters().stream()
                            .map(adapter -> new AdapterBody(adapter.id(), adapter.type()))
                            .toList(),
                    machine.domains().ids(),
                    machine.controlDomains().ids(),
                    machine.maxAdapterId(),
                    machine.maxDomainId());
        }
    }

    /** What a simulated guest is to be. */
    @Schema(name = "SimulatedGuestRequest", description = "What is left out stays as it is.")
    record GuestRequest(
            @Schema(
                    types = {"string", "null"},
                    description =
                            "QEMU's run state: running, paused, shutdown, prelaunch, guest-panicked, inmigrate, …",
                    example = "running")
            @Nullable
            String state,

            @Schema(
                    types = {"string", "null"},
                    description =
                            "ANSWERS; SILENT: nothing is answered until the temper changes; REFUSES: plug and unplug get an error; HANGS_UP: they break the connection",
                    allowableValues = {"ANSWERS", "SILENT", "REFUSES", "HANGS_UP"})
            @Nullable
            String temper,

            @Schema(description = "A change is as if the guest had been started anew with another CPU model") @Nullable
            FeaturesRequest cpuFeatures) {

        SimulationService.GuestWish wish() {
            return new SimulationService.GuestWish(
                    state,
                    temper,
                    cpuFeatures == null ? null : cpuFeatures.ap(),
                    cpuFeatures == null ? null : cpuFeatures.apqci(),
                    cpuFeatures == null ? null : cpuFeatures.apft());
        }
    }

    /** The CPU features that a simulated guest is to have. */
    @Schema(name = "SimulatedCpuFeatures", description = "What is left out stays as it is.")
    record FeaturesRequest(
            @Schema(types = {"boolean", "null"}) @Nullable Boolean ap,
            @Schema(types = {"boolean", "null"}) @Nullable Boolean apqci,
            @Schema(types = {"boolean", "null"}) @Nullable Boolean apft) {}

    /** A simulated guest as it is now. */
    @Schema(name = "SimulatedGuest")
    record GuestBody(
            @Schema(example = "guest1") String name,
            @Schema(example = "running") String state,

            @Schema(allowableValues = {"ANSWERS", "SILENT", "REFUSES", "HANGS_UP"})
            String temper,

            GuestResource.CpuFeaturesResource cpuFeatures) {
        static GuestBody from(SimulationService.SimulatedGuest guest) {
            return new GuestBody(
                    guest.name(),
                    guest.state(),
                    guest.temper(),
                    GuestResource.CpuFeaturesResource.from(guest.cpuFeatures()));
        }
    }

    @PutMapping(path = "/guests/{guest}", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "putSimulatedGuest",
            summary = "Change a simulated guest, or make it",
            description =
                    "Its run state, its CPU features, and how its QEMU behaves on its monitor. A new one runs, answers, and has all features.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.SIMULATED_GUEST_REQUEST)))
    @ApiResponse(
            responseCode = "200",
            description = "The guest as it is now; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {GuestBody.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "guest", value = Examples.SIMULATED_GUEST),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @ApiResponse(
            responseCode = "201",
            description = "It was made; Location names it",
            content =
                    @Content(
                            schema = @Schema(implementation = GuestBody.class),
                            examples = @ExampleObject(Examples.SIMULATED_GUEST)))
    @Refuses(ErrorCode.SIMULATION_IN_USE)
    ResponseEntity<Object> putGuest(
            @Parameter(description = "Letters, digits, . _ -", example = "guest1") @PathVariable String guest,
            @RequestBody GuestRequest body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                simulation.guest(guest, body.wish(), Boolean.TRUE.equals(dryRun)), request.getRequestURI(), done -> {
                    GuestBody answer = GuestBody.from(done.state());
                    return done.created()
                            ? ResponseEntity.created(URI.create("/api/v1/guests/" + guest))
                                    .body(answer)
                            : ResponseEntity.ok(answer);
                });
    }

    @DeleteMapping("/guests/{guest}")
    @Operation(
            operationId = "killSimulatedGuest",
            summary = "Kill a simulated guest",
            description = "As kill -9 on its QEMU: the kernel takes back what it held. Already gone: 204.")
    @ApiResponse(responseCode = "204", description = "It is gone", content = @Content)
    @ApiResponse(
            responseCode = "200",
            description = "With dryRun: what would happen",
            content =
                    @Content(
                            schema = @Schema(implementation = DryRunResource.class),
                            examples = @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)))
    ResponseEntity<Object> killGuest(
            @Parameter(description = Docs.GUEST, example = "guest1") @PathVariable String guest,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                simulation.kill(guest, Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> ResponseEntity.noContent().build());
    }

    @PutMapping(path = "/host", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "putSimulatedHost",
            summary = "Rebuild the simulated host",
            description =
                    "Boots the simulated machine anew with another kernel or other adapters and domains; its masks are at their default then. Only while no"
                            + " mediated device stands.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.SIMULATED_HOST_REQUEST)))
    @ApiResponse(
            responseCode = "200",
            description = "The machine as it is now; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {HostBody.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "host", value = Examples.SIMULATED_HOST),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @Refuses(ErrorCode.SIMULATION_IN_USE)
    ResponseEntity<Object> putHost(
            @RequestBody HostRequest body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                simulation.rebuild(body.wish(), Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> ResponseEntity.ok(HostBody.from(done.state())));
    }

    @PutMapping("/queues/{apqn}/binding")
    @Operation(
            operationId = "bindSimulatedQueue",
            summary = "Bind a queue by hand",
            description =
                    "Lets the simulated bus look for the driver that the masks or the queue's override name, as an administrator could.")
    @ApiResponse(
            responseCode = "200",
            description = "The queue as it is now; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {QueueResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "queue", value = Examples.QUEUE),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @Refuses(ErrorCode.QUEUE_NOT_FOUND)
    ResponseEntity<Object> bind(
            @Parameter(description = "In the kernel's spelling", schema = @Schema(type = "string"), example = "05.0004")
                    @PathVariable
                    Apqn apqn,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                simulation.bind(apqn, Answers.options(dryRun, null, null)),
                request.getRequestURI(),
                done -> ResponseEntity.ok(QueueResource.from(done.state())));
    }

    @DeleteMapping("/queues/{apqn}/binding")
    @Operation(
            operationId = "unbindSimulatedQueue",
            summary = "Unbind a queue by hand",
            description =
                    "Takes the queue from its driver, as an administrator could, in use or not: the kernel never refuses that.")
    @ApiResponse(
            responseCode = "200",
            description = "The queue as it is now; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {QueueResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "queue", value = Examples.QUEUE),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @Refuses(ErrorCode.QUEUE_NOT_FOUND)
    ResponseEntity<Object> unbind(
            @Parameter(description = "In the kernel's spelling", schema = @Schema(type = "string"), example = "05.0004")
                    @PathVariable
                    Apqn apqn,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                simulation.unbind(apqn, Answers.options(dryRun, null, null)),
                request.getRequestURI(),
                done -> ResponseEntity.ok(QueueResource.from(done.state())));
    }

    /** The master keys that a simulated queue is to have. */
    @Schema(name = "SimulatedMasterKeys")
    record KeyRequest(
            @Schema(
                    description =
                            "Of the current AES and APKA master keys of a CCA queue: 0x and 16 lower-case hex digits; of the current WK of an EP11 queue: 0x and 64. Without it the HSM does not answer, which is how it begins",
                    types = {"string", "null"},
                    example = "0x0123456789abcdef")
            @Nullable
            String pattern,

            @Schema(
                    description = "valid when left out",
                    types = {"string", "null"},
                    allowableValues = {"valid", "invalid"})
            @Nullable
            String state) {}

    @PutMapping(path = "/queues/{apqn}/master-keys", consumes = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            operationId = "putSimulatedMasterKeys",
            summary = "Load master keys into a simulated queue",
            description =
                    "As somebody at a TKE workstation does. Whoever has the queue, its HSM has them at once; what this service knows of them changes when the host's driver has the queue.")
    @io.swagger.v3.oas.annotations.parameters.RequestBody(
            content = @Content(examples = @ExampleObject(Examples.MASTER_KEYS_REQUEST)))
    @ApiResponse(
            responseCode = "200",
            description = "The queue as it is now; or with dryRun what would happen",
            content =
                    @Content(
                            schema = @Schema(oneOf = {QueueResource.class, DryRunResource.class}),
                            examples = {
                                @ExampleObject(name = "queue", value = Examples.QUEUE),
                                @ExampleObject(name = "dryRun", value = Examples.DRY_RUN)
                            }))
    @Refuses(ErrorCode.QUEUE_NOT_FOUND)
    ResponseEntity<Object> loadMasterKeys(
            @Parameter(description = "In the kernel's spelling", schema = @Schema(type = "string"), example = "05.0004")
                    @PathVariable
                    Apqn apqn,
            @RequestBody KeyRequest body,
            @Parameter(description = Docs.DRY_RUN) @RequestParam(required = false) @Nullable Boolean dryRun,
            HttpServletRequest request) {
        return Answers.of(
                simulation.loadMasterKeys(
                        apqn, new SimulationService.KeyLoad(body.pattern(), body.state()), Boolean.TRUE.equals(dryRun)),
                request.getRequestURI(),
                done -> ResponseEntity.ok(QueueResource.from(done.state())));
    }
}
