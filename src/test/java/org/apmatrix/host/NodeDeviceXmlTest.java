package org.apmatrix.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.MdevDefinition.Attribute;
import org.apmatrix.host.MdevDefinition.Start;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NodeDeviceXmlTest {
    private static final MdevId ID =
            MdevId.parse("0a1b2c3d-0000-4000-8000-00000000e001").orElseThrow();

    /** As virsh 9.0.0 dumps a device that stands. */
    private static final String DUMPED = """
            <device>
              <name>mdev_0a1b2c3d_0000_4000_8000_00000000e001_matrix</name>
              <path>/sys/devices/vfio_ap/matrix/0a1b2c3d-0000-4000-8000-00000000e001</path>
              <parent>ap_matrix</parent>
              <driver>
                <name>vfio_mdev</name>
              </driver>
              <capability type='mdev'>
                <type id='vfio_ap-passthrough'/>
                <uuid>0a1b2c3d-0000-4000-8000-00000000e001</uuid>
                <parent_addr>matrix</parent_addr>
                <iommuGroup number='0'/>
                <attr name='assign_adapter' value='0x04'/>
                <attr name='assign_domain' value='22'/>
              </capability>
            </device>
            """;

    @Test
    void isWrittenAsLibvirtTakesIt() {
        Matrix matrix = new Matrix(ApMask.of(4), ApMask.of(0x16), ApMask.of(0x16));
        assertThat(NodeDeviceXml.of(MdevDefinition.of(ID, Start.AUTO, matrix))).isEqualTo("""
                <device>
                  <name>mdev_0a1b2c3d_0000_4000_8000_00000000e001_matrix</name>
                  <parent>ap_matrix</parent>
                  <capability type='mdev'>
                    <type id='vfio_ap-passthrough'/>
                    <uuid>0a1b2c3d-0000-4000-8000-00000000e001</uuid>
                    <parent_addr>matrix</parent_addr>
                    <attr name='assign_adapter' value='0x04'/>
                    <attr name='assign_domain' value='0x0016'/>
                    <attr name='assign_control_domain' value='0x0016'/>
                  </capability>
                </device>
                """);
    }

    @Test
    void isReadAsVirshDumpsIt() {
        NodeDeviceXml.NodeDevice read = read(DUMPED);
        assertThat(read.uuid()).contains(ID);
        assertThat(read.attributes())
                .isEqualTo(List.of(new Attribute("assign_adapter", "0x04"), new Attribute("assign_domain", "22")));
        assertThat(read(DUMPED.replaceAll("<uuid>.*</uuid>", "")).uuid()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "<device>",
                "{}",
                "<domain/>",
                "<device/>",
                "<device><capability type='pci'/></device>",
                "<device><capability type='mdev'/></device>",
                "<device><capability type='mdev'><type id='i915-GVTg_V5_4'/></capability></device>",
                "<device><parent>pci_0000_00_02_0</parent><capability type='mdev'><type id='vfio_ap-passthrough'/></capability></device>",
                "<device><capability type='mdev'><type id='vfio_ap-passthrough'/><uuid>1</uuid></capability></device>",
                "<device><capability type='mdev'><type id='vfio_ap-passthrough'/><parent_addr>x</parent_addr></capability></device>",
                "<device><capability type='mdev'><type id='vfio_ap-passthrough'/><attr name='x'/></capability></device>",
                "<?xml version='1.0' encoding='martian'?><device/>"
            })
    void whatIsNoDeviceOfVfioApIsRefused(String xml) {
        assertThatThrownBy(() -> read(xml)).isInstanceOf(MdevDefinition.Unreadable.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<!DOCTYPE device><device/>",
                "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><device>&x;</device>",
                "<!DOCTYPE d SYSTEM 'http://127.0.0.1:1/d.dtd'><device/>",
                "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><device>&b;</device>"
            })
    void aDocumentTypeIsRefusedUnread(String xml) {
        assertThatThrownBy(() -> read(xml))
                .isInstanceOf(MdevDefinition.Unreadable.class)
                .hasMessageContaining("DOCTYPE");
    }

    @Test
    void aCharacterThatXmlDoesNotHaveIsTold() {
        MdevDefinition definition = MdevDefinition.of(ID, Start.AUTO, List.of(new Attribute("x", "\u0001")));
        assertThatThrownBy(() -> NodeDeviceXml.of(definition)).isInstanceOf(HostFailure.class);
    }

    private static NodeDeviceXml.NodeDevice read(String xml) {
        return NodeDeviceXml.read(xml.getBytes(StandardCharsets.UTF_8));
    }
}
