/**
 * QMP, the monitor of a bare QEMU, over a unix socket of the JDK.
 *
 * <p>A {@link org.apmatrix.host.qmp.QmpMonitor} keeps one connection, asks {@link org.apmatrix.host.qmp.QmpCommand commands} one at a time and tells
 * {@link org.apmatrix.host.qmp.QmpEvent events}. It never decides what an answer means, and takes no silence for one.
 *
 * <p>The protocol is that of docs/interop/qmp-spec of QEMU: a stream of JSON values in both directions, first a greeting, then a negotiation; the shapes are
 * those of QEMU 7.2 to 10.0 (qapi/*.json). Members that are not needed are not read.
 */
@NullMarked
package org.apmatrix.host.qmp;

import org.jspecify.annotations.NullMarked;
