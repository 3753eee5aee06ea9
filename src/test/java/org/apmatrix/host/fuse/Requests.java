package org.apmatrix.host.fuse;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apmatrix.host.fuse.FuseTree.Node;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;

/**
 * Answers the kernel's requests from a tree, in the manner of kernfs; protocol 7.31, whose structures are named where they are read or written
 * (include/uapi/linux/fuse.h).
 *
 * <p>Nothing is cached by the kernel: names and attributes are valid for no time, and files are opened for direct I/O, so that a {@code write(2)} is one request and
 * itself returns the errno.
 */
final class Requests {
    /** What the kernel holds of this mount. */
    record InUse(int nodes, int handles) {}

    private static final int MAJOR = 7;
    private static final int MINOR = 31;
    private static final int FUSE_ATOMIC_O_TRUNC = 1 << 3;
    private static final int FUSE_BIG_WRITES = 1 << 5;
    private static final int FUSE_PARALLEL_DIROPS = 1 << 18;
    private static final int FOPEN_DIRECT_IO = 1;
    private static final int FATTR_MODE_UID_GID = 1 | 2 | 4;

    private static final int O_ACCMODE = 3;
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY = 1;

    private static final int S_IFLNK = 0120000;
    private static final int S_IFREG = 0100000;
    private static final int S_IFDIR = 0040000;

    /** kernfs passes at most a page to the store, and the caller is told so. */
    private static final int PAGE = 4096;
    /** More than a page, so that a longer write arrives in one request and is cut here; in two it would be two stores. */
    private static final int MAX_WRITE = 2 * PAGE;

    private static final int DIRENT = 24;
    private static final byte[] NOTHING = {};

    private record Entry(String name, long inode, int type) {}

    private final FuseTree tree;
    private final int largestAnswer;
    private final NodeTable nodes = new NodeTable();
    private final Handles<byte[]> files = new Handles<>();
    private final Handles<List<Entry>> directories = new Handles<>();

    Requests(FuseTree tree, int largestAnswer) {
        this.tree = tree;
        this.largestAnswer = largestAnswer;
    }

    InUse inUse() {
        return new InUse(nodes.size(), files.size() + directories.size());
    }

    /** Reads the request's body from {@code in}, puts the answer's body into {@code out}, or throws what is to be answered. */
    void answer(Opcode opcode, long node, ByteBuffer in, ByteBuffer out) {
        switch (opcode) {
            case INIT -> init(in, out);
            case LOOKUP -> lookup(nodes.path(node).resolve(string(in)), out);
            case FORGET -> nodes.forget(node, in.getLong());
            case BATCH_FORGET -> forgetAll(in);
            case GETATTR -> attributes(node, out);
            case SETATTR -> setAttributes(node, in, out);
            case READLINK -> readLink(nodes.path(node), out);
            case OPEN -> open(nodes.path(node), in, out);
            case READ -> read(nodes.path(node), in, out);
            case WRITE -> write(nodes.path(node), in, out);
            case RELEASE -> files.close(in.getLong());
            case OPENDIR -> opened(directories.open(List.of()), 0, out);
            case READDIR -> readDirectory(nodes.path(node), in, out);
            case RELEASEDIR -> directories.close(in.getLong());
            case STATFS -> statFileSystem(out);
            case ACCESS, INTERRUPT, DESTROY -> {}
            // kernfs directories have no way to make a file: open(2) with O_CREAT is told EACCES (fs/namei.c,
            // lookup_open)
            case CREATE -> throw refusal(Errno.EACCES, opcode);
            case MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME, RENAME2 -> throw refusal(Errno.EPERM, opcode);
            case OTHER -> throw refusal(Errno.ENOSYS, opcode);
        }
    }

    /** struct fuse_init_in: major, minor, max_readahead, flags; struct fuse_init_out. */
    private static void init(ByteBuffer in, ByteBuffer out) {
        int major = in.getInt();
        in.getInt();
        int readAhead = in.getInt();
        int flags = in.getInt();
        if (major != MAJOR) {
            throw refusal(Errno.EPROTO, Opcode.INIT);
        }
        out.putInt(MAJOR).putInt(MINOR).putInt(readAhead);
        out.putInt(flags & (FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS));
        // max_background, congestion_threshold, max_write, time_gran, max_pages, map_alignment, flags2, unused[7]
        out.putShort((short) 64).putShort((short) 48).putInt(MAX_WRITE).putInt(1);
        out.putShort((short) 0).putShort((short) 0).putInt(0);
        zeros(7 * Integer.BYTES, out);
    }

