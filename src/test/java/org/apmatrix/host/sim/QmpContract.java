package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apmatrix.Patience;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * What every QEMU must answer, real or simulated: the recorded cases that unmodified software can show, and what happens around them.
 *
 * <p>The client here knows bytes and JSON and nothing else.
 */
abstract class QmpContract {
    /** What a QEMU is started as. */
    enum Start {
        RUNNING,
        PRELAUNCH,
        PRECONFIG,
        /** A panic of its guest makes it pause. */
        PAUSES_AT_PANIC
    }

    /** A QEMU under test; a guest without AP instructions. */
    interface Guest extends AutoCloseable {
        Path socket();

        /** A second monitor; must be asked for before the first client connects. */
        Path secondSocket();

        /** SIGTERM. */
        void terminate();

        /** SIGKILL; returns when it is dead. */
        void kill();

        /** SIGSTOP. */
        void stop();

        /** SIGCONT. */
        void resume();

        /** Makes the guest panic; the QEMU is in prelaunch. */
        void panic(QmpClient client);

        @Override
        void close();
    }

    static final String MDEV = "62177883-f1bb-47f0-914d-32a22e3a8804";
    private static final String RNG = "{'execute':'device_add','arguments':{'driver':'virtio-rng-ccw','id':'%s'}}";
    private static final String STATUS = "{'execute':'query-status'}";

    private final List<AutoCloseable> opened = new ArrayList<>();

    @TempDir
    Path directory;

    /** As the cases spell it. */
    abstract String version();

    abstract Guest start(Start how);

    /** Cases of version {@link #version()} that are not run, with the reason. */
    abstract Map<String, String> leftOut();

    @AfterEach
    final void closeAll() {
        for (AutoCloseable each : opened) {
            try {
                each.close();
            } catch (Exception failed) {
                throw new AssertionError(failed);
            }
        }
        opened.clear();
    }

    final <T extends AutoCloseable> T open(T closeable) {
        opened.add(0, closeable);
        return closeable;
    }

    final Guest guest(Start how) {
        return open(start(how));
    }

    final QmpClient client(Guest guest) {
        return open(QmpClient.negotiate(guest.socket()));
    }

    @TestFactory
    Stream<DynamicTest> answersTheRecordedCases() {
        return QmpCase.all().stream()
                .filter(each -> each.isOf(version()) && !leftOut().containsKey(each.id()))
                .map(each -> dynamicTest(each.id() + " " + each.start(), () -> {
                    try {
                        run(each);
                    } finally {
                        closeAll();
                    }
                }));
    }

    @Test
    void leavesOutNoCaseWithoutNeed() {
        Set<String> ofVersion = new TreeSet<>();
        QmpCase.all().stream().filter(each -> each.isOf(version())).forEach(each -> ofVersion.add(each.id()));
        assertThat(ofVersion).containsAll(leftOut().keySet());
    }

    /** What stands for something else in the cases. */
    Map<String, String> words() {
        return Map.of("<UUID>", MDEV);
    }

    /** Runs one case; a subclass takes those that need more than unmodified software. */
    void run(QmpCase each) {
        switch (each.id()) {
            case "P01" -> greets(each);
            case "P02", "P03", "P04" -> {
                QmpClient client = open(QmpClient.connect(guest(Start.RUNNING).socket()));
                client.receive();
                answersWith(client, each);
            }
            case "P17" -> waitsForTheBracket();
            case "P18" -> answersTwice(each);
            case "P20" -> refusesAHugeToken(each);
            case "P21" -> refusesDeepNesting(each);
            case "P22" -> echoesALongId();
            case "P23", "P24" -> servesOneClientAtATime();
            case "P25" -> tellsAllMonitors(each);
            case "P27" -> {
                QmpClient client = open(QmpClient.connect(guest(Start.RUNNING).socket()));
                client.receive();
                client.call("{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}");
                answersWith(client, each);
            }
            case "P28" -> hearsAClientThatLeftOrNot(each);
            case "L01" -> answersWith(client(guest(Start.PRELAUNCH)), each);
            case "L02" -> eventsBeforeTheAnswer(each, client(guest(Start.RUNNING)));
            case "L03" -> {
                Guest guest = guest(Start.RUNNING);
                QmpClient client = client(guest);
                eventsBeforeTheAnswer(each, client);
                assertThat(client.untilTheEnd()).isEmpty();
                Patience.until(() -> !Files.exists(guest.socket()));
            }
            case "L04" -> {
                Guest guest = guest(Start.RUNNING);
                QmpClient client = client(guest);
                guest.terminate();
                assertMatch(each.events(words()), client.untilTheEnd());
            }
            case "L05" -> {
                Guest guest = guest(Start.RUNNING);
                QmpClient client = client(guest);
                guest.kill();
                assertThat(client.untilTheEnd()).isEmpty();
                assertThat(guest.socket()).exists();
                assertThatThrownBy(() -> QmpClient.connect(guest.socket()))
                        .isInstanceOf(UncheckedIOException.class)
                        .hasCauseInstanceOf(ConnectException.class);
            }
            case "L06" -> {
                Guest guest = guest(Start.PRELAUNCH);
                QmpClient client = client(guest);
                guest.panic(client);
                // the case has STOP between them, and so had a record; the processor and the main loop race for it
                assertMatch(withoutRunAndStop(each.events(words())), withoutRunAndStop(client.untilTheEnd()));
            }
            case "L07" -> {
                Guest guest = guest(Start.PAUSES_AT_PANIC);
                QmpClient client = client(guest);
                guest.panic(client);
                JsonNode event = client.event();
                while (!event.path("event").stringValue().equals("STOP")) {
                    event = client.event();
                }
                assertMatch(each.reply(words()), client.call("{'execute':'query-status'}"));
            }
            case "L08" -> answersWith(client(guest(Start.PRECONFIG)), each);
            case "D13" -> {
                QmpClient client = client(guest(Start.RUNNING));
                String path = client.call("{'execute':'query-cpus-fast'}")
                        .path("return")
                        .path(0)
                        .path("qom-path")
                        .stringValue();
                assertMatch(each.reply(words()), client.call(each.request(Map.of("<cpu qom path>", path))));
            }
            case "D19" -> {
                QmpClient client = client(guest(Start.RUNNING));
                client.call(RNG.formatted("rng0"));
                answersWith(client, each);
            }
            default -> answersWith(client(guest(Start.RUNNING)), each);
        }
    }

