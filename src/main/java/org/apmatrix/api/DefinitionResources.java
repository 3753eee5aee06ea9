package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.MdevctlStore;
import org.apmatrix.service.DefinitionService;
import org.jspecify.annotations.Nullable;

/** Definitions of devices in the shapes of the API. */
final class DefinitionResources {
    private DefinitionResources() {}

    /** A definition as it is kept now. */
    @Schema(name = "Definition", description = "A definition that mdevctl keeps of a device.")
    record DefinitionResource(
            @Schema(format = "uuid", example = Examples.UUID)
            String uuid,

            @Schema(
                    description = "Whether mdevctl makes the device at boot",
                    allowableValues = {"manual", "auto"})
            String start,

            List<Integer> adapters,
            List<Integer> domains,
            List<Integer> controlDomains,

            @Schema(description = "The file on the host", example = "/etc/mdevctl.d/matrix/" + Examples.UUID)
            String path) {
        static DefinitionResource from(DefinitionService.Defined definition) {
            return new DefinitionResource(
                    definition.id().toString(),
                    definition.start().word(),
                    definition.matrix().adapters().ids(),
                    definition.matrix().domains().ids(),
                    definition.matrix().controlDomains().ids(),
                    definition.file().toString());
        }
    }

    /** Adapters and domains alone. */
    @Schema(name = "DefinedMatrix")
    record MatrixResource(List<Integer> adapters, List<Integer> domains, List<Integer> controlDomains) {
        static @Nullable MatrixResource from(@Nullable Matrix matrix) {
            return matrix == null
                    ? null
                    : new MatrixResource(
                            matrix.adapters().ids(),
                            matrix.domains().ids(),
                            matrix.controlDomains().ids());
        }
    }

    /** What is kept of a device against what stands. */
    @Schema(name = "ComparedDefinition", description = "A device that is defined, or stands, or both.")
    record ComparedResource(
            @Schema(format = "uuid", example = Examples.UUID)
            String uuid,

            @Schema(
                    description = "auto or manual; null when it is not defined",
                    types = {"string", "null"},
                    example = "auto")
            @Nullable
            String start,

            @Nullable MatrixResource defined,
            @Nullable MatrixResource active,

            @Schema(
                    description =
                            "IN_SYNC: stands as it is defined. DIFFERENT: stands otherwise. DEFINED_ONLY: does not stand. TRANSIENT: is not defined, and goes with the next boot")
            DefinitionService.Comparison state) {
        static ComparedResource from(DefinitionService.Compared device) {
            return new ComparedResource(
                    device.id().toString(),
                    device.start() == null ? null : device.start().word(),
                    MatrixResource.from(device.defined()),
                    MatrixResource.from(device.active()),
                    device.state());
        }
    }

    /** A file that bears a UUID and is no definition. */
    @Schema(name = "UnreadableDefinition", description = "A file that bears a UUID and is no definition.")
    record UnreadableResource(String name, String reason) {
        static UnreadableResource from(MdevctlStore.UnreadableFile file) {
            return new UnreadableResource(file.name(), file.why());
        }
    }

    /** All of them. */
    @Schema(name = "Definitions")
    record DefinitionsResource(
            List<ComparedResource> items,

            @Schema(
                    description =
                            "Files that bear a UUID and are no definitions; some releases of mdevctl fail over one")
            List<UnreadableResource> unreadable) {
        static DefinitionsResource from(DefinitionService.Overview overview) {
            return new DefinitionsResource(
                    overview.devices().stream().map(ComparedResource::from).toList(),
                    overview.unreadable().stream().map(UnreadableResource::from).toList());
        }
    }
}
