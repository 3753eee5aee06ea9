package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
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
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
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
            description = "The machine as it is now",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.SIMULATED_HOST)))
    @Refuses(ErrorCode.SIMULATION_IN_USE)
    HostBody putHost(@RequestBody HostRequest body) {
        return HostBody.from(simulation.rebuild(body.wish()));
    }

    @PutMapping("/queues/{apqn}/binding")
    @Operation(
            operationId = "bindSimulatedQueue",
            summary = "Bind a queue by hand",
            description =
                    "Lets the simulated bus look for the driver that the masks or the queue's override name, as an administrator could.")
    @ApiResponse(
            responseCode = "200",
            description = "The queue as it is now",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.QUEUE)))
    @Refuses(ErrorCode.QUEUE_NOT_FOUND)
    QueueResource bind(
            @Parameter(description = "In the kernel's spelling", schema = @Schema(type = "string"), example = "05.0004")
                    @PathVariable
                    Apqn apqn) {
        return QueueResource.from(simulation.bind(apqn));
    }

    @DeleteMapping("/queues/{apqn}/binding")
    @Operation(
            operationId = "unbindSimulatedQueue",
            summary = "Unbind a queue by hand",
            description =
                    "Takes the queue from its driver, as an administrator could, in use or not: the kernel never refuses that.")
    @ApiResponse(
            responseCode = "200",
            description = "The queue as it is now",
            useReturnTypeSchema = true,
            content = @Content(examples = @ExampleObject(Examples.QUEUE)))
    @Refuses(ErrorCode.QUEUE_NOT_FOUND)
    QueueResource unbind(
            @Parameter(description = "In the kernel's spelling", schema = @Schema(type = "string"), example = "05.0004")
                    @PathVariable
                    Apqn apqn) {
        return QueueResource.from(simulation.unbind(apqn));
    }
}
