package org.apmatrix.host.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apmatrix.host.qmp.QmpCommand.DeviceAdd;
import org.apmatrix.host.qmp.QmpCommand.DeviceDel;
import org.apmatrix.host.qmp.QmpCommand.QomGetFlag;
import org.apmatrix.host.qmp.QmpCommand.QomGetText;
import org.apmatrix.host.qmp.QmpCommand.QomList;
import org.apmatrix.host.qmp.QmpCommand.QueryBlockJobs;
import org.apmatrix.host.qmp.QmpCommand.QueryCpusFast;
import org.apmatrix.host.qmp.QmpCommand.QueryMigrate;
import org.apmatrix.host.qmp.QmpCommand.QueryName;
import org.apmatrix.host.qmp.QmpCommand.QueryStatus;
import org.apmatrix.host.qmp.QmpCommand.QueryUuid;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What real QEMUs, 7.2 and 10.0, said in recorded sessions: all of it is understood. */
class TranscriptsTest {
    private static final QmpProperties PROPERTIES =
            MonitorTest.properties(Duration.ofMinutes(5), Duration.ofMillis(100));

    @TempDir
    Path directory;

    /** A message from QEMU, and the request that it answers where it answers one with an id. */
    private record Said(JsonNode message, Optional<JsonNode> request) {}

    @TestFactory
    Stream<DynamicTest> everyMessageIsAGreetingAnAnswerOrAnEvent() {
        return transcripts()
                .map(file -> dynamicTest(
                        file.getFileName().toString(),
                        () -> assertThat(said(file))
                                .isNotEmpty()
                                .allSatisfy(said -> assertKind(said.message(), QmpMessage.of(said.message())))));
    }

    @TestFactory
    Stream<DynamicTest> aSessionIsReadFromASocketAsOneStream() {
        return transcripts()
                .map(file -> dynamicTest(file.getFileName().toString(), () -> assertReadAsOneStream(said(file))));
    }

    @TestFactory
    Stream<DynamicTest> everyAnswerToACommandOfOursIsRead() {
        return transcripts()
                .map(file -> dynamicTest(
                        file.getFileName().toString(),
                        () -> said(file)
                                .forEach(said -> asked(said)
                                        .ifPresent(command -> assertThat(command.reply(
                                                        said.message().get("return")))
                                                .isNotNull()))));
    }

    @Test
    void eachCommandOfOursIsAnsweredSomewhere() {
        TreeSet<String> commands = new TreeSet<>();
        transcripts()
                .flatMap(file -> said(file).stream())
                .forEach(said -> asked(said)
                        .ifPresent(command -> commands.add(command.getClass().getSimpleName())));
        assertThat(commands)
                .containsExactlyElementsOf(Stream.of(QmpCommand.class.getPermittedSubclasses())
                        .map(Class::getSimpleName)
                        .sorted()
                        .toList());
    }

    @Test
    void everyDeletedDeviceIsToldWithItsPath() {
        List<QmpEvent.DeviceDeleted> deleted = new ArrayList<>();
        transcripts().flatMap(file -> said(file).stream()).map(Said::message).forEach(message -> {
            if (message.path("event").asString("").equals("DEVICE_DELETED")
                    && QmpMessage.of(message) instanceof QmpMessage.Event event
                    && event.event() instanceof QmpEvent.DeviceDeleted device) {
                assertThat(device.path())
                        .isEqualTo(message.get("data").get("path").stringValue());
                assertThat(Optional.ofNullable(device.device()))
                        .isEqualTo(message.get("data").optional("device").map(JsonNode::stringValue));
                deleted.add(device);
            }
        });
        assertThat(deleted)
                .hasSize(119)
                .contains(
                        new QmpEvent.DeviceDeleted("ap0", "/machine/peripheral/ap0"),
                        new QmpEvent.DeviceDeleted(null, "/machine/peripheral/rng0/virtio-backend"),
                        new QmpEvent.DeviceDeleted(null, "/machine/peripheral-anon/device[0]"));
    }

