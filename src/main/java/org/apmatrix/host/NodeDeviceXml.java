package org.apmatrix.host;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apmatrix.ap.MdevId;
import org.apmatrix.fault.HostFailure;
import org.apmatrix.host.MdevDefinition.Attribute;
import org.apmatrix.host.MdevDefinition.Unreadable;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

/**
 * A definition as libvirt's node device, for {@code virsh nodedev-define}: libvirt keeps it with mdevctl, attribute by attribute in their order and spelling
 * (libvirt, node_device_conf.c; {@code virsh nodedev-dumpxml}). Whether it starts at boot is no part of it.
 */
public final class NodeDeviceXml {
    private static final String PARENT = "ap_matrix";

    private NodeDeviceXml() {}

    /**
     * What a node device says.
     *
     * @param uuid empty where it leaves that to libvirt
     */
    public record NodeDevice(Optional<MdevId> uuid, List<Attribute> attributes) {}

    /**
     * Writes a definition.
     *
     * @throws HostFailure HOST_REFUSED where an attribute has a character that XML has no word for
     */
    public static String of(MdevDefinition definition) {
        MdevId id = definition.id();
        StringBuilder xml = new StringBuilder("<device>\n  <name>mdev_")
                .append(id.toString().replace('-', '_'))
                .append("_matrix</name>\n  <parent>" + PARENT + "</parent>\n  <capability type='mdev'>\n    <type id='"
                        + MdevDefinition.TYPE + "'/>\n    <uuid>")
                .append(id)
                .append("</uuid>\n    <parent_addr>matrix</parent_addr>\n");
        for (Attribute attribute : definition.attributes()) {
            xml.append("    <attr name='")
                    .append(escaped(attribute.name()))
                    .append("' value='")
                    .append(escaped(attribute.value()))
                    .append("'/>\n");
        }
        return xml.append("  </capability>\n</device>\n").toString();
    }

    private static String escaped(String text) {
        StringBuilder escaped = new StringBuilder();
        text.codePoints().forEach(point -> {
            boolean white = point == '\t' || point == '\n' || point == '\r';
            if ((point < ' ' && !white) || point == 0xfffe || point == 0xffff) {
                throw HostFailure.refused(
                        null, "An attribute of the definition has a character that XML cannot say; ask for JSON.");
            }
            if (white || "&<>'\"".indexOf(point) >= 0) {
                escaped.append("&#").append(point).append(';');
            } else {
                escaped.appendCodePoint(point);
            }
        });
        return escaped.toString();
    }

    /**
     * Reads a node device of vfio_ap; what libvirt adds to one that stands is passed over.
     *
     * @throws Unreadable where it is none. A document type is refused before anything of it is read.
     */
    public static NodeDevice read(byte[] xml) {
        Element device = root(xml);
        if (!device.getTagName().equals("device")) {
            throw new Unreadable("body", "a node device is <device>, not <" + device.getTagName() + ">");
        }
        children(device, "parent").stream().findFirst().ifPresent(parent -> require("parent", text(parent), PARENT));
        Element capability = children(device, "capability").stream()
                .filter(child -> child.getAttribute("type").equals("mdev"))
                .findFirst()
                .orElseThrow(() -> new Unreadable("capability", "there is no <capability type='mdev'>"));
        Element type = children(capability, "type").stream()
                .findFirst()
                .orElseThrow(() -> new Unreadable("type", "there is no <type id='" + MdevDefinition.TYPE + "'/>"));
        require("type", type.getAttribute("id"), MdevDefinition.TYPE);
        children(capability, "parent_addr").stream()
                .findFirst()
                .ifPresent(parent -> require("parent_addr", text(parent), "matrix"));
        Optional<MdevId> uuid = children(capability, "uuid").stream()
                .findFirst()
                .map(element ->
                        MdevId.parse(text(element)).orElseThrow(() -> new Unreadable("uuid", "<uuid> is no UUID")));
        List<Attribute> attributes = new ArrayList<>();
        for (Element attribute : children(capability, "attr")) {
            if (!attribute.hasAttribute("name") || !attribute.hasAttribute("value")) {
                throw new Unreadable("attr", "an <attr> lacks its name or its value");
            }
            attributes.add(new Attribute(attribute.getAttribute("name"), attribute.getAttribute("value")));
        }
        return new NodeDevice(uuid, attributes);
    }

    private static void require(String field, String found, String wanted) {
        if (!found.equals(wanted)) {
            throw new Unreadable(field, "the " + field + " of a device of vfio_ap is " + wanted);
        }
    }

    private static Element root(byte[] xml) {
        try {
            return parser().parse(new ByteArrayInputStream(xml)).getDocumentElement();
        } catch (SAXException e) {
            boolean isDocumentType = String.valueOf(e.getMessage()).contains("DOCTYPE");
            throw new Unreadable(
                    "body", isDocumentType ? "it has a DOCTYPE, and none is read" : "it is no well-formed XML");
        } catch (IOException e) {
            throw new Unreadable("body", "no XML: it is not in the encoding that it says");
        }
    }

    /** Nothing outside of the document is ever asked for, nothing inside of it expands. */
    private static DocumentBuilder parser() {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_DTD, "");
            factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_SCHEMA, "");
            factory.setXIncludeAware(false);
            factory.setExpandEntityReferences(false);
            DocumentBuilder parser = factory.newDocumentBuilder();
            // its own would print to the standard error
            parser.setErrorHandler(new DefaultHandler());
            return parser;
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException("the JDK's own parser knows these", e);
        }
    }

    private static String text(Element element) {
        return element.getTextContent().strip();
    }

    private static List<Element> children(Element parent, String name) {
        return IntStream.range(0, parent.getChildNodes().getLength())
                .mapToObj(parent.getChildNodes()::item)
                .filter(node -> node.getNodeType() == Node.ELEMENT_NODE)
                .map(Element.class::cast)
                .filter(element -> element.getTagName().equals(name))
                .toList();
    }
}