    /** struct fuse_entry_out: nodeid, generation, entry_valid, attr_valid, their nanoseconds, attr. */
    private void lookup(Path path, ByteBuffer out) {
        Node node = tree.stat(path);
        out.putLong(nodes.lookedUp(path, node));
        zeros(3 * Long.BYTES + 2 * Integer.BYTES, out);
        attributes(path, node, out);
    }

    /** struct fuse_batch_forget_in: count, dummy; then for each nodeid, nlookup. */
    private void forgetAll(ByteBuffer in) {
        int count = in.getInt();
        in.getInt();
        for (int i = 0; i < count; i++) {
            nodes.forget(in.getLong(), in.getLong());
        }
    }

    /** struct fuse_attr_out: attr_valid, its nanoseconds, dummy, attr. */
    private void attributes(long number, ByteBuffer out) {
        Path path = nodes.path(number);
        Node node = stillOpen(number, path);
        zeros(Long.BYTES + 2 * Integer.BYTES, out);
        attributes(path, node, out);
    }

    /** What is gone but open keeps its attributes, as an inode does: a path would have been looked up, and not been found. */
    private Node stillOpen(long number, Path path) {
        try {
            return tree.stat(path);
        } catch (KernelException gone) {
            if (gone.errno() != Errno.ENOENT) {
                throw gone;
            }
            return nodes.lastSeen(number);
        }
    }

    /** struct fuse_attr: ino, size, blocks, three times; their nanoseconds, mode, nlink, uid, gid, rdev, blksize, flags. */
    private static void attributes(Path path, Node node, ByteBuffer out) {
        // sysfs gives a file a page, a directory and a link nothing
        out.putLong(inode(path)).putLong(node instanceof Node.File ? PAGE : 0);
        zeros(4 * Long.BYTES + 3 * Integer.BYTES, out);
        out.putInt(mode(node)).putInt(1);
        zeros(3 * Integer.BYTES, out);
        out.putInt(PAGE).putInt(0);
    }

    /** struct fuse_setattr_in: valid, … Truncation and times change nothing in sysfs; mode and owner could be changed there, and are refused here. */
    private void setAttributes(long number, ByteBuffer in, ByteBuffer out) {
        int valid = in.getInt();
        if ((valid & FATTR_MODE_UID_GID) != 0) {
            throw refusal(Errno.EPERM, Opcode.SETATTR);
        }
        attributes(number, out);
    }

    private void readLink(Path path, ByteBuffer out) {
        if (tree.stat(path) instanceof Node.Link link) {
            out.put(link.target().getBytes(StandardCharsets.UTF_8));
        } else {
            throw new KernelException(Errno.EINVAL, "readlink", path);
        }
    }

    /** struct fuse_open_in: flags, … Whoever it is, the mode decides, for root too (fs/kernfs/file.c, kernfs_fop_open). */
    private void open(Path path, ByteBuffer in, ByteBuffer out) {
        int access = in.getInt() & O_ACCMODE;
        if (!(tree.stat(path) instanceof Node.File file)) {
            throw new KernelException(Errno.EINVAL, "open", path);
        }
        boolean mayRead = (file.mode() & 0444) != 0;
        boolean mayWrite = (file.mode() & 0222) != 0;
        if ((access != O_RDONLY && !mayWrite) || (access != O_WRONLY && !mayRead)) {
            throw new KernelException(Errno.EACCES, "open", path);
        }
        opened(files.open(NOTHING), FOPEN_DIRECT_IO, out);
    }

    /** struct fuse_open_out: fh, open_flags, padding. */
    private static void opened(long handle, int flags, ByteBuffer out) {
        out.putLong(handle).putInt(flags).putInt(0);
    }

    /** struct fuse_read_in: fh, offset, size, … */
    private void read(Path path, ByteBuffer in, ByteBuffer out) {
        Handles.Handle<byte[]> handle = files.get(in.getLong());
        long offset = in.getLong();
        int size = Math.min(in.getInt(), largestAnswer);
        byte[] content = handle.contentAt(offset, () -> whileOpen(path, () -> tree.read(path)));
        int from = (int) Math.min(offset, content.length);
        int count = Math.min(size, content.length - from);
        out.put(content, from, count);
        handle.hasReadTo(offset + count);
    }

