package org.apmatrix.access;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import jdk.net.ExtendedSocketOptions;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.Adapter;
import org.apache.coyote.Processor;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.SocketEvent;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.stereotype.Component;

/** The unix socket for tools of this machine, where one is configured: the kernel tells who is at the other end (SO_PEERCRED, unix(7)). */
@Component
final class LocalSocket implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {
    /** The attribute of a request that has the name of the user at the other end; no header can set it. */
    static final String PEER = LocalSocket.class.getName() + ".peer";

    private final @Nullable Path path;

    LocalSocket(AccessProperties properties) {
        this.path = properties.socket().path();
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        if (path == null) {
            return;
        }
        deleteStale(path);
        Connector connector = new Connector(new PeerProtocol());
        connector.setProperty("unixDomainSocketPath", path.toString());
        // everybody may knock: who it is decides
        connector.setProperty("unixDomainSocketPathPermissions", "rw-rw-rw-");
        factory.addAdditionalConnectors(connector);
    }

    /** A service that was killed leaves its socket behind, on which nobody listens. */
    private static void deleteStale(Path path) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try {
            if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isOther()) {
                throw new StartRefused(
                        path + " is there and is no socket.", "Set another apmatrix.security.socket.path");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException nobodyListens) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                throw new UncheckedIOException("the socket that an earlier service left behind cannot be deleted", e);
            }
            return;
        }
        throw new StartRefused(
                "Another process listens on " + path + ".", "Stop it, or set another apmatrix.security.socket.path");
    }

    private static final class PeerProtocol extends Http11NioProtocol {
        @Override
        protected Processor createProcessor() {
            PeerAdapter telling = new PeerAdapter(getAdapter());
            PeerProcessor processor = new PeerProcessor(this, telling);
            telling.processor = processor;
            return processor;
        }
    }

    private static final class PeerProcessor extends Http11Processor {
        PeerProcessor(PeerProtocol protocol, Adapter adapter) {
            super(protocol, adapter);
        }

        String peer() throws IOException {
            NioChannel socket = (NioChannel) getSocketWrapper().getSocket();
            return socket.getIOChannel()
                    .getOption(ExtendedSocketOptions.SO_PEERCRED)
                    .user()
                    .getName();
        }
    }

    /** Tells each request who is at the other end. */
    private static final class PeerAdapter implements Adapter {
        private final Adapter adapter;
        private @Nullable PeerProcessor processor;

        PeerAdapter(Adapter adapter) {
            this.adapter = adapter;
        }

        @Override
        public void service(Request request, Response response) throws Exception {
            if (processor != null) {
                request.setAttribute(PEER, processor.peer());
            }
            adapter.service(request, response);
        }

        @Override
        public boolean prepare(Request request, Response response) throws Exception {
            return adapter.prepare(request, response);
        }

        @Override
        public boolean asyncDispatch(Request request, Response response, SocketEvent status) throws Exception {
            return adapter.asyncDispatch(request, response, status);
        }

        @Override
        public void log(Request request, Response response, long time) {
            adapter.log(request, response, time);
        }

        @Override
        public void checkRecycled(Request request, Response response) {
            adapter.checkRecycled(request, response);
        }

        @Override
        public String getDomain() {
            return adapter.getDomain();
        }
    }
}
