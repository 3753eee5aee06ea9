package org.apmatrix.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;

class LocalSocketTest {
    @TempDir
    Path directory;

    @Test
    void aFileThatIsNoSocketIsNotTakenAway() throws Exception {
        Path precious = Files.writeString(directory.resolve("precious"), "tokens");
        assertThatThrownBy(() -> listenOn(precious)).isInstanceOf(StartRefused.class);
        assertThat(precious).hasContent("tokens");
    }

    @Test
    void aSocketThatNobodyListensOnIsTakenAwayAndAnothersIsNot() throws Exception {
        Path socket = directory.resolve("apmatrix.sock");
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(socket));
            assertThatThrownBy(() -> listenOn(socket)).isInstanceOf(StartRefused.class);
            assertThat(socket).exists();
        }
        listenOn(socket);
        assertThat(socket).doesNotExist();
    }

    private static void listenOn(Path path) {
        new LocalSocket(AccessPropertiesTest.bind(Map.of("apmatrix.security.socket.path", path.toString())))
                .customize(new TomcatServletWebServerFactory());
    }
}
