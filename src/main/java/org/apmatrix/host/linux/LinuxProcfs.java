package org.apmatrix.host.linux;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Procfs;

/**
 * The running kernel's procfs. Processes come and go while it looks: what is gone holds nothing, what may not be looked at makes the look incomplete.
 *
 * <p>Seen are the processes of this PID namespace and of those below it, so in a container only with the host's ({@code hostPID}).
 */
public final class LinuxProcfs implements Procfs {
    private static final Path PROC = Path.of("/proc");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");

    private final SystemCalls calls;

    public LinuxProcfs() {
        this(PROC);
    }

    /** @param mountedAt where the tree is that its users know as {@code /proc} */
    public LinuxProcfs(Path mountedAt) {
        this.calls = new SystemCalls(PROC, mountedAt);
    }

    @Override
    public Optional<String> read(Path file) {
        return unlessGone(() -> calls.read(file));
    }

    @Override
    public Look openFiles(Predicate<String> target) {
        List<OpenFile> found = new ArrayList<>();
        boolean complete = true;
        for (int pid : numbersIn(PROC)) {
            complete &= lookInto(pid, target, found);
        }
        return new Look(List.copyOf(found), complete);
    }

    @Override
    public Optional<String> fdInfo(OpenFile file) {
        return read(PROC.resolve(file.pid() + "/fdinfo/" + file.fd()));
    }

    /** @return false when something of this process could not be seen */
    private boolean lookInto(int pid, Predicate<String> target, List<OpenFile> found) {
        Path descriptors = PROC.resolve(pid + "/fd");
        try {
            for (int fd : unlessGone(() -> numbersIn(descriptors)).orElse(List.of())) {
                unlessGone(() -> calls.readLink(descriptors.resolve(Integer.toString(fd))))
                        .filter(target)
                        .ifPresent(opened -> found.add(new OpenFile(pid, fd, opened)));
            }
            return true;
        } catch (KernelException refused) {
            // without CAP_SYS_PTRACE the directory may be listed though its links may not be read: stop at the first
            if (refused.errno() != Errno.EACCES && refused.errno() != Errno.EPERM) {
                throw refused;
            }
            return false;
        }
    }

    private List<Integer> numbersIn(Path directory) {
        return calls.list(directory).stream()
                .filter(name -> NUMBER.matcher(name).matches())
                .map(Integer::valueOf)
                .sorted()
                .toList();
    }

    /** ENOENT: the entry is gone. ESRCH: the process went while its entry was open. */
    private static <T> Optional<T> unlessGone(Supplier<T> look) {
        try {
            return Optional.of(look.get());
        } catch (KernelException refused) {
            if (refused.errno() == Errno.ENOENT || refused.errno() == Errno.ESRCH) {
                return Optional.empty();
            }
            throw refused;
        }
    }
}
