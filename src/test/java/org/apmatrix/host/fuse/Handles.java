package org.apmatrix.host.fuse;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;

/** What processes hold open: for each descriptor the content that it is reading, a file's bytes or a directory's entries. */
final class Handles<T> {
    /**
     * One open file or directory.
     *
     * <p>As the kernel's seq_file (fs/seq_file.c, seq_read_iter): the content is made at the first read, a read that goes on where the last one ended goes on in the
     * same content, and one at offset 0 or anywhere else sees it made anew.
     */
    static final class Handle<T> {
        private T content;
        private long next = -1;

        private Handle(T empty) {
            this.content = empty;
        }

        synchronized T contentAt(long offset, Supplier<T> make) {
            if (offset == 0 || offset != next) {
                content = make.get();
                next = offset;
            }
            return content;
        }

        synchronized void hasReadTo(long offset) {
            next = offset;
        }
    }

    private final Map<Long, Handle<T>> open = new ConcurrentHashMap<>();
    private final AtomicLong last = new AtomicLong();

    long open(T empty) {
        long number = last.incrementAndGet();
        open.put(number, new Handle<>(empty));
        return number;
    }

    Handle<T> get(long number) {
        Handle<T> handle = open.get(number);
        if (handle == null) {
            throw new KernelException(Errno.EBADF, "handle", Path.of(Long.toString(number)));
        }
        return handle;
    }

    void close(long number) {
        open.remove(number);
    }

    int size() {
        return open.size();
    }
}
