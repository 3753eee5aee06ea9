import java.io.IOException;
import java.io.OutputStream;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * What mvnw needs and not every machine has (a download, SHA-512, unzip), done with the JDK that the build needs anyway.
 *
 * <p>{@code java MavenDistribution.java download URL ZIP} and {@code java MavenDistribution.java install ZIP SHA512 HOME}.
 */
final class MavenDistribution {
    private MavenDistribution() {}

    public static void main(String[] args) throws Exception {
        try {
            switch (args[0]) {
                case "download" -> download(URI.create(args[1]), Path.of(args[2]));
                case "install" -> install(Path.of(args[1]), args[2], Path.of(args[3]));
                default -> throw new IllegalArgumentException(args[0]);
            }
        } catch (IOException e) {
            System.err.println("mvnw: " + (e.getMessage() == null ? e : e.getMessage()));
            System.exit(1);
        }
    }

    private static void download(URI from, Path zip) throws IOException, InterruptedException {
        HttpClient client = HttpClient.newBuilder()
                .connectTimeout(Duration.ofSeconds(30))
                .followRedirects(HttpClient.Redirect.NORMAL)
                .proxy(ProxySelector.getDefault())
                .build();
        HttpResponse<Path> response =
                client.send(HttpRequest.newBuilder(from).build(), HttpResponse.BodyHandlers.ofFile(zip));
        if (response.statusCode() != 200) {
            throw new IOException(from + " answered " + response.statusCode());
        }
    }

    /** Checks first, unpacks beside the home, then renames: whoever sees the home sees all of it, and it has passed. */
    private static void install(Path zip, String sha512, Path home) throws Exception {
        String found = sha512(zip);
        if (!found.equalsIgnoreCase(sha512)) {
            throw new IOException("refused: the SHA-512 of the archive is " + found
                    + ", not distributionSha512Sum of .mvn/wrapper/maven-wrapper.properties");
        }
        Path unpacked = zip.resolveSibling("unpacked");
        unzip(zip, unpacked);
        try (var roots = Files.list(unpacked)) {
            List<Path> only = roots.toList();
            if (only.size() != 1 || !only.get(0).resolve("bin/mvn").toFile().setExecutable(true, false)) {
                throw new IOException("no Maven in " + zip);
            }
            Files.createDirectories(home.getParent());
            Files.move(only.get(0), home, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            // a parallel start was faster: its home has passed the same check
            if (!Files.isExecutable(home.resolve("bin/mvn"))) {
                throw e;
            }
        }
    }

    private static String sha512(Path file) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-512");
        try (var in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void unzip(Path zip, Path directory) throws IOException {
        try (ZipFile archive = new ZipFile(zip.toFile())) {
            for (ZipEntry entry : Collections.list(archive.entries())) {
                Path target = directory.resolve(entry.getName()).normalize();
                if (!target.startsWith(directory)) {
                    throw new IOException("an entry outside of its archive: " + entry.getName());
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(target);
                } else {
                    Files.createDirectories(target.getParent());
                    try (var in = archive.getInputStream(entry)) {
                        Files.copy(in, target);
                    }
                }
            }
        }
    }
}
