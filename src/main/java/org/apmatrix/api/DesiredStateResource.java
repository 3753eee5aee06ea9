package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.GuestName;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.InvalidValue;
import org.apmatrix.service.DesiredState;
import org.apmatrix.service.Differences;
import org.apmatrix.service.Move;
import org.apmatrix.service.PlanService;
import org.jspecify.annotations.Nullable;

/** A document of what should be, as it is applied and as it is shown. */
@Schema(name = "DesiredState")
record DesiredStateResource(
        @Schema(description = "Whose document it is; there is one for each owner", example = "demo")
        String owner,

        @Schema(
                description = "Which queues are to be free for guests, or null",
                implementation = MasksOfDocument.class,
                types = {"object", "null"})
        @Nullable
        MasksOfDocument masks,

        List<DeviceOfDocument> mdevs,

        @Schema(
                description =
                        "All that is to be plugged in of these devices; null: the document says nothing of what is plugged in where",
                types = {"array", "null"})
        @Nullable
        List<AttachmentOfDocument> attachments) {

    /** As somebody sends it. */
    @Schema(name = "DesiredStateRequest")
    record Request(
            @Schema(
                    description = "1 to 64 letters, digits and . _ -",
                    example = "demo",
                    requiredMode = Schema.RequiredMode.REQUIRED)
            @Nullable
            String owner,

            @Schema(description = "Left out: the document wants nothing of the masks") @Nullable
            MasksOfDocument masks,

            @Schema(
                    description = "Left out: none, so that all of this owner's devices go",
                    types = {"array", "null"})
            @Nullable
            List<@Nullable DeviceRequest> mdevs,

            @Schema(
                    description =
                            "All that is to be plugged in of these devices. Left out: the document says nothing of that; what an earlier one of this owner has"
                                    + " plugged in goes",
                    types = {"array", "null"})
            @Nullable
            List<@Nullable AttachmentRequest> attachments) {

        DesiredState document() {
            if (owner == null) {
                throw new InvalidValue("owner", "A document says whose it is.");
            }
            Map<String, MdevId> named = new TreeMap<>();
            List<DesiredState.Device> devices = new ArrayList<>();
            List<@Nullable DeviceRequest> wanted = mdevs == null ? List.of() : mdevs;
            for (int i = 0; i < wanted.size(); i++) {
                DeviceRequest device = present("mdevs[" + i + "]", wanted.get(i));
                devices.add(device.device(owner, "mdevs[" + i + "]", named));
            }
            return new DesiredState(
                    owner,
                    masks == null ? null : new DesiredState.Masks(masks.apmask(), masks.aqmask()),
                    devices,
                    attachments == null ? null : plugged(attachments, named));
        }

        private static List<DesiredState.Plugged> plugged(
                List<@Nullable AttachmentRequest> attachments, Map<String, MdevId> named) {
            List<DesiredState.Plugged> plugged = new ArrayList<>();
            for (int i = 0; i < attachments.size(); i++) {
                String field = "attachments[" + i + "]";
                AttachmentRequest attachment = present(field, attachments.get(i));
                GuestName guest = GuestName.parse(present(field + ".guest", attachment.guest()))
                        .orElseThrow(() -> new InvalidValue(field + ".guest", "Not a guest's name."));
                String mdev = present(field + ".mdev", attachment.mdev());
                MdevId id = named.containsKey(mdev)
                        ? named.get(mdev)
                        : MdevId.parse(mdev)
                                .orElseThrow(() -> new InvalidValue(
                                        field + ".mdev",
                                        "Neither a UUID nor the name of one of the document's mdevs: "
                                                + ApiConverters.excerpt(mdev)));
                plugged.add(new DesiredState.Plugged(guest.toString(), id.toString()));
            }
            return plugged;
        }

        private static <T> T present(String field, @Nullable T value) {
            if (value == null) {
                throw new InvalidValue(field, "It is missing.");
            }
            return value;
        }
    }

    /** The masks of a document, in the grammar of PATCH /masks. */
    @Schema(name = "DesiredMasks")
    record MasksOfDocument(
            @Schema(
                    description = "Bits to clear (-) and to set (+), or an absolute mask; null leaves it",
                    example = "-5,-6",
                    types = {"string", "null"})
            @Nullable
            String apmask,

            @Schema(
                    example = "-4,-0x47,-0xab,-0xff",
                    types = {"string", "null"})
            @Nullable
            String aqmask) {}

    /** A device as somebody wants it. */
    @Schema(name = "DesiredMdevRequest")
    record DeviceRequest(
            @Schema(
                    description = "Or a name",
                    format = "uuid",
                    types = {"string", "null"})
            @Nullable
            String uuid,

            @Schema(
                    description =
                            "1 to 64 letters, digits and . _ -: makes the same UUID from owner and name on every host (RFC 9562, version 5), if there is no uuid",
                    example = "payments",
                    types = {"string", "null"})
            @Nullable
            String name,

            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> adapters,
            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> domains,
            @Schema(types = {"array", "null"}) @Nullable List<@Nullable Integer> controlDomains,

            @Schema(
                    description = "true: mdevctl makes it at boot; false: it does not; left out: that is left as it is",
                    types = {"boolean", "null"})
            @Nullable
            Boolean autostart) {
        private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

        DesiredState.Device device(String owner, String field, Map<String, MdevId> named) {
            if (name != null && !name.matches(NAME)) {
                throw new InvalidValue(field + ".name", "1 to 64 letters, digits and . _ -.");
            }
            MdevId id;
            if (uuid != null) {
                id = ApiConverters.mdevId(field + ".uuid", uuid);
            } else if (name != null) {
                id = DesiredState.named(owner, name);
            } else {
                throw new InvalidValue(field, "A device has a uuid or a name.");
            }
            if (name != null) {
                named.put(name, id);
            }
            Matrix matrix = new Matrix(
                    ApiConverters.ids(field + ".adapters", adapters),
                    ApiConverters.ids(field + ".domains", domains),
                    ApiConverters.ids(field + ".controlDomains", controlDomains));
            return new DesiredState.Device(
                    id.toString(),
                    name,
                    matrix.adapters().ids(),
                    matrix.domains().ids(),
                    matrix.controlDomains().ids(),
                    autostart);
        }
    }

    /** A device of a document. */
    @Schema(name = "DesiredMdev")
    record DeviceOfDocument(
            @Schema(format = "uuid") String uuid,

            @Schema(
                    example = "payments",
                    types = {"string", "null"})
            @Nullable
            String name,

            @Schema(example = "[5, 6]") List<Integer> adapters,
            @Schema(example = "[4, 171]") List<Integer> domains,
            @Schema(example = "[]") List<Integer> controlDomains,

            @Schema(
                    description = "null: left as it is",
                    types = {"boolean", "null"})
            @Nullable
            Boolean autostart) {}

    /** What is to be plugged in where. */
    @Schema(name = "DesiredAttachment")
    record AttachmentOfDocument(
            @Schema(example = "guest1") String guest,
            @Schema(format = "uuid") String mdev) {}

    /** What somebody wants plugged in where. */
    @Schema(name = "DesiredAttachmentRequest")
    record AttachmentRequest(
            @Schema(example = "guest1", requiredMode = Schema.RequiredMode.REQUIRED) @Nullable
            String guest,

            @Schema(
                    description = "UUID or name of one of the document's mdevs",
                    requiredMode = Schema.RequiredMode.REQUIRED)
            @Nullable
            String mdev) {}

    static DesiredStateResource from(DesiredState document) {
        DesiredState.@Nullable Masks masks = document.masks();
        List<DesiredState.Plugged> attachments = document.attachments();
        return new DesiredStateResource(
                document.owner(),
                masks == null ? null : new MasksOfDocument(masks.apmask(), masks.aqmask()),
                document.mdevs().stream()
                        .map(device -> new DeviceOfDocument(
                                device.uuid(),
                                device.name(),
                                device.adapters(),
                                device.domains(),
                                device.controlDomains(),
                                device.autostart()))
                        .toList(),
                attachments == null
                        ? null
                        : attachments.stream()
                                .map(plug -> new AttachmentOfDocument(plug.guest(), plug.mdev()))
                                .toList());
    }

    /** What was done. */
    @Schema(name = "DesiredStateApplied")
    record Applied(
            boolean applied,

            @Schema(description = "false: the host was like the document already")
            boolean changed,

            @Schema(description = "In the order of execution")
            List<DryRunResource.StepResource> steps,

            @Schema(description = "What is worth a thought in the document's matrices")
            List<WarningResource> warnings) {
        static Applied from(PlanService.Applied done) {
            return new Applied(
                    true,
                    done.changed(),
                    done.steps().stream().map(DryRunResource.StepResource::from).toList(),
                    WarningResource.from(done.warnings()));
        }
    }

    /** What would be done, with each queue's old and new holder. */
    @Schema(name = "DesiredStateDryRun")
    record Preview(
            boolean dryRun,

            @Schema(description = "In the order of execution")
            List<DryRunResource.StepResource> steps,

            @Schema(description = "Queues that devices would get, and that would come from the host to the guests")
            List<String> apqnsAdded,

            @Schema(description = "Queues that devices would lose, and that would go back to the host")
            List<String> apqnsRemoved,

            @Schema(
                    description =
                            "Guests that would be unplugged, plugged or both, and who else uses a device that would change")
            List<String> guestsAffected,

            @Schema(description = "Everything that it would be refused for")
            List<Problem> problems,

            @Schema(description = "What is worth a thought: mixed modes or keys, and what becomes of secure keys")
            List<WarningResource> warnings,

            @Schema(description = "Each queue that changes its holder")
            List<MoveResource> moves) {
        static Preview from(List<PlanService.Preview> previews, String instance) {
            return new Preview(
                    true,
                    previews.stream()
                            .flatMap(preview -> preview.forecast().steps().stream())
                            .map(DryRunResource.StepResource::from)
                            .toList(),
                    previews.stream()
                            .flatMap(preview -> preview.forecast().apqnsAdded().stream())
                            .map(Apqn::toString)
                            .toList(),
                    previews.stream()
                            .flatMap(preview -> preview.forecast().apqnsRemoved().stream())
                            .map(Apqn::toString)
                            .toList(),
                    previews.stream()
                            .flatMap(preview -> preview.forecast().guests().stream())
                            .distinct()
                            .toList(),
                    previews.stream()
                            .flatMap(preview -> preview.forecast().problems().stream())
                            .map(problem -> Problem.from(problem, instance))
                            .toList(),
                    WarningResource.from(previews.stream()
                            .flatMap(preview -> preview.forecast().warnings().stream())
                            .toList()),
                    previews.stream()
                            .flatMap(preview -> preview.moves().stream())
                            .map(MoveResource::from)
                            .toList());
        }
    }

    /** A queue that changes its holder. */
    @Schema(name = "QueueMove")
    record MoveResource(
            @Schema(example = "05.0004") String apqn,

            @Schema(
                    description = "null: it was for guests, and no device had it",
                    types = {"object", "null"})
            @Nullable
            HolderResource from,

            @Schema(
                    description = "null: it is for guests, and no device will have it",
                    types = {"object", "null"})
            @Nullable
            HolderResource to) {
        static MoveResource from(Move move) {
            return new MoveResource(
                    move.apqn().toString(), HolderResource.from(move.from()), HolderResource.from(move.to()));
        }
    }

    /** Who has a queue. */
    @Schema(name = "QueueHolder")
    record HolderResource(
            @Schema(allowableValues = {"mdev", "host"}) String holderKind,

            @Schema(
                    description =
                            "The mdev's UUID or the host's driver; null for a queue of the host that no driver has",
                    types = {"string", "null"},
                    example = "cex4queue")
            @Nullable
            String holder) {
        static @Nullable HolderResource from(Move.@Nullable Holding holding) {
            return holding == null
                    ? null
                    : new HolderResource(holding.kind().name().toLowerCase(Locale.ROOT), holding.holder());
        }
    }

    /** How far the host has drifted from what was applied. */
    @Schema(name = "Drift")
    record Drift(
            @Schema(description = "Whether there is any difference, or a document whose application was cut off")
            boolean drifted,

            List<DifferenceResource> differences,

            @Schema(
                    description =
                            "Documents whose application was cut off in the middle, or could not be taken back as a whole. POST /desired-state/reconcile goes on with them")
            List<InterruptedResource> interrupted) {
        static Drift from(List<PlanService.Drift> drifts) {
            List<DifferenceResource> differences = drifts.stream()
                    .flatMap(drift -> drift.differences().stream()
                            .map(difference -> DifferenceResource.from(drift.owner(), difference)))
                    .toList();
            List<InterruptedResource> interrupted = drifts.stream()
                    .filter(drift -> drift.interrupted() != null)
                    .map(drift -> InterruptedResource.from(drift.owner(), Objects.requireNonNull(drift.interrupted())))
                    .toList();
            return new Drift(!differences.isEmpty() || !interrupted.isEmpty(), differences, interrupted);
        }
    }

    /** One difference. */
    @Schema(name = "Difference")
    record DifferenceResource(
            @Schema(description = "Whose document wants it otherwise", example = "demo")
            String owner,

            Differences.Kind kind,

            @Schema(description = "apmask, aqmask, or an mdev's UUID", example = Examples.UUID)
            String target,

            @Schema(
                    description = "As it should be; null for nothing",
                    types = {"string", "null"})
            @Nullable
            String expected,

            @Schema(
                    description = "As it is; null for nothing",
                    types = {"string", "null"})
            @Nullable
            String actual) {
        static DifferenceResource from(String owner, Differences.Difference difference) {
            return new DifferenceResource(
                    owner, difference.kind(), difference.target(), difference.expected(), difference.actual());
        }
    }

    /** A document whose application was cut off. */
    @Schema(name = "InterruptedPlan")
    record InterruptedResource(
            @Schema(example = "demo") String owner,
            Instant since,

            @Schema(description = "In what the host is not as it was before")
            List<DifferenceResource> fromBefore,

            @Schema(description = "In what it is not as the document wants it")
            List<DifferenceResource> fromWanted) {
        static InterruptedResource from(String owner, PlanService.Interrupted interrupted) {
            return new InterruptedResource(
                    owner,
                    interrupted.since(),
                    interrupted.fromBefore().stream()
                            .map(difference -> DifferenceResource.from(owner, difference))
                            .toList(),
                    interrupted.fromWanted().stream()
                            .map(difference -> DifferenceResource.from(owner, difference))
                            .toList());
        }
    }
}
