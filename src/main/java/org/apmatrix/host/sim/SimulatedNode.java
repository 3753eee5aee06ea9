package org.apmatrix.host.sim;

/** What {@code lstat} says of a path in the simulated tree: enough for a file server to show it. */
public sealed interface SimulatedNode {
    /** The permission bits, such as 0755, 0444 or 0200. */
    int mode();

    /**
     * A directory.
     *
     * @param mode permission bits
     */
    record Directory(int mode) implements SimulatedNode {}

    /**
     * A file. The kernel reports 4,096 bytes for each, whatever is in it.
     *
     * @param mode permission bits
     */
    record Attribute(int mode) implements SimulatedNode {}

    /**
     * A symbolic link.
     *
     * @param target as it stands there, mostly relative
     */
    record Link(String target) implements SimulatedNode {
        @Override
        public int mode() {
            return 0777;
        }
    }
}
