package org.apmatrix.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.apmatrix.events.EventId;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.InvalidValue;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** What changes on the host, as it happens. */
@RestController
@RequestMapping("/api/v1")
@Tag(name = "Events")
class EventController {
    private static final String LAST_EVENT_ID = "Last-Event-ID";

    private final EventJournal journal;
    private final EventStreams streams;

    EventController(EventJournal journal, EventStreams streams) {
        this.journal = journal;
        this.streams = streams;
    }

    @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(operationId = "listenToEvents", summary = "Listen to what changes", description = """
                    Server-sent events (the EventSource of browsers, `curl -N`): one message for each change of masks, queues, devices, matrices, guests and what is \
                    plugged into them, whoever made it. `id` and `event` (the type) stand in the message and in its data. The first message and every heartbeat carry \
                    an `id` and no data: nothing was missed up to there. A reader that was cut off names the last `id` it saw and hears exactly what it missed, as \
                    long as that is kept; else the answer is 410, and it must look for itself. A reader that is too slow is disconnected. Changes that come and go \
                    between two looks at the host may not be noticed.""")
    @ApiResponse(
            responseCode = "200",
            description =
                    "Messages, until either side ends them. Schema and example are those of one message's `data`; on the wire:\n\n"
                            + "```text\nid:3f0c9a5be1d24c77-42\nevent:mdev.created\ndata:{\"id\":\"3f0c9a5be1d24c77-42\",…}\n```",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                            schema = @Schema(implementation = EventResource.class),
                            examples = @ExampleObject(Examples.EVENT)))
    @Refuses(ErrorCode.EVENTS_GONE)
    SseEmitter events(
            @Parameter(
                            description = "Only these types, comma separated; all without it",
                            example = "mdev.created,guest.changed")
                    @RequestParam(required = false)
                    @Nullable
                    String types,
            @Parameter(
                            description =
                                    "As the header Last-Event-ID, for a first connection that cannot send headers",
                            example = "3f0c9a5be1d24c77-42")
                    @RequestParam(required = false)
                    @Nullable
                    String lastEventId,
            @Parameter(
                            description = "The last id that was seen: go on after it. It counts before lastEventId",
                            example = "3f0c9a5be1d24c77-42")
                    @RequestHeader(name = LAST_EVENT_ID, required = false)
                    @Nullable
                    String lastSeen) {
        Set<EventType> wanted = types == null ? EnumSet.allOf(EventType.class) : types(types);
        EventId after = lastSeen != null ? id(LAST_EVENT_ID, lastSeen) : id("lastEventId", lastEventId);
        return streams.begin(journal.listen(after, wanted));
    }

    private static @Nullable EventId id(String field, @Nullable String text) {
        return text == null
                ? null
                : EventId.parse(text)
                        .orElseThrow(() -> new InvalidValue(
                                field, "Not the id of an event: " + ApiConverters.excerpt(text) + "."));
    }

    private static Set<EventType> types(String text) {
        return Arrays.stream(text.split(",", -1))
                .map(name -> EventType.parse(name)
                        .orElseThrow(() -> new InvalidValue(
                                "types",
                                "No type of event: \"" + ApiConverters.excerpt(name) + "\"; there are: "
                                        + Arrays.stream(EventType.values())
                                                .map(EventType::toString)
                                                .collect(Collectors.joining(", "))
                                        + ".")))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(EventType.class)));
    }
}
