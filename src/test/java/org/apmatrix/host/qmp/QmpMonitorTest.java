package org.apmatrix.host.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apmatrix.Patience;
import org.apmatrix.host.qmp.GuestMonitor.Link;
import org.apmatrix.host.qmp.QmpCommand.DeviceAdd;
import org.apmatrix.host.qmp.QmpCommand.DeviceDel;
import org.apmatrix.host.qmp.QmpCommand.Done;
import org.apmatrix.host.qmp.QmpCommand.NamedGuest;
import org.apmatrix.host.qmp.QmpCommand.QomGetText;
import org.apmatrix.host.qmp.QmpCommand.QueryName;
import org.apmatrix.host.qmp.QmpCommand.QueryStatus;
import org.apmatrix.host.qmp.QmpCommand.RunState;
import org.apmatrix.host.qmp.ScriptedQemu.Client;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What a monitor makes of what QEMU says, and when: its answers, its events, its silence. */
class QmpMonitorTest extends MonitorTest {
    private static final String RUNNING = "{\"status\": \"running\", \"singlestep\": false, \"running\": true}";

    @Test
    void greetsNegotiatesAndTellsThatItIsConnected() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.accept();
            assertThat(monitor.link()).isEqualTo(Link.CONNECTING);
            assertThat(monitor.session()).isZero();
            assertThat(monitor.version()).isEmpty();
            client.say(ScriptedQemu.GREETING);
            JsonNode command = client.hear();
            assertThat(command.propertyNames()).containsExactly("execute", "id");
            assertThat(command.get("execute").stringValue()).isEqualTo("qmp_capabilities");
            client.answer(command, "{}");
            heard.until("connected");
            assertThat(monitor.link()).isEqualTo(Link.READY);
            assertThat(monitor.session()).isEqualTo(1);
            assertThat(monitor.version()).contains("7.2.22");
            assertThat(monitor.socket()).isEqualTo(socket());
        }
    }

    @Test
    void tellsNoEventBeforeItIsConnected() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            monitor();
            Client client = qemu.accept();
            client.say(ScriptedQemu.GREETING, "{\"event\": \"STOP\"}");
            client.answer(client.hear(), "{}");
            client.say("{\"event\": \"RESUME\"}");
            heard.until("RESUME");
            assertThat(heard.news()).containsExactly("connected", "RESUME");
        }
    }

    @Test
    void readsAnAnswerThatComesByteByByte() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            String id = client.hear().get("id").toString();
            for (char each : ("\r\n {\"id\":" + id + ",\r\n\"return\":" + RUNNING + "}").toCharArray()) {
                client.say(String.valueOf(each));
            }
            assertThat(asking.result()).isEqualTo(new RunState("running", true));
            assertThat(commands("query-status", "answered")).isEqualTo(1);
        }
    }

    private long commands(String command, String outcome) {
        return meters.get("apmatrix.qmp.command")
                .tags("command", command, "outcome", outcome)
                .timer()
                .count();
    }

    @Test
    void timesEachCommandByItsOutcome() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> refused = asking(monitor, new QueryStatus());
            client.refuse(client.hear(), "GenericError", "no");
            assertThat(refused.failure()).isInstanceOf(QmpException.Refused.class);
            assertThatThrownBy(() -> monitor.ask(new QueryName(), SHORT)).isInstanceOf(QmpException.NoAnswer.class);
            assertThatThrownBy(() -> monitor.ask(new QueryName(), SHORT)).isInstanceOf(QmpException.Unreachable.class);
            assertThat(commands("query-status", "refused")).isEqualTo(1);
            assertThat(commands("query-name", "no_answer")).isEqualTo(1);
            assertThat(commands("query-name", "unreachable")).isEqualTo(1);
        }
    }

    @Test
    void countsAConnectionMadeAnew() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client first = qemu.acceptAndNegotiate();
            until(monitor, Link.READY);
            assertThat(reconnects()).isZero();
            first.close();
            qemu.acceptAndNegotiate();
            Patience.until(() -> reconnects() == 1);
        }
    }

    private double reconnects() {
        return meters.get("apmatrix.qmp.reconnects").counter().count();
    }

    @Test
    void readsACharacterThatIsSplitBetweenItsBytes() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<NamedGuest> asking = asking(monitor, new QueryName());
            String id = client.hear().get("id").toString();
            byte[] answer =
                    ("{\"return\":{\"name\":\"Gästin 🔑\"},\"id\":" + id + "}").getBytes(StandardCharsets.UTF_8);
            for (byte each : answer) {
                client.say(new byte[] {each});
            }
            assertThat(asking.result().name()).isEqualTo("Gästin 🔑");
        }
    }

    @Test
    void readsMessagesThatComeTogetherWithoutAnythingBetween() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            String id = client.hear().get("id").toString();
            client.say("{\"event\":\"STOP\"}{\"return\":" + RUNNING + ",\"id\":" + id + "}{\"event\":\"RESUME\"}{\"ev");
            assertThat(asking.result().running()).isTrue();
            heard.until("RESUME");
            client.say("ent\":\"RESET\"}");
            heard.until("RESET");
            assertThat(heard.news()).containsExactly("connected", "STOP", "RESUME", "RESET");
        }
    }

    @Test
    void deliversEachMessageWithItsLastByteThoughNothingFollows() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.accept();
            client.say(ScriptedQemu.GREETING.strip());
            client.say("{\"return\": {}, \"id\": " + client.hear().get("id") + "}");
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            client.say("{\"return\": " + RUNNING + ", \"id\": " + client.hear().get("id") + "}");
            assertThat(asking.result().running()).isTrue();
            client.say("{\"event\": \"STOP\"}");
            heard.until("STOP");
        }
    }

    @Test
    void tellsAnEventBeforeItHandsOverTheAnswerThatFollowed() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<Done> asking = asking(monitor, new DeviceDel("ap0"));
            JsonNode command = client.hear();
            client.say("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"DEVICE_DELETED\","
                    + " \"data\": {\"path\": \"/machine/peripheral-anon/device[0]\"}}\r\n");
            client.answer(command, "{}");
            asking.result();
            assertThat(heard.news()).containsExactly("connected", "deleted null /machine/peripheral-anon/device[0]");
            client.say(
                    "{\"data\":{\"path\":\"/machine/peripheral/ap0\",\"device\":\"ap0\"},\"event\":\"DEVICE_DELETED\"}");
            heard.until("deleted ap0 /machine/peripheral/ap0");
        }
    }

    @Test
    void sendsTheArgumentsInTheirOrder() {
        Map<String, String> properties = new LinkedHashMap<>();
        properties.put("sysfsdev", "/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804");
        properties.put("bus", "ap-bus");
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<Done> asking = asking(monitor, new DeviceAdd("vfio-ap", "ap0", properties));
            JsonNode command = client.hear();
            assertThat(command.get("arguments"))
                    .hasToString(
                            "{\"driver\":\"vfio-ap\",\"id\":\"ap0\",\"sysfsdev\":"
                                    + "\"/sys/devices/vfio_ap/matrix/62177883-f1bb-47f0-914d-32a22e3a8804\",\"bus\":\"ap-bus\"}");
            client.answer(command, "{}");
            assertThat(asking.result()).isEqualTo(new Done());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"return\": {}, \"id\": 1}",
                "{\"return\": {}, \"id\": null}",
                "{\"return\": {}, \"id\": {\"apmatrix\": 1}}",
                "{\"return\": {}, \"id\": \"another\"}",
                "{\"return\": {}}",
                "{\"id\": \"another\", \"error\": {\"class\": \"GenericError\", \"desc\": \"\"}}"
            })
    void handsNobodyAnAnswerWithAnotherId(String foreign) {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            JsonNode command = client.hear();
            client.say(foreign);
            client.answer(command, RUNNING);
            assertThat(asking.result()).isEqualTo(new RunState("running", true));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"GenericError", "CommandNotFound", "DeviceNotFound", "DeviceNotActive", "KVMMissingCap", "New"})
    void throwsWhatQemuRefusesWithItsClassAndWords(String errorClass) {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<Done> asking = asking(monitor, new DeviceDel("ap0"));
            client.refuse(client.hear(), errorClass, "Device 'ap0' not found");
            assertThat(asking.failure()).isInstanceOfSatisfying(QmpException.Refused.class, refused -> {
                assertThat(refused.errorClass()).isEqualTo(errorClass);
                assertThat(refused.description()).isEqualTo("Device 'ap0' not found");
            });
            assertThat(monitor.link()).isEqualTo(Link.READY);
        }
    }

    @Test
    void keepsTheConnectionWhenAnAnswerIsOfTheWrongShape() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> first = asking(monitor, new QueryStatus());
            client.hearAndAnswer("query-status", "[]");
            assertThat(first.failure()).isInstanceOf(QmpException.Unreadable.class);
            Asking<RunState> second = asking(monitor, new QueryStatus());
            client.hearAndAnswer("query-status", RUNNING);
            assertThat(second.result().running()).isTrue();
            assertThat(monitor.session()).isEqualTo(1);
        }
    }

    @Test
    void isSilentWhileAnAnswerIsOwedAndSendsNothingMore() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> unanswered = asking(monitor, new QueryStatus(), SHORT);
            JsonNode command = client.hear();
            assertThat(unanswered.failure()).isInstanceOf(QmpException.NoAnswer.class);
            assertThat(monitor.link()).isEqualTo(Link.SILENT);
            assertUnreachable(monitor);
            assertUnreachable(monitor);
            client.answer(command, RUNNING);
            until(monitor, Link.READY);
            heard.untilCount(2);
            assertThat(heard.news()).containsExactly("connected", "connected");
            assertThat(monitor.session()).isEqualTo(1);
            Asking<NamedGuest> next = asking(monitor, new QueryName());
            client.hearAndAnswer("query-name", "{\"name\": \"g1\"}");
            assertThat(next.result().name()).isEqualTo("g1");
        }
    }

    @Test
    void takesALateRefusalForAnAnswerToo() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<Done> unanswered = asking(monitor, new DeviceDel("ap0"), SHORT);
            JsonNode command = client.hear();
            unanswered.failure();
            client.say("{\"event\": \"STOP\"}");
            heard.until("STOP");
            assertThat(monitor.link()).isEqualTo(Link.SILENT);
            client.refuse(command, "DeviceNotFound", "Device 'ap0' not found");
            until(monitor, Link.READY);
        }
    }

    @Test
    void refusesAtOnceWhoWaitedBehindAnUnansweredCommand() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> unanswered = asking(monitor, new QueryStatus(), Duration.ofSeconds(1));
            client.hear();
            Asking<NamedGuest> behind = asking(monitor, new QueryName());
            assertThat(unanswered.failure()).isInstanceOf(QmpException.NoAnswer.class);
            assertThat(behind.failure()).isInstanceOf(QmpException.Unreachable.class);
        }
    }

    @Test
    void asksOneCommandAtATimeInTheOrderOfThoseWhoAsk() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            List<Asking<String>> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Asking<String> asking = asking(monitor, new QomGetText("/machine", "p" + i));
                asking.untilItWaits();
                all.add(asking);
            }
            for (int i = 0; i < 8; i++) {
                JsonNode command = client.hear();
                assertThat(command.get("arguments").get("property").stringValue())
                        .isEqualTo("p" + i);
                client.answer(command, "\"v" + i + "\"");
                assertThat(all.get(i).result()).isEqualTo("v" + i);
            }
        }
    }

    @Test
    void countsTheWaitForOthersAgainstThePatience() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> first = asking(monitor, new QueryStatus());
            JsonNode command = client.hear();
            assertThat(asking(monitor, new QueryName(), SHORT).failure()).isInstanceOf(QmpException.Unreachable.class);
            client.answer(command, RUNNING);
            first.result();
            Asking<RunState> second = asking(monitor, new QueryStatus());
            client.hearAndAnswer("query-status", RUNNING);
            assertThat(second.result().running()).isTrue();
        }
    }

    @Test
    void keepsTheConnectionOfAnAskerWhoIsInterrupted() throws InterruptedException {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            JsonNode command = client.hear();
            asking.thread().interrupt();
            assertThat(asking.failure()).isInstanceOf(QmpException.NoAnswer.class);
            assertThat(monitor.link()).isEqualTo(Link.SILENT);
            client.answer(command, RUNNING);
            until(monitor, Link.READY);
            assertThat(monitor.session()).isEqualTo(1);
        }
    }

    @Test
    void sendsNothingForAThreadThatIsInterruptedAlready() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            qemu.acceptAndNegotiate();
            until(monitor, Link.READY);
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> monitor.ask(new QueryStatus(), LONG)).isInstanceOf(QmpException.Unreachable.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(monitor.link()).isEqualTo(Link.READY);
        }
    }

    @Test
    void sendsNothingWithoutPatience() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            qemu.acceptAndNegotiate();
            until(monitor, Link.READY);
            assertThatThrownBy(() -> monitor.ask(new QueryStatus(), Duration.ZERO))
                    .isInstanceOf(QmpException.Unreachable.class);
            assertThat(monitor.link()).isEqualTo(Link.READY);
        }
    }

    @Test
    void readsAMessageOfAMebibyte() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            String large = "x".repeat(1024 * 1024);
            Asking<String> asking = asking(monitor, new QomGetText("/machine", "large"));
            client.answer(client.hear(), "\"" + large + "\"");
            assertThat(asking.result()).isEqualTo(large);
        }
    }

    @Test
    void writesTheLongestCommandToAQemuThatReadsNothingAndSendsNoOtherBehindIt() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            qemu.acceptAndNegotiate();
            until(monitor, Link.READY);
            DeviceDel longest = new DeviceDel("x".repeat(65_000));
            assertThatThrownBy(() -> monitor.ask(longest, SHORT)).isInstanceOf(QmpException.NoAnswer.class);
            for (int i = 0; i < 100; i++) {
                assertThatThrownBy(() -> monitor.ask(longest, LONG)).isInstanceOf(QmpException.Unreachable.class);
            }
            assertThat(monitor.link()).isEqualTo(Link.SILENT);
        }
    }

    @Test
    void refusesACommandThatASocketMayNotTakeAtOnce() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            until(monitor, Link.READY);
            assertThatThrownBy(() -> monitor.ask(new DeviceDel("x".repeat(65_536)), LONG))
                    .isInstanceOf(IllegalArgumentException.class);
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            client.hearAndAnswer("query-status", RUNNING);
            assertThat(asking.result().running()).isTrue();
        }
    }

    @Test
    void takesNoHarmFromAListenerThatFailsOrAsks() {
        List<Throwable> thrown = new ArrayList<>();
        QmpMonitor[] monitors = new QmpMonitor[1];
        Heard failing = new Heard() {
            @Override
            public void event(QmpEvent event) {
                super.event(event);
                try {
                    monitors[0].ask(new QueryStatus(), LONG);
                } catch (RuntimeException e) {
                    thrown.add(e);
                    throw e;
                }
            }
        };
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor(socket(), properties(LONG, SHORT), failing);
            monitors[0] = monitor;
            Client client = qemu.acceptAndNegotiate();
            client.say("{\"event\": \"STOP\"}{\"event\": \"RESUME\"}");
            failing.until("RESUME");
            Asking<RunState> asking = asking(monitor, new QueryStatus());
            client.hearAndAnswer("query-status", RUNNING);
            assertThat(asking.result().running()).isTrue();
            assertThat(thrown)
                    .hasSize(2)
                    .allSatisfy(each -> assertThat(each).isInstanceOf(IllegalStateException.class));
        }
    }

    @Test
    void isNotDelayedByAnotherQemuThatSaysNothing() {
        try (ScriptedQemu slow = new ScriptedQemu(directory.resolve("slow.qmp"));
                ScriptedQemu quick = new ScriptedQemu(socket())) {
            QmpMonitor delayed = monitor(directory.resolve("slow.qmp"), properties(LONG, SHORT), new Heard());
            QmpMonitor monitor = monitor();
            Client unhurried = slow.acceptAndNegotiate();
            Client client = quick.acceptAndNegotiate();
            Asking<RunState> owed = asking(delayed, new QueryStatus());
            JsonNode command = unhurried.hear();
            for (int i = 0; i < 10; i++) {
                Asking<RunState> asking = asking(monitor, new QueryStatus());
                client.hearAndAnswer("query-status", RUNNING);
                assertThat(asking.result().running()).isTrue();
            }
            assertThat(owed.reply()).isNotDone();
            unhurried.answer(command, RUNNING);
            assertThat(owed.result().running()).isTrue();
        }
    }

    @Test
    void manyThreadsAskAtOnceAndEachHasItsOwnAnswer() {
        try (ScriptedQemu qemu = new ScriptedQemu(socket())) {
            QmpMonitor monitor = monitor();
            Client client = qemu.acceptAndNegotiate();
            Thread server = new Thread(() -> {
                for (int i = 0; i < 400; i++) {
                    JsonNode command = client.hear();
                    client.answer(
                            command, command.get("arguments").get("property").toString());
                }
            });
            server.start();
            List<Asking<String>> all = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                all.add(asking(monitor, new QomGetText("/machine", "p" + i)));
            }
            for (int i = 0; i < 400; i++) {
                assertThat(all.get(i).result()).isEqualTo("p" + i);
            }
            Patience.until(() -> !server.isAlive());
        }
    }
}
