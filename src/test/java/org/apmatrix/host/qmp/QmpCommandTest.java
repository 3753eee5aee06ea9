package org.apmatrix.host.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.apmatrix.host.qmp.QmpCommand.BlockJobs;
import org.apmatrix.host.qmp.QmpCommand.Cpu;
import org.apmatrix.host.qmp.QmpCommand.Cpus;
import org.apmatrix.host.qmp.QmpCommand.DeviceAdd;
import org.apmatrix.host.qmp.QmpCommand.DeviceDel;
import org.apmatrix.host.qmp.QmpCommand.Done;
import org.apmatrix.host.qmp.QmpCommand.GuestUuid;
import org.apmatrix.host.qmp.QmpCommand.Migration;
import org.apmatrix.host.qmp.QmpCommand.NamedGuest;
import org.apmatrix.host.qmp.QmpCommand.QomGetFlag;
import org.apmatrix.host.qmp.QmpCommand.QomGetText;
import org.apmatrix.host.qmp.QmpCommand.QomList;
import org.apmatrix.host.qmp.QmpCommand.QomProperties;
import org.apmatrix.host.qmp.QmpCommand.QomProperty;
import org.apmatrix.host.qmp.QmpCommand.QueryBlockJobs;
import org.apmatrix.host.qmp.QmpCommand.QueryCpusFast;
import org.apmatrix.host.qmp.QmpCommand.QueryMigrate;
import org.apmatrix.host.qmp.QmpCommand.QueryName;
import org.apmatrix.host.qmp.QmpCommand.QueryStatus;
import org.apmatrix.host.qmp.QmpCommand.QueryUuid;
import org.apmatrix.host.qmp.QmpCommand.RunState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class QmpCommandTest {
    private static final UUID GUEST = UUID.fromString("11111111-2222-3333-4444-55555555abcd");

    static Stream<Arguments> replies() {
        return Stream.of(
                arguments(
                        new QueryStatus(),
                        "{'status': 'prelaunch', 'singlestep': false, 'running': false}",
                        new RunState("prelaunch", false)),
                arguments(new QueryStatus(), "{'running': true, 'status': 'running'}", new RunState("running", true)),
                arguments(new QueryName(), "{'name': 'g1'}", new NamedGuest("g1")),
                arguments(new QueryName(), "{}", new NamedGuest(null)),
                arguments(new QueryUuid(), "{'UUID': '11111111-2222-3333-4444-55555555ABCD'}", new GuestUuid(GUEST)),
                arguments(new QueryUuid(), "{'UUID': '00000000-0000-0000-0000-000000000000'}", new GuestUuid(null)),
                arguments(
                        new QueryCpusFast(),
                        "[{'thread-id': 1, 'qom-path': '/machine/unattached/device[0]', 'props': {}}]",
                        new Cpus(List.of(new Cpu("/machine/unattached/device[0]")))),
                arguments(
                        new QomList("/machine/ap-bridge/ap-bus"),
                        "[{'name': 'child[0]', 'type': 'link<vfio-ap>', 'description': ''}]",
                        new QomProperties(List.of(new QomProperty("child[0]", "link<vfio-ap>")))),
                arguments(new QomGetText("/machine/peripheral/ap0", "sysfsdev"), "'/sys'", "/sys"),
                arguments(new QomGetFlag("/machine/unattached/device[0]", "ap"), "true", true),
                arguments(new QueryMigrate(), "{}", new Migration(null, List.of())),
                arguments(
                        new QueryMigrate(),
                        "{'status': 'failed', 'blocked-reasons': ['non-migratable device: /1/vfio-ap']}",
                        new Migration("failed", List.of("non-migratable device: /1/vfio-ap"))),
                arguments(new QueryBlockJobs(), "[]", new BlockJobs(List.of())),
                arguments(
                        new QueryBlockJobs(),
                        "[{'device': 'copy-vda-libvirt-1-format', 'type': 'mirror', 'ready': true}]",
                        new BlockJobs(List.of("copy-vda-libvirt-1-format"))),
                arguments(new DeviceAdd("vfio-ap", "ap0", Map.of()), "{}", new Done()),
                arguments(new DeviceDel("ap0"), "{}", new Done()));
    }

    @ParameterizedTest
    @MethodSource("replies")
    void readsAReply(QmpCommand<?> command, String value, Object expected) {
        assertThat(command.reply(json(value))).isEqualTo(expected);
    }

    static Stream<Arguments> wrongReplies() {
        return Stream.of(
                arguments(new QueryStatus(), "{'status': 'running'}"),
                arguments(new QueryStatus(), "{'status': 'running', 'running': 1}"),
                arguments(new QueryName(), "{'name': 1}"),
                arguments(new QueryName(), "'g1'"),
                arguments(new QueryUuid(), "{}"),
                arguments(new QueryUuid(), "{'UUID': 'g1'}"),
                arguments(new QueryCpusFast(), "{}"),
                arguments(new QueryCpusFast(), "[{}]"),
                arguments(new QomList("/"), "[[]]"),
                arguments(new QomList("/"), "[{'name': 'child[0]'}]"),
                arguments(new QomGetText("/", "x"), "true"),
                arguments(new QomGetFlag("/", "x"), "'true'"),
                arguments(new QueryMigrate(), "[]"),
                arguments(new QueryMigrate(), "{'blocked-reasons': 'x'}"),
                arguments(new QueryMigrate(), "{'blocked-reasons': [1]}"),
                arguments(new QueryBlockJobs(), "{}"),
                arguments(new QueryBlockJobs(), "[{}]"),
                arguments(new DeviceAdd("vfio-ap", "ap0", Map.of()), "null"),
                arguments(new DeviceDel("ap0"), "[]"));
    }

    @ParameterizedTest
    @MethodSource("wrongReplies")
    void refusesToReadAReplyOfAnotherShape(QmpCommand<?> command, String value) {
        JsonNode wrong = json(value);
        assertThatThrownBy(() -> command.reply(wrong)).isInstanceOf(QmpException.Unreadable.class);
    }

    @Test
    void namesWhatIsAsked() {
        Map<String, String> properties = new LinkedHashMap<>();
        properties.put("sysfsdev", "/sys/bus/mdev/devices/x");
        properties.put("bus", "ap-bus");
        DeviceAdd add = new DeviceAdd("vfio-ap", "ap0", properties);
        assertThat(add.execute()).isEqualTo("device_add");
        assertThat(add.arguments())
                .hasToString("{driver=vfio-ap, id=ap0, sysfsdev=/sys/bus/mdev/devices/x, bus=ap-bus}");
        assertThat(new DeviceDel("ap0").arguments()).isEqualTo(Map.of("id", "ap0"));
        assertThat(new QomList("/machine").arguments()).isEqualTo(Map.of("path", "/machine"));
        assertThat(new QomGetFlag("/machine", "x").arguments()).hasToString("{path=/machine, property=x}");
        assertThat(new QueryStatus().arguments()).isEmpty();
    }

    @Test
    void takesNeitherDriverNorIdForAProperty() {
        Map<String, String> second = Map.of("id", "ap1");
        assertThatThrownBy(() -> new DeviceAdd("vfio-ap", "ap0", second)).isInstanceOf(IllegalArgumentException.class);
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text.replace('\'', '"'));
    }
}
