package org.apmatrix.service;

/**
 * What a caller may change beside devices and what is plugged in.
 *
 * @param masks which queues leave the host, and come back
 * @param controlDomains the control domains of devices
 */
public record Rights(boolean masks, boolean controlDomains) {
    /** Of the service itself, and of whoever may do everything. */
    public static final Rights ALL = new Rights(true, true);
}
