package org.apmatrix.host.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Apqn;
import org.apmatrix.ap.Mkvps;
import org.apmatrix.host.sim.SimulatedMachine.Adapter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a simulated queue's mkvps reads, to the letter of zcrypt_cex4.c. */
class MasterKeyTextTest {
    private static final String A = "0x0123456789abcdef";
    private static final String WK = "0x" + "5".repeat(64);
    private static final Apqn CCA = Apqn.of(5, 4);
    private static final Apqn EP11 = Apqn.of(7, 4);
    private static final SimulatedMachine MACHINE = SimulatedMachine.of(
            List.of(
                    new Adapter(new AdapterId(5), "CEX5C", true, false),
                    new Adapter(new AdapterId(7), "CEX7P", true, false)),
            ApMask.of(4),
            ApMask.of(4));

    private static String mkvps(SimulatedKernel kernel, Apqn apqn) {
        return kernel.read(Path.of("/sys/bus/ap/devices", apqn.toString(), "mkvps"));
    }

    private static Mkvps cca() {
        return new Mkvps(List.of(
                new Mkvps.Key(Mkvps.Type.AES, Mkvps.Register.CUR, "valid", A),
                new Mkvps.Key(Mkvps.Type.APKA, Mkvps.Register.CUR, "valid", A)));
    }

    @ParameterizedTest
    @EnumSource
    void ofACcaQueue(KernelVersion version) {
        SimulatedKernel kernel = new SimulatedKernel(version, MACHINE);
        kernel.loadMasterKeys(CCA, cca());
        String asym = version == KernelVersion.V5_10 ? "" : """
                        ASYM NEW: empty 0x00000000000000000000000000000000
                        ASYM CUR: invalid 0x00000000000000000000000000000000
                        ASYM OLD: invalid 0x00000000000000000000000000000000
                        """;
        assertThat(mkvps(kernel, CCA)).isEqualTo("""
                        AES NEW: empty 0x0000000000000000
                        AES CUR: valid 0x0123456789abcdef
                        AES OLD: invalid 0x0000000000000000
                        APKA NEW: empty 0x0000000000000000
                        APKA CUR: valid 0x0123456789abcdef
                        APKA OLD: invalid 0x0000000000000000
                        """ + asym);
    }

    @ParameterizedTest
    @EnumSource
    void ofAnEp11Queue(KernelVersion version) {
        SimulatedKernel kernel = new SimulatedKernel(version, MACHINE);
        kernel.loadMasterKeys(EP11, new Mkvps(List.of(new Mkvps.Key(Mkvps.Type.WK, Mkvps.Register.CUR, "valid", WK))));
        assertThat(mkvps(kernel, EP11)).isEqualTo("WK CUR: valid " + WK + "\nWK NEW: empty -\n");
        kernel.loadMasterKeys(
                EP11, new Mkvps(List.of(new Mkvps.Key(Mkvps.Type.WK, Mkvps.Register.CUR, "invalid", null))));
        assertThat(mkvps(kernel, EP11)).isEqualTo("WK CUR: invalid -\nWK NEW: empty -\n");
    }

    @Test
    void aQueueThatIsOfflineOrHasNoKeysDoesNotAnswer() {
        SimulatedKernel kernel = new SimulatedKernel(KernelVersion.V5_10, MACHINE);
        String silent = """
                AES NEW: - -
                AES CUR: - -
                AES OLD: - -
                APKA NEW: - -
                APKA CUR: - -
                APKA OLD: - -
                """;
        assertThat(mkvps(kernel, CCA)).isEqualTo(silent);
        assertThat(mkvps(kernel, EP11)).isEqualTo("WK CUR: - -\nWK NEW: - -\n");
        kernel.loadMasterKeys(CCA, cca());
        kernel.write(Path.of("/sys/bus/ap/devices/05.0004/online"), "0\n");
        assertThat(mkvps(kernel, CCA)).isEqualTo(silent);
        kernel.write(Path.of("/sys/bus/ap/devices/05.0004/online"), "1\n");
        assertThat(Mkvps.parse(mkvps(kernel, CCA)).isTold()).isTrue();
        kernel.loadMasterKeys(CCA, Mkvps.UNTOLD);
        assertThat(mkvps(kernel, CCA)).isEqualTo(silent);
    }
}
