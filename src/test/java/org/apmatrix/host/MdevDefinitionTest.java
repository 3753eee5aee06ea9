package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.MdevDefinition.Attribute;
import org.apmatrix.host.MdevDefinition.Start;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MdevDefinitionTest {
    private static final MdevId ID =
            MdevId.parse("0a1b2c3d-0000-4000-8000-00000000e001").orElseThrow();
    private static final Matrix MATRIX = new Matrix(ApMask.of(4, 10), ApMask.of(0x16), ApMask.of(0x16));

    /** Written by mdevctl 1.2.0: define --auto, then modify --addattr four times. */
    private static final String MDEVCTLS_OWN = """
            {
              "mdev_type": "vfio_ap-passthrough",
              "start": "auto",
              "attrs": [
                {
                  "assign_adapter": "0x04"
                },
                {
                  "assign_adapter": "0x0a"
                },
                {
                  "assign_domain": "0x0016"
                },
                {
                  "assign_control_domain": "0x0016"
                }
              ]
            }""";

    @Test
    void isWrittenAsMdevctlWritesIt() {
        assertThat(MdevDefinition.of(ID, Start.AUTO, MATRIX).text()).isEqualTo(MDEVCTLS_OWN);
        assertThat(MdevDefinition.of(ID, Start.MANUAL, Matrix.EMPTY).text()).isEqualTo("""
                {
                  "mdev_type": "vfio_ap-passthrough",
                  "start": "manual",
                  "attrs": []
                }""");
    }

    @Test
    void isReadFromWhatMdevctlWrote() {
        MdevDefinition definition = MdevDefinition.parse(ID, MDEVCTLS_OWN);
        assertThat(definition.id()).isEqualTo(ID);
        assertThat(definition.start()).isEqualTo(Start.AUTO);
        assertThat(definition.matrix()).isEqualTo(MATRIX);
        assertThat(definition.attributes())
                .startsWith(new Attribute("assign_adapter", "0x04"), new Attribute("assign_adapter", "0x0a"));
        assertThat(definition.text()).isEqualTo(MDEVCTLS_OWN);
    }

    @ParameterizedTest
    @CsvSource({
        "10, 10",
        "0x0a, 10",
        "0X0A, 10",
        "012, 10",
        "+10, 10",
        "+0xA, 10",
        "0, 0",
        "00, 0",
        "255, 255",
        "0377, 255",
        "0x00000000000000ff, 255"
    })
    void numbersAreTheKernels(String text, int number) {
        assertThat(adapter(text).matrix().adapters()).isEqualTo(ApMask.of(number));
    }

    @Test
    void aNewlineBehindANumberIsTheKernelsToo() {
        assertThat(adapter("10\\n").matrix().adapters()).isEqualTo(ApMask.of(10));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-1", "256", "08", "0x", "0x100", "a", "1 ", " 1", "++1", "1\\n\\n", "\u0661", "#1"})
    void whatTheKernelTakesForNoNumberIsNone(String text) {
        assertThatThrownBy(() -> adapter(text))
                .isInstanceOf(MdevDefinition.Unreadable.class)
                .hasMessageStartingWith("assign_adapter \"" + text + "\"");
    }

    private static MdevDefinition adapter(String number) {
        return MdevDefinition.parse(ID, whole("\"manual\"", "[{\"assign_adapter\": \"" + number + "\"}]"));
    }

    private static String whole(String start, String attrs) {
        return "{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": " + start + ", \"attrs\": " + attrs + "}";
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "null",
                "{ torn",
                "{} {}",
                "{}",
                "{\"mdev_type\": \"vfio_ap-passthrough\"}",
                "{\"start\": \"auto\"}",
                "{\"mdev_type\": 1, \"start\": \"auto\"}",
                "{\"mdev_type\": \"i915-GVTg_V5_4\", \"start\": \"auto\"}",
                "{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": null}",
                "\ufeff{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": \"auto\"}",
                "{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": \"auto\", \"x\": 1e999}",
                "{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": \"auto\", \"x\": \"\\ud800\"}",
                "{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": \"auto\",}",
                "{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": 'auto'}"
            })
    void whatMdevctlWouldFailOverIsRefused(String text) {
        assertThatThrownBy(() -> MdevDefinition.parse(ID, text)).isInstanceOf(MdevDefinition.Unreadable.class);
    }

    @Test
    void whatIsDeeperThanMdevctlReadsIsRefused() {
        String deep = whole("\"auto\"", "[], \"x\": " + "[".repeat(200) + "]".repeat(200));
        assertThatThrownBy(() -> MdevDefinition.parse(ID, deep)).isInstanceOf(MdevDefinition.Unreadable.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "1",
                "\"\"",
                "[1]",
                "[{}]",
                "[[]]",
                "[{\"assign_adapter\": 4}]",
                "[{\"assign_adapter\": null}]",
                "[{\"assign_adapter\": \"4\", \"assign_domain\": \"4\"}]"
            })
    void attributesThatMdevctlRefusesAreRefused(String attrs) {
        assertThatThrownBy(() -> MdevDefinition.parse(ID, whole("\"auto\"", attrs)))
                .isInstanceOf(MdevDefinition.Unreadable.class);
    }

    @Test
    void ofWhatIsThereTwiceTheLastCountsAsForMdevctl() {
        String text =
                "{\"start\": \"auto\", \"attrs\": [1], \"mdev_type\": \"vfio_ap-passthrough\", \"start\": \"manual\","
                        + " \"attrs\": [{\"assign_adapter\": \"1\", \"assign_adapter\": \"2\"}]}";
        MdevDefinition definition = MdevDefinition.parse(ID, text);
        assertThat(definition.start()).isEqualTo(Start.MANUAL);
        assertThat(definition.matrix().adapters()).isEqualTo(ApMask.of(2));
        assertThat(definition.withStart(Start.AUTO).text()).isEqualTo(text.replace("manual", "auto"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"Auto\"", "\"\"", "true", "1", "{}"})
    void whateverIsNotAutoIsManualAsForMdevctl(String start) {
        MdevDefinition definition = MdevDefinition.parse(ID, whole(start, "null"));
        assertThat(definition.start()).isEqualTo(Start.MANUAL);
        assertThat(definition.withStart(Start.MANUAL).text()).isEqualTo(definition.text());
    }

    /** Everything that a change could get wrong, in one document. */
    private static final String ODD =
            "\t{ \"x\":{\"start\":\"manual\",\"attrs\":[]} ,\"mdev_type\":\"vfio_ap-passthrough\",\n\"attrs\" : ["
                    + "{\"assign_adapter\":\"5\"},  {\"assign_adapter\":\"0x05\"},{\"ap_state\":\"6\"}, {\"assign_domain\":\"04\"}"
                    + " ],\"start\":\"manual\", \"é\": [1.50, -0e0]}\n\n";

    @Test
    void aChangeOfTheStartTouchesNothingElse() {
        assertThat(MdevDefinition.parse(ID, ODD).withStart(Start.AUTO).text())
                .isEqualTo(ODD.replace("],\"start\":\"manual\"", "],\"start\":\"auto\""));
    }

    @Test
    void aChangeOfTheMatrixTouchesNothingElse() {
        MdevDefinition odd = MdevDefinition.parse(ID, ODD);
        assertThat(odd.withMatrix(new Matrix(ApMask.of(5, 6), ApMask.of(4), ApMask.of(7)))
                        .text())
                .isEqualTo(ODD.replace("\"0x05\"},", "\"0x05\"},  {\"assign_adapter\":\"0x06\"},")
                        .replace("\"04\"}", "\"04\"},  {\"assign_control_domain\":\"0x0007\"}"));
        assertThat(odd.withMatrix(Matrix.of(ApMask.NONE, ApMask.of(4))).text())
                .isEqualTo(ODD.replace("{\"assign_adapter\":\"5\"},  {\"assign_adapter\":\"0x05\"},", ""));
        assertThat(odd.withMatrix(odd.matrix())).isSameAs(odd);
    }

    @Test
    void attributesArriveWhereThereWereNone() {
        String text = "{\"mdev_type\": \"vfio_ap-passthrough\", \"start\": \"auto\"}";
        assertThat(MdevDefinition.parse(ID, text).withMatrix(MATRIX).matrix()).isEqualTo(MATRIX);
        assertThat(MdevDefinition.of(ID, Start.AUTO, Matrix.EMPTY)
                        .withMatrix(MATRIX)
                        .text())
                .isEqualTo(MDEVCTLS_OWN);
        assertThat(MdevDefinition.parse(ID, MDEVCTLS_OWN)
                        .withMatrix(Matrix.EMPTY)
                        .text())
                .isEqualTo(MdevDefinition.of(ID, Start.AUTO, Matrix.EMPTY).text());
    }

    @Property
    void isTheVeryTextThatWasRead(@ForAll("documents") String text) {
        assertThat(MdevDefinition.parse(ID, text).text()).isEqualTo(text);
    }

    @Property
    void anyDocumentIsChangedAsWished(
            @ForAll("documents") String text, @ForAll Start start, @ForAll("matrices") Matrix matrix) {
        MdevDefinition changed = MdevDefinition.parse(ID, text).withStart(start).withMatrix(matrix);
        assertThat(changed.start()).isEqualTo(start);
        assertThat(changed.matrix()).isEqualTo(matrix);
        assertThat(strangers(changed)).isEqualTo(strangers(MdevDefinition.parse(ID, text)));
    }

    private static List<Attribute> strangers(MdevDefinition definition) {
        return definition.attributes().stream()
                .filter(attribute -> !attribute.name().startsWith("assign_"))
                .toList();
    }

    @Property
    void thereAndBackIsTheSame(@ForAll("attributes") List<Attribute> attributes, @ForAll Start start) {
        MdevDefinition definition = MdevDefinition.of(ID, start, attributes);
        for (Start other : Start.values()) {
            assertThat(definition.withStart(other).withStart(start).text()).isEqualTo(definition.text());
        }
    }

    @Property
    void aMatrixIsChangedAsIfItHadBeenDefinedSo(@ForAll("matrices") Matrix before, @ForAll("matrices") Matrix after) {
        MdevDefinition changed = MdevDefinition.of(ID, Start.AUTO, before).withMatrix(after);
        assertThat(changed.matrix()).isEqualTo(after);
        assertThat(changed.text())
                .hasSize(MdevDefinition.of(ID, Start.AUTO, after).text().length());
    }

    @Property
    void anXmlKeepsEveryAttribute(@ForAll("attributes") List<Attribute> attributes, @ForAll Start start) {
        MdevDefinition definition = MdevDefinition.of(ID, start, attributes);
        NodeDeviceXml.NodeDevice read =
                NodeDeviceXml.read(NodeDeviceXml.of(definition).getBytes(StandardCharsets.UTF_8));
        assertThat(read.uuid()).contains(ID);
        assertThat(read.attributes()).isEqualTo(attributes);
        assertThat(MdevDefinition.of(ID, start, read.attributes()).matrix()).isEqualTo(definition.matrix());
    }

    @Provide
    Arbitrary<Matrix> matrices() {
        Arbitrary<ApMask> few =
                Arbitraries.integers().between(0, 255).list().ofMaxSize(6).map(ApMask::of);
        return Combinators.combine(few, few, few).as(Matrix::new);
    }

    @Provide
    Arbitrary<List<Attribute>> attributes() {
        Arbitrary<String> number = Combinators.combine(
                        Arbitraries.integers().between(0, 255),
                        Arbitraries.of("%d", "0x%x", "0X%X", "0%o", "+%d", "0x%04x", "%d\n"))
                .as((value, format) -> String.format(format, value));
        Arbitrary<Attribute> known = Combinators.combine(
                        Arbitraries.of("assign_adapter", "assign_domain", "assign_control_domain"), number)
                .as(Attribute::new);
        Arbitrary<String> words = Arbitraries.of("", "x", "ü €", "a\"b\\c", "'<&>", "\t\r\n", "\ud83d\ude00", "\u007f");
        Arbitrary<Attribute> unknown = Combinators.combine(Arbitraries.of("ap_config", "x'y", "\"q\""), words)
                .as(Attribute::new);
        return Arbitraries.oneOf(known, known, unknown).list().ofMaxSize(8);
    }

    @Provide
    Arbitrary<String> documents() {
        Arbitrary<String> space = Arbitraries.of("", " ", "\n", "\t", "\r\n  ");
        Arbitrary<List<String>> strangers = Combinators.combine(
                        Arbitraries.of("\"x\"", "\"\\u0078\"", "\"start \"", "\"ü\\\"\""),
                        Arbitraries.of(
                                "1",
                                "-1.50e+2",
                                "12345678901234567890123",
                                "true",
                                "null",
                                "\"\\\"}\\\\\"",
                                "{\"start\": \"auto\"}",
                                "[[], {}]"))
                .as((name, value) -> name + ":" + value)
                .list()
                .ofMaxSize(3);
        Arbitrary<String> start = Arbitraries.of("\"auto\"", "\"manual\"", "\"\\u0061uto\"", "\"Auto\"", "true");
        return Combinators.combine(
                        space, space, strangers, start, attributes(), Arbitraries.randomValue(random -> random))
                .as((outer, inner, unknown, startValue, attributes, random) -> {
                    List<String> members = new ArrayList<>(unknown);
                    members.add("\"mdev_type\":" + inner + "\"vfio_ap-passthrough\"");
                    members.add("\"start\"" + inner + ":" + startValue);
                    members.add("\"attrs\":" + outer
                            + attributes.stream()
                                    .map(attribute -> "{" + inner + JsonObjectText.quoted(attribute.name()) + ":"
                                            + outer + JsonObjectText.quoted(attribute.value()) + inner + "}")
                                    .collect(Collectors.joining(outer + "," + inner, "[" + inner, outer + "]")));
                    Collections.shuffle(members, random);
                    return outer + "{" + inner + String.join(inner + "," + outer, members) + inner + "}" + outer;
                });
    }

    @Nested
    class ADocumentThatLeavesThingsOut {
        private final MdevDefinition stands = MdevDefinition.parse(ID, ODD);

        @Test
        void isTakenAsItIsWhenItIsWhole() {
            assertThat(MdevDefinition.complete(ID, MDEVCTLS_OWN + "\n", Optional.of(stands))
                            .text())
                    .isEqualTo(MDEVCTLS_OWN + "\n");
        }

        @Test
        void makesWhatStandsComeBackAtBoot() {
            assertThat(complete("{\"start\": \"auto\"}"))
                    .isEqualTo(stands.withStart(Start.AUTO).text());
            assertThat(complete("{\"autostart\": true}"))
                    .isEqualTo(stands.withStart(Start.AUTO).text());
            assertThat(complete("{\"autostart\": false}")).isEqualTo(ODD);
            assertThat(complete("{}")).isEqualTo(ODD);
            assertThat(complete("{\"attrs\": null, \"start\": null, \"autostart\": null}"))
                    .isEqualTo(ODD);
        }

        @Test
        void addsWhatNobodyKnows() {
            assertThat(complete("{\"owner\": \"me\", \"x\": null}"))
                    .isEqualTo(ODD.replace("{\"start\":\"manual\",\"attrs\":[]}", "null")
                            .replace("0e0]}", "0e0], \"owner\": \"me\"}"));
        }

        @Test
        void isOfTheOnlyTypeAndStartsAsBefore() {
            assertThat(complete("{\"attrs\": []}"))
                    .isEqualTo("{\"attrs\": [],\"start\": \"manual\",\"mdev_type\": \"vfio_ap-passthrough\"}");
            MdevDefinition auto = stands.withStart(Start.AUTO);
            assertThat(MdevDefinition.complete(ID, "{\"attrs\": []}", Optional.of(auto))
                            .start())
                    .isEqualTo(Start.AUTO);
            assertThat(MdevDefinition.complete(ID, "{\"attrs\": []}", Optional.empty())
                            .start())
                    .isEqualTo(Start.MANUAL);
        }

        @Test
        void autostartIsNotKept() {
            assertThat(complete("{\"autostart\": true, \"attrs\": [], \"mdev_type\": \"vfio_ap-passthrough\"}"))
                    .isEqualTo("{\"attrs\": [], \"mdev_type\": \"vfio_ap-passthrough\", \"start\": \"auto\"}");
            assertThat(complete("{\"attrs\": [], \"autostart\": true}"))
                    .isEqualTo("{\"attrs\": [],\"start\": \"auto\",\"mdev_type\": \"vfio_ap-passthrough\"}");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{\"start\": \"Auto\"}",
                    "{\"start\": true}",
                    "{\"autostart\": \"true\"}",
                    "{\"autostart\": 1}",
                    "{\"autostart\": true, \"start\": \"manual\"}",
                    "{\"mdev_type\": \"other\"}",
                    "[]"
                })
        void isRefusedWhereItIsNotClear(String text) {
            assertThatThrownBy(() -> complete(text)).isInstanceOf(MdevDefinition.Unreadable.class);
        }

        @Test
        void isRefusedWhereThereIsNothingToTakeTheRestFrom() {
            assertThatThrownBy(() -> MdevDefinition.complete(ID, "{\"start\": \"auto\"}", Optional.empty()))
                    .isInstanceOf(MdevDefinition.Unreadable.class)
                    .hasMessageContaining("neither a definition nor a device");
        }

        private String complete(String text) {
            return MdevDefinition.complete(ID, text, Optional.of(stands)).text();
        }
    }
}
