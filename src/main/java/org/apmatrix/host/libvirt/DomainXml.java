package org.apmatrix.host.libvirt;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
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
        List<MdevId> devices = new ArrayList<>();
        NodeList hostdevs = parse(domain).getElementsByTagName("hostdev");
        for (int at = 0; at < hostdevs.getLength(); at++) {
            Element hostdev = (Element) hostdevs.item(at);
            NodeList addresses = hostdev.getElementsByTagName("address");
            if (hostdev.getAttribute("model").equals(MODEL) && addresses.getLength() > 0) {
                MdevId.parse(((Element) addresses.item(0)).getAttribute("uuid")).ifPresent(devices::add);
            }
        }
        return List.copyOf(devices);
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
