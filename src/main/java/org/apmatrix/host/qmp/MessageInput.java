package org.apmatrix.host.qmp;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;

/**
 * The bytes of a connection, for the one thread that reads it: waits for them on a selector, counts those of each message, and never tells an end of the stream
 * but by an exception, so that a message which is cut off is no malformed message.
 */
final class MessageInput extends InputStream {
    private final SocketChannel channel;
    private final Selector selector;
    private final long maxMessage;
    private final Deadline greeting;
    private final Runnable greetingIsLate;
    private boolean lateIsTold;
    private long bytes;
    private long messageStart;
    private volatile @Nullable String dropped;

    /**
     * Takes a channel that does not block and is registered for reading.
     *
     * @param greetingIsLate run once, in the reading thread, when it still waits after the deadline; of no meaning when the greeting has come
     */
    MessageInput(
            SocketChannel channel, Selector selector, DataSize maxMessage, Deadline greeting, Runnable greetingIsLate) {
        this.channel = channel;
        this.selector = selector;
        this.maxMessage = maxMessage.toBytes();
        this.greeting = greeting;
        this.greetingIsLate = greetingIsLate;
    }

    /**
     * Tells that a message ended here, and the next one begins.
     *
     * @param offset bytes since the beginning of the connection
     */
    void messageEnded(long offset) {
        refuseBeyondLimit(offset);
        messageStart = offset;
    }

    /** From any thread: lets the read in progress and all later ones fail with this reason. */
    void drop(String reason) {
        dropped = reason;
        selector.wakeup();
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        read(one, 0, 1);
        return Byte.toUnsignedInt(one[0]);
    }

    /** Returns as soon as there is a byte. Throws {@link QmpException.Unreadable} when what has come is still no message but longer than the limit. */
    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        refuseBeyondLimit(bytes);
        while (true) {
            String reason = dropped;
            if (reason != null) {
                throw new IOException(reason);
            }
            int count = channel.read(ByteBuffer.wrap(into, offset, length));
            if (count < 0) {
                throw new EOFException("QEMU closed the connection");
            }
            if (count > 0) {
                bytes += count;
                return count;
            }
            waitForBytes();
        }
    }

    private void waitForBytes() throws IOException {
        if (lateIsTold) {
            selector.select();
        } else if (greeting.hasPassed()) {
            lateIsTold = true;
            greetingIsLate.run();
        } else {
            // one more, because a timeout of 0 has no end and a part of a millisecond is none
            selector.select(TimeUnit.NANOSECONDS.toMillis(greeting.leftNanos()) + 1);
        }
        selector.selectedKeys().clear();
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("interrupted");
        }
    }

    private void refuseBeyondLimit(long end) {
        if (end - messageStart > maxMessage) {
            throw new QmpException.Unreadable("a message of more than " + maxMessage + " bytes");
        }
    }
}
