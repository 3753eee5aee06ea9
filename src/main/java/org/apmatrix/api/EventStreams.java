package org.apmatrix.api;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apmatrix.access.Caller;
import org.apmatrix.events.Event;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventProperties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * Writes events to those who listen, each in a thread of its own: one that takes nothing holds neither the others nor a thread of the web server, and is given up
 * when a write fails, at the latest by the server's own timeout. How many there are is limited by the journal.
 *
 * <p>A stream ends as soon as its listener's token was removed, or its JWT has expired: with the next event or heartbeat.
 *
 * <p>Ends all streams before the web server begins its graceful shutdown, which would wait for them.
 */
@Component
final class EventStreams implements SmartLifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(EventStreams.class);
    private static final long NO_TIMEOUT = 0;

    private final EventJournal journal;
    private final Duration heartbeat;
    private volatile boolean running;

    EventStreams(EventJournal journal, EventProperties properties) {
        this.journal = journal;
        this.heartbeat = properties.heartbeat();
    }

    /** Begins to write what this one hears. */
    SseEmitter begin(EventJournal.Listener listener) {
        SseEmitter emitter = new SseEmitter(NO_TIMEOUT);
        emitter.onCompletion(listener::close);
        BooleanSupplier isStillKnown = Caller.validity();
        Thread writer = new Thread(() -> write(listener, emitter, isStillKnown), "events");
        writer.setDaemon(true);
        writer.start();
        return emitter;
    }

    private void write(EventJournal.Listener listener, SseEmitter emitter, BooleanSupplier isStillKnown) {
        try (listener) {
            // the place to go on from, for a reader that is cut off before its first event
            sendPlace(listener, emitter, "listening");
            while (listener.isOpen()) {
                List<Event> events = listener.next(heartbeat);
                if (!isStillKnown.getAsBoolean()) {
                    break;
                }
                for (Event event : events) {
                    send(event, emitter);
                }
                if (events.isEmpty() && listener.isOpen()) {
                    sendPlace(listener, emitter, "");
                }
            }
            emitter.complete();
        } catch (IOException | IllegalStateException gone) {
            // the container has noticed, too, and ends the request
            LOG.debug("a listener to events has gone: {}", gone.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            emitter.complete();
        }
    }

    private static void sendPlace(EventJournal.Listener listener, SseEmitter emitter, String comment)
            throws IOException {
        emitter.send(SseEmitter.event().comment(comment).id(listener.position().toString()));
    }

    private static void send(Event event, SseEmitter emitter) throws IOException {
        emitter.send(SseEmitter.event()
                .id(event.id().toString())
                .name(event.change().type().toString())
                .data(EventResource.from(event), MediaType.APPLICATION_JSON));
    }

    @Override
    public void start() {
        running = true;
        journal.open();
    }

    @Override
    public void stop() {
        running = false;
        journal.close();
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