    private static void assertKind(JsonNode message, QmpMessage read) {
        assertThat(read)
                .isInstanceOf(
                        message.has("QMP")
                                ? QmpMessage.Greeting.class
                                : message.has("return")
                                        ? QmpMessage.Reply.class
                                        : message.has("error") ? QmpMessage.Failure.class : QmpMessage.Event.class);
        if (read instanceof QmpMessage.Greeting greeting) {
            assertThat(greeting.version()).matches("7\\.2\\.22|10\\.0\\.[0-9]+");
        }
        if (read instanceof QmpMessage.Failure failure) {
            assertThat(failure.description()).isNotEmpty();
        }
    }

    private void assertReadAsOneStream(List<Said> all) throws IOException {
        Path socket = directory.resolve("transcript.qmp");
        try (ScriptedQemu qemu = new ScriptedQemu(socket);
                QmpConnection connection = QmpConnection.open(socket, PROPERTIES, () -> {})) {
            ScriptedQemu.Client client = qemu.accept();
            Thread speaker = new Thread(() -> {
                all.forEach(said -> client.say(said.message() + "\r\n"));
                client.close();
            });
            speaker.start();
            for (Said said : all) {
                assertThat(connection.read()).isEqualTo(QmpMessage.of(said.message()));
            }
        }
    }

    /** The command of ours that was carried out, if it was one. */
    private static Optional<QmpCommand<?>> asked(Said said) {
        if (!said.message().has("return")) {
            return Optional.empty();
        }
        return said.request()
                .flatMap(request -> command(
                        request.get("execute").stringValue(),
                        request.path("arguments"),
                        said.message().get("return")));
    }

    private static Optional<QmpCommand<?>> command(String execute, JsonNode arguments, JsonNode value) {
        String path = arguments.path("path").asString("");
        String property = arguments.path("property").asString("");
        return Optional.ofNullable(
                switch (execute) {
                    case "query-status" -> new QueryStatus();
                    case "query-name" -> new QueryName();
                    case "query-uuid" -> new QueryUuid();
                    case "query-cpus-fast" -> new QueryCpusFast();
                    case "query-migrate" -> new QueryMigrate();
                    case "query-block-jobs" -> new QueryBlockJobs();
                    case "qom-list" -> new QomList(path);
                    case "qom-get" ->
                        value.isBoolean() ? new QomGetFlag(path, property) : new QomGetText(path, property);
                    case "device_add" -> new DeviceAdd("", "", Map.of());
                    case "device_del" -> new DeviceDel("");
                    default -> null;
                });
    }

    /** What QEMU said in a session, but for what was recorded only in part. */
    private static List<Said> said(Path file) {
        Map<String, JsonNode> requests = new HashMap<>();
        List<Said> said = new ArrayList<>();
        lines(file).map(JsonMapper.shared()::readTree).forEach(line -> {
            JsonNode message = line.path("msg");
            String id = line.path("conn") + " " + message.path("id");
            if (!message.isObject() || message.has("__truncated_len")) {
                return;
            }
            switch (line.get("dir").stringValue()) {
                case ">" -> requests.put(id, message);
                // each request is answered once; what was sent as bare bytes is no request here, and may have an id
                // that was used before
                case "<" -> said.add(new Said(message, Optional.ofNullable(requests.remove(id))));
                default -> {}
            }
        });
        return said;
    }

    private static Stream<String> lines(Path file) {
        try {
            return Files.readAllLines(file).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<Path> transcripts() {
        URL directory = Objects.requireNonNull(TranscriptsTest.class.getResource("/facts/qmp-transcripts"));
        try (Stream<Path> files = Files.list(Path.of(directory.toURI()))) {
            List<Path> all = files.sorted().toList();
            assertThat(all).hasSize(55);
            return all.stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
