package org.apmatrix.host;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;

/** A kernel as one process sees it: some of its writes are refused, and at one of them the process dies, after which it does nothing any more. */
public final class MortalSysfs implements Sysfs {
    private final Sysfs kernel;
    private final Map<Integer, Errno> refusals = new HashMap<>();
    private Runnable lastBreath = () -> {};
    private int diesAt = -1;
    private boolean diesBefore;
    private int writes;
    private boolean dead;

    public MortalSysfs(Sysfs kernel) {
        this.kernel = kernel;
    }

    /** The process is no more. No handler of the code under test catches it. */
    public static final class Death extends Error {
        private static final long serialVersionUID = 1L;
    }

    /** The write of this number (1 is the next) is refused, whatever it is. */
    public void refuse(int number, Errno errno) {
        refusals.put(writes + number, errno);
    }

    /**
     * The process dies at the write of this number.
     *
     * @param before whether the kernel never sees that write
     * @param lastBreath what happens in that moment, such as keeping what is on the disk then
     */
    public void die(int number, boolean before, Runnable lastBreath) {
        diesAt = writes + number;
        diesBefore = before;
        this.lastBreath = lastBreath;
    }

    /** No more refusals and no death. */
    public void calm() {
        refusals.clear();
        diesAt = -1;
    }

    public int writes() {
        return writes;
    }

    @Override
    public void write(Path attribute, String text) {
        requireLife();
        if (text.equals("x\n")) {
            // how a kernel of the static generation is asked whether a device is in use: a look, no step
            kernel.write(attribute, text);
            return;
        }
        writes++;
        if (writes == diesAt && diesBefore) {
            end();
        }
        Errno refusal = refusals.remove(writes);
        if (refusal != null) {
            throw new KernelException(refusal, "write", attribute);
        }
        kernel.write(attribute, text);
        if (writes == diesAt) {
            end();
        }
    }

    private void end() {
        lastBreath.run();
        dead = true;
        throw new Death();
    }

    private void requireLife() {
        if (dead) {
            throw new Death();
        }
    }

    private <T> T alive(Supplier<T> question) {
        requireLife();
        return question.get();
    }

    @Override
    public String read(Path attribute) {
        return alive(() -> kernel.read(attribute));
    }

    @Override
    public List<String> list(Path directory) {
        return alive(() -> kernel.list(directory));
    }

    @Override
    public String readLink(Path link) {
        return alive(() -> kernel.readLink(link));
    }

    @Override
    public boolean exists(Path path) {
        return alive(() -> kernel.exists(path));
    }

    @Override
    public boolean isWritable(Path attribute) {
        return alive(() -> kernel.isWritable(attribute));
    }
}
