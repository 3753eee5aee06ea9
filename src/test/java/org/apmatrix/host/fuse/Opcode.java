package org.apmatrix.host.fuse;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What the kernel asks for (include/uapi/linux/fuse.h, enum fuse_opcode). The others are answered with ENOSYS, which the kernel turns into what a file system without them says. */
enum Opcode {
    LOOKUP(1),
    FORGET(2),
    GETATTR(3),
    SETATTR(4),
    READLINK(5),
    SYMLINK(6),
    MKNOD(8),
    MKDIR(9),
    UNLINK(10),
    RMDIR(11),
    RENAME(12),
    LINK(13),
    OPEN(14),
    READ(15),
    WRITE(16),
    STATFS(17),
    RELEASE(18),
    INIT(26),
    OPENDIR(27),
    READDIR(28),
    RELEASEDIR(29),
    ACCESS(34),
    CREATE(35),
    INTERRUPT(36),
    DESTROY(38),
    BATCH_FORGET(42),
    RENAME2(45),
    OTHER(-1);

    private static final Map<Integer, Opcode> BY_NUMBER =
            Arrays.stream(values()).collect(Collectors.toMap(opcode -> opcode.number, Function.identity()));

    private final int number;

    Opcode(int number) {
        this.number = number;
    }

    static Opcode of(int number) {
        return BY_NUMBER.getOrDefault(number, OTHER);
    }

    /** Whether the kernel wants no answer. */
    boolean isSilent() {
        return this == FORGET || this == BATCH_FORGET || this == INTERRUPT;
    }
}
