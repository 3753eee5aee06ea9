package org.apmatrix.host.fuse;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedNode;

/** The {@code /sys} of a simulated kernel at the root of a mount, and beside it {@code .simulation}, where the world outside the kernel is played. */
final class SimulatedSysfs implements FuseTree {
    private static final Path ROOT = Path.of("/");
    private static final Path SYS = Path.of("/sys");

    private final SimulatedKernel kernel;
    private final SimulationControls controls;

    SimulatedSysfs(SimulatedKernel kernel) {
        this.kernel = kernel;
        this.controls = new SimulationControls(kernel);
    }

    @Override
    public Node stat(Path path) {
        if (isControl(path)) {
            return controls.stat(path);
        }
        SimulatedNode node = kernel.stat(inSys(path));
        if (node instanceof SimulatedNode.Directory directory) {
            return new Node.Directory(directory.mode());
        }
        if (node instanceof SimulatedNode.Link link) {
            return new Node.Link(link.target());
        }
        return new Node.File(node.mode());
    }

    @Override
    public List<String> list(Path directory) {
        if (isControl(directory)) {
            return SimulationControls.NAMES;
        }
        List<String> names = kernel.list(inSys(directory));
        if (!directory.equals(ROOT)) {
            return names;
        }
        String controlDirectory = SimulationControls.DIRECTORY.getFileName().toString();
        return Stream.concat(Stream.of(controlDirectory), names.stream()).toList();
    }

    @Override
    public byte[] read(Path file) {
        // the simulated kernel keeps one character for each byte that was written
        return kernel.read(inSys(file)).getBytes(StandardCharsets.ISO_8859_1);
    }

    @Override
    public void write(Path file, byte[] text) {
        if (isControl(file)) {
            controls.write(file, text(text));
        } else {
            kernel.write(inSys(file), text(text));
        }
    }

    private static boolean isControl(Path path) {
        return path.startsWith(SimulationControls.DIRECTORY);
    }

    private static Path inSys(Path path) {
        return SYS.resolve(ROOT.relativize(path));
    }

    /** UTF-8 as the seam writes it; bytes that are not become one character each, so that they stay as wrong as they are. */
    private static String text(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException notUtf8) {
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
    }
}
