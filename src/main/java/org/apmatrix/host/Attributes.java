package org.apmatrix.host;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;

/** Reads attributes that a kernel may not have: ENOENT is an answer, every other errno is a failure. */
final class Attributes {
    private final Sysfs sysfs;

    Attributes(Sysfs sysfs) {
        this.sysfs = sysfs;
    }

    /** The attribute's text, newline and all. */
    Optional<String> read(Path attribute) {
        try {
            return Optional.of(sysfs.read(attribute));
        } catch (KernelException e) {
            return emptyWhenAbsent(e);
        }
    }

    /** The attribute's text without blanks around it. */
    Optional<String> word(Path attribute) {
        return read(attribute).map(String::strip);
    }

    Optional<Integer> number(Path attribute) {
        return word(attribute).filter(text -> text.matches("-?[0-9]{1,9}")).map(Integer::valueOf);
    }

    /** The last name of what a link points to. */
    Optional<String> linkName(Path link) {
        try {
            String target = sysfs.readLink(link);
            return Optional.of(target.substring(target.lastIndexOf('/') + 1));
        } catch (KernelException e) {
            return emptyWhenAbsent(e);
        }
    }

    /** The names in a directory; none when there is no such directory. */
    List<String> list(Path directory) {
        try {
            return sysfs.list(directory);
        } catch (KernelException e) {
            return Attributes.<List<String>>emptyWhenAbsent(e).orElse(List.of());
        }
    }

    private static <T> Optional<T> emptyWhenAbsent(KernelException e) {
        // ENODEV: kernfs answers it when the device goes away between open and read
        if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENODEV) {
            return Optional.empty();
        }
        throw e;
    }
}
