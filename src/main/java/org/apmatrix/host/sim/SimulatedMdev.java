package org.apmatrix.host.sim;

import org.apmatrix.ap.ApMask;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.jspecify.annotations.Nullable;

/** A mediated device: what it is assigned, what its guest gets, and who has it open (struct ap_matrix_mdev). */
final class SimulatedMdev {
    /** How much of the device there is. */
    enum Stage {
        /** Everything, if its driver is bound. */
        PRESENT,
        /** Somebody wrote to remove and waits for its users; of the files only iommu_group is left. */
        LEAVING,
        /** Nothing. */
        GONE
    }

    private final MdevId id;
    private Stage stage = Stage.PRESENT;
    private Matrix matrix = Matrix.EMPTY;
    /** matrix_mdev->shadow_apcb: what a guest has, or would have. */
    private Matrix guestMatrix = Matrix.EMPTY;
    /** What a running bus scan found new of the things that are assigned. */
    private Matrix added = Matrix.EMPTY;

    private @Nullable VfioGroup group;
    private @Nullable SimulatedProcess kvm;

    SimulatedMdev(MdevId id) {
        this.id = id;
    }

    MdevId id() {
        return id;
    }

    Stage stage() {
        return stage;
    }

    void setStage(Stage newStage) {
        stage = newStage;
    }

    Matrix matrix() {
        return matrix;
    }

    void setMatrix(Matrix newMatrix) {
        matrix = newMatrix;
    }

    Matrix guestMatrix() {
        return guestMatrix;
    }

    void setGuestMatrix(Matrix newGuestMatrix) {
        guestMatrix = newGuestMatrix;
    }

    Matrix added() {
        return added;
    }

    void setAdded(Matrix newAdded) {
        added = newAdded;
    }

    void setAdapters(ApMask adapters) {
        matrix = new Matrix(adapters, matrix.domains(), matrix.controlDomains());
    }

    void setDomains(ApMask domains) {
        matrix = new Matrix(matrix.adapters(), domains, matrix.controlDomains());
    }

    void setControlDomains(ApMask controlDomains) {
        matrix = new Matrix(matrix.adapters(), matrix.domains(), controlDomains);
    }

    void setGuestAdapters(ApMask adapters) {
        guestMatrix = new Matrix(adapters, guestMatrix.domains(), guestMatrix.controlDomains());
    }

    void setGuestDomains(ApMask domains) {
        guestMatrix = new Matrix(guestMatrix.adapters(), domains, guestMatrix.controlDomains());
    }

    void setGuestControlDomains(ApMask controlDomains) {
        guestMatrix = new Matrix(guestMatrix.adapters(), guestMatrix.domains(), controlDomains);
    }

    /** The VFIO group, while the mdev's driver is bound. */
    @Nullable
    VfioGroup group() {
        return group;
    }

    void setGroup(@Nullable VfioGroup newGroup) {
        group = newGroup;
    }

    /** The process whose virtual machine has the queues. */
    @Nullable
    SimulatedProcess kvm() {
        return kvm;
    }

    void setKvm(@Nullable SimulatedProcess newKvm) {
        kvm = newKvm;
    }
}
