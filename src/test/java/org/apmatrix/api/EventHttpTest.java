package org.apmatrix.api;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;

import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.catalina.core.StandardContext;
import org.apmatrix.Patience;
import org.apmatrix.ap.GuestName;
import org.apmatrix.events.Event;
import org.apmatrix.events.EventJournal;
import org.apmatrix.events.EventType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.context.WebServerApplicationContext;

/** The stream of events: what it tells, how it goes on after a break, and whom it leaves behind. */
class EventHttpTest extends HttpTest {
    private static final String OTHER_START = "0123456789abcdef-1";

    @Autowired
    EventJournal journal;

    @Autowired
    WebServerApplicationContext service;

    private final List<EventStream> streams = new ArrayList<>();

    private EventStream listen(Api client, String query) {
        EventStream stream = client.events(query);
        streams.add(stream);
        return stream;
    }

    private EventStream listen(String query) {
        return listen(api, query);
    }

    @AfterEach
    void hangUp() {
        streams.forEach(EventStream::close);
        Patience.until(() -> {
            // a stream that was closed is noticed when something is written to it
            journal.tell(List.of(new Event.Change(
                    EventType.GUEST_CHANGED,
                    Event.Origin.EXTERNAL,
                    Event.Subject.of(new GuestName("nobody")),
                    null,
                    null)));
            return journal.listeners() == 0 && requestsUnderWay() == 0;
        });
    }

    /** What a graceful shutdown would wait for. */
    private long requestsUnderWay() {
        TomcatWebServer server = (TomcatWebServer) requireNonNull(service.getWebServer());
        return Stream.of(server.getTomcat().getHost().findChildren())
                .mapToLong(context -> ((StandardContext) context).getInProgressAsyncCount())
                .sum();
    }

    @Test
    void tellsWhatThisServiceDoesAndWhatOthersDo() {
        free();
        EventStream stream = listen("");
        api.put("/mdevs/" + A, "{'adapters': [5], 'domains': [4]}").statusCode(201);
        EventStream.Message created = stream.await("mdev.created", A);
        assertThat(created.id()).isEqualTo(created.data().getString("id"));
        assertThat(created.data().getString("origin")).isEqualTo("apmatrix");
        assertThat(created.data().getString("type")).isEqualTo("mdev.created");
        assertThat(created.data().getMap("before")).isNull();
        assertThat(created.data().getList("after.adapters")).containsExactly(5);
        assertThat(created.data().getList("after.domains")).containsExactly(4);

        mdev(B, List.of(6), List.of(4));
        assertThat(stream.await("mdev.created", B).data().getString("origin")).isEqualTo("external");
        api.patch("/masks", "{'apmask': '-7'}").statusCode(200);
        Patience.until(() -> stream.messages().stream()
                .anyMatch(message -> message.event().equals("masks.changed")
                        && message.data().getString("after.apmask").startsWith("0xf8ff")
                        && message.data().getString("origin").equals("apmatrix")));
        store("/sys/bus/ap/drivers/vfio_ap/unbind", "05.0004");
        assertThat(stream.await("queue.changed").data().getMap("before")).isNotNull();

        api.delete("/mdevs/" + A).statusCode(204);
        stream.await("mdev.removed", A);
        store(directory(B) + "/remove", "1");
        assertThat(stream.await("mdev.removed", B).data().getString("origin")).isEqualTo("external");
    }

    @Test
    void tellsEachStepOfAPlugAndAnUnplug() {
        free();
        mdev(A, List.of(5), List.of(4));
        EventStream stream = listen("?types=attachment.changed");
        api.put("/guests/guest1/ap-device", "{'mdev': '" + A + "'}").statusCode(201);
        api.delete("/guests/guest1/ap-device").statusCode(204);
        Patience.until(() -> stream.messages().size() >= 4);
        assertThat(stream.messages())
                .extracting(message -> message.data().getString("before.state") + " -> "
                        + message.data().getString("after.state"))
                .containsExactly(
                        "null -> ATTACHING", "ATTACHING -> ATTACHED", "ATTACHED -> DETACHING", "DETACHING -> null");
        assertThat(stream.messages()).allSatisfy(message -> {
            assertThat(message.mdev()).isEqualTo(A);
            assertThat(message.data().getString("guest")).isEqualTo("guest1");
            assertThat(message.data().getString("origin")).isEqualTo("apmatrix");
        });
    }

    @Test
    void tellsOfGuestsThatComeChangeAndGo() {
        EventStream stream = listen("?types=guest.appeared,guest.changed,guest.gone");
        api.put("/simulation/guests/fresh", "{}").statusCode(201);
        Patience.until(() -> stream.messages().stream()
                .anyMatch(message -> "fresh".equals(message.data().getString("guest"))));
        api.put("/simulation/guests/fresh", "{'state': 'paused'}").statusCode(200);
        Patience.until(() -> stream.messages().stream()
                .anyMatch(message -> message.event().equals("guest.changed")
                        && "paused".equals(message.data().getString("after.state"))));
        guests.kill("fresh");
        Patience.until(() -> stream.messages().stream()
                .anyMatch(message -> message.event().equals("guest.gone")
                        && "fresh".equals(message.data().getString("guest"))));
    }

    @Test
    void aDeviceOfOursThatOthersRemoveIsAnAlarm() {
        free();
        EventStream stream = listen("?types=mdev.created,mdev.removed,mdev.vanished");
        api.put("/mdevs/" + A, "{}").statusCode(201);
        store(directory(A) + "/remove", "1");
        stream.await("mdev.vanished", A);
        assertThat(stream.messages()).extracting(EventStream.Message::event).doesNotContain("mdev.removed");
    }

