package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Where QEMU's stream of values has its borders; what it says to malformed ones was recorded (02-malformed). */
final class JsonStreamTest {
    private static List<String> values(JsonStream.Limits limits, byte[]... parts) {
        List<String> heard = new ArrayList<>();
        JsonStream stream = new JsonStream(
                new JsonStream.Receiver() {
                    @Override
                    public void value(JsonNode value) {
                        heard.add(value.toString());
                    }

                    @Override
                    public void error(String text) {
                        heard.add(text);
                    }
                },
                limits);
        for (byte[] part : parts) {
            stream.feed(ByteBuffer.wrap(part));
        }
        return heard;
    }

    private static List<String> values(String text) {
        return values(JsonStream.Limits.OF_QEMU, text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void endsAValueWhereItsBracketsBalance() {
        assertThat(values("{\"a\":[1,{}]}{} [] 7 \"x\" true 'y'\n"))
                .containsExactly("{\"a\":[1,{}]}", "{}", "[]", "7", "\"x\"", "true", "\"y\"");
    }

    @Test
    void takesAValueInPieces() {
        String text = "{\"a\\\"}\":\"\\u00e4{\",'b':'\"'}";
        byte[][] pieces = new byte[text.length()][];
        for (int at = 0; at < text.length(); at++) {
            pieces[at] = new byte[] {(byte) text.charAt(at)};
        }
        assertThat(values(JsonStream.Limits.OF_QEMU, pieces)).containsExactly("{\"a\\\"}\":\"ä{\",\"b\":\"\\\"\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "hello | invalid keyword 'hello'",
                "{\"a\":hello} | invalid keyword 'hello'",
                "{\"execute\": } | expecting value",
                "{\"execute\":\"query-status\", \"id\":1,} | expecting value",
                "{\"a\":1,\"a\":2} | duplicate key",
                "[} | expecting value",
                "+1 | stray '+'"
            })
    void saysWhatIsWrong(String text, String error) {
        assertThat(values(text + "\n")).containsExactly("JSON parse error, " + error);
    }

    @Test
    void isReadyAgainAfterAByteThatCannotBe() {
        assertThat(values("{\"execute\":\"query-sta\u00ff{}"))
                .containsExactly("JSON parse error, stray '\"query-sta\ufffd'", "{}");
        assertThat(values("\u00ff\u00ff\n{}"))
                .containsExactly("JSON parse error, stray '\ufffd'", "JSON parse error, stray '\ufffd'", "{}");
        assertThat(values("\u0000\n{}")).containsExactly("JSON parse error, stray ''", "{}");
        assertThat(values("{\"id\":\"unterminated\n\"}\n{}"))
                .containsExactly(
                        "JSON parse error, stray '\"unterminated\n'", "JSON parse error, expecting value", "{}");
    }

    @Test
    void refusesWhatIsTooMuchForOneValue() {
        JsonStream.Limits limits = new JsonStream.Limits(20, 9, 3);
        assertThat(values(limits, "[[[[".getBytes(StandardCharsets.US_ASCII)))
                .containsExactly("JSON nesting depth limit exceeded");
        assertThat(values(limits, "[1,1,1,1,1]".getBytes(StandardCharsets.US_ASCII)))
                .startsWith("JSON token count limit exceeded");
        assertThat(values(limits, "\"xxxxxxxxxxxxxxxxxxxxx".getBytes(StandardCharsets.US_ASCII)))
                .containsExactly("JSON token size limit exceeded");
    }
}
