package org.apmatrix.host.linux;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.apmatrix.host.kernel.Sysfs;

/**
 * The running kernel's sysfs: open without O_CREAT, one {@code write(2)} for each store, the errno as the kernel gave it.
 *
 * <p>A write may block for as long as the driver likes ({@code remove} of a device in use: until the guest lets go, through every signal). Whoever writes such a
 * file does it in a thread that may be lost.
 */
public final class LinuxSysfs implements Sysfs {
    private static final Path SYS = Path.of("/sys");

    private final SystemCalls calls;

    public LinuxSysfs() {
        this(SYS);
    }

    /** @param mountedAt where the tree is mounted that its users know as {@code /sys}; what they read in refusals is {@code /sys/…} all the same */
    public LinuxSysfs(Path mountedAt) {
        this.calls = new SystemCalls(SYS, mountedAt);
    }

    @Override
    public String read(Path attribute) {
        return calls.read(attribute);
    }

    /**
     * {@inheritDoc}
     *
     * <p>When the kernel takes fewer bytes than there are (more than a page was written), that is EIO: the driver has then seen a text that nobody meant.
     */
    @Override
    public void write(Path attribute, String text) {
        calls.write(attribute, text);
    }

    @Override
    public List<String> list(Path directory) {
        List<String> names = calls.list(directory);
        Collections.sort(names);
        return List.copyOf(names);
    }

    @Override
    public String readLink(Path link) {
        return calls.readLink(link);
    }

    @Override
    public boolean exists(Path path) {
        return calls.exists(path);
    }

    @Override
    public boolean isWritable(Path attribute) {
        return calls.isWritable(attribute);
    }
}
