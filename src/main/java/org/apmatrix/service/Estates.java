package org.apmatrix.service;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** What each owner of a document has on this host; on disk before anything is touched. */
final class Estates {
    private final StateFile<Content> file;
    private SortedMap<String, Estate> estates;

    private record Content(SortedMap<String, Estate> estates) {}

    /**
     * Reads what an earlier process noted.
     *
     * @param directory null where nothing is to be kept beyond this process
     */
    Estates(@Nullable Path directory, JsonMapper json) {
        file = new StateFile<>(directory, "desired-state.json", Content.class, json);
        estates = new TreeMap<>(file.read(
                        "It notes whose the mediated devices are: delete it, and apply the documents again after removing their devices.")
                .map(Content::estates)
                .orElseGet(TreeMap::new));
    }

    synchronized Estate of(String owner) {
        return estates.getOrDefault(owner, Estate.empty(owner));
    }

    synchronized List<Estate> all() {
        return List.copyOf(estates.values());
    }

    synchronized Optional<String> ownerOf(MdevId mdev) {
        return estates.values().stream()
                .filter(estate -> estate.has(mdev))
                .map(Estate::owner)
                .findFirst();
    }

    /** Throws HOST_REFUSED where it cannot be noted; nothing has changed then. */
    synchronized void begin(Estate estate) {
        SortedMap<String, Estate> next = with(estate);
        file.begin(new Content(next));
        estates = next;
    }

    synchronized void end(Estate estate) {
        estates = with(estate);
        file.end(new Content(estates));
    }

    private SortedMap<String, Estate> with(Estate estate) {
        SortedMap<String, Estate> next = new TreeMap<>(estates);
        if (estate.isEmpty()) {
            next.remove(estate.owner());
        } else {
            next.put(estate.owner(), estate);
        }
        return next;
    }
}