    @Test
    void goesOnExactlyWhereAReaderWasCutOff() {
        EventStream first = listen("?types=mdev.created,mdev.removed");
        api.put("/mdevs/" + A, "{}").statusCode(201);
        String seen = first.await("mdev.created", A).id();
        first.close();
        api.put("/mdevs/" + B, "{}").statusCode(201);
        api.delete("/mdevs/" + A).statusCode(204);

        EventStream byHeader = listen(api.with("Last-Event-ID", seen), "?types=mdev.created,mdev.removed");
        byHeader.await("mdev.removed", A);
        EventStream byQuery = listen("?types=mdev.created,mdev.removed&lastEventId=" + seen);
        byQuery.await("mdev.removed", A);
        assertThat(byHeader.messages())
                .extracting(message -> message.event() + " " + message.mdev())
                .containsExactly("mdev.created " + B, "mdev.removed " + A);
        assertThat(byQuery.messages())
                .extracting(EventStream.Message::id)
                .isEqualTo(byHeader.messages().stream()
                        .map(EventStream.Message::id)
                        .toList());
        EventStream headerCounts = listen(
                api.with("Last-Event-ID", byHeader.place()),
                "?types=mdev.created,mdev.removed&lastEventId=" + OTHER_START);
        api.delete("/mdevs/" + B).statusCode(204);
        headerCounts.await("mdev.removed", B);
        assertThat(headerCounts.messages()).hasSize(1);
    }

    @Test
    void aReaderThatWasCutOffBeforeItsFirstEventMissesNothing() {
        EventStream first = listen("?types=mdev.created");
        String place = first.place();
        first.close();
        api.put("/mdevs/" + A, "{}").statusCode(201);
        listen(api.with("Last-Event-ID", place), "?types=mdev.created").await("mdev.created", A);
    }

    @Test
    void heartbeatsMoveTheReadersPlaceOverWhatItDidNotAskFor() {
        EventStream stream = listen("?types=mdev.vanished");
        String before = stream.place();
        free();
        api.put("/mdevs/" + A, "{}").statusCode(201);
        Patience.until(() -> stream.heartbeats() > 2 && !stream.place().equals(before));
        assertThat(stream.messages()).isEmpty();
    }

    @Test
    void refusesAnIdThatIsNoneAndTypesThatThereAreNot() {
        api.with("Last-Event-ID", "42").get("/events").spec(invalid("Last-Event-ID"));
        api.get("/events?lastEventId=42").spec(invalid("lastEventId"));
        api.get("/events?types=mdev.made").spec(invalid("types")).body("detail", containsString("mdev.created"));
        api.get("/events?types=").spec(invalid("types"));
        api.get("/events?type=mdev.created").spec(invalid("type"));
        String start = listen("").place().replaceFirst("-.*", "");
        api.get("/events?lastEventId=" + start + "-999999999").statusCode(400);
    }

    @Test
    void refusesAnIdOfAnotherStartAndOneThatIsForgotten() {
        api.get("/events?lastEventId=" + OTHER_START).spec(refused(410, "EVENTS_GONE", null));
        api.with("Accept", "text/event-stream")
                .with("Last-Event-ID", OTHER_START)
                .get("/events")
                .spec(refused(410, "EVENTS_GONE", null));
    }

    @Test
    void letsNoMoreListenThanMay() {
        IntStream.range(0, OnTheSimulatedHost.MAX_LISTENERS).forEach(i -> listen(""));
        api.get("/events").spec(refused(429, "TOO_MANY_REQUESTS", null)).header("Retry-After", notNullValue());
        api.get("/host").statusCode(200).body("mode", is("simulated"));
    }

    @Test
    void answersNothingElse() {
        api.with("Accept", "application/json")
                .get("/events")
                .spec(refused(406, "NOT_ACCEPTABLE", null))
                .body("detail", containsString("text/event-stream"));
    }

    /** One that reads nothing while more happens than the journal holds. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void leavesASlowReaderBehindAndDelaysNobody(boolean readsInTheEnd) throws Exception {
        long dropped = journal.dropped();
        try (Socket slow = new Socket()) {
            slow.setReceiveBufferSize(65_536);
            slow.connect(new InetSocketAddress("localhost", port));
            slow.getOutputStream()
                    .write("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            InputStream answer = slow.getInputStream();
            assertThat(new String(answer.readNBytes(12), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 200");
            EventStream quick = listen("");
            int told = 0;
            while (journal.dropped() == dropped) {
                tell(100);
                told += 100;
                int sofar = told;
                // the quick one keeps up with every hundred, so it is never the one that is dropped
                Patience.until(() -> count(quick) >= sofar);
            }
            assertThat(count(quick)).isEqualTo(told);
            assertThat(quick.hasEnded()).isFalse();
            assertThat(journal.dropped()).isEqualTo(dropped + 1);
            if (readsInTheEnd) {
                byte[] buffer = new byte[8192];
                int count = 0;
                while (count >= 0) {
                    count = answer.read(buffer);
                }
            }
        }
    }

    /** About a guest that nothing else tells of. */
    private void tell(int events) {
        journal.tell(Collections.nCopies(
                events,
                new Event.Change(
                        EventType.GUEST_CHANGED,
                        Event.Origin.EXTERNAL,
                        Event.Subject.of(new GuestName("crowd")),
                        null,
                        null)));
    }

    private static int count(EventStream stream) {
        return stream.heard("\"crowd\"");
    }
}
