package org.apmatrix.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apmatrix.host.sim.KernelModule;
import org.apmatrix.host.sim.KernelParameters;
import org.apmatrix.host.sim.KernelVersion;
import org.apmatrix.host.sim.SimulatedMachine;
import org.apmatrix.host.sim.SimulatedQemu;
import org.apmatrix.preflight.Item.Result;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each check on a host that is prepared, and on one that lacks what it looks for. */
class PreflightTest {
    private static final String A = "11111111-2222-4333-8444-555555555555";
    private static final String B = "22222222-3333-4444-8555-666666666666";

    @TempDir
    Path directory;

    PreparedHost host;

    @BeforeEach
    void prepare() throws IOException {
        host = new PreparedHost(directory);
    }

    @AfterEach
    void close() {
        host.close();
    }

    private void assertItem(String check, Result result, String found) {
        Item item = host.item(check);
        assertThat(item.result()).as("%s", item).isEqualTo(result);
        assertThat(item.found()).contains(found);
        assertThat(item.means()).isNotBlank();
    }

    private void assertMend(String check, Result result, String mend) {
        Item item = host.item(check);
        assertThat(item.result()).as("%s", item).isEqualTo(result);
        assertThat(item.mend()).isEqualTo(mend);
    }

    @Test
    void aPreparedHostPassesEveryCheck() {
        assertThat(host.run()).allSatisfy(item -> {
            assertThat(item.result()).as("%s", item).isEqualTo(Result.OK);
            assertThat(item.mend()).isNull();
        });
    }

    @Test
    void namesAreUnique() {
        assertThat(host.run()).extracting(Item::check).doesNotHaveDuplicates().hasSize(23);
    }

    @Test
    void onTheSimulatedHostFilesAndRightsOfThisMachineAreLeftOut() {
        host.simulated = true;
        assertThat(host.run())
                .extracting(Item::check)
                .containsExactly(
                        "kernel-release",
                        "ap-bus",
                        "ap-qci",
                        "mdev-core",
                        "vfio-ap-module",
                        "queue-assignment",
                        "queues-for-guests",
                        "guest-monitors");
    }

    @Nested
    class TheKernel {
        @ParameterizedTest
        @CsvSource({
            "6.12.95, OK, 511",
            "7.2.13, OK, No fault",
            "6.1.75, WARN, CVE-2024-26620",
            "6.1.76-foo, OK, 511",
            "6.6.14, WARN, CVE-2024-26620",
            "6.6.15, OK, 511",
            "6.7.2, WARN, CVE-2024-26620",
            "6.5.0, WARN, CVE-2024-26620",
            "6.8.0, OK, 511",
            "5.10.262, WARN, static",
            "5.9.1, FAIL, 5.10",
            "4.18.0-553.el8.s390x, FAIL, 5.10",
            "unreadable, WARN, Not a release"
        })
        void releasesHaveTheirFaults(String release, Result result, String means) {
            host.write("proc/sys/kernel/osrelease", release + "\n");
            Item item = host.item("kernel-release");
            assertThat(item.result()).isEqualTo(result);
            assertThat(item.found()).isEqualTo(release);
            assertThat(item.means()).contains(means);
        }

        /** As Red Hat's 5.14 does. */
        @Test
        void aDistributionMayHaveCarriedTheDynamicDriverBack() {
            host.write("proc/sys/kernel/osrelease", "5.14.0-427.el9.s390x\n");
            host.kernel.write(
                    Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"), A);
            assertItem("kernel-release", Result.OK, "5.14");
        }

        @Test
        void withoutAnApBusNothingElseAboutItIsAsked() {
            host.kernel.boot(KernelVersion.V6_12, SimulatedMachine.withoutAp());
            assertItem("ap-bus", Result.FAIL, "no /sys/bus/ap");
            assertThat(host.run())
                    .extracting(Item::check)
                    .doesNotContain("ap-qci", "queue-assignment", "queues-for-guests", "masks-at-boot");
        }

        @Test
        void anApBusWithoutQueuesFails() {
            host.kernel.boot(KernelVersion.V6_12, SimulatedMachine.example().withAdapters(List.of()));
            assertItem("ap-bus", Result.FAIL, "0 adapters, 0 queues");
        }

        @Test
        void aMachineWithoutQciIsAWarning() {
            host.kernel.boot(KernelVersion.V6_12, SimulatedMachine.example().withoutQci());
            assertItem("ap-qci", Result.WARN, "not supported");
        }

        @Test
        void theModulesAreMissed() {
            host.kernel.bootWithoutModules(KernelVersion.V6_12, SimulatedMachine.example(), KernelParameters.NONE);
            assertMend("mdev-core", Result.FAIL, "modprobe mdev");
            assertMend("vfio-ap-module", Result.FAIL, "modprobe vfio_ap");
        }

        @Test
        void theModuleAloneIsMissed() {
            host.kernel.unloadModule(KernelModule.VFIO_AP);
            assertMend("mdev-core", Result.OK, null);
            assertMend("vfio-ap-module", Result.FAIL, "modprobe vfio_ap");
        }

        @Test
        void noQueueForGuestsIsAWarning() {
            host.kernel.write(Path.of("/sys/bus/ap/apmask"), "+5,+6\n");
            assertItem("queues-for-guests", Result.WARN, "0 of 8 queues");
            assertMend("queues-for-guests", Result.WARN, "chzdev -t ap apmask=-ADAPTER");
        }
    }

