/**
 * Guests that libvirt owns.
 *
 * <p>The binding is our own, of some thirty functions, through JNA. libvirt-java 0.5.4 was looked at and not taken: it has no events of devices, hides the pointers that a
 * callback of our own would need, tells error codes by ordinals that end years ago, writes every error to the standard error, and wants a JNA of 2019. What is plugged
 * in is asked of QEMU itself, through {@code virDomainQemuMonitorCommand}, with the same commands as over a socket of our own, so {@code host.qmp} is used here; what is
 * plugged is plugged by libvirt, which keeps its own account of devices.
 *
 * <p>Each call can block for as long as libvirtd likes: none is made in the thread of who asks ({@link org.apmatrix.host.libvirt.DomainMonitor}).
 */
@NullMarked
package org.apmatrix.host.libvirt;

import org.jspecify.annotations.NullMarked;
