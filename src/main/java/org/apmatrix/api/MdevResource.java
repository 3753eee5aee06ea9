package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.host.Mdev;
import org.apmatrix.service.Attachment;
import org.apmatrix.service.HostView;
import org.apmatrix.service.MdevState;
import org.jspecify.annotations.Nullable;

/** A mediated matrix device. */
@Schema(
        name = "Mdev",
        description =
                "A mediated matrix device. The fields of the matrix are null while the device is being removed and waits for its user.")
record MdevResource(
        @Schema(format = "uuid", example = Examples.UUID) String uuid,

        @Schema(example = "/sys/devices/vfio_ap/matrix/" + Examples.UUID)
        String path,

        @Schema(types = {"array", "null"}) @Nullable List<Integer> adapters,
        @Schema(types = {"array", "null"}) @Nullable List<Integer> domains,
        @Schema(types = {"array", "null"}) @Nullable List<Integer> controlDomains,

        @Schema(
                description = "The cross product of adapters and domains",
                types = {"array", "null"})
        @Nullable
        List<String> matrix,

        @Schema(
                description =
                        "What a guest has or would get; null on kernels before 6.0, and where the matrix is too large to be printed safely",
                types = {"array", "null"})
        @Nullable
        List<String> guestMatrix,

        @Schema(
                description = "Each difference between matrix and guestMatrix; null where guestMatrix is",
                types = {"array", "null"})
        @Nullable
        List<HiddenResource> hidden,

        @Schema(
                types = {"integer", "null"},
                example = "0")
        @Nullable
        Integer iommuGroup,

        @Schema(
                description =
                        "null when it cannot be ruled out: the file descriptors of some processes are not readable",
                types = {"boolean", "null"})
        @Nullable
        Boolean inUse,

        @Nullable UserResource guest,

        @Schema(
                description =
                        "Whether mdevctl makes the device at boot, auto or manual; null when it is not defined, or its definition cannot be read (GET"
                                + " /api/v1/definitions tells)",
                types = {"string", "null"},
                example = "auto")
        @Nullable
        String definition,

        @Schema(
                description =
                        "The guests whose next start gives them the device: it is in their stored definition (libvirt's guests have one)")
        List<String> storedFor,

        @Schema(
                description =
                        "What is worth a thought in the matrix: several modes, different master keys. Empty when nothing is; no part of the ETag")
        List<WarningResource> warnings) {

    /** Why the guest does not have an adapter or a domain. */
    @Schema(name = "Hidden", description = "Names either the adapter or the domain that is hidden; the other is null.")
    record HiddenResource(
            @Schema(
                    types = {"integer", "null"},
                    example = "6")
            @Nullable
            Integer adapter,

            @Schema(types = {"integer", "null"}) @Nullable Integer domain,

            @Schema(description = "The queues that make the difference")
            List<String> because,

            MdevState.Reason reason) {}

    /** Who uses the device. */
    @Schema(name = "DeviceUser", description = "Who uses the device.")
    record UserResource(
            @Schema(
                    description = "null for a process that is no guest of ours",
                    types = {"string", "null"})
            @Nullable
            String name,

            @Schema(
                    types = {"integer", "null"},
                    example = "4711")
            @Nullable
            Integer pid,

            Attachment.State state) {}

    /** What a caller wants a device to be. */
    @Schema(name = "MdevRequest")
    record Request(
            @Schema(
                    description = "A random one when left out",
                    format = "uuid",
                    types = {"string", "null"})
            @Nullable
            String uuid,

            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> adapters,
            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> domains,
            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> controlDomains) {
        Matrix matrix() {
            return new Matrix(
                    ApiConverters.ids("adapters", adapters),
                    ApiConverters.ids("domains", domains),
                    ApiConverters.ids("controlDomains", controlDomains));
        }
    }

    static MdevResource from(MdevState state) {
        Mdev mdev = state.entry().mdev();
        Matrix matrix = mdev.matrix();
        return new MdevResource(
                mdev.id().toString(),
                mdev.path().toString(),
                matrix == null ? null : matrix.adapters().ids(),
                matrix == null ? null : matrix.domains().ids(),
                matrix == null ? null : matrix.controlDomains().ids(),
                apqns(matrix),
                apqns(mdev.guestMatrix()),
                state.hidden() == null
                        ? null
                        : state.hidden().stream().map(MdevResource::hidden).toList(),
                mdev.iommuGroup(),
                state.entry().inUse(),
                user(state.entry()),
                state.definition() == null ? null : state.definition().word(),
                state.storedFor().stream().map(GuestName::toString).toList(),
                WarningResource.from(state.warnings()));
    }

    private static @Nullable UserResource user(HostView.Entry entry) {
        Attachment attachment = entry.attachment();
        return attachment == null
                ? null
                : new UserResource(
                        attachment.guest() == null ? null : attachment.guest().toString(),
                        attachment.pid(),
                        attachment.state());
    }

    private static HiddenResource hidden(MdevState.Hidden hidden) {
        return new HiddenResource(
                hidden.adapter(),
                hidden.domain(),
                hidden.because().stream().map(Apqn::toString).toList(),
                hidden.reason());
    }

    private static @Nullable List<String> apqns(@Nullable Matrix matrix) {
        return matrix == null
                ? null
                : matrix.apqns().stream().map(Apqn::toString).toList();
    }
}