    @Nested
    class Assignment {
        private void override() {
            host.kernel.write(Path.of("/sys/bus/ap/devices/05.0004/driver_override"), "vfio_ap\n");
        }

        @Test
        void isByMasksAloneBefore619() {
            assertItem("queue-assignment", Result.OK, "masks");
        }

        @Test
        void isOpenWhereNothingWasHandedOver() {
            host.kernel.boot(KernelVersion.V7_2, SimulatedMachine.example());
            assertItem("queue-assignment", Result.OK, "masks or driver_override");
        }

        @Test
        void isByMasksOnceTheyAreSet() {
            host.kernel.boot(KernelVersion.V7_2, SimulatedMachine.example());
            host.kernel.write(Path.of("/sys/bus/ap/apmask"), "-5\n");
            assertItem("queue-assignment", Result.OK, "masks");
        }

        @Test
        void byOverridesIsAWarning() {
            host.kernel.boot(KernelVersion.V7_2, SimulatedMachine.example());
            override();
            assertItem("queue-assignment", Result.WARN, "1 queues (05.0004=vfio_ap)");
        }

        /** The kernel allows overrides beside masks of its command line. */
        @Test
        void ofBothKindsFails() {
            host.kernel.boot(
                    KernelVersion.V7_2,
                    SimulatedMachine.example(),
                    new KernelParameters(
                            Optional.of("0xfdffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
                            Optional.empty(),
                            Optional.empty()));
            override();
            assertItem("queue-assignment", Result.FAIL, "1 driver overrides (05.0004=vfio_ap)");
        }
    }

    @Nested
    class ForGuests {
        @ParameterizedTest
        @CsvSource({
            "12 15 65, OK, 12",
            "12 65, FAIL, cannot have apft",
            "15 65, WARN, cannot have apqci",
            "12 15, WARN, cannot have apqi",
            "1, FAIL, 'cannot have apft, apqci, apqi'"
        })
        void theMachineHasTheFacilitiesOfTheirCpuFeatures(String facilities, Result result, String found) {
            host.write("proc/cpuinfo", "facilities      : 0 " + facilities + " 76\n");
            assertItem("cpu-facilities", result, found);
        }

        @Test
        void anotherKindOfMachineFails() {
            host.write("proc/cpuinfo", "processor : 0\nflags : fpu\n");
            assertItem("cpu-facilities", Result.FAIL, "none");
        }

        @Test
        void kvmIsMissedWhereTheMachineCouldHaveIt() {
            host.delete("dev/kvm");
            assertMend("kvm", Result.FAIL, "modprobe kvm");
        }

        @Test
        void kvmIsMissedForEverWithoutSie() {
            host.delete("dev/kvm");
            host.write("proc/cpuinfo", PreparedHost.CPUINFO.replace(" sie", ""));
            assertMend("kvm", Result.FAIL, null);
            assertThat(host.item("kvm").means()).contains("SIE");
        }

        @Test
        void aGuestThatIsSilentIsNamed() {
            SimulatedQemu guest = host.guests.find("guest1").orElseThrow();
            guest.apply(guest.settings().withTemper(SimulatedQemu.Temper.SILENT));
            assertItem("guest-monitors", Result.WARN, "0 of 1 guests answer; guest1");
        }

        @Test
        void noGuestIsAWarning() {
            host.guests.close();
            assertItem("guest-monitors", Result.WARN, "no socket");
        }
    }

    @Nested
    class Rights {
        @ParameterizedTest
        @CsvSource({"ro, rw, /sys/bus/ap", "rw, ro, /sys/devices/vfio_ap"})
        void aReadOnlySysfsFails(String bus, String devices, String found) {
            host.write("proc/self/mountinfo", PreparedHost.mounts(bus, devices));
            assertItem("sysfs-writable", Result.FAIL, "read-only: " + found);
            assertMend("sysfs-writable", Result.FAIL, "mount -o remount,rw /sys");
        }

