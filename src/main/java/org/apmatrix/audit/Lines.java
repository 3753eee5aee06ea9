package org.apmatrix.audit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A file line by line, in bytes, which tells whether the last one has an end. */
final class Lines implements Closeable {
    private static final int LONGEST = 8 * 1024 * 1024;

    private final InputStream input;
    private boolean complete = true;

    Lines(Path file) throws IOException {
        input = new BufferedInputStream(Files.newInputStream(file), 64 * 1024);
    }

    /** The next line without its newline; null at the end. */
    byte @Nullable [] next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(1024);
        for (int one = input.read(); one >= 0; one = input.read()) {
            if (one == '\n') {
                return line.toByteArray();
            }
            line.write(one);
            if (line.size() > LONGEST) {
                throw new IOException("a line of more than " + LONGEST + " bytes");
            }
        }
        complete = line.size() == 0;
        return complete ? null : line.toByteArray();
    }

    /** False when the line that was read last has no newline: it was cut off, or is still being written. */
    boolean isComplete() {
        return complete;
    }

    @Override
    public void close() throws IOException {
        input.close();
    }
}
