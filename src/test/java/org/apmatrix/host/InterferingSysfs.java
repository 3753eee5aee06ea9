package org.apmatrix.host;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;

/** A kernel to whose writes something comes in between: a refusal that no rule explains, or somebody who was faster. */
public final class InterferingSysfs implements Sysfs {
    private final Sysfs kernel;
    private final Map<Integer, Runnable> interferences = new HashMap<>();
    private final List<String> written = new ArrayList<>();
    private final List<Path> read = Collections.synchronizedList(new ArrayList<>());
    private final Map<Path, Supplier<String>> answers = new ConcurrentHashMap<>();

    public InterferingSysfs(Sysfs kernel) {
        this.kernel = kernel;
    }

    /** The write of this number (1 is the next) is refused. */
    public InterferingSysfs refuse(int number, Errno errno) {
        return before(number, () -> {
            throw new KernelException(errno, "write", Path.of("/sys"));
        });
    }

    /** Something happens just before the write of this number reaches the kernel. */
    public InterferingSysfs before(int number, Runnable interference) {
        interferences.put(written.size() + number, interference);
        return this;
    }

    /** What was written and how, such as {@code assign_adapter 5}, refused or not. */
    public List<String> written() {
        return written;
    }

    /** A read of this attribute is answered by this from now on. */
    public InterferingSysfs answer(Path attribute, Supplier<String> answer) {
        answers.put(attribute, answer);
        return this;
    }

    public List<Path> read() {
        return read;
    }

    @Override
    public void write(Path attribute, String text) {
        written.add(attribute.getFileName() + " " + text.strip());
        Runnable interference = interferences.remove(written.size());
        if (interference != null) {
            interference.run();
        }
        kernel.write(attribute, text);
    }

    @Override
    public String read(Path attribute) {
        read.add(attribute);
        Supplier<String> answer = answers.get(attribute);
        return answer == null ? kernel.read(attribute) : answer.get();
    }

    @Override
    public List<String> list(Path directory) {
        return kernel.list(directory);
    }

    @Override
    public String readLink(Path link) {
        return kernel.readLink(link);
    }

    @Override
    public boolean exists(Path path) {
        return kernel.exists(path);
    }

    @Override
    public boolean isWritable(Path attribute) {
        return kernel.isWritable(attribute);
    }
}
