package org.apmatrix.host.fuse;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apmatrix.ApMatrixApplication;

/** The service in a process of its own, which can be killed with SIGKILL and started again on the same state. */
final class ServiceProcess implements AutoCloseable {
    private static final Pattern STARTED = Pattern.compile(".*Tomcat started on port ([0-9]+).*");

    private final List<String> arguments;
    private final List<String> log = new CopyOnWriteArrayList<>();
    private Process process;

    ServiceProcess(String... arguments) {
        this.arguments = Arrays.asList(arguments);
    }

    /** Returns when the service listens, with its port. */
    int start() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ApMatrixApplication.class.getName(),
                "--server.port=0"));
        command.addAll(arguments);
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            log.add(line);
            Matcher started = STARTED.matcher(line);
            if (started.matches()) {
                Thread reader = new Thread(() -> readOn(output), "service log");
                reader.setDaemon(true);
                reader.start();
                return Integer.parseInt(started.group(1));
            }
        }
        throw new AssertionError("the service ended: " + String.join("\n", log));
    }

    private void readOn(BufferedReader output) {
        try {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                log.add(line);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<String> log() {
        return log;
    }

    /** SIGKILL; does not wait for the end. */
    void kill() {
        process.destroyForcibly();
    }

    /** SIGTERM; does not wait for the end. */
    void stop() {
        process.destroy();
    }

    void awaitEnd() throws InterruptedException {
        process.waitFor();
    }

    @Override
    public void close() {
        if (process != null) {
            process.destroyForcibly();
        }
    }
}
