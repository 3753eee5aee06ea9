package org.apmatrix.host.fuse;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;

/**
 * The numbers by which the kernel knows the entries it has looked up.
 *
 * <p>Every look-up counts; the kernel takes its counts back with FORGET, and an entry nobody counts is gone. A number is never given twice, so something new at an
 * old path is never taken for the old one's sort of entry.
 */
final class NodeTable {
    static final long ROOT = 1;

    private record Key(Path path, Class<? extends FuseTree.Node> sort) {}

    private static final class Entry {
        final Key key;
        final long number;
        FuseTree.Node node;
        long lookups;

        Entry(Key key, long number, FuseTree.Node node) {
            this.key = key;
            this.number = number;
            this.node = node;
        }
    }

    private final Map<Key, Entry> byKey = new HashMap<>();
    private final Map<Long, Entry> byNumber = new HashMap<>();
    private long last = ROOT;

    NodeTable() {
        FuseTree.Node directory = new FuseTree.Node.Directory(0755);
        Entry root = new Entry(new Key(Path.of("/"), directory.getClass()), ROOT, directory);
        root.lookups = 1;
        byKey.put(root.key, root);
        byNumber.put(ROOT, root);
    }

    /** Counts a look-up that found this entry, and answers its number. */
    synchronized long lookedUp(Path path, FuseTree.Node node) {
        Entry entry = byKey.computeIfAbsent(new Key(path, node.getClass()), key -> new Entry(key, ++last, node));
        entry.node = node;
        byNumber.put(entry.number, entry);
        entry.lookups++;
        return entry.number;
    }

    synchronized void forget(long number, long lookups) {
        Entry entry = byNumber.get(number);
        if (entry == null || number == ROOT) {
            return;
        }
        entry.lookups -= lookups;
        if (entry.lookups <= 0) {
            byNumber.remove(number);
            byKey.remove(entry.key);
        }
    }

    synchronized Path path(long number) {
        return entry(number).key.path();
    }

    /** What stood there when it was last looked up. */
    synchronized FuseTree.Node lastSeen(long number) {
        return entry(number).node;
    }

    private Entry entry(long number) {
        Entry entry = byNumber.get(number);
        if (entry == null) {
            throw new KernelException(Errno.ESTALE, "node", Path.of(Long.toString(number)));
        }
        return entry;
    }

    /** How many entries the kernel remembers, the root among them. */
    synchronized int size() {
        return byNumber.size();
    }
}
