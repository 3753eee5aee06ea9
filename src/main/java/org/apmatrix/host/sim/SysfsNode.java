package org.apmatrix.host.sim;

import java.util.Collection;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A file of the simulated tree, made when somebody walks to it and forgotten afterwards. */
sealed interface SysfsNode {
    /** A symbolic link. */
    record Link(String target) implements SysfsNode {}

    /**
     * A file: what a read shows, and what a write does.
     *
     * @param show absent: the file cannot be opened for reading
     * @param store absent: the file cannot be opened for writing
     */
    record Attribute(
            int mode,
            @Nullable Supplier<String> show,
            @Nullable Consumer<Written> store) implements SysfsNode {}

    /**
     * What one write(2) hands to a store.
     *
     * @param text up to a NUL byte, one character for each byte
     * @param length the number of bytes that were written, with those behind a NUL
     */
    record Written(String text, int length) {}

    /** A directory: fixed entries, and a collection of which each member can be found by name without making the others. */
    final class Directory implements SysfsNode {
        private final Map<String, Supplier<? extends SysfsNode>> entries = new TreeMap<>();
        private Supplier<Collection<String>> memberNames = java.util.List::of;
        private Function<String, @Nullable SysfsNode> members = name -> null;

        Directory directory(String name, Supplier<Directory> directory) {
            entries.put(name, directory);
            return this;
        }

        Directory link(String name, String target) {
            entries.put(name, () -> new Link(target));
            return this;
        }

        Directory readOnly(String name, Supplier<String> show) {
            return attribute(name, 0444, show, null);
        }

        Directory readOnly(String name, String content) {
            return attribute(name, 0444, () -> content, null);
        }

        Directory readWrite(String name, Supplier<String> show, Consumer<String> store) {
            return attribute(name, 0644, show, written -> store.accept(written.text()));
        }

        Directory writeOnly(String name, Consumer<String> store) {
            return attribute(name, 0200, null, written -> store.accept(written.text()));
        }

        Directory attribute(String name, int mode, @Nullable Supplier<String> show, @Nullable Consumer<Written> store) {
            entries.put(name, () -> new Attribute(mode, show, store));
            return this;
        }

        /** The entries that come and go. The lookup must know each of the names, and no other. */
        Directory members(Supplier<Collection<String>> names, Function<String, @Nullable SysfsNode> lookup) {
            memberNames = names;
            members = lookup;
            return this;
        }

        SortedSet<String> names() {
            SortedSet<String> names = new TreeSet<>(entries.keySet());
            names.addAll(memberNames.get());
            return names;
        }

        @Nullable
        SysfsNode child(String name) {
            Supplier<? extends SysfsNode> entry = entries.get(name);
            return entry != null ? entry.get() : members.apply(name);
        }
    }
}
