package org.apmatrix.host.fuse;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apmatrix.host.kernel.Errno;
import org.apmatrix.host.kernel.KernelException;

/** A tree that a test puts together. */
final class HandMadeTree implements FuseTree {
    private record Entry(Node node, Supplier<String> show, Consumer<String> store) {}

    private final Map<Path, Entry> entries = new ConcurrentSkipListMap<>();

    HandMadeTree() {
        put(Path.of("/"), new Node.Directory(0755));
    }

    HandMadeTree file(String path, int mode, Supplier<String> show) {
        put(Path.of(path), new Entry(new Node.File(mode), show, text -> {}));
        return this;
    }

    HandMadeTree store(String path, Consumer<String> store) {
        put(Path.of(path), new Entry(new Node.File(0200), () -> "", store));
        return this;
    }

    /** A write-only file; what is stored there can be looked up in the list. */
    List<String> store(String path) {
        List<String> stored = new CopyOnWriteArrayList<>();
        store(path, stored::add);
        return stored;
    }

    HandMadeTree link(String path, String target) {
        put(Path.of(path), new Node.Link(target));
        return this;
    }

    void remove(String path) {
        entries.keySet().removeIf(entry -> entry.startsWith(path));
    }

    private void put(Path path, Node node) {
        put(path, new Entry(node, () -> "", text -> {}));
    }

    private void put(Path path, Entry entry) {
        Path parent = path.getParent();
        if (parent != null && !entries.containsKey(parent)) {
            put(parent, new Node.Directory(0755));
        }
        entries.put(path, entry);
    }

    @Override
    public Node stat(Path path) {
        return entry(path).node();
    }

    @Override
    public List<String> list(Path directory) {
        return entries.keySet().stream()
                .filter(path -> directory.equals(path.getParent()))
                .map(path -> path.getFileName().toString())
                .toList();
    }

    @Override
    public byte[] read(Path file) {
        return entry(file).show().get().getBytes(UTF_8);
    }

    @Override
    public void write(Path file, byte[] text) {
        entry(file).store().accept(new String(text, UTF_8));
    }

    private Entry entry(Path path) {
        Entry entry = entries.get(path);
        if (entry == null) {
            throw new KernelException(Errno.ENOENT, "stat", path);
        }
        return entry;
    }
}
