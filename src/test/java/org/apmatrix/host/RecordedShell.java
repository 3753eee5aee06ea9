package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apmatrix.host.kernel.KernelException;
import org.apmatrix.host.kernel.Sysfs;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.SimulatedKernel;
import org.apmatrix.host.sim.SimulatedNode;

/** The few shell commands of the recordings that look at sysfs or at modules, done through the seam. Their output is compared word by word, in any order. */
final class RecordedShell {
    private static final String DRIVERS =
            "for q in /sys/bus/ap/devices/??.????; do d=$(readlink $q/driver); echo -n \"${q##*/}:${d##*/} \"; done; echo";
    private static final String GROUPS = "for i in /sys/devices/vfio_ap/matrix/????????-*;";
    private static final Pattern LONG_LINE =
            Pattern.compile("([-dl][rwx-]{9}) +\\d+ \\d+ +\\d+ +(?:\\d+, +)?\\d+ \\w+ +\\d+ [\\d:]+ (.*)");
    private static final Path DEVICES = Path.of("/sys/bus/ap/devices");
    private static final Path MATRIX = Path.of("/sys/devices/vfio_ap/matrix");

    private final Sysfs sysfs;
    private final SimulatedKernel kernel;

    RecordedShell(Sysfs sysfs, SimulatedKernel kernel) {
        this.sysfs = sysfs;
        this.kernel = kernel;
    }

    void perform(String command, String out, int exit, String name) {
        if (command.startsWith("insmod") || command.startsWith("rmmod") || command.startsWith("[ ! -f /mod")) {
            assertThat(changesModule(command)).as(name).isEqualTo(exit == 0);
        } else if (command.startsWith("for m in vfio ")) {
            loadAll(out, name);
        } else if (command.contains("/matrix | wc -c; cat ")) {
            checkCutMatrix(command, out, name);
        } else if (command.startsWith("echo 1 > /sys/bus/ap/scans")) {
            kernel.scan();
        } else if (command.startsWith("printf \"group 0")) {
            // another process asks for the group that a guest has
            assertThat(out).contains("/dev/vfio/0: EBUSY");
        } else {
            assertThat(words(withoutCounters(run(command))))
                    .as(name)
                    .isEqualTo(words(withoutCounters(recorded(command, out))));
        }
    }

    /** The words of an output, sorted: busybox prints names in columns. */
    private static List<String> words(String text) {
        return Arrays.stream(text.split("\\s+", -1))
                .filter(word -> !word.isEmpty())
                .sorted()
                .toList();
    }

    /** zcrypt asked its cards something from time to time; here nobody does. */
    private static String withoutCounters(String text) {
        return text.lines()
                .filter(line -> !line.matches(".*/request_count\\s\"\\d+.*"))
                .collect(Collectors.joining("\n"));
    }

    /** The modules of VFIO one by one; only vfio_ap can fail, on a machine without AP. */
    private void loadAll(String out, String name) {
        for (String module : List.of("vfio", "vfio_iommu_type1", "mdev", "vfio_mdev", "kvm")) {
            changesModule("[ ! -f ] || insmod /mod/" + module);
        }
        assertThat(changesModule("insmod /mod/vfio_ap")).as(name).isEqualTo(out.contains("vfio_ap\nrc 0"));
    }

    /** How long a matrix is that is cut, and its last line; behind it stands the kernel's log. */
    private void checkCutMatrix(String command, String out, String name) {
        String content = read(Path.of(command.split(" ", -1)[1]));
        String last = content.lines().reduce("", (first, second) -> second);
        assertThat(out).as(name).startsWith(content.length() + "\n" + last);
    }

    /** Of a long listing only the permissions, names and targets are comparable; of what is not below /sys nothing. */
    private static String recorded(String command, String out) {
        if (command.startsWith(GROUPS)) {
            return out.lines().filter(line -> line.contains("-")).collect(Collectors.joining("\n"));
        }
        if (!command.startsWith("ls -l")) {
            return out;
        }
        return out.replaceAll("(?s)/dev/vfio:\\n.*?(\\n\\n|$)", "")
                .lines()
                .filter(line -> !line.startsWith("total"))
                .map(line -> {
                    Matcher matcher = LONG_LINE.matcher(line);
                    return matcher.matches() ? matcher.group(1) + " " + matcher.group(2) : line;
                })
                .collect(Collectors.joining("\n"));
    }