    /** struct fuse_write_in: fh, offset, size, write_flags, lock_owner, flags, padding; the text; struct fuse_write_out: size, padding. */
    private void write(Path path, ByteBuffer in, ByteBuffer out) {
        in.getLong();
        in.getLong();
        int size = Math.min(in.getInt(), PAGE);
        in.position(in.position() + 2 * Integer.BYTES + Long.BYTES + Integer.BYTES);
        byte[] text = new byte[size];
        in.get(text);
        whileOpen(path, () -> {
            tree.write(path, text);
            return text;
        });
        out.putInt(size).putInt(0);
    }

    /** A file that has gone while it is open answers ENODEV, not ENOENT (fs/kernfs/file.c, kernfs_get_active failed). */
    private static <T> T whileOpen(Path path, Supplier<T> call) {
        try {
            return call.get();
        } catch (KernelException refused) {
            if (refused.errno() == Errno.ENOENT) {
                throw new KernelException(Errno.ENODEV, refused.operation(), path);
            }
            throw refused;
        }
    }

    /** struct fuse_read_in; for each entry struct fuse_dirent: ino, off, namelen, type, name, padded to 8 bytes. An offset is the number of entries before it. */
    private void readDirectory(Path path, ByteBuffer in, ByteBuffer out) {
        Handles.Handle<List<Entry>> handle = directories.get(in.getLong());
        long offset = in.getLong();
        int size = Math.min(in.getInt(), largestAnswer);
        List<Entry> entries = handle.contentAt(offset, () -> entries(path));
        int end = out.position() + size;
        int next = (int) offset;
        for (; next < entries.size(); next++) {
            Entry entry = entries.get(next);
            byte[] name = entry.name().getBytes(StandardCharsets.UTF_8);
            int length = DIRENT + name.length;
            int padding = -length & 7;
            if (out.position() + length + padding > end) {
                break;
            }
            out.putLong(entry.inode()).putLong(next + 1L).putInt(name.length).putInt(entry.type());
            out.put(name);
            zeros(padding, out);
        }
        handle.hasReadTo(next);
    }

    private List<Entry> entries(Path directory) {
        List<Entry> entries = new ArrayList<>();
        Path parent = directory.getParent();
        entries.add(new Entry(".", inode(directory), S_IFDIR >> 12));
        entries.add(new Entry("..", inode(parent == null ? directory : parent), S_IFDIR >> 12));
        for (String name : tree.list(directory)) {
            Path path = directory.resolve(name);
            try {
                entries.add(new Entry(name, inode(path), mode(tree.stat(path)) >> 12));
            } catch (KernelException gone) {
                if (gone.errno() != Errno.ENOENT) {
                    throw gone;
                }
            }
        }
        return entries;
    }

    /** struct fuse_kstatfs: blocks, bfree, bavail, files, ffree, bsize, namelen, frsize, padding, spare[6]. */
    private static void statFileSystem(ByteBuffer out) {
        zeros(5 * Long.BYTES, out);
        out.putInt(PAGE).putInt(255).putInt(PAGE);
        zeros(7 * Integer.BYTES, out);
    }

    private static int mode(Node node) {
        if (node instanceof Node.Directory directory) {
            return S_IFDIR | directory.mode();
        }
        if (node instanceof Node.File file) {
            return S_IFREG | file.mode();
        }
        return S_IFLNK | 0777;
    }

    /** From the path, so that who walks the tree (fts) finds a directory again under its number though the kernel forgot it meanwhile. */
    private static long inode(Path path) {
        long hash = 0xcbf29ce484222325L;
        for (byte b : path.toString().getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b) * 0x100000001b3L;
        }
        return hash & Long.MAX_VALUE;
    }

    private static String string(ByteBuffer in) {
        int start = in.position();
        int end = start;
        while (in.get(end) != 0) {
            end++;
        }
        byte[] bytes = new byte[end - start];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static void zeros(int count, ByteBuffer out) {
        for (int i = 0; i < count; i++) {
            out.put((byte) 0);
        }
    }

    private static KernelException refusal(Errno errno, Opcode opcode) {
        return new KernelException(errno, opcode.toString(), Path.of("/"));
    }
}
