package org.apmatrix;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/**
 * Something a test needs that Maven does not bring: FUSE, mdevctl, a browser, QEMU.
 *
 * <p>Where it is missing the test is skipped, and one line says what to install; in CI ({@code CI=true}) that is a failure, because there everything is tested.
 */
public final class Component {
    private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

    private Component() {}

    /**
     * Skips the test or the class, or fails it in CI, unless the component is there.
     *
     * @param howToGet what a person has to do about it, such as {@code apt-get install mdevctl}
     */
    public static void require(String name, boolean present, String howToGet) {
        if (present) {
            return;
        }
        String missing = name + " is missing: " + howToGet;
        if ("true".equals(System.getenv("CI"))) {
            throw new AssertionError(missing + " (CI=true: nothing is skipped)");
        }
        if (TOLD.add(name)) {
            System.out.println("[skipped] " + missing);
        }
        Assumptions.abort(missing);
    }

    /** The same for a program that is looked for in the PATH. */
    public static void requireProgram(String program, String howToGet) {
        require(program, isOnPath(program), howToGet);
    }

    private static boolean isOnPath(String program) {
        String path = System.getenv().getOrDefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        return Pattern.compile(Pattern.quote(File.pathSeparator))
                .splitAsStream(path)
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }
}
