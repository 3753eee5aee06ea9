package org.apmatrix.host.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apmatrix.Component;
import org.apmatrix.Patience;
import org.apmatrix.host.kernel.Uevents;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What this machine's kernel tells, provoked by a write to a device's uevent file (lib/kobject_uevent.c, kobject_synth_uevent). */
@Timeout(60)
class LinuxUeventsTest {
    private static final Path PROVOKE = Path.of("/sys/class/mem/null/uevent");
    private static final Uevents.Uevent EXPECTED = new Uevents.Uevent("change", "/devices/virtual/mem/null", "mem");

    private final List<Uevents.Uevent> heard = new CopyOnWriteArrayList<>();
    private final Uevents.Listener listener = new Uevents.Listener() {
        @Override
        public void heard(Uevents.Uevent uevent) {
            heard.add(uevent);
        }

        @Override
        public void lost() {}
    };

    @Test
    void hearsTheKernelUntilItIsClosed() throws Exception {
        Component.require("/sys/class/mem/null/uevent", isWritable(), "run as root, outside a container");
        Uevents.Listening listening = new LinuxUevents().listen(listener);
        Files.writeString(PROVOKE, "change\n");
        Patience.until(() -> heard.contains(EXPECTED));

        listening.close();
        Patience.until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("uevents")));
        heard.clear();
        Files.writeString(PROVOKE, "change\n");
        assertThat(heard).isEmpty();
    }

    private static boolean isWritable() {
        try {
            Files.writeString(PROVOKE, "change\n");
            return true;
        } catch (IOException notHere) {
            return false;
        }
    }

    @Test
    void readsTheFirstLineAndTheSubsystem() {
        assertThat(parse("add@/devices/ap/card05\0ACTION=add\0DEVPATH=/devices/ap/card05\0SUBSYSTEM=ap\0SEQNUM=7\0"))
                .containsExactly(new Uevents.Uevent("add", "/devices/ap/card05", "ap"));
        assertThat(parse("change@/module/vfio_ap\0ACTION=change\0"))
                .containsExactly(new Uevents.Uevent("change", "/module/vfio_ap", ""));
    }

    @Test
    void takesNothingElseForAMessageOfTheKernel() {
        assertThat(parse("libudev\0\u00fe\u00ed\u00ca\u00feSUBSYSTEM=ap\0")).isEmpty();
        assertThat(parse("")).isEmpty();
        assertThat(parse("@/devices")).isEmpty();
        assertThat(parse("add@devices")).isEmpty();
    }

    private static List<Uevents.Uevent> parse(String message) {
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        return LinuxUevents.parse(bytes, bytes.length).stream().toList();
    }
}
