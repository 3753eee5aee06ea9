package org.apmatrix.host;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;

/** A kernel to whose writes something comes in between: a refusal that no rule explains, or somebody who was faster. */
public final class InterferingSysfs implements Sysfs {
    private final Sysfs kernel;
    private final Map<Integer, Runnable> interferences = new HashMap<>();
    private final List<String> written = new ArrayList<>();
    private final List<Path> read = new ArrayList<>();

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
        return kernel.read(attribute);
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
