package org.apmatrix.service;

import org.apmatrix.ap.ApMask;

/** Bits of both masks. */
record MaskBits(ApMask adapters, ApMask domains) {
    static final MaskBits NONE = new MaskBits(ApMask.NONE, ApMask.NONE);

    /** The bits that are 1 in a picture. */
    static MaskBits setIn(HostView view) {
        return new MaskBits(view.apmask(), view.aqmask());
    }

    MaskBits and(MaskBits other) {
        return new MaskBits(adapters.and(other.adapters), domains.and(other.domains));
    }

    MaskBits or(MaskBits other) {
        return new MaskBits(adapters.or(other.adapters), domains.or(other.domains));
    }

    MaskBits minus(MaskBits other) {
        return new MaskBits(adapters.minus(other.adapters), domains.minus(other.domains));
    }

    /** The bits in which these differ from others. */
    MaskBits changedTo(MaskBits other) {
        return minus(other).or(other.minus(this));
    }

    boolean isEmpty() {
        return adapters.isEmpty() && domains.isEmpty();
    }
}
