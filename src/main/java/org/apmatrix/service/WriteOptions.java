package org.apmatrix.service;

import org.jspecify.annotations.Nullable;

/**
 * How a write is meant.
 *
 * @param dryRun only tell what would happen
 * @param live change a device that is in use, where the site allows it
 * @param ifMatch the header If-Match
 * @param controlDomains whether the caller may give a device control domains and take them away
 */
public record WriteOptions(
        boolean dryRun, boolean live, @Nullable String ifMatch, boolean controlDomains) {
    public static final WriteOptions NONE = new WriteOptions(false, false, null, true);
}
