package org.apmatrix.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apmatrix.ap.GuestName;
import org.apmatrix.fault.ErrorCode;
import org.apmatrix.fault.Fault;
import org.apmatrix.fault.InvalidValue;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class EventJournalTest {
    private static final Set<EventType> ALL = EnumSet.allOf(EventType.class);
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final Duration AT_ONCE = Duration.ZERO;

    private final EventJournal journal = journal(10);

    private static EventJournal journal(int events) {
        return new EventJournal(
                new EventProperties(events, 10, Duration.ofSeconds(15), Duration.ofSeconds(1), Duration.ofSeconds(30)),
                Clock.fixed(NOW, ZoneOffset.UTC));
    }

    /** One whose subject tells it from others. */
    private static Event.Change change(EventType type, String subject) {
        return new Event.Change(type, Event.Origin.EXTERNAL, Event.Subject.of(new GuestName(subject)), null, null);
    }

    private void tell(int events) {
        IntStream.range(0, events).forEach(i -> journal.tell(List.of(change(EventType.GUEST_APPEARED, "g" + i))));
    }

    private EventId id(long number) throws InterruptedException {
        try (EventJournal.Listener listener = journal.listen(null, ALL)) {
            return new EventId(listener.position().start(), number);
        }
    }

    private static List<Long> numbers(List<Event> events) {
        return events.stream().map(event -> event.id().number()).toList();
    }

    @Test
    void tellsWhatHappensFromNowOnWithTimeAndConsecutiveIds() throws Exception {
        tell(2);
        EventJournal.Listener listener = journal.listen(null, ALL);
        assertThat(listener.next(AT_ONCE)).isEmpty();
        Event.Change change = change(EventType.GUEST_GONE, "guest1");
        journal.tell(List.of(change, change));

        List<Event> events = listener.next(AT_ONCE);

        assertThat(events).containsExactly(new Event(id(3), NOW, change), new Event(id(4), NOW, change));
        assertThat(listener.next(AT_ONCE)).isEmpty();
        assertThat(listener.position()).isEqualTo(id(4));
    }

    @Test
    void wakesWhoWaits() throws Exception {
        EventJournal.Listener listener = journal.listen(null, ALL);
        CompletableFuture<List<Event>> heard = inBackground(() -> listener.next(Duration.ofMinutes(1)));
        tell(1);
        assertThat(numbers(heard.join())).containsExactly(1L);
    }

    @Test
    void tellsOnlyTheWantedTypesAndMovesOnOverTheOthers() throws Exception {
        EventJournal.Listener listener = journal.listen(null, Set.of(EventType.GUEST_GONE));
        journal.tell(List.of(
                change(EventType.GUEST_APPEARED, "a"),
                change(EventType.GUEST_GONE, "a"),
                change(EventType.MASKS_CHANGED, "a")));
        assertThat(numbers(listener.next(AT_ONCE))).containsExactly(2L);
        assertThat(listener.next(AT_ONCE)).isEmpty();
        assertThat(listener.position()).isEqualTo(id(3));
    }

    @Nested
    class ResumesExactly {
        @Test
        void afterAnEvent() throws Exception {
            tell(5);
            assertThat(numbers(journal.listen(id(3), ALL).next(AT_ONCE))).containsExactly(4L, 5L);
            assertThat(journal.listen(id(5), ALL).next(AT_ONCE)).isEmpty();
        }

        @Test
        void fromThePlaceBeforeTheFirstEvent() throws Exception {
            EventId before = journal.listen(null, ALL).position();
            tell(10);
            assertThat(numbers(journal.listen(before, ALL).next(AT_ONCE)))
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, 10).boxed().toList());
        }

        @Test
        void asLongAsNothingAfterItIsForgotten() throws Exception {
            tell(13);
            assertThat(numbers(journal.listen(id(3), ALL).next(AT_ONCE)))
                    .startsWith(4L)
                    .hasSize(10);
            assertRefused(ErrorCode.EVENTS_GONE, () -> journal.listen(id(2), ALL));
        }

        @Test
        void neverFromAnotherStart() {
            assertRefused(ErrorCode.EVENTS_GONE, () -> journal.listen(new EventId("0123456789abcdef", 0), ALL));
        }

        @Test
        void neverFromTheFuture() {
            assertThatThrownBy(() -> journal.listen(id(1), ALL)).isInstanceOf(InvalidValue.class);
        }
    }

    @Test
    void dropsAListenerThatFallsBehindAndNoOther() throws Exception {
        EventJournal.Listener slow = journal.listen(null, ALL);
        EventJournal.Listener quick = journal.listen(null, ALL);
        List<Long> heard = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            tell(1);
            heard.addAll(numbers(quick.next(AT_ONCE)));
        }
        assertThat(heard)
                .containsExactlyElementsOf(LongStream.rangeClosed(1, 30).boxed().toList());
        assertThat(slow.isOpen()).isFalse();
        assertThat(slow.next(Duration.ofMinutes(1))).isEmpty();
        assertThat(quick.isOpen()).isTrue();
        assertThat(journal.dropped()).isEqualTo(1);
        assertThat(journal.listeners()).isEqualTo(2);
        slow.close();
        assertThat(journal.listeners()).isEqualTo(1);
    }

    @Test
    void letsNoMoreListenThanAsManyAsMay() {
        List<EventJournal.Listener> listeners =
                IntStream.range(0, 10).mapToObj(i -> journal.listen(null, ALL)).toList();
        assertRefused(ErrorCode.TOO_MANY_REQUESTS, () -> journal.listen(null, ALL));
        listeners.get(4).close();
        assertThat(journal.listen(null, ALL).isOpen()).isTrue();
    }

    @Test
    void endsAllListeningWhenItIsClosed() throws Exception {
        EventJournal.Listener listener = journal.listen(null, ALL);
        CompletableFuture<List<Event>> waiting = inBackground(() -> listener.next(Duration.ofMinutes(1)));
        journal.close();
        assertThat(waiting.join()).isEmpty();
        assertThat(listener.isOpen()).isFalse();
        assertRefused(ErrorCode.TOO_MANY_REQUESTS, () -> journal.listen(null, ALL));
        journal.open();
        assertThat(journal.listen(null, ALL).isOpen()).isTrue();
    }

    /** 4 writers of 2,500 events each, 8 listeners of which every second one is disconnected again and again and resumes. */
    @Test
    void everyListenerHearsEveryEventOnceAndInOrderWhoeverWrites() throws Exception {
        EventJournal big = journal(10_000);
        int writers = 4;
        int each = 2_500;
        EventId beginning = big.listen(null, ALL).position();
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<CompletableFuture<List<Event>>> readers = IntStream.range(0, 8)
                    .mapToObj(reader -> CompletableFuture.supplyAsync(
                            () -> readAll(big, beginning, writers * each, reader % 2 == 1), threads))
                    .toList();
            List<CompletableFuture<Void>> done = IntStream.range(0, writers)
                    .mapToObj(writer -> CompletableFuture.runAsync(
                            () -> IntStream.range(0, each)
                                    .forEach(i ->
                                            big.tell(List.of(change(EventType.GUEST_CHANGED, "w" + writer + "-" + i)))),
                            threads))
                    .toList();
            done.forEach(CompletableFuture::join);

            List<Event> first = readers.get(0).join();
            assertThat(numbers(first))
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, writers * each).boxed().toList());
            Map<String, List<Event>> byWriter = first.stream()
                    .collect(Collectors.groupingBy(event -> subject(event).replaceFirst("-.*", "")));
            assertThat(byWriter).hasSize(writers);
            byWriter.forEach((writer, events) -> assertThat(events)
                    .extracting(EventJournalTest::subject)
                    .containsExactlyElementsOf(IntStream.range(0, each)
                            .mapToObj(i -> writer + "-" + i)
                            .toList()));
            readers.forEach(reader -> assertThat(reader.join()).isEqualTo(first));
            assertThat(big.dropped()).isZero();
        } finally {
            threads.shutdownNow();
        }
    }

    private static String subject(Event event) {
        return String.valueOf(event.change().subject().guest());
    }

    private static List<Event> readAll(EventJournal journal, EventId beginning, int count, boolean unsteady) {
        List<Event> heard = new ArrayList<>();
        EventJournal.Listener listener = journal.listen(beginning, ALL);
        try {
            while (heard.size() < count && listener.isOpen()) {
                List<Event> next = listener.next(Duration.ofSeconds(30));
                heard.addAll(next);
                if (unsteady && !next.isEmpty()) {
                    listener.close();
                    listener = journal.listen(next.get(next.size() - 1).id(), ALL);
                }
            }
            return heard;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            listener.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeIsReadByItsName(EventType type) {
        assertThat(EventType.parse(type.toString())).contains(type);
        assertThat(type.toString()).matches("[a-z]+[A-Za-z]*\\.[a-z]+");
    }

    @Test
    void readsIdsAsItWritesThem() {
        EventId id = new EventId("0123456789abcdef", 42);
        assertThat(id).hasToString("0123456789abcdef-42");
        assertThat(EventId.parse(id.toString())).contains(id);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "42",
                "0123456789abcdef",
                "0123456789abcdef-",
                "0123456789abcdef-042",
                "0123456789ABCDEF-42",
                "0123456789abcdef-42 ",
                "0123456789abcdef--1",
                "0123456789abcdef-1000000000000000000"
            })
    void readsNothingElseForAnId(String text) {
        assertThat(EventId.parse(text)).isEmpty();
    }

    private interface Interruptible<T> {
        T run() throws InterruptedException;
    }

    private static <T> CompletableFuture<T> inBackground(Interruptible<T> work) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return work.run();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        Fault.class, fault -> assertThat(fault.code()).isEqualTo(code));
    }
}
