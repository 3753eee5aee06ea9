package org.apmatrix.service;

import java.util.ArrayList;
import java.util.List;
import org.apmatrix.ap.ApMask;
import org.apmatrix.host.ApBus;

/** The writes that change the masks. */
record MaskWrites(ApBus bus) {
    /**
     * One write a mask that changes. Where one order would take a queue from an mdev for the time between the two writes, which the kernel refuses or
     * carries out, the other is taken; where both would, adapters are freed first and taken back last.
     */
    List<Step> change(HostView view, ApMask apmask, ApMask aqmask) {
        List<Step> steps = new ArrayList<>();
        if (view.takenByMasks(apmask, view.aqmask()).isEmpty()) {
            addApmask(steps, view.apmask(), apmask);
            addAqmask(steps, view.aqmask(), aqmask);
        } else {
            ApMask freed = view.takenByMasks(view.apmask(), aqmask).isEmpty()
                    ? view.apmask()
                    : view.apmask().and(apmask);
            addApmask(steps, view.apmask(), freed);
            addAqmask(steps, view.aqmask(), aqmask);
            addApmask(steps, freed, apmask);
        }
        return steps;
    }

    private void addApmask(List<Step> steps, ApMask before, ApMask after) {
        if (!after.equals(before)) {
            steps.add(new Step(bus.setApmask(after), bus.setApmask(before)));
        }
    }

    private void addAqmask(List<Step> steps, ApMask before, ApMask after) {
        if (!after.equals(before)) {
            steps.add(new Step(bus.setAqmask(after), bus.setAqmask(before)));
        }
    }
}
