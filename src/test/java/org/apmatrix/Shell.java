package org.apmatrix;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Commands as a person types them, in the C locale, so that what they print is the same everywhere. */
public final class Shell {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /**
     * What a command left behind.
     *
     * @param output standard output and standard error, as they came
     */
    public record Result(int exit, String output) {}

    private Shell() {}

    public static Process start(Path directory, String... command) {
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.redirectErrorStream(true).environment().put("LC_ALL", "C");
        try {
            return builder.start();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** Runs a script of bash (whose messages name the errno; dash says I/O error to all) with these words as {@code $1}, {@code $2}, … in a directory, and waits for it. */
    public static Result bash(Path directory, String script, String... words) {
        String[] command = new String[4 + words.length];
        command[0] = "bash";
        command[1] = "-c";
        command[2] = script;
        command[3] = "bash";
        System.arraycopy(words, 0, command, 4, words.length);
        return result(start(directory, command));
    }

    /** Waits for the end of a process that says little. */
    public static Result result(Process process) {
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("still running after " + PATIENCE + ": " + process.info());
            }
            return new Result(
                    process.exitValue(), new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new AssertionError(interrupted);
        }
    }
}
