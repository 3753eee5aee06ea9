package org.apmatrix.preflight;

import org.jspecify.annotations.Nullable;

/**
 * What one check found.
 *
 * @param check its name, such as {@code vfio-ap-module}; stays the same over releases
 * @param found what is there, in the host's words
 * @param means what follows from it
 * @param mend a shell command for root, null where there is none or nothing to mend; WORDS in capitals are the reader's to fill in
 */
public record Item(
        String check,
        Result result,
        String found,
        String means,
        @Nullable String mend) {
    /** How bad it is: nothing works without what failed, a warning costs something that the item names. */
    public enum Result {
        OK,
        WARN,
        FAIL
    }

    static Item ok(String check, String found, String means) {
        return new Item(check, Result.OK, found, means, null);
    }

    static Item warn(String check, String found, String means, @Nullable String mend) {
        return new Item(check, Result.WARN, found, means, mend);
    }

    static Item fail(String check, String found, String means, @Nullable String mend) {
        return new Item(check, Result.FAIL, found, means, mend);
    }
}
