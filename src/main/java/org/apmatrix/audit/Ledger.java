package org.apmatrix.audit;

import java.io.IOException;
import java.util.Optional;

/** Where the lines of the journal are kept. All but {@link #read} is called by one thread at a time. */
interface Ledger {
    /**
     * Finds what is there, as often as it is asked to.
     *
     * @return what was cut off by a crash and set aside, for the journal to tell; empty mostly
     */
    Optional<String> open() throws IOException;

    /** The last record. */
    Chain.Link last();

    /** No INTENT before this record was without its OUTCOME when the journal was last written. */
    long openSince();

    /** Writes a line and returns when it is on disk; an exception leaves everything as it was. */
    void append(Chain.Line line, long openSince) throws IOException;

    /** Shows the lines of the records behind a sequence, in their order, until the reader has enough. */
    void read(long after, Reader reader) throws IOException;

    void close() throws IOException;

    /** Takes lines. */
    interface Reader {
        /** Takes one line, without its newline or with it; false for no more. */
        boolean take(byte[] line) throws IOException;
    }
}
