package org.apmatrix.host;

import java.nio.file.Path;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/**
 * A mediated matrix device as sysfs shows it.
 *
 * @param matrix null while the device is being removed and waits for its user: its attributes are gone, its directory is not
 * @param guestMatrix what a guest has or would get; null on kernels of the static generation, and where the matrix is too large to be printed safely
 * @param dynamic whether the matrix can be changed while a guest uses it: the device has a {@code guest_matrix} (kernels from 6.0 on)
 * @param hasApConfig whether the whole matrix can be written at once (kernels from 6.10 on)
 */
public record Mdev(
        MdevId id,
        @Nullable Matrix matrix,
        @Nullable Matrix guestMatrix,
        boolean dynamic,
        boolean hasApConfig,
        @Nullable Integer iommuGroup,
        @Nullable String vfioDevice) {
    /** The directory, as the kernel names it. */
    public Path path() {
        return MdevTree.path(id);
    }

    /** The same device with another matrix; what a guest gets of it is not known then. */
    public Mdev with(Matrix changed) {
        return new Mdev(id, changed, null, dynamic, hasApConfig, iommuGroup, vfioDevice);
    }

    /** The matrix, or an empty one where it cannot be read any more. */
    public Matrix matrixOrEmpty() {
        return matrix == null ? Matrix.EMPTY : matrix;
    }
}