        @ParameterizedTest
        @CsvSource({
            "0, 0, OK, user 0",
            "1000, 2, OK, user 1000 with CAP_DAC_OVERRIDE",
            "1000, 80000, FAIL, user 1000 without CAP_DAC_OVERRIDE"
        })
        void theKernelsAttributesAreRoots(String uid, String capabilities, Result result, String found) {
            host.write("proc/self/status", "Uid:\t7\t" + uid + "\t7\t7\nCapEff:\t" + capabilities + "\n");
            assertItem("privileges", result, found);
        }

        @Test
        void withoutPtraceNotEveryHolderIsSeen() {
            host.write("proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000002\n");
            assertItem("sees-processes", Result.WARN, "host's PID namespace, no CAP_SYS_PTRACE");
        }

        @Test
        void anotherPidNamespaceIsAWarning() {
            host.delete("proc/2/comm");
            assertItem("sees-processes", Result.WARN, "another PID namespace, CAP_SYS_PTRACE");
        }

        @Test
        void anotherNetworkNamespaceIsAWarning() {
            host.link("proc/self/ns/net", "net:[4026532008]");
            assertItem("network-namespace", Result.WARN, "another");
        }

        @Test
        void aNetworkNamespaceThatCannotBeSeenIsAWarning() {
            host.delete("proc/1/ns/net");
            assertItem("network-namespace", Result.WARN, "cannot be told");
        }

        @Test
        void aStateDirectoryThatCannotBeWrittenFails() {
            host.write("a-file", "");
            Item item = host.item("state-directory", host.properties(null, directory.resolve("a-file/state")));
            assertThat(item.result()).isEqualTo(Result.FAIL);
            assertThat(item.mend()).startsWith("install -d");
        }

        @Test
        void withoutAStateDirectoryOrALockFileThereIsAWarning() {
            assertThat(host.item("state-directory", host.properties(null, null)).result())
                    .isEqualTo(Result.WARN);
            assertThat(host.item("lock-file", host.properties(null, null)).result())
                    .isEqualTo(Result.WARN);
        }

        @Test
        void aClockThatNobodyKeepsIsAWarning() {
            host.clockIsSynchronised = false;
            assertItem("clock", Result.WARN, "not synchronised");
        }
    }

    @Nested
    class TheLock {
        @Test
        void heldByALivingProcessIsAsItShouldBe() {
            host.write("run/lock/ap.lock", "77\n");
            host.write("proc/77/comm", "chzdev\n");
            assertItem("lock-file", Result.OK, "is held by 77 (chzdev)");
        }

        @Test
        void leftOverIsAWarning() {
            host.write("run/lock/ap.lock", "77\n");
            assertMend("lock-file", Result.WARN, "rm " + directory.resolve("run/lock/ap.lock"));
        }

        @Test
        void withoutAPidIsAWarning() {
            host.write("run/lock/ap.lock", "");
            assertItem("lock-file", Result.WARN, "has no pid");
        }

        @Test
        void thatCannotBeTakenFails() {
            host.write("a-file", "");
            assertThat(host.item("lock-file", host.properties(directory.resolve("a-file/lock"), null))
                            .result())
                    .isEqualTo(Result.FAIL);
        }
    }

    @Nested
    class Managers {
        @ParameterizedTest
        @CsvSource({"/usr/bin/cex-plugin", "/dra-driver-cex", "/usr/bin/cex-dra-kubelet-plugin", "/usr/bin/virt-handler"
        })
        void ofKubernetesAreKnownByTheirProcess(String program) {
            host.write("proc/4242/cmdline", program + "\0--v=2\0");
            assertItem(
                    "foreign-managers",
                    Result.WARN,
                    "process 4242 (" + Path.of(program).getFileName() + ")");
        }

        @Test
        void areNotThoseWhoOnlyNameOne() {
            host.write("proc/4242/cmdline", "/usr/bin/vi\0cex-plugin.yaml\0");
            host.write("proc/4243/cmdline", "");
            host.write("proc/4243/comm", "kworker/0:1\n");
            assertItem("foreign-managers", Result.OK, "no process");
        }

        @Test
        void areKnownByTheirSockets() {
            host.write("root/var/lib/kubelet/device-plugins/cex.ibm.com-payments.sock", "");
            host.write("root/var/lib/kubelet/device-plugins/kubelet.sock", "");
            host.write("root/var/lib/kubelet/plugins/cex.ibm.com/dra.sock", "");
            assertThat(host.item("foreign-managers").found())
                    .isEqualTo("socket /var/lib/kubelet/device-plugins/cex.ibm.com-payments.sock;"
                            + " socket /var/lib/kubelet/plugins/cex.ibm.com/dra.sock");
        }
    }

    @Nested
    class TheNextBoot {
        @Test
        void doesNotLoadTheModule() {
            host.write("root/etc/modules-load.d/ap.conf", "#vfio_ap\n");
            assertMend("vfio-ap-at-boot", Result.WARN, "echo vfio_ap > /etc/modules-load.d/vfio_ap.conf");
        }