    /** Sends what the case says, and expects its answer and then its events. */
    final void answersWith(QmpClient client, QmpCase each) {
        client.send(each.request(words()));
        JsonNode reply = each.reply(words());
        if (reply.isArray()) {
            reply.forEach(one -> assertMatch(one, client.answer()));
        } else {
            assertMatch(reply, client.answer());
        }
        each.events(words()).forEach(event -> assertMatch(event, client.event()));
    }

    final void eventsBeforeTheAnswer(QmpCase each, QmpClient client) {
        client.send(each.request(words()));
        each.events(words()).forEach(event -> assertMatch(event, client.receive()));
        assertMatch(each.reply(words()), client.receive());
    }

    static void assertMatch(JsonNode expected, JsonNode actual) {
        assertThat(QmpCase.matches(expected, actual))
                .as("%s is %s", actual, expected)
                .isTrue();
    }

    private static void assertMatch(List<JsonNode> expected, List<JsonNode> actual) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int at = 0; at < expected.size(); at++) {
            assertMatch(expected.get(at), actual.get(at));
        }
    }

    private static List<JsonNode> withoutRunAndStop(List<JsonNode> messages) {
        return messages.stream()
                .filter(message -> message.has("event"))
                .filter(message -> !List.of("RESUME", "STOP")
                        .contains(message.path("event").stringValue()))
                .toList();
    }

    /** The case knows the package and the version of one release. */
    private void greets(QmpCase each) {
        QmpClient client = open(QmpClient.connect(guest(Start.RUNNING).socket()));
        JsonNode greeting = client.receive();
        String[] numbers = version().split("\\.");
        assertMatch(
                each.reply(Map.of(
                        "\"major\":7", "\"major\":" + numbers[0],
                        "\"minor\":2", "\"minor\":" + numbers[1],
                        "\"micro\":22", "\"micro\":" + numbers[2],
                        "Debian ...", "...")),
                greeting);
    }

    private void waitsForTheBracket() {
        QmpClient client = client(guest(Start.RUNNING));
        client.send("{\"execute\":\"query-status\"\n");
        client.send(", \"id\":1\n");
        client.send("}\n{\"execute\":\"query-status\",\"id\":2");
        assertThat(client.receive().path("id").intValue()).isEqualTo(1);
        client.send(new byte[] {(byte) 0xff});
        assertThat(client.receive().path("error").path("desc").stringValue()).startsWith("JSON parse error, stray");
        assertThat(client.call("{'execute':'query-status','id':3}").path("id").intValue())
                .isEqualTo(3);
    }

    private void answersTwice(QmpCase each) {
        QmpClient client = client(guest(Start.RUNNING));
        client.send(each.operation().stringValue().replace(" (no newline)", ""));
        assertThat(client.receive().path("return").has("status")).isTrue();
        assertThat(client.receive().path("return").has("status")).isFalse();
    }

    private void refusesAHugeToken(QmpCase each) {
        QmpClient client = client(guest(Start.RUNNING));
        client.send("{\"execute\":\"");
        String mebibyte = "x".repeat(1 << 20);
        for (int sent = 0; sent < 65; sent++) {
            client.send(mebibyte);
        }
        assertMatch(each.reply(words()), client.receive());
        client.send(new byte[] {(byte) 0xff});
        client.send("{'execute':'query-status','id':'after'}");
        JsonNode message = client.receive();
        while (!message.path("id").stringValue("").equals("after")) {
            assertThat(message.has("error")).isTrue();
            message = client.receive();
        }
    }

    private void refusesDeepNesting(QmpCase each) {
        QmpClient client = client(guest(Start.RUNNING));
        client.send("[".repeat(1025) + "]".repeat(1025) + "{'execute':'query-status','id':'after'}");
        assertMatch(each.reply(words()), client.receive());
        int errors = 0;
        JsonNode message = client.receive();
        while (!message.has("id")) {
            errors++;
            message = client.receive();
        }
        assertThat(errors).isEqualTo(1025);
    }

    private void echoesALongId() {
        QmpClient client = client(guest(Start.RUNNING));
        String id = "y".repeat(1 << 20);
        assertThat(client.call("{\"execute\":\"query-status\",\"id\":\"" + id + "\"}")
                        .path("id")
                        .stringValue())
                .isEqualTo(id);
    }

    private void servesOneClientAtATime() {
        Guest guest = guest(Start.RUNNING);
        QmpClient first = client(guest);
        QmpClient second = open(QmpClient.connect(guest.socket()));
        second.send("{'execute':'qmp_capabilities'}{'execute':'query-status','id':'second'}");
        first.call(STATUS);
        assertThat(second.pending()).isEmpty();
        first.close();
        assertThat(second.receive().has("QMP")).isTrue();
        assertThat(second.receive().has("return")).isTrue();
        assertThat(second.receive().path("id").stringValue()).isEqualTo("second");
    }

    private void tellsAllMonitors(QmpCase each) {
        Guest guest = guest(Start.RUNNING);
        Path secondSocket = guest.secondSocket();
        QmpClient first = client(guest);
        QmpClient second = open(QmpClient.negotiate(secondSocket));
        first.call(RNG.formatted("rng0"));
        first.call("{'execute':'device_del','arguments':{'id':'rng0'}}");
        // the case names the device in the first event as well; the transcript, and D19, do not
        for (JsonNode event : each.events(words())) {
            JsonNode path = event.path("data").path("path");
            assertThat(first.event().path("data").path("path")).isEqualTo(path);
            assertThat(second.event().path("data").path("path")).isEqualTo(path);
        }
        second.send("{'execute':'stop'}");
        assertThat(first.event().path("event").stringValue()).isEqualTo("STOP");
        assertThat(second.receive().path("event").stringValue()).isEqualTo("STOP");
    }

    /** A race, unless QEMU is stopped meanwhile. */
    private void hearsAClientThatLeftOrNot(QmpCase each) {
        Guest guest = guest(Start.RUNNING);
        QmpClient first = client(guest);
        guest.stop();
        first.send(RNG.formatted("rngZ"));
        first.close();
        guest.resume();
        JsonNode devices = client(guest).call("{'execute':'qom-list','arguments':{'path':'/machine/peripheral'}}");
        boolean expected = !version().startsWith("7.2");
        assertThat(each.json().path("reply").stringValue()).isEqualTo("7.2: NOT executed; 10.0: executed");
        assertThat(devices.toString().contains("rngZ")).isEqualTo(expected);
    }

    @Test
    void echoesAnyId() {
        QmpClient client = client(guest(Start.RUNNING));
        for (String id : List.of("null", "7", "-1.5", "true", "\"\\u00e4\\\"\"", "{\"a\":[1,{}]}", "[]")) {
            JsonNode reply = client.call("{\"id\":" + id + ",\"execute\":\"query-status\"}");
            assertThat(reply.get("id")).isEqualTo(QmpClient.MAPPER.readTree(id));
        }
        assertThat(client.call(STATUS).has("id")).isFalse();
    }

    @Test
    void plugsAndUnplugsAVirtioDevice() {
        QmpClient client = client(guest(Start.RUNNING));
        String list = "{'execute':'qom-list','arguments':{'path':'/machine/peripheral'}}";
        assertThat(client.call(RNG.formatted("rng0")).has("return")).isTrue();
        assertThat(client.call(list).toString()).contains("child<virtio-rng-ccw>");
        assertThat(client.call(RNG.formatted("rng0")).path("error").path("desc").stringValue())
                .isEqualTo("Duplicate device ID 'rng0'");
        assertThat(client.call(
                                "{'execute':'qom-get','arguments':{'path':'/machine/peripheral/rng0','property':'hotplugged'}}")
                        .path("return")
                        .booleanValue())
                .isTrue();
        client.send("{'execute':'device_del','arguments':{'id':'rng0'}}" + list);
        assertThat(client.receive().has("return")).isTrue();
        assertThat(client.receive().toString()).doesNotContain("virtio-rng-ccw");
        assertThat(client.receive().path("data").path("path").stringValue())
                .isEqualTo("/machine/peripheral/rng0/virtio-backend");
        JsonNode event = client.receive();
        assertThat(event.path("event").stringValue()).isEqualTo("DEVICE_DELETED");
        assertThat(event.path("data").path("device").stringValue()).isEqualTo("rng0");
        assertThat(event.path("timestamp").path("seconds").isIntegralNumber()).isTrue();
    }

    @Test
    void letsLateEventsOutBeforeARefusalOfDeviceAdd() {
        QmpClient client = client(guest(Start.RUNNING));
        client.call(RNG.formatted("rng0"));
        client.send("{'execute':'device_del','arguments':{'id':'rng0'}}"
                + "{'execute':'device_add','arguments':{'driver':'nope'}}");
        assertThat(client.receive().has("return")).isTrue();
        assertThat(client.receive().has("event")).isTrue();
        assertThat(client.receive().has("event")).isTrue();
        assertThat(client.receive().has("error")).isTrue();
    }

    @Test
    void givesTheEventsOfOneClientToTheNext() {
        Guest guest = guest(Start.RUNNING);
        QmpClient first = client(guest);
        first.call(RNG.formatted("rng0"));
        QmpClient second = open(QmpClient.connect(guest.socket()));
        second.send("{'execute':'qmp_capabilities'}");
        first.call("{'execute':'device_del','arguments':{'id':'rng0'}}");
        first.close();
        assertThat(second.receive().has("QMP")).isTrue();
        assertThat(second.receive().has("return")).isTrue();
        assertThat(second.receive().path("event").stringValue()).isEqualTo("DEVICE_DELETED");
    }

    @Test
    void takesTwoWaitingClientsWhileItIsStopped() {
        Guest guest = guest(Start.RUNNING);
        client(guest).call(STATUS);
        guest.stop();
        QmpClient second = open(QmpClient.connect(guest.socket()));
        QmpClient third = open(QmpClient.connect(guest.socket()));
        assertThat(second.pending()).isEmpty();
        assertThat(third.pending()).isEmpty();
        guest.resume();
    }

    @Test
    void answersInOrderWhatWasSentWhileItWasStopped() {
        Guest guest = guest(Start.RUNNING);
        QmpClient client = client(guest);
        guest.stop();
        client.send("{'execute':'query-status','id':1}{'execute':'query-status','id':2}");
        client.send("{'execute':'query-status','id':3}");
        assertThat(client.pending()).isEmpty();
        guest.resume();
        for (int id = 1; id <= 3; id++) {
            assertThat(client.receive().path("id").intValue()).isEqualTo(id);
        }
    }

    @Test
    void saysWhichCommandsItHas() {
        QmpClient client = client(guest(Start.RUNNING));
        assertThat(client.call("{'execute':'query-commands'}").toString())
                .contains("device_add", "device_del", "qom-list", "query-migrate");
        assertThat(client.call("{'execute':'query-qmp-schema'}").toString())
                .contains("device_add", "DEVICE_DELETED", "meta-type");
    }

    @Test
    void hasNoBlockJobs() {
        assertThat(client(guest(Start.RUNNING)).call("{'execute':'query-block-jobs'}"))
                .hasToString("{\"return\":[]}");
    }

    @Test
    void startsAndStops() {
        QmpClient client = client(guest(Start.RUNNING));
        client.send("{'execute':'stop'}{'execute':'stop'}{'execute':'cont'}{'execute':'cont'}");
        assertThat(client.receive().path("event").stringValue()).isEqualTo("STOP");
        assertThat(client.receive().has("return")).isTrue();
        assertThat(client.receive().has("return")).isTrue();
        assertThat(client.receive().path("event").stringValue()).isEqualTo("RESUME");
        assertThat(client.receive().has("return")).isTrue();
        assertThat(client.receive().has("return")).isTrue();
    }

    @Test
    void resetsAndSaysSoFirst() {
        QmpClient client = client(guest(Start.PRELAUNCH));
        client.send("{'execute':'system_reset'}");
        assertThat(client.receive().path("event").stringValue()).isEqualTo("RESET");
        assertThat(client.receive().has("return")).isTrue();
    }

    @Test
    void findsAnObjectByTheEndOfItsPath() {
        QmpClient client = client(guest(Start.PRELAUNCH));
        assertThat(client.call("{'execute':'qom-get','arguments':{'path':'device[0]','property':'realized'}}")
                        .path("return")
                        .booleanValue())
                .isTrue();
        assertThat(client.call("{'execute':'qom-list','arguments':{'path':''}}")
                        .path("error")
                        .path("desc")
                        .stringValue())
                .isEqualTo("Path '' is ambiguous");
    }
}
