/**
 * A kernel in memory: the AP bus, zcrypt and vfio_ap of four Linux releases, behind the seam of {@code host.kernel}.
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
 * </pre>
 */
@NullMarked
package org.apmatrix.host.sim;

import org.jspecify.annotations.NullMarked;
