package org.apmatrix.preflight;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apmatrix.preflight.Preflight.Check;

/** The lock file that chzdev and ap-check share (s390-tools, libutil/util_lockfile.c). */
final class LockChecks {
    private static final String CHECK = "lock-file";

    private final Ground ground;

    LockChecks(Ground ground) {
        this.ground = ground;
    }

    List<Check> all() {
        return List.of(new Check(CHECK, this::lockFile));
    }

    private Optional<Item> lockFile() {
        Path file = ground.properties().lockFile();
        if (file == null) {
            return Optional.of(Item.warn(
                    CHECK,
                    "none is configured",
                    "chzdev and mdevctl are not kept apart from this service: set apmatrix.host.lock-file.",
                    null));
        }
        Path directory = file.toAbsolutePath().getParent();
        if (directory == null || !RightsChecks.isWritable(directory)) {
            return Optional.of(Item.fail(
                    CHECK,
                    directory + " cannot be written",
                    "The lock cannot be taken, so every write is refused. In a container, mount the host's /run/lock.",
                    null));
        }
        Optional<String> holder = Ground.text(file).map(String::strip);
        if (holder.isEmpty()) {
            return Optional.of(Item.ok(CHECK, file + " is free", "This service and chzdev keep each other apart."));
        }
        if (!holder.get().matches("[1-9][0-9]{0,9}")) {
            return Optional.of(Item.warn(
                    CHECK,
                    file + " has no pid",
                    "It counts as left over when it is two minutes old; until then writes are answered with 423.",
                    "rm " + file));
        }
        Path process = ground.proc(holder.get());
        if (Files.exists(process)) {
            String name =
                    Ground.text(process.resolve("comm")).map(String::strip).orElse("?");
            return Optional.of(Item.ok(
                    CHECK, file + " is held by " + holder.get() + " (" + name + ")", "Writes wait until it lets go."));
        }
        return Optional.of(Item.warn(
                CHECK,
                file + " is left over from process " + holder.get(),
                "That process is gone, or not to be seen from here. The next write of this service removes it.",
                "rm " + file));
    }
}
