package org.apmatrix.host.libvirt;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.qmp.QmpException;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** What is read of a domain's XML, and the XML of a device (libvirt, formatdomain: mediated devices). */
final class DomainXml {
    private static final String MODEL = "vfio-ap";

    private DomainXml() {}

    /** The vfio-ap device of a mediated device. An alias of our own, which begins with {@code ua-}, is the device's id in QEMU. */
    static String hostdev(MdevId mdev) {
        return """
                <hostdev mode='subsystem' type='mdev' managed='no' model='vfio-ap'>
                  <source><address uuid='%1$s'/></source>
                  <alias name='ua-vfio-ap-%1$s'/>
                </hostdev>
                """.formatted(mdev);
    }

    /**
     * The mediated devices of its vfio-ap devices, in their order. Beside what libvirt lets in there may be more than one.
     *
     * @throws QmpException.Unreadable where it is no XML
     */
    static List<MdevId> vfioApDevices(String domain) {
        return elements(parse(domain), "hostdev")
                .filter(hostdev -> hostdev.getAttribute("model").equals(MODEL))
                .flatMap(hostdev -> elements(hostdev, "address").limit(1))
                .flatMap(address -> MdevId.parse(address.getAttribute("uuid")).stream())
                .toList();
    }

    /**
     * What libvirt does not migrate, whatever QEMU says of it: shared memory whose master is another, and disks that are thrown away. Host devices and virtiofs are left to
     * QEMU, which names those that it cannot migrate.
     *
     * @throws QmpException.Unreadable where it is no XML
     */
    static List<String> migrationRefusals(String domain) {
        Element root = parse(domain);
        List<String> refusals = new ArrayList<>();
        elements(root, "shmem")
                .filter(shmem -> !shmem.getAttribute("role").equals("master"))
                .forEach(shmem -> refusals.add("libvirt does not migrate the shared memory "
                        + shmem.getAttribute("name") + ": its role is not master"));
        if (elements(root, "transient").anyMatch(flag -> isIn(flag, "disk"))) {
            refusals.add("libvirt does not migrate a transient disk");
        }
        return List.copyOf(refusals);
    }

    private static boolean isIn(Element element, String parent) {
        return element.getParentNode().getNodeName().equals(parent);
    }

    private static Stream<Element> elements(Element root, String name) {
        NodeList found = root.getElementsByTagName(name);
        return IntStream.range(0, found.getLength()).mapToObj(at -> (Element) found.item(at));
    }

    private static Element parse(String xml) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            DocumentBuilder parser = factory.newDocumentBuilder();
            parser.setErrorHandler(null);
            return parser.parse(new InputSource(new StringReader(xml))).getDocumentElement();
        } catch (ParserConfigurationException | IOException e) {
            throw new IllegalStateException("the JDK's own parser reads a text", e);
        } catch (SAXException e) {
            throw new QmpException.Unreadable("libvirt's XML of the domain cannot be read: " + e.getMessage(), e);
        }
    }
}
