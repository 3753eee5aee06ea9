package org.apmatrix.api;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A proxy as sites have them: the service is below a path of it. It can be cut off and put back. */
final class PrefixProxy implements AutoCloseable {
    private static final String PREFIX = "/crypto/ap";

    private final int service;
    private final ServerSocket listening;
    private final ExecutorService pumps = Executors.newCachedThreadPool();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile boolean isCut;

    PrefixProxy(int service) throws IOException {
        this.service = service;
        this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        pumps.execute(this::accept);
    }

    String url() {
        return "http://localhost:" + listening.getLocalPort() + PREFIX + "/";
    }

    /** Ends every connection, and takes none until {@link #mend}. */
    void cut() throws IOException {
        isCut = true;
        for (Socket socket : open) {
            socket.close();
        }
    }

    void mend() {
        isCut = false;
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                Socket browser = listening.accept();
                open.add(browser);
                pumps.execute(() -> pass(browser));
            } catch (IOException closed) {
                return;
            }
        }
    }

    /** One request a connection: the first line loses the prefix, and the service is told to close at the end. */
    private void pass(Socket browser) {
        try (browser;
                Socket upstream = new Socket(InetAddress.getLoopbackAddress(), service)) {
            open.add(upstream);
            if (isCut) {
                return;
            }
            InputStream asked = new BufferedInputStream(browser.getInputStream());
            OutputStream told = upstream.getOutputStream();
            for (String line = line(asked); !line.isEmpty(); line = line(asked)) {
                if (!line.toLowerCase().startsWith("connection:")) {
                    told.write((line.replaceFirst(" " + PREFIX, " ") + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                }
            }
            told.write("Connection: close\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            told.flush();
            pumps.execute(() -> pump(asked, told));
            pump(upstream.getInputStream(), browser.getOutputStream());
        } catch (IOException ended) {
            // either side has gone: so has this connection
        } finally {
            open.remove(browser);
        }
    }

    private static void pump(InputStream from, OutputStream to) {
        byte[] bytes = new byte[8192];
        try {
            for (int many = from.read(bytes); many >= 0; many = from.read(bytes)) {
                to.write(bytes, 0, many);
                to.flush();
            }
        } catch (IOException ended) {
            // as above
        }
    }

    private static String line(InputStream from) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int one = from.read(); one >= 0 && one != '\n'; one = from.read()) {
            if (one != '\r') {
                line.append((char) one);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        listening.close();
        cut();
        pumps.shutdownNow();
    }
}
