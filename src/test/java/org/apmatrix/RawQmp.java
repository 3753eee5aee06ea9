package org.apmatrix;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Tells a QEMU something, as an administrator with socat does. */
public final class RawQmp {
    private RawQmp() {}

    /** One command over a connection of its own. */
    public static String ask(Path socket, String command) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
                BufferedReader answers = new BufferedReader(
                        new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))) {
            answers.readLine();
            write(channel, "{\"execute\": \"qmp_capabilities\"}");
            write(channel, command);
            boolean isNegotiated = false;
            for (String line = answers.readLine(); line != null; line = answers.readLine()) {
                if (!line.contains("\"event\"")) {
                    if (isNegotiated) {
                        return line;
                    }
                    isNegotiated = true;
                }
            }
            throw new IOException("QEMU closed the connection");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(SocketChannel channel, String command) throws IOException {
        channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.UTF_8)));
    }
}
