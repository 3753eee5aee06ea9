package org.apmatrix.host.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteOrder;
import java.util.HexFormat;
import org.apmatrix.host.kernel.Vfio.DeviceInfo;
import org.apmatrix.host.kernel.Vfio.InterruptInfo;
import org.junit.jupiter.api.Test;

/** The bytes of include/uapi/linux/vfio.h on machines of both byte orders. */
class VfioLayoutTest {
    private static final VfioLayout BIG = new VfioLayout(ByteOrder.BIG_ENDIAN);
    private static final VfioLayout LITTLE = new VfioLayout(ByteOrder.LITTLE_ENDIAN);

    @Test
    void asksForTheStatusOfAGroupWithEightBytes() {
        assertThat(hex(BIG.groupStatus())).isEqualTo("00000008 00000000");
        assertThat(hex(LITTLE.groupStatus())).isEqualTo("08000000 00000000");
    }

    @Test
    void findsTheFlagsOfAGroup() {
        assertThat(BIG.groupFlags(bytes("00000008 00000003"))).isEqualTo(3);
        assertThat(LITTLE.groupFlags(bytes("08000000 03000000"))).isEqualTo(3);
    }

    @Test
    void asksForADeviceWithSixteenBytes() {
        assertThat(hex(BIG.deviceInfo())).isEqualTo("00000010 00000000 00000000 00000000");
        assertThat(hex(LITTLE.deviceInfo())).isEqualTo("10000000 00000000 00000000 00000000");
    }

    @Test
    void findsWhatADeviceIs() {
        assertThat(BIG.deviceInfo(bytes("00000010 00000021 00000003 00000002"))).isEqualTo(new DeviceInfo(33, 3, 2));
        assertThat(LITTLE.deviceInfo(bytes("10000000 21000000 03000000 02000000")))
                .isEqualTo(new DeviceInfo(33, 3, 2));
    }

    @Test
    void asksForAnInterruptByItsIndex() {
        assertThat(hex(BIG.interruptInfo(0x0102))).isEqualTo("00000010 00000000 00000102 00000000");
        assertThat(hex(LITTLE.interruptInfo(0x0102))).isEqualTo("10000000 00000000 02010000 00000000");
    }

    @Test
    void findsWhatAnInterruptIs() {
        assertThat(BIG.interruptInfo(bytes("00000010 00000009 00000001 00000004")))
                .isEqualTo(new InterruptInfo(9, 4));
        assertThat(LITTLE.interruptInfo(bytes("10000000 09000000 01000000 04000000")))
                .isEqualTo(new InterruptInfo(9, 4));
    }

    @Test
    void givesADescriptorAsFourBytes() {
        assertThat(hex(BIG.descriptor(0x01020304))).isEqualTo("01020304");
        assertThat(hex(LITTLE.descriptor(0x01020304))).isEqualTo("04030201");
    }

    @Test
    void endsANameWithANul() {
        assertThat(hex(VfioLayout.name("a0-b"))).isEqualTo("61302d62 00");
    }

    /** As a debugger shows memory: in the order of addresses, four bytes a word. */
    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes).replaceAll("(.{8})(?=.)", "$1 ");
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }
}
