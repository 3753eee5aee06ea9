package org.apmatrix.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.is;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.apmatrix.Patience;
import org.junit.jupiter.api.Test;

/** More than anybody needs to send: answered or dropped, and the service goes on. */
class LimitsHttpTest extends HttpTest {
    private static final int MORE_THAN_THERE_MAY_BE = 1_500;
    private static final int MORE_THAN_THERE_ARE_THREADS = 300;

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
    void slowBodiesOfWhatIsRefusedKeepNoThread() throws Exception {
        byte[] head = "POST /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"
                .getBytes(StandardCharsets.US_ASCII);
        List<Socket> slow = new ArrayList<>();
        AtomicBoolean drip = new AtomicBoolean(true);
        try {
            for (int i = 0; i < MORE_THAN_THERE_ARE_THREADS; i++) {
                Socket socket = new Socket("localhost", port);
                socket.getOutputStream().write(head);
                slow.add(socket);
            }
            Thread dripping = new Thread(() -> {
                while (drip.get()) {
                    slow.forEach(LimitsHttpTest::drip);
                    LockSupport.parkNanos(50_000_000);
                }
            });
            dripping.setDaemon(true);
            dripping.start();
            // 429 while all of them are being refused at once
            Patience.until(() -> status() == 200);
            // also those that were accepted late: none of them is still under way when the next test asks
            for (Socket socket : slow) {
                awaitEnd(socket);
            }
        } finally {
            drip.set(false);
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    private int status() {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/api/v1/host"))
                .timeout(Duration.ofSeconds(20))
                .build();
        try {
            return HttpClient.newHttpClient()
                    .send(request, HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError("no answer", e);
        }
    }

    /** Waits until the service has answered or hung up; fails with a SocketTimeoutException when it does neither. */
    private static void awaitEnd(Socket socket) throws IOException {
        socket.setSoTimeout(60_000);
        try {
            socket.getInputStream().read();
        } catch (SocketException hungUp) {
            // as good as an answer
        }
    }

    private static void drip(Socket socket) {
        try {
            socket.getOutputStream().write('x');
        } catch (IOException hungUp) {
            // as it should be
        }
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
            } catch (SocketException hungUp) {
                return "";
            }
        }
    }
}