    private boolean changesModule(String command) {
        Matcher matcher =
                Pattern.compile("(insmod|rmmod) (?:/mod/)?(\\w[\\w-]*)").matcher(command);
        assertThat(matcher.find()).as(command).isTrue();
        Optional<KernelModule> module = KernelModule.parse(matcher.group(2).replace('-', '_'));
        if (module.isEmpty()) {
            return true;
        }
        try {
            if (matcher.group(1).equals("insmod")) {
                kernel.loadModule(module.get());
            } else {
                kernel.unloadModule(module.get());
            }
            return true;
        } catch (KernelException e) {
            // a module that this kernel has not got was not there for the recorder either
            return command.startsWith("[");
        }
    }

    static void loadZcrypt(SimulatedKernel kernel) {
        for (KernelModule module : List.of(
                KernelModule.ZCRYPT, KernelModule.ZCRYPT_CEX2A, KernelModule.ZCRYPT_CEX2C, KernelModule.ZCRYPT_CEX4)) {
            try {
                kernel.loadModule(module);
            } catch (KernelException e) {
                // only older kernels have the legacy ones
            }
        }
    }

    private String run(String command) {
        if (command.equals(DRIVERS)) {
            return queues().map(queue -> queue + ":" + driver(queue)).collect(Collectors.joining(" "));
        }
        if (command.startsWith(GROUPS)) {
            return groups();
        }
        if (command.startsWith("for q in 05.0004 06.0004;")) {
            return rd(List.of("/sys/bus/ap/devices/05.0004/status"))
                    + rd(List.of("/sys/bus/ap/devices/06.0004/status"));
        }
        if (command.startsWith("for q in /sys/bus/ap/drivers/vfio_ap/")) {
            return glob("/sys/bus/ap/drivers/vfio_ap/??.????").stream()
                    .map(queue -> Path.of(queue).getFileName() + " " + rd(List.of(queue + "/status")))
                    .collect(Collectors.joining());
        }
        return Arrays.stream(command.split("; ", -1)).map(this::pipeline).collect(Collectors.joining("\n"));
    }

    private String pipeline(String command) {
        String[] stages = command.split(" \\| ", -1);
        String text = simple(stages[0].replace(" 2>&1", ""));
        for (int i = 1; i < stages.length; i++) {
            String input = text;
            text = switch (stages[i]) {
                case "wc -c" -> Integer.toString(input.length());
                case "tail -1" -> input.lines().reduce("", (first, second) -> second);
                case "tail -3", "head -60" -> input;
                case "grep -v EISDIR" ->
                    input.lines().filter(line -> !line.contains("EISDIR")).collect(Collectors.joining("\n"));
                case "grep -- -" ->
                    input.lines().filter(line -> line.contains("-")).collect(Collectors.joining("\n"));
                default -> throw new IllegalArgumentException(command);
            };
        }
        return text;
    }

    private String simple(String command) {
        List<String> words = Arrays.asList(command.split(" ", -1));
        if (command.startsWith("basename $(readlink ")) {
            Path link = Path.of(words.get(2).replace(")", ""));
            return Path.of(sysfs.readLink(link)).getFileName().toString();
        }
        if (command.startsWith("dmesg")) {
            return "";
        }
        return switch (words.get(0)) {
            case "rd" -> rd(words.subList(1, words.size()));
            case "cat" -> paths(words.subList(1, words.size())).map(this::cat).collect(Collectors.joining());
            case "ls" -> ls(words.subList(1, words.size()));
            default -> throw new IllegalArgumentException(command);
        };
    }

    private String cat(String path) {
        String text = read(Path.of(path));
        return text.equals("open:ENOENT") ? "cat: can't open '" + path + "': No such file or directory" : text;
    }

    String read(Path path) {
        try {
            return sysfs.read(path);
        } catch (KernelException e) {
            return e.operation() + ":" + e.errno();
        }
    }

    /** The recorder's own command: each file's name, if there are several, and its content in quotes or what refused it. */
    private String rd(List<String> arguments) {
        List<String> paths = paths(arguments).toList();
        return paths.stream()
                .map(path -> {
                    String text = read(Path.of(path));
                    String shown = text.matches("(open|read):E\\w+") ? text : "\"" + text.replace("\n", "\\n") + "\"";
                    return (paths.size() > 1 ? path + "\t" : "") + shown + "\n";
                })
                .collect(Collectors.joining());
    }

    private Stream<String> paths(List<String> arguments) {
        return arguments.stream().flatMap(path -> glob(path).stream());
    }

