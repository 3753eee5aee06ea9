package org.apmatrix.host.fuse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.jspecify.annotations.Nullable;

/**
 * Mounts a {@link FuseTree} and serves it until closed.
 *
 * <p>One thread always waits for the next request: when it gets one, and no other waits, it starts another before it answers. So a store that blocks holds up nobody
 * but its writer.
 */
final class FuseServer implements AutoCloseable {
    private static final int HEADER = 40;
    private static final int ANSWER_HEADER = 16;
    /** Most answers fit into a page; a directory is read in pieces of what the reader asks for, at most this. */
    private static final int BUFFER = 64 * 1024;

    private static final int SPARE_THREADS = 8;

    private final FuseDevice device;
    private final Requests requests;
    private final AtomicInteger waiting = new AtomicInteger();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final CountDownLatch ready = new CountDownLatch(1);
    private final AtomicBoolean closed = new AtomicBoolean();
    /** Who may still use the device: this, and each thread. The last one closes it, so that nobody reads from a descriptor whose number has a new owner. */
    private final AtomicInteger users = new AtomicInteger(1);

    private FuseServer(FuseDevice device, FuseTree tree) {
        this.device = device;
        this.requests = new Requests(tree, BUFFER - HEADER - ANSWER_HEADER);
    }

    /**
     * Mounts and returns when the mount answers.
     *
     * @param mountPoint an existing directory
     * @throws KernelException what mount(2) said; EBUSY when the directory already has such a mount that is alive
     */
    static FuseServer mount(FuseTree tree, Path mountPoint) {
        FuseServer server = new FuseServer(FuseDevice.mount(real(mountPoint)), tree);
        server.startThread();
        try {
            server.ready.await();
        } catch (InterruptedException interrupted) {
            server.close();
            Thread.currentThread().interrupt();
        }
        return server;
    }

    /** The path as the kernel lists it; the mount point itself is not looked at, because a dead mount there answers nothing but ENOTCONN. */
    private static Path real(Path mountPoint) {
        Path path = mountPoint.toAbsolutePath().normalize();
        Path parent = path.getParent();
        Path name = path.getFileName();
        if (parent == null || name == null) {
            throw new KernelException(Errno.EBUSY, "mount", path);
        }
        try {
            return parent.toRealPath().resolve(name);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** How many entries and open files the kernel holds: the numbers to come back to when nobody uses the mount. */
    Requests.InUse inUse() {
        return requests.inUse();
    }

    /** Unmounts whoever uses the mount; their calls end with ECONNABORTED, later ones with ENOTCONN. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            device.unmount();
            threads.forEach(Thread::interrupt);
            leaveDevice();
        }
    }

    private void leaveDevice() {
        if (users.decrementAndGet() == 0) {
            device.close();
        }
    }

    private void startThread() {
        Thread thread = new Thread(this::serve, "fuse");
        thread.setDaemon(true);
        waiting.incrementAndGet();
        users.incrementAndGet();
        threads.add(thread);
        thread.start();
    }

    private void serve() {
        ByteBuffer question = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.nativeOrder());
        ByteBuffer answer = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.nativeOrder());
        try {
            while (device.receive(question)) {
                if (waiting.decrementAndGet() == 0) {
                    startThread();
                }
                answer(question, answer);
                if (waiting.incrementAndGet() > SPARE_THREADS) {
                    break;
                }
            }
        } finally {
            waiting.decrementAndGet();
            threads.remove(Thread.currentThread());
            leaveDevice();
        }
    }

    /** struct fuse_in_header: len, opcode, unique, node, uid, gid, pid; struct fuse_out_header: len, error, unique. */
    private void answer(ByteBuffer question, ByteBuffer answer) {
        Opcode opcode = Opcode.of(question.getInt(4));
        long unique = question.getLong(8);
        long node = question.getLong(16);
        question.position(HEADER);
        answer.clear().position(ANSWER_HEADER);
        Errno errno = answerBody(opcode, node, question, answer);
        if (errno != null) {
            answer.position(ANSWER_HEADER);
        }
        if (!opcode.isSilent()) {
            answer.putInt(0, answer.position());
            answer.putInt(4, errno == null ? 0 : -errno.number());
            answer.putLong(8, unique);
            device.send(answer);
        }
        if (opcode == Opcode.INIT) {
            ready.countDown();
        }
    }

    private @Nullable Errno answerBody(Opcode opcode, long node, ByteBuffer question, ByteBuffer answer) {
        try {
            requests.answer(opcode, node, question, answer);
            return null;
        } catch (KernelException refused) {
            return refused.errno() == Errno.EUNKNOWN ? Errno.EIO : refused.errno();
        } catch (RuntimeException ourFault) {
            System.err.println(opcode + " failed:");
            ourFault.printStackTrace();
            return Errno.EIO;
        }
    }
}
