package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.restassured.path.json.JsonPath;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apmatrix.Patience;

/** One who listens to events, as a browser's EventSource does: every message's data is held against the OpenAPI document. */
final class EventStream implements AutoCloseable {
    private static final String PATH = Api.BASE + "/events";
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final InputStream body;
    private final DeclaredAnswers declared;
    private final Object schema;
    private final List<Message> messages = new CopyOnWriteArrayList<>();
    private volatile String place = "";
    private volatile int heartbeats;
    private volatile boolean ended;

    private EventStream(InputStream body, DeclaredAnswers declared, Object schema) {
        this.body = body;
        this.declared = declared;
        this.schema = schema;
    }

    /** A message with data. */
    record Message(String id, String event, String text) {
        JsonPath data() {
            return JsonPath.from(text);
        }

        String mdev() {
            return data().getString("mdev");
        }
    }

    /** Returns when the stream has begun: whatever happens after it is heard. */
    static EventStream open(String baseUri, String query, Map<String, String> headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(baseUri + PATH + query));
        request.header("Accept", "text/event-stream");
        headers.forEach(request::header);
        try {
            HttpResponse<InputStream> answer = CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            assertThat(answer.statusCode()).isEqualTo(200);
            DeclaredAnswers declared = DeclaredAnswers.of(baseUri);
            Object schema = declared.streamed(
                    "GET",
                    PATH,
                    200,
                    answer.headers().firstValue("Content-Type").orElse(""));
            EventStream stream = new EventStream(answer.body(), declared, schema);
            Thread reader = new Thread(stream::read, "event stream");
            reader.setDaemon(true);
            reader.start();
            Patience.until(() -> !stream.place.isEmpty());
            return stream;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6: fields until a blank line; without data the id counts and no message is made. */
    private void read() {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
            String event = "";
            String data = "";
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("id:")) {
                    place = line.substring(3).strip();
                } else if (line.startsWith("event:")) {
                    event = line.substring(6).strip();
                } else if (line.startsWith("data:")) {
                    data = line.substring(5).strip();
                } else if (line.startsWith(":")) {
                    heartbeats++;
                } else if (line.isEmpty() && !data.isEmpty()) {
                    messages.add(new Message(place, event, data));
                    event = "";
                    data = "";
                }
            }
        } catch (IOException closed) {
            // by this side, or by the other: the same to a reader
        } finally {
            ended = true;
        }
    }

    /** What has come so far. */
    List<Message> messages() {
        messages.forEach(message -> declared.requireDeclared(schema, message.text()));
        return List.copyOf(messages);
    }

    /** The first message of this type about this device, as soon as it has come. */
    Message await(String type, String mdev) {
        Patience.until(() ->
                messages.stream().anyMatch(message -> message.event().equals(type) && mdev.equals(message.mdev())));
        return messages().stream()
                .filter(message -> message.event().equals(type) && mdev.equals(message.mdev()))
                .findFirst()
                .orElseThrow();
    }

    /** The first message of this type. */
    Message await(String type) {
        Patience.until(
                () -> messages.stream().anyMatch(message -> message.event().equals(type)));
        return messages().stream()
                .filter(message -> message.event().equals(type))
                .findFirst()
                .orElseThrow();
    }

    /** How many messages with this text have come. */
    int heard(String text) {
        return (int) messages.stream()
                .filter(message -> message.text().contains(text))
                .count();
    }

    /** The last id, of a message or of a heartbeat. */
    String place() {
        return place;
    }

    /** How many comments have come, the first one included. */
    int heartbeats() {
        return heartbeats;
    }

    boolean hasEnded() {
        return ended;
    }

    @Override
    public void close() {
        try {
            body.close();
        } catch (IOException alreadyGone) {
            throw new UncheckedIOException(alreadyGone);
        }
    }
}
