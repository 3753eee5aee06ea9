package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import org.apmatrix.ap.AdapterId;
import org.apmatrix.ap.DomainId;
import org.apmatrix.ap.Matrix;
import org.apmatrix.ap.MdevId;
import org.apmatrix.host.MdevTree;
import org.apmatrix.host.Store;

/**
 * The writes that change one device's matrix, the fewest that the kernel has for it.
 *
 * @param atOnce whether the kernel takes the whole matrix in one write of {@code ap_config} (from 6.10 on)
 */
record MatrixWrites(MdevTree tree, MdevId id, boolean atOnce) {
    Step create() {
        return new Step(tree.create(id), tree.remove(id));
    }

    /** Removes the device; taken back, it is made anew with its matrix. */
    Step remove(Matrix matrix) {
        List<Store> again = new ArrayList<>();
        again.add(tree.create(id));
        change(Matrix.EMPTY, matrix).forEach(step -> again.add(step.store()));
        return new Step(tree.remove(id), List.copyOf(again));
    }

    /** All of it. Single writes take away first: then every matrix on the way is part of the old one or of the new one. */
    List<Step> change(Matrix before, Matrix after) {
        if (before.equals(after)) {
            return List.of();
        }
        if (atOnce) {
            return List.of(new Step(tree.apConfig(id, after), tree.apConfig(id, before)));
        }
        List<Step> steps = new ArrayList<>(unassign(before, after));
        steps.addAll(assign(before, after));
        return steps;
    }

    /** Single writes: what {@code before} has and {@code after} has not. */
    List<Step> unassign(Matrix before, Matrix after) {
        List<Step> steps = new ArrayList<>();
        before.adapters().minus(after.adapters()).ids().forEach(adapter -> steps.add(unassignAdapter(adapter)));
        before.domains().minus(after.domains()).ids().forEach(domain -> steps.add(unassignDomain(domain)));
        before.controlDomains()
                .minus(after.controlDomains())
                .ids()
                .forEach(domain -> steps.add(unassignControlDomain(domain)));
        return steps;
    }

    /** Single writes: what {@code after} has and {@code before} has not. */
    List<Step> assign(Matrix before, Matrix after) {
        List<Step> steps = new ArrayList<>();
        after.adapters().minus(before.adapters()).ids().forEach(adapter -> steps.add(taken(unassignAdapter(adapter))));
        after.domains().minus(before.domains()).ids().forEach(domain -> steps.add(taken(unassignDomain(domain))));
        after.controlDomains()
                .minus(before.controlDomains())
                .ids()
                .forEach(domain -> steps.add(taken(unassignControlDomain(domain))));
        return steps;
    }

    /** The part of the old matrix that the new one has too: legal wherever either is. */
    static Matrix common(Matrix before, Matrix after) {
        return new Matrix(
                before.adapters().and(after.adapters()),
                before.domains().and(after.domains()),
                before.controlDomains().and(after.controlDomains()));
    }

    private Step unassignAdapter(int number) {
        AdapterId adapter = new AdapterId(number);
        return new Step(tree.unassignAdapter(id, adapter), tree.assignAdapter(id, adapter));
    }

    private Step unassignDomain(int number) {
        DomainId domain = new DomainId(number);
        return new Step(tree.unassignDomain(id, domain), tree.assignDomain(id, domain));
    }

    private Step unassignControlDomain(int number) {
        DomainId domain = new DomainId(number);
        return new Step(tree.unassignControlDomain(id, domain), tree.assignControlDomain(id, domain));
    }

    /** The other way round. */
    private static Step taken(Step step) {
        return new Step(step.undo().get(0), List.of(step.store()));
    }
}