    /** Expands * and ? in any part of a path. */
    private List<String> glob(String pattern) {
        List<String> found = List.of("");
        for (String part : pattern.substring(1).split("/", -1)) {
            List<String> next = new ArrayList<>();
            for (String path : found) {
                if (!part.contains("*") && !part.contains("?")) {
                    next.add(path + "/" + part);
                } else {
                    String regex = part.replace(".", "\\.").replace("*", ".*").replace("?", ".");
                    names(path).stream()
                            .filter(name -> name.matches(regex))
                            .forEach(name -> next.add(path + "/" + name));
                }
            }
            found = next;
        }
        List<String> existing =
                found.stream().filter(path -> sysfs.exists(Path.of(path))).toList();
        // as the shell does: what matches nothing stays as it is
        return existing.isEmpty() ? List.of(pattern) : existing;
    }

    private List<String> names(String path) {
        try {
            return sysfs.list(Path.of(path));
        } catch (KernelException e) {
            return List.of();
        }
    }

    private String ls(List<String> arguments) {
        boolean isLong = arguments.get(0).startsWith("-l");
        boolean ofDirectory = arguments.get(0).equals("-d");
        boolean recursive = arguments.get(0).equals("-R");
        List<String> paths = paths(arguments.stream()
                        .filter(argument -> !argument.startsWith("-"))
                        .map(argument -> argument.replaceAll("(?<=.)/$", "/."))
                        .toList())
                .map(path -> path.replaceAll("/\\.$", "/"))
                .toList();
        StringBuilder out = new StringBuilder();
        for (String path : paths) {
            if (path.startsWith("/dev")) {
                continue;
            }
            if (!sysfs.exists(Path.of(path))) {
                out.append("ls: ").append(path).append(": No such file or directory\n");
            } else if (ofDirectory || !isDirectory(Path.of(path))) {
                out.append(isLong ? line(Path.of(path), path) : path + "\n");
            } else {
                appendDirectory(out, path, isLong, recursive, paths.size() > 1 || recursive);
            }
        }
        return out.toString();
    }

    private void appendDirectory(StringBuilder out, String path, boolean isLong, boolean recursive, boolean headed) {
        if (headed) {
            out.append(path).append(":\n");
        }
        List<String> names = sysfs.list(Path.of(path));
        for (String name : names) {
            out.append(isLong ? line(Path.of(path, name), name) : name + "\n");
        }
        if (recursive) {
            for (String name : names) {
                Path child = Path.of(path, name);
                if (kernel.stat(child) instanceof SimulatedNode.Directory) {
                    appendDirectory(out, child.toString(), isLong, true, true);
                }
            }
        }
    }

    private boolean isDirectory(Path path) {
        try {
            return !sysfs.list(path).isEmpty() || kernel.stat(path) instanceof SimulatedNode.Directory;
        } catch (KernelException e) {
            return false;
        }
    }

    private String line(Path path, String name) {
        SimulatedNode node = kernel.stat(path);
        if (node instanceof SimulatedNode.Link) {
            return "lrwxrwxrwx " + name + " -> " + sysfs.readLink(path) + "\n";
        }
        char type = node instanceof SimulatedNode.Directory ? 'd' : '-';
        StringBuilder permissions = new StringBuilder().append(type);
        for (int bit = 8; bit >= 0; bit--) {
            permissions.append((node.mode() >> bit & 1) == 0 ? '-' : "xwr".charAt(bit % 3));
        }
        return permissions + " " + name + "\n";
    }

    private Stream<String> queues() {
        return sysfs.list(DEVICES).stream().filter(name -> name.matches("..\\....."));
    }

    private String driver(String queue) {
        Path link = DEVICES.resolve(queue).resolve("driver");
        return sysfs.exists(link) ? Path.of(sysfs.readLink(link)).getFileName().toString() : "";
    }

    /** The loop over mdevs prints each with its group and its VFIO device; the device nodes behind it are left out. */
    private String groups() {
        return sysfs.list(MATRIX).stream()
                .filter(name -> name.contains("-"))
                .map(name -> {
                    Path mdev = MATRIX.resolve(name);
                    String devices = sysfs.exists(mdev.resolve("vfio-dev"))
                            ? String.join(" ", sysfs.list(mdev.resolve("vfio-dev")))
                            : "";
                    return name + " "
                            + Path.of(sysfs.readLink(mdev.resolve("iommu_group")))
                                    .getFileName() + " " + devices;
                })
                .collect(Collectors.joining("\n"));
    }
}
