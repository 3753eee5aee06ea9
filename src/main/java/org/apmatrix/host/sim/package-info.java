/**
 * A kernel in memory: the AP bus, zcrypt and vfio_ap of four Linux releases, behind the seam of {@code host.kernel}; and beside it QEMUs of two releases, which
 * serve QMP on real sockets.
 *
 * <p>It answers with the drivers' own checks in their own order; what it says was compared with recorded answers of real kernels. Uevents, interrupts and
 * crypto requests do not exist here, and no timer runs: the machine's configuration is looked at when somebody scans.
 *
 * <pre>
 * SimulatedKernel ── paths, one lock, blocked writers ── SimulatedProcfs
 *   └─ HostState    one boot: modules, and
 *        ├─ ApBus       masks, cards, queues, which driver has what, bus scans
 *        ├─ VfioAp      mdevs, what they are assigned and what their guests get
 *        └─ VfioUsers   groups, and the processes that hold them open
 *   └─ SysfsTree    shows the three as files (ApBusTree, MatrixTree, VfioTree, ModuleTree)
 *
 * SimulatedGuests ── a host's guests, by name
 *   └─ SimulatedQemu     one process: lock, main loop, tempers; opens devices of the SimulatedKernel
 *        ├─ MonitorSocket ── MonitorConnection ── JsonStream     bytes in, commands out
 *        ├─ MonitorCommands    what each command takes and answers
 *        └─ GuestMachine       run state, migration, device_add and device_del (QomObject, QomBus, VfioApDevice)
 * </pre>
 *
 * <p>A QEMU's lock is taken before the kernel's, never after it: what the kernel tells a QEMU is put into a queue.
 */
@NullMarked
package org.apmatrix.host.sim;

import org.jspecify.annotations.NullMarked;