        @Test
        void loadsTheModuleByTheCommandLine() {
            host.delete("root/etc/modules-load.d/ap.conf");
            host.write("proc/cmdline", "quiet modules_load=kvm,vfio_ap\n");
            assertItem("vfio-ap-at-boot", Result.OK, "loaded");
        }

        @Test
        void losesTheMasks() {
            host.delete("root/etc/udev/rules.d/41-ap.rules");
            assertMend("masks-at-boot", Result.WARN, "chzdev -t ap --persistent apmask=0-4,7-255 aqmask=0-255");
        }

        @ParameterizedTest
        @CsvSource({
            "ap.apmask=0xf9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff, OK",
            "ap.apmask=0xf8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff, WARN",
            "'ap.apmask=-5,-6', WARN"
        })
        void takesTheMasksFromTheCommandLine(String parameter, Result result) {
            host.delete("root/etc/udev/rules.d/41-ap.rules");
            host.write("proc/cmdline", "quiet " + parameter + "\n");
            assertItem("masks-at-boot", result, "");
        }

        @Test
        void makesNoDeviceWithoutMdevctl() {
            host.delete("root/usr/sbin/mdevctl");
            assertItem("mdevctl", Result.WARN, "not installed");
        }

        @Test
        void startsDefinitionsThatDoNotClash() {
            host.define(A, "auto", "assign_adapter=0x05", "assign_domain=4");
            host.define(B, "auto", "assign_adapter=6", "assign_domain=0x0004");
            host.write("root/etc/mdevctl.d/matrix/README", "no definition");
            assertItem("definitions-at-boot", Result.OK, "2 of 2 definitions");
        }

        @Test
        void startsOnlyOneOfTwoThatWantTheSameQueue() {
            host.define(A, "auto", "assign_adapter=5", "assign_domain=4", "assign_domain=0x47");
            host.define(B, "auto", "assign_adapter=5", "assign_adapter=6", "assign_domain=4");
            assertItem("definitions-at-boot", Result.FAIL, A + " and " + B + " both want 05.0004");
            assertMend("definitions-at-boot", Result.FAIL, "mdevctl modify --uuid " + B + " --manual");
        }

        @Test
        void doesNotStartWhatIsDefinedToBeStartedByHand() {
            host.define(A, "auto", "assign_adapter=5", "assign_domain=4");
            host.define(B, "manual", "assign_adapter=5", "assign_domain=4");
            assertItem("definitions-at-boot", Result.OK, "1 of 2 definitions");
        }

        @Test
        void doesNotStartWhatTheMasksKeep() {
            host.define(A, "auto", "assign_adapter=5", "assign_adapter=0x0a", "assign_domain=4");
            assertItem("definitions-at-boot", Result.FAIL, A + " wants 0a.0004");
            assertMend("definitions-at-boot", Result.FAIL, "chzdev -t ap --persistent apmask=0-4,7-9,11-255");
        }

        @ParameterizedTest
        @CsvSource({"256", "abc", "-1"})
        void cannotStartWhatIsUnreadable(String adapter) {
            host.define(A, "auto", "assign_adapter=" + adapter);
            assertItem("definitions-at-boot", Result.WARN, A + ": assign_adapter \"" + adapter + "\"");
        }

        @Test
        void cannotStartWhatIsNoJson() {
            host.write("root/etc/mdevctl.d/matrix/" + A, "{ torn");
            assertItem("definitions-at-boot", Result.WARN, "unreadable: " + A);
        }

        @Test
        void makesADeviceOtherThanItStands() {
            host.define(A, "manual", "assign_adapter=5", "assign_domain=4");
            String device = "/sys/devices/vfio_ap/matrix/" + A;
            host.kernel.write(
                    Path.of("/sys/devices/vfio_ap/matrix/mdev_supported_types/vfio_ap-passthrough/create"), A);
            assertItem("definitions-now", Result.WARN, A);
            host.kernel.write(Path.of(device, "assign_adapter"), "5\n");
            host.kernel.write(Path.of(device, "assign_domain"), "4\n");
            assertItem("definitions-now", Result.OK, "1 definitions");
        }
    }

    @Test
    void whatCannotBeReadIsAWarningOfThatCheckAlone() throws IOException {
        host.delete("root/etc/udev/rules.d/41-ap.rules");
        // a directory where a file is expected
        Files.createDirectories(directory.resolve("root/etc/udev/rules.d/41-ap.rules"));
        assertThat(host.item("masks-at-boot").means()).contains("could not be looked at");
        assertItem("masks-at-boot", Result.WARN, "41-ap.rules");
        assertItem("mdevctl", Result.OK, "");
    }
}
