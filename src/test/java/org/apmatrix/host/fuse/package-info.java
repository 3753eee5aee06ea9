/**
 * A simulated kernel as a real file system: what a shell, mdevctl or libvirt does below {@code /sys} arrives at {@code host.sim}, and its errno goes back.
 *
 * <pre>
 * echo 5 > DIR/…/assign_adapter ─► kernel ─► /dev/fuse ─► FuseServer ─► FuseTree ◄─ SimulatedSysfs ─► SimulatedKernel
 * </pre>
 *
 * <p>{@link org.apmatrix.host.fuse.FuseServer} speaks the kernel's FUSE protocol (include/uapi/linux/fuse.h) itself, because there is no libfuse binding that runs on
 * Java 17 and on s390x. It behaves as kernfs does (fs/kernfs): who opens, reads or writes gets what a real sysfs would answer.
 * {@link org.apmatrix.host.fuse.MountSimulatedSysfs} is the same by hand.
 */
@NullMarked
package org.apmatrix.host.fuse;

import org.jspecify.annotations.NullMarked;
