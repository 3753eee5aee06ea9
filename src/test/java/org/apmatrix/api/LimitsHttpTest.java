package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.is;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** More than anybody needs to send: answered or dropped, and the service goes on. */
class LimitsHttpTest extends HttpTest {
    private static final int MORE_THAN_THERE_MAY_BE = 1_500;

    @Test
    void aBodyThatIsDeclaredTooLargeIsNotRead() throws Exception {
        String answer = exchange(
                "POST /api/v1/mdevs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n",
                0);
        assertThat(answer).startsWith("HTTP/1.1 413").contains("CONTENT_TOO_LARGE");
    }

    @Test
    void aBodyOfUnknownLengthIsReadUpToTheLimit() throws Exception {
        String answer = exchange(
                "POST /api/v1/mdevs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
                100 << 20);
        assertThat(answer)
                .satisfiesAnyOf(
                        text -> assertThat(text).startsWith("HTTP/1.1 413"),
                        text -> assertThat(text).isEmpty());
        api.get("/host").statusCode(200);
    }

    @Test
    void aHeaderOfAMebibyteIsRefused() {
        int status = api.with("X-Large", "x".repeat(1 << 20))
                .ask("GET", "/")
                .extract()
                .statusCode();
        assertThat(status).isIn(400, 431);
        api.get("/host").statusCode(200);
    }

    @Test
    void jsonOfTenThousandLevelsIsRefused() {
        api.post("/mdevs", "[".repeat(10_000) + "]".repeat(10_000))
                .statusCode(400)
                .body("code", is("INVALID_VALUE"));
        api.post("/mdevs", "{'adapters':".repeat(10_000) + "1" + "}".repeat(10_000))
                .statusCode(400)
                .body("code", is("INVALID_VALUE"));
    }

    @Test
    void idleConnectionsAreDroppedAndTheServiceAnswersAgain() throws Exception {
        List<Socket> idle = new ArrayList<>();
        try {
            for (int i = 0; i < MORE_THAN_THERE_MAY_BE; i++) {
                idle.add(new Socket("localhost", port));
            }
            api.get("/host").statusCode(200);
        } finally {
            for (Socket socket : idle) {
                socket.close();
            }
        }
    }

    /** Sends a head and some body in chunks, as far as the service takes it; empty when it hangs up without an answer. */
    private String exchange(String head, int bodyBytes) throws IOException {
        try (Socket socket = new Socket("localhost", port)) {
            OutputStream out = socket.getOutputStream();
            InputStream in = socket.getInputStream();
            try {
                out.write(head.getBytes(StandardCharsets.US_ASCII));
                byte[] chunk = ("10000\r\n" + " ".repeat(0x10000) + "\r\n").getBytes(StandardCharsets.US_ASCII);
                for (int sent = 0; sent < bodyBytes && in.available() == 0; sent += 0x10000) {
                    out.write(chunk);
                }
                out.flush();
                byte[] answer = new byte[2_000];
                int length =
                        in.readNBytes(answer, 0, 1) == 0 ? 0 : 1 + Math.max(in.read(answer, 1, answer.length - 1), 0);
                return new String(answer, 0, length, StandardCharsets.UTF_8);
            } catch (java.net.SocketException hungUp) {
                return "";
            }
        }
    }
}
