package org.apmatrix.host.libvirt;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apmatrix.Component;
import org.apmatrix.Patience;
import org.apmatrix.api.Certificates;
import org.bouncycastle.operator.OperatorCreationException;

/**
 * A real libvirtd, started by hand as nobody in particular (a session daemon) in a directory of its own, with s390x guests under TCG. Domains are made and started by
 * virsh, as an administrator does.
 */
public final class RealLibvirt implements AutoCloseable {
    /** What a guest executes: a PSW that waits, enabled, so that the guest runs at no cost. */
    private static final byte[] IDLE = {0x07, 0x02, 0, 1, (byte) 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    private static final int IMAGE_SIZE = 64 * 1024;

    private final Path directory;
    private final int tlsPort;
    private Process daemon;

    private RealLibvirt(Path directory, int tlsPort, Process daemon) {
        this.directory = directory;
        this.tlsPort = tlsPort;
        this.daemon = daemon;
    }

    /** Skips the test where it cannot be. */
    public static RealLibvirt start() throws IOException {
        Component.requireProgram("libvirtd", "apt-get install libvirt-daemon libvirt-daemon-driver-qemu");
        Component.requireProgram("virsh", "apt-get install libvirt-clients");
        Component.requireProgram("qemu-system-s390x", "apt-get install qemu-system-misc");
        Path directory = Files.createTempDirectory(Path.of("/tmp"), "libvirt");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        for (String name : List.of("run", "config/libvirt", "cache", "data", "home")) {
            Files.createDirectories(directory.resolve(name));
        }
        Files.writeString(
                directory.resolve("config/libvirt/qemu.conf"),
                "stdio_handler = \"file\"\nsecurity_driver = \"none\"\n");
        int tlsPort = freePort();
        Files.writeString(directory.resolve("libvirtd.conf"), """
                log_outputs = "2:file:%1$s/libvirtd.log"
                listen_tls = 1
                listen_tcp = 0
                listen_addr = "127.0.0.1"
                tls_port = "%2$d"
                auth_tls = "none"
                ca_file = "%1$s/pki/cacert.pem"
                cert_file = "%1$s/pki/servercert.pem"
                key_file = "%1$s/pki/serverkey.pem"
                """.formatted(directory, tlsPort));
        writeCertificates(Files.createDirectory(directory.resolve("pki")));
        writeSsh(directory);
        writeIdleImage(directory.resolve("idle"));
        if (isRoot()) {
            run(List.of("chown", "-R", "nobody:nogroup", directory.toString()));
        }
        RealLibvirt libvirt = new RealLibvirt(directory, tlsPort, launch(directory));
        libvirt.awaitDaemon();
        return libvirt;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static void writeCertificates(Path pki) throws IOException {
        try {
            Certificates authority = new Certificates("the authority of libvirt");
            Files.writeString(pki.resolve("cacert.pem"), authority.authority().certificatePem());
            for (String end : List.of("server", "client")) {
                Certificates.Issued issued = authority.issue("CN=localhost");
                Files.writeString(pki.resolve(end + "cert.pem"), issued.certificatePem());
                Files.writeString(pki.resolve(end + "key.pem"), issued.keyPem());
            }
        } catch (GeneralSecurityException | OperatorCreationException e) {
            throw new IOException(e);
        }
    }

    /** Runs on this machine what ssh would run on another, as the user that libvirtd runs as. */
    private static void writeSsh(Path directory) throws IOException {
        Path ssh = Files.writeString(directory.resolve("ssh"), """
                #!/bin/sh
                while [ "$1" != -- ]; do shift; done
                shift 2
                exec %s env XDG_RUNTIME_DIR=%s/run sh -c "$*"
                """.formatted(String.join(" ", asNobody()), directory));
        Files.setPosixFilePermissions(ssh, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static List<String> asNobody() {
        return isRoot() ? List.of("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups") : List.of();
    }

    /** A kernel that does nothing. */
    public static void writeIdleImage(Path file) throws IOException {
        byte[] image = new byte[IMAGE_SIZE];
        System.arraycopy(IDLE, 0, image, 0, IDLE.length);
        Files.write(file, image);
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    private static Process launch(Path directory) throws IOException {
        List<String> command = new ArrayList<>(asNobody());
        command.addAll(List.of(
                "libvirtd", "--listen", "-f", directory + "/libvirtd.conf", "-p", directory + "/run/libvirtd.pid"));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("HOME", directory + "/home");
        builder.environment().put("XDG_RUNTIME_DIR", directory + "/run");
        builder.environment().put("XDG_CONFIG_HOME", directory + "/config");
        builder.environment().put("XDG_CACHE_HOME", directory + "/cache");
        builder.environment().put("XDG_DATA_HOME", directory + "/data");
        return builder.redirectErrorStream(true)
                .redirectOutput(directory.resolve("home/out").toFile())
                .start();
    }

    private void awaitDaemon() {
        Patience.until(() -> Files.exists(directory.resolve("run/libvirt/libvirt-sock")) && virshSays("uri") == 0);
    }

    public String uri() {
        return "qemu:///session?socket=" + directory + "/run/libvirt/libvirt-sock";
    }

    String tlsUri() {
        return "qemu+tls://localhost:" + tlsPort + "/session?pkipath=" + directory + "/pki";
    }

    String sshUri() {
        return "qemu+ssh://localhost/session?proxy=native&command=" + directory + "/ssh";
    }

    /** libvirtd hangs, or goes on. */
    void freeze(boolean isFrozen) {
        signal(isFrozen ? "STOP" : "CONT", daemon.pid());
    }

    /** Sends a guest's QEMU a signal, such as {@code STOP}. */
    public void signal(String name, String signal) {
        signal(signal, pid(name));
    }

    private static void signal(String signal, long pid) {
        run(List.of("bash", "-c", "kill -" + signal + " " + pid));
    }

    /** Ends libvirtd; its guests go on. */
    public void stopDaemon() {
        daemon.destroy();
        try {
            daemon.waitFor(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public void startDaemon() throws IOException {
        daemon = launch(directory);
        awaitDaemon();
    }

    /** Defines a guest, which does not run yet. */
    public UUID define(String name, String devices) throws IOException {
        UUID uuid = UUID.randomUUID();
        Path xml = directory.resolve("home").resolve(name + ".xml");
        Files.writeString(xml, """
                <domain type='qemu'>
                  <name>%s</name>
                  <uuid>%s</uuid>
                  <memory unit='MiB'>64</memory>
                  <vcpu>1</vcpu>
                  <os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type><kernel>%s/idle</kernel></os>
                  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu</model></cpu>
                  <on_crash>preserve</on_crash>
                  <devices><emulator>/usr/bin/qemu-system-s390x</emulator>%s<memballoon model='none'/></devices>
                </domain>
                """.formatted(name, uuid, directory, devices));
        virsh("define", xml.toString());
        return uuid;
    }

    public UUID uuid(String name) {
        return UUID.fromString(virsh("domuuid", name).strip());
    }

    /** The QEMU of a guest that runs. */
    public int pid(String name) {
        try (Stream<Path> found = Files.walk(directory.resolve("run"))) {
            Path file = found.filter(path -> path.endsWith(name + ".pid"))
                    .findFirst()
                    .orElseThrow();
            return Integer.parseInt(Files.readString(file).strip());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A file that its guests may write. */
    Path file(String name, byte[] content) throws IOException {
        Path file = Files.write(directory.resolve("home").resolve(name), content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        return file;
    }

    /** Lets libvirt know of a snapshot, of which there is nothing but that knowledge. */
    public void pretendSnapshot(String domain) throws IOException {
        String xml = virsh("dumpxml", domain);
        Path snapshot = file(
                domain + ".snapshot",
                ("<domainsnapshot><name>one</name><state>shutoff</state><creationTime>1</creationTime>" + xml
                                + "</domainsnapshot>")
                        .getBytes(StandardCharsets.UTF_8));
        virsh("snapshot-create", "--redefine", domain, snapshot.toString());
    }

    /** What an administrator types. */
    public String virsh(String... words) {
        return run(virshCommand(words));
    }

    private int virshSays(String... words) {
        try {
            Process process = new ProcessBuilder(virshCommand(words))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor();
        } catch (IOException e) {
            return 1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }

    private List<String> virshCommand(String... words) {
        return Stream.concat(Stream.of("virsh", "-c", uri()), Stream.of(words)).toList();
    }

    private static String run(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes());
            if (process.waitFor() != 0) {
                throw new AssertionError(String.join(" ", command) + ": " + said);
            }
            return said;
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws IOException {
        for (String name : virsh("list", "--name").split("\\s+")) {
            if (!name.isEmpty()) {
                virsh("destroy", name);
            }
        }
        stopDaemon();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
