package org.apmatrix.host.qmp;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.apmatrix.Patience;
import org.apmatrix.host.qmp.GuestMonitor.Link;
import org.apmatrix.host.qmp.QmpCommand.NamedGuest;
import org.apmatrix.host.qmp.QmpCommand.QueryName;
import org.apmatrix.host.qmp.QmpCommand.QueryStatus;
import org.apmatrix.host.qmp.QmpCommand.RunState;
import org.apmatrix.host.qmp.ScriptedQemu.Client;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.JsonNode;

/** How a monitor comes to a connection, how it loses one, and what is left when it is closed. */
class QmpMonitorConnectionTest extends MonitorTest {
    private static final String RUNNING = "{\"status\": \"running\", \"running\": true}";
    private static final Duration AT_ONCE = Duration.ofMillis(1);
    private static final Duration NEVER = Duration.ofDays(1);

    @Test
    void isSilentWhenNoGreetingComesAndGoesOnWhenItComesLate() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties(SHORT, AT_ONCE));
            Client client = qemu.accept();
            until(monitor, Link.SILENT);
            assertUnreachable(monitor);
            assertThat(heard.news()).isEmpty();
            client.say(ScriptedQemu.GREETING);
            client.answer(client.hear(), "{}");
            until(monitor, Link.READY);
            heard.until("connected");
            assertThat(monitor.session()).isEqualTo(1);
        }
    }

    @Test
    void anEventMayComeBeforeTheGreeting() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties(NEVER, NEVER));
            Client client = qemu.accept();
            client.say("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"RESUME\"}");
            client.say(ScriptedQemu.GREETING);
            client.answer(client.hear(), "{}");
            until(monitor, Link.READY);
            assertThat(monitor.session()).isEqualTo(1);
        }
    }

    @Test
    void isSilentWhenTheNegotiationIsNotAnswered() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties(SHORT, AT_ONCE));
            Client client = qemu.accept();
            client.say(ScriptedQemu.GREETING);
            JsonNode command = client.hear();
            until(monitor, Link.SILENT);
            client.answer(command, "{}");
            until(monitor, Link.READY);
        }
    }

    @Test
    void staysReadyWhenTheTimeOfTheGreetingHasPassed() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties(AT_ONCE, AT_ONCE));
            Client client = qemu.acceptAndNegotiate();
            until(monitor, Link.READY);
            for (int i = 0; i < 3; i++) {
                client.say("{\"event\": \"STOP\"}");
                heard.untilCount(i + 2);
                assertThat(monitor.link()).isEqualTo(Link.READY);
            }
        }
    }

    @Test
    void letsWhoAsksWaitForTheConnectionInTheMaking() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            asking.untilItWaits();
            Client client = qemu.acceptAndNegotiate();
            client.hearAndAnswer("query-status", RUNNING);
            assertThat(asking.result().running()).isTrue();
        }
    }

    @Test
    void sendsNothingWhenThePatienceEndsBeforeTheGreeting() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            assertThat(asking(monitor, new QueryStatus(), SHORT).failure())
                    .isInstanceOf(QmpException.Unreachable.class);
            Client client = qemu.acceptAndNegotiate();
            Asking<NamedGuest> asking = asking(monitor, new QueryName());
            client.hearAndAnswer("query-name", "{}");
            assertThat(asking.result().name()).isNull();
        }
    }

    @Test
    void isDownWhileThereIsNoSocketAndConnectsWhenThereIsOne() {
        QmpMonitor monitor = monitor();
        until(monitor, Link.DOWN);
        assertUnreachable(monitor);
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            qemu.acceptAndNegotiate();
            heard.until("connected");
            assertThat(monitor.link()).isEqualTo(Link.READY);
        }
    }

    @Test
    void connectsToTheNextQemuOnTheSameSocket() {
        QmpMonitor monitor = monitor();
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            Client client = qemu.acceptAndNegotiate();
            until(monitor, Link.READY);
            qemu.die();
            client.close();
            until(monitor, Link.DOWN);
        }
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            Client client = qemu.accept();
            client.say(ScriptedQemu.GREETING.replace(
                    "\"micro\": 22, \"minor\": 2, \"major\": 7", "\"micro\": 2, \"minor\": 0, \"major\": 10"));
            client.answer(client.hear(), "{}");
            Patience.until(() -> monitor.session() == 2);
            heard.untilCount(3);
            assertThat(heard.news())
                    .containsExactly("connected", "disconnected: QEMU closed the connection", "connected");
            assertThat(monitor.version()).contains("10.0.2");
        }
    }

    @Test
    void doesNotKnowTheOutcomeWhenTheConnectionBreaksBeforeTheAnswer() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties(LONG, NEVER));
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            Asking<NamedGuest> behind = asking(monitor, new QueryName());
            client.hear();
            client.close();
            List<Class<?>> failures =
                    List.of(asking.failure().getClass(), behind.failure().getClass());
            assertThat(failures).containsExactlyInAnyOrder(QmpException.NoAnswer.class, QmpException.Unreachable.class);
            assertThat(monitor.link()).isEqualTo(Link.DOWN);
        }
    }

    @Test
    void doesNotKnowTheOutcomeWhenTheAnswerIsCutOff() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            client.hear();
            client.say("{\"return\": {\"status\": \"run");
            client.close();
            assertThat(asking.failure()).isInstanceOf(QmpException.NoAnswer.class);
        }
    }

    @Test
    void owesNothingAnyMoreOnANewConnection() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> unanswered = asking(monitor, new QueryStatus(), SHORT);
            JsonNode command = client.hear();
            unanswered.failure();
            client.close();
            Client next = qemu.acceptAndNegotiate();
            Patience.until(() -> monitor.session() == 2);
            Asking<NamedGuest> asking = asking(monitor, new QueryName());
            JsonNode name = next.hear();
            next.answer(command, RUNNING);
            next.answer(name, "{\"name\": \"g1\"}");
            assertThat(asking.result().name()).isEqualTo("g1");
        }
    }

    static Stream<byte[]> whatIsNoQmp() {
        return Stream.of(
                        // a word is read to its end before it is refused
                        "hello ",
                        "[1]",
                        "\"text\" ",
                        "42 ",
                        "null ",
                        "{}",
                        "{\"a\": 1}",
                        "{\"event\": 1}",
                        "{\"event\": \"DEVICE_DELETED\"}",
                        "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"ap0\"}}",
                        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, expecting value\"}}",
                        "{\"error\": {}, \"id\": 1}",
                        "{\"return\": }",
                        "{\"return\": {}, }",
                        "{\"return\": \"\u0001\"}",
                        "{\"return\": " + "[".repeat(2000),
                        ScriptedQemu.GREETING)
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    static Stream<byte[]> whatIsNoText() {
        return Stream.of(
                new byte[] {(byte) 0xff, '\n'},
                new byte[] {0, 0, 0, 0},
                "{\"return\": \"\u00e4\"}".getBytes(StandardCharsets.ISO_8859_1));
    }

    @ParameterizedTest
    @MethodSource({"whatIsNoQmp", "whatIsNoText"})
    void dropsAConnectionOnWhichSomethingElseThanQmpComes(byte[] garbage) {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            client.hear();
            client.say(garbage);
            assertThat(asking.failure()).isInstanceOf(QmpException.Unreadable.class);
            qemu.acceptAndNegotiate();
            Patience.until(() -> monitor.session() == 2);
            assertThat(heard.news().get(1)).startsWith("disconnected: ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"return\": {}}", "HTTP/1.1 400 Bad Request", "{\"QMP\": {}}"})
    void dropsAConnectionThatBeginsWithAnythingButAGreeting(String first) {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.accept();
            client.say(first);
            assertThat(client.hasHungUp()).isTrue();
            qemu.acceptAndNegotiate();
            heard.until("connected");
            assertThat(monitor.session()).isEqualTo(1);
        }
    }

    @Test
    void dropsAConnectionThatWillNotNegotiate() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties(LONG, NEVER));
            Client client = qemu.accept();
            client.say(ScriptedQemu.GREETING);
            client.refuse(client.hear(), "CommandNotFound", "no");
            assertThat(client.hasHungUp()).isTrue();
            until(monitor, Link.DOWN);
            assertThat(heard.news()).isEmpty();
        }
    }

    static Stream<String> whatIsTooLong() {
        int limit = 1024 * 1024;
        return Stream.of(
                // complete, and one byte over the limit
                "{\"event\": \"" + "x".repeat(limit - 12) + "\"}",
                "{\"event\": \"" + "x".repeat(limit),
                "{\"return\": [" + "1,".repeat(limit / 2),
                " ".repeat(limit + 1));
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("whatIsTooLong")
    void dropsAConnectionWhoseMessageIsLargerThanTheLimit(String message) {
        QmpProperties properties = new QmpProperties(List.of(), LONG, LONG, NEVER, NEVER, DataSize.ofMegabytes(1));
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties);
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            client.hear();
            client.say(message);
            assertThat(asking.failure())
                    .isInstanceOf(QmpException.Unreadable.class)
                    .hasMessageContaining("1048576 bytes");
            until(monitor, Link.DOWN);
        }
    }

    @Test
    void readsAMessageThatIsAsLargeAsTheLimit() {
        QmpProperties properties = new QmpProperties(List.of(), LONG, LONG, NEVER, NEVER, DataSize.ofMegabytes(1));
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            monitor(properties);
            Client client = qemu.acceptAndNegotiate();
            // what ends the answer to the negotiation counts to the next message
            String name = "x".repeat(1024 * 1024 - 13 - 2);
            client.say("{\"event\": \"" + name + "\"}");
            heard.until(name);
        }
    }

    @Test
    void countsTheBytesOfEachMessageForItself() {
        QmpProperties properties = new QmpProperties(List.of(), LONG, LONG, NEVER, NEVER, DataSize.ofMegabytes(1));
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(properties);
            Client client = qemu.acceptAndNegotiate();
            for (int i = 0; i < 3; i++) {
                Asking<RunState> asking = asking(monitor, new QueryStatus());
                JsonNode command = client.hear();
                client.answer(
                        command,
                        "{\"status\": \"running\", \"running\": true, \"padding\": \"" + "x".repeat(1_000_000) + "\"}");
                assertThat(asking.result().running()).isTrue();
            }
            assertThat(monitor.session()).isEqualTo(1);
        }
    }

    @Test
    void isDownWhileTooManyOthersWaitForTheSocket() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket(), 1)) {
            List<QmpMonitor> waiting = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                QmpMonitor other = monitor(socket(), properties(AT_ONCE, NEVER), new Heard());
                until(other, Link.SILENT);
                waiting.add(other);
            }
            QmpMonitor monitor = monitor();
            until(monitor, Link.DOWN);
            waiting.forEach(QmpMonitor::close);
            qemu.accept().close();
            qemu.accept().close();
            qemu.acceptAndNegotiate();
            heard.until("connected");
            assertThat(monitor.link()).isEqualTo(Link.READY);
        }
    }

    @Test
    void logsEachChangeOnceAndNoTryThatFailsAgain() {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(QmpLink.class);
        log.start();
        logger.addAppender(log);
        try (ScriptedQemu qemu = downAndUp()) {
            Client client = qemu.acceptAndNegotiate();
            heard.untilCount(1);
            client.close();
            heard.untilCount(2);
            qemu.accept().close();
            qemu.acceptAndNegotiate();
            heard.untilCount(3);
        } finally {
            logger.detachAppender(log);
        }
        String prefix = "guest socket=" + socket() + " ";
        assertThat(log.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .containsExactly(
                        prefix + "CONNECTING -> DOWN: No such file or directory",
                        prefix + "DOWN -> READY: negotiated",
                        prefix + "READY -> DOWN: QEMU closed the connection",
                        prefix + "DOWN -> READY: negotiated");
    }

    private ScriptedQemu downAndUp() {
        QmpMonitor monitor = monitor();
        until(monitor, Link.DOWN);
        ScriptedQemu qemu = new ScriptedQemu(socket());
        qemu.accept().close();
        qemu.accept().close();
        return qemu;
    }

    @Test
    void closesInThePauseAfterAFailure() {
        QmpMonitor monitor = monitor(properties(LONG, NEVER));
        until(monitor, Link.DOWN);
        assertClosed(monitor);
    }

    @Test
    void closesBeforeTheGreeting() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.accept();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            asking.untilItWaits();
            assertClosed(monitor);
            assertThat(asking.failure()).isInstanceOf(QmpException.Unreachable.class);
            assertThat(client.hasHungUp()).isTrue();
        }
    }

    @Test
    void closesInTheMiddleOfTheNegotiation() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.accept();
            client.say(ScriptedQemu.GREETING);
            client.hear();
            assertClosed(monitor);
            assertThat(client.hasHungUp()).isTrue();
        }
    }

    @Test
    void closesWhileItIsReady() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            heard.until("connected");
            assertClosed(monitor);
            assertThat(client.hasHungUp()).isTrue();
            assertThat(heard.news()).containsExactly("connected");
        }
    }

    @Test
    void closesInTheMiddleOfAMessageWhileOneWaitsForItAndAnotherForHisTurn() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            client.hear();
            Asking<NamedGuest> behind = asking(monitor, new QueryName());
            behind.untilItWaits();
            client.say("{\"return\": {");
            assertClosed(monitor);
            assertThat(asking.failure()).isInstanceOf(QmpException.NoAnswer.class);
            assertThat(behind.failure()).isInstanceOf(QmpException.Unreachable.class);
        }
    }

    @Test
    void closesWhileItIsSilent() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus(), SHORT);
            client.hear();
            asking.failure();
            assertClosed(monitor);
        }
    }

    @Test
    void closesFromItsOwnListener() {
        QmpMonitor[] monitors = new QmpMonitor[1];
        Heard closing = new Heard() {
            @Override
            public void event(QmpEvent event) {
                Objects.requireNonNull(monitors[0]).close();
            }
        };
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            monitors[0] = monitor(socket(), properties(LONG, NEVER), closing);
            Client client = qemu.acceptAndNegotiate();
            closing.until("connected");
            client.say("{\"event\": \"STOP\"}");
            assertThat(client.hasHungUp()).isTrue();
            assertClosed(monitors[0]);
            assertThat(closing.news()).containsExactly("connected");
        }
    }

    @Test
    void closesOnlyOnceButAsOftenAsItIsTold() {
        QmpMonitor monitor = monitor();
        monitor.close();
        assertClosed(monitor);
        assertUnreachable(monitor);
    }

    @Test
    void leavesNeitherDescriptorsNorThreadsBehind() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket());
                ScriptedQemu busy = new ScriptedQemu(directory.resolve("busy"))) {
            openAndClose(qemu, 20);
            int descriptors = openDescriptors();
            openAndClose(qemu, 1000);
            assertThat(openDescriptors()).isLessThanOrEqualTo(descriptors);
            assertThat(threads("guest.qmp", "busy", "none")).isEmpty();
            busy.die();
        }
    }

    /** Closes at another stage in each round: at once, before the greeting, before the negotiation, ready; and where there is no socket. */
    private void openAndClose(ScriptedQemu qemu, int rounds) {
        for (int round = 0; round < rounds; round++) {
            int stage = round % 5;
            if (stage == 4) {
                QmpMonitor nowhere = new QmpMonitor(directory.resolve("none"), properties(LONG, NEVER), meters, heard);
                nowhere.start();
                until(nowhere, Link.DOWN);
                nowhere.close();
                continue;
            }
            if (stage == 0) {
                QmpMonitor busy = new QmpMonitor(directory.resolve("busy"), properties(LONG, NEVER), meters, heard);
                busy.start();
                busy.close();
                continue;
            }
            QmpMonitor monitor = new QmpMonitor(socket(), properties(LONG, NEVER), meters, heard);
            monitor.start();
            Client client = qemu.accept();
            if (stage >= 2) {
                client.say(ScriptedQemu.GREETING);
                JsonNode command = client.hear();
                if (stage == 3) {
                    client.answer(command, "{}");
                    until(monitor, Link.READY);
                }
            }
            monitor.close();
            client.close();
        }
    }

    private static int openDescriptors() {
        return Objects.requireNonNull(new File("/proc/self/fd").list()).length;
    }

    private static List<Thread> threads(String... fileNames) {
        List<String> names = Stream.of(fileNames).map("qmp "::concat).toList();
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .filter(thread -> names.contains(thread.getName()))
                .toList();
    }

    private static void assertClosed(QmpMonitor monitor) {
        monitor.close();
        assertThat(monitor.link()).isEqualTo(Link.DOWN);
        assertThat(threads("guest.qmp")).isEmpty();
    }
}
