package org.apmatrix.api;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apmatrix.ap.Matrix;
import org.apmatrix.events.Event;
import org.jspecify.annotations.Nullable;

/** An event as the data of a message of {@code /events}. */
@Schema(
        name = "Event",
        description = "The data of one message. Further types may come: a reader skips those that it does not know.")
record EventResource(
        @Schema(
                description = "Where to go on after it: the start of the service and a number, without gaps",
                example = "3f0c9a5be1d24c77-42")
        String id,

        @Schema(description = "When it was noticed") Instant time,

        @Schema(description = TYPES, example = "mdev.created")
        String type,

        @Schema(
                description =
                        "apmatrix: by a request to this service; external: by another tool, the machine or a guest",
                allowableValues = {"apmatrix", "external"})
        String origin,

        @Schema(
                description = "The mediated device that it is about, or null",
                example = Examples.UUID,
                types = {"string", "null"})
        @Nullable
        String mdev,

        @Schema(
                description = "The guest that it is about, or null",
                example = "guest1",
                types = {"string", "null"})
        @Nullable
        String guest,

        @Schema(
                description = "The queue that it is about, or null",
                example = "05.0004",
                types = {"string", "null"})
        @Nullable
        String apqn,

        @Schema(description = "How it was; null for what was not there", implementation = Object.class) @Nullable
        State before,

        @Schema(description = "How it is; null for what is not there any more", implementation = Object.class) @Nullable
        State after) {

    static final String TYPES =
            "masks.changed; mdev.created, mdev.removed, mdev.vanished (a device that this service made or that a guest has is gone, and this"
                    + " service did not remove it: told instead of mdev.removed); matrix.changed (what is assigned), guestMatrix.changed (what of it a guest gets);"
                    + " attachment.changed (which guest has a device, or is about to get or to give it); guest.appeared, guest.gone, guest.changed; queue.changed (it"
                    + " appeared, went, or changed its driver); plan.progress (how far applying a document has come);"
                    + " allocation.changed (an allocation was made, changed its state, or was given back)";

    static EventResource from(Event event) {
        Event.Change change = event.change();
        return new EventResource(
                event.id().toString(),
                event.time(),
                change.type().toString(),
                change.origin().name().toLowerCase(Locale.ROOT),
                text(change.subject().mdev()),
                text(change.subject().guest()),
                text(change.subject().apqn()),
                state(change.before()),
                state(change.after()));
    }

    private static @Nullable String text(@Nullable Object value) {
        return Optional.ofNullable(value).map(Object::toString).orElse(null);
    }

    private static @Nullable State state(Event.@Nullable State state) {
        if (state == null) {
            return null;
        }
        if (state instanceof Event.State.Masks masks) {
            return new Masks(masks.apmask().toString(), masks.aqmask().toString());
        }
        if (state instanceof Event.State.Assigned assigned) {
            Matrix matrix = assigned.matrix();
            return new Assigned(
                    matrix.adapters().ids(),
                    matrix.domains().ids(),
                    matrix.controlDomains().ids());
        }
        if (state instanceof Event.State.Attached attached) {
            return new Attached(attached.guest().toString(), attached.state());
        }
        if (state instanceof Event.State.Guest guest) {
            return new Guest(guest.state() == null ? "unreachable" : guest.state(), guest.pid());
        }
        if (state instanceof Event.State.Progress plan) {
            return new Progress(plan.owner(), plan.done(), plan.of(), plan.step(), plan.status());
        }
        if (state instanceof Event.State.Allocated allocated) {
            return new Allocated(
                    allocated.id(), allocated.owner(), allocated.mdev().toString(), allocated.state());
        }
        return new Queue(((Event.State.Queue) state).driver());
    }

    /** How something was or is; which of these, the event's type says. */
    sealed interface State {}

    @Schema(name = "EventMasks", description = "masks.changed")
    record Masks(
            @Schema(example = Examples.APMASK) String apmask,

            @Schema(example = Examples.AQMASK) String aqmask) implements State {}

    @Schema(name = "EventMatrix", description = "mdev.*, matrix.changed, guestMatrix.changed")
    record Assigned(
            @Schema(example = "[5, 6]") List<Integer> adapters,

            @Schema(example = "[4, 171]") List<Integer> domains,

            @Schema(description = "Empty in guestMatrix.changed: the kernel does not tell them", example = "[4]")
            List<Integer> controlDomains)
            implements State {}

    @Schema(name = "EventAttachment", description = "attachment.changed: who has the device")
    record Attached(
            @Schema(example = "guest1") String guest,

            @Schema(allowableValues = {"ATTACHING", "ATTACHED", "DETACHING"})
            String state)
            implements State {}

    @Schema(name = "EventGuest", description = "guest.*")
    record Guest(
            @Schema(description = "QEMU's own word, or unreachable", example = "running")
            String state,

            @Schema(
                    description = "The process of its QEMU; null where that cannot be seen",
                    types = {"integer", "null"},
                    example = "4001")
            @Nullable
            Integer pid)
            implements State {}

    @Schema(name = "EventPlan", description = "plan.progress: how far applying a document has come")
    record Progress(
            @Schema(description = "Whose document it is", example = "demo")
            String owner,

            @Schema(example = "2") int done,
            @Schema(example = "5") int of,

            @Schema(
                    description = "What was done last, for a person",
                    example = "plug 62177883-f1bb-47f0-914d-32a22e3a8804 into guest1")
            String step,

            @Schema(
                    description = "INCOMPLETE: it failed, and not all could be taken back",
                    allowableValues = {"RUNNING", "APPLIED", "TAKEN_BACK", "INCOMPLETE"})
            String status)
            implements State {}

    @Schema(name = "EventAllocation", description = "allocation.changed: the allocation; null after it is gone")
    record Allocated(
            @Schema(format = "uuid", example = Examples.ALLOCATION_ID)
            String id,

            @Schema(example = "payments") String owner,

            @Schema(format = "uuid", example = Examples.UUID)
            String mdev,

            @Schema(allowableValues = {"CREATING", "ACTIVE", "EXPIRED", "RELEASING", "LOST"})
            String state)
            implements State {}

    @Schema(name = "EventQueue", description = "queue.changed")
    record Queue(
            @Schema(
                    description = "null when none is bound",
                    types = {"string", "null"},
                    example = "vfio_ap")
            @Nullable
            String driver)
            implements State {}
}
