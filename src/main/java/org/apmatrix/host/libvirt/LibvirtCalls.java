package org.apmatrix.host.libvirt;

import java.util.List;
import java.util.UUID;

/** One connection to a libvirtd, as its functions are. Each may block for as long as libvirtd does. */
interface LibvirtCalls extends AutoCloseable {
    /** virDomainDeviceModifyFlags: what runs now, what is stored. */
    int LIVE = 1;

    int CONFIG = 2;

    /**
     * A domain.
     *
     * @param id of the QEMU that runs, another for each start; -1 where none does
     * @param isPersistent whether it has a stored definition
     */
    record Domain(UUID uuid, String name, int id, boolean isPersistent) {
        boolean isActive() {
            return id >= 0;
        }
    }

    /** All of them, whether they run or not (virConnectListAllDomains). */
    List<Domain> domains() throws LibvirtException;

    /** What it runs as, while it does (virDomainGetXMLDesc). */
    String liveXml(UUID domain) throws LibvirtException;

    /** How many snapshots it has (virDomainSnapshotNum). */
    int snapshots(UUID domain) throws LibvirtException;

    /** Its stored definition (virDomainGetXMLDesc, VIR_DOMAIN_XML_INACTIVE). */
    String storedXml(UUID domain) throws LibvirtException;

    /**
     * Gives a domain a device (virDomainAttachDeviceFlags).
     *
     * @param flags {@link #LIVE} and {@link #CONFIG}; both are done or none
     */
    void attach(UUID domain, String device, int flags) throws LibvirtException;

    /** Success is no proof: after five seconds without a word of QEMU libvirt says so, too (qemuDomainWaitForDeviceRemoval). */
    void detach(UUID domain, String device, int flags) throws LibvirtException;

    /** QEMU's answer, also where it is a refusal (virDomainQemuMonitorCommand). */
    String monitorCommand(UUID domain, String command) throws LibvirtException;

    /** libvirtd's version, such as 9.0.0. */
    String version() throws LibvirtException;

    @Override
    void close();

    /** What libvirtd tells by itself. Called in a thread of libvirt's: must not block, nor call back. */
    interface Listener {
        /** A domain changed its state, was defined, got or lost a device, or could not get rid of one. */
        void changed(UUID domain);

        /** The connection is gone. */
        void lost(String reason);
    }

    /** Makes connections. */
    interface Connector {
        /**
         * Connects, and tells from then on.
         *
         * @throws LibvirtException where nobody answers
         * @throws UnsatisfiedLinkError where this machine has no libvirt
         */
        LibvirtCalls open(String uri, Listener listener) throws LibvirtException;
    }
}
